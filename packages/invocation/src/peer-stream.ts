import { type IncomingRequest, STREAM_CLOSED_CREDIT, type StreamSink, type StreamSource } from '@peerless/interface'

/**
 * Executing side: what an instance streams goes on as parts of the reply; the caller's credit goes through to the instance, so one window
 * covers the whole way. First part: [status code, headers, cold]; the others have no header.
 */
export class StreamToPeer implements StreamSink {
  readonly #request: IncomingRequest
  #source: StreamSource | undefined
  #withdrawn = false

  constructor(request: IncomingRequest) {
    this.#request = request
    request.onCredit((bytes) => this.credited(bytes))
  }

  credited(bytes: number): void {
    if (bytes >= STREAM_CLOSED_CREDIT) this.withdraw()
    else this.#source?.credit(bytes)
  }

  open(head: Parameters<StreamSink['open']>[0], source: StreamSource): void {
    this.#source = source
    this.#request.part([head.http.statusCode, head.http.headers, head.cold])
    if (this.#withdrawn) source.cancel()
  }

  chunk(bytes: Uint8Array): void {
    this.#request.part(undefined, bytes)
  }

  /** The caller takes no more. */
  withdraw(): void {
    this.#withdrawn = true
    this.#source?.cancel()
  }
}
