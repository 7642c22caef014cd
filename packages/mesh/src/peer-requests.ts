import { type Carrier, type OnPart, type OnReply, PeerlessError, type Reply, type StreamedRequest } from '@peerless/interface'
import { CARRIER_QUEUE_BYTES_MAX, UNANSWERED_BYTES_MAX } from './constants.ts'
import type { PeerLink } from './peer-link.ts'

const IGNORE = () => undefined

/** What this node asks of its peers, each over the carrier that its link has for it; refused at once where nothing could be sent. */
export class PeerRequests {
  readonly #links: ReadonlyMap<string, PeerLink>

  constructor(links: ReadonlyMap<string, PeerLink>) {
    this.#links = links
  }

  /** `request` of the `Mesh` contract. */
  request(peerId: string, type: number, header: unknown, payload: Uint8Array, done: OnReply): () => void {
    const carrier = this.#links.get(peerId)?.calls
    const wire = carrier?.wire
    if (wire === undefined) return refuse(done, notConnected(peerId))
    if (carrier?.full === true) return refuse(done, full(peerId))
    const id = wire.request(type, header, payload, done)
    return () => wire.cancel(id, new PeerlessError('DEADLINE_EXCEEDED', 'withdrawn'))
  }

  /** `requestStreamed` of the `Mesh` contract. */
  streamed(peerId: string, type: number, header: unknown, payload: Uint8Array, onPart: OnPart, done: OnReply): StreamedRequest {
    const carrier = this.#links.get(peerId)?.calls
    const wire = carrier?.wire
    if (wire === undefined) return refuseStreamed(done, notConnected(peerId))
    if (carrier?.full === true) return refuseStreamed(done, full(peerId))
    const counted = carrier?.count(payload.length, done)
    if (counted === undefined) return refuseStreamed(done, holding(peerId))
    const id = wire.requestStreamed(type, header, payload, onPart, counted)
    return {
      credit: (bytes) => wire.credit(id, bytes),
      cancel: () => wire.cancel(id, new PeerlessError('DEADLINE_EXCEEDED', 'withdrawn'))
    }
  }

  /** `call` of the `Mesh` contract. */
  async call(
    peerId: string,
    type: number,
    header: unknown,
    payload?: Uint8Array,
    options: { carrier?: Carrier; signal?: AbortSignal } = {}
  ): Promise<Reply> {
    const carrier = this.#links.get(peerId)?.[options.carrier ?? 'calls']
    const wire = carrier?.wire
    if (wire === undefined) throw notConnected(peerId)
    if (carrier?.full === true) throw full(peerId)
    return await wire.call(type, header, payload, options.signal)
  }

  /** `tell` of the `Mesh` contract. */
  tell(type: number, header: unknown): void {
    for (const { up, calls } of this.#links.values()) if (up && !calls.full) calls.wire?.notify(type, header)
  }
}

/** Nothing was sent. */
export function notConnected(peerId: string): PeerlessError {
  return new PeerlessError('UNAVAILABLE', `no connection to ${peerId}; nothing was sent`)
}

function full(peerId: string): PeerlessError {
  return new PeerlessError('BUSY', `more than ${CARRIER_QUEUE_BYTES_MAX} bytes wait for ${peerId}, which reads too slowly`)
}

function holding(peerId: string): PeerlessError {
  return new PeerlessError('BUSY', `${peerId} has not answered calls with payloads of ${UNANSWERED_BYTES_MAX} bytes in all`)
}

function refuseStreamed(done: OnReply, error: PeerlessError): StreamedRequest {
  return { credit: () => undefined, cancel: refuse(done, error) }
}

function refuse(done: OnReply, error: PeerlessError): () => void {
  queueMicrotask(() => done(error, undefined))
  return IGNORE
}
