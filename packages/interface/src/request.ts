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
}

export interface Reply {
  /** Decoded CBOR, alleged. */
  readonly header: unknown
  readonly payload: Uint8Array
}

/** Called exactly once; exactly one of the two is given. */
export type OnReply = (error: PeerlessError | undefined, reply: Reply | undefined) => void
