import type { PeerlessError } from './errors.ts'

/** A request or notification of the other side. Answer it once with `reply` or `fail`; a notification is not answered. */
export interface IncomingRequest {
  readonly type: number
  /** Decoded CBOR, unchecked: alleged until the handler's schema has passed it. undefined when there was none. */
  readonly header: unknown
  /** A view of what was received; it is the handler's to keep. */
  readonly payload: Uint8Array
  readonly notification: boolean
  reply(header: unknown, payload?: Uint8Array): void
  fail(error: PeerlessError): void
  /** Called when the other side withdraws the request or the channel closes before it was answered. */
  onCancel(cancelled: () => void): void
  /**
   * Sends a part of the answer ahead of the reply; dropped once it was answered or withdrawn. How much may be under way is agreed between
   * the two ends (see `onCredit`), not counted here. @throws TOO_LARGE when it would break the bound of a frame
   */
  part(header: unknown, payload?: Uint8Array): void
  /** Called with what the requester grants: so many more bytes of parts. An alleged number, checked to be a whole one from 1. */
  onCredit(granted: (bytes: number) => void): void
}

export interface Reply {
  /** Decoded CBOR, alleged. */
  readonly header: unknown
  readonly payload: Uint8Array
}

/** Called exactly once; exactly one of the two is given. */
export type OnReply = (error: PeerlessError | undefined, reply: Reply | undefined) => void

/** One part of an answer, in order, before the reply. Header alleged; the payload is the receiver's to keep. */
export type OnPart = (header: unknown, payload: Uint8Array) => void

/** A request whose answer comes in parts, as the requester holds it. */
export interface StreamedRequest {
  /** Grants the other side so many more bytes of parts. Nothing once it was answered. */
  credit(bytes: number): void
  /** Gives up: `done` gets DEADLINE_EXCEEDED, the other side is told. */
  cancel(): void
}
