import { type IncomingRequest, PeerlessError, STREAM_CLOSED_CREDIT } from '@peerless/interface'
import { functionErrorJson } from './executor-protocol.ts'
import { checkHeaders, checkStatusCode } from './http-head.ts'

export interface StreamBounds {
  readonly bytesMax: number
  readonly chunkBytesMax: number
  readonly windowBytes: number
}

/**
 * The executor's side of a streamed answer. The glue inside the isolate keeps the same counts, but guest code runs beside it: what
 * breaks a bound here ends the call and its instance.
 */
export class HostedStream {
  readonly #request: IncomingRequest
  readonly #bounds: StreamBounds
  #window: number
  #bytes = 0
  #closed = false
  opened = false

  constructor(request: IncomingRequest, bounds: StreamBounds) {
    this.#request = request
    this.#bounds = bounds
    this.#window = bounds.windowBytes
  }

  /** @returns the error JSON when it is no head */
  head(statusCode: unknown, headers: unknown): string | undefined {
    if (this.opened) return broken('a streamed answer began twice')
    try {
      const head = [checkStatusCode(statusCode), checkHeaders(typeof headers === 'string' ? headers : '')]
      this.opened = true
      this.#request.part(head)
      return undefined
    } catch (error) {
      return broken(error instanceof PeerlessError ? error.message : 'malformed answer')
    }
  }

  /** @returns the error JSON when it breaks a bound */
  chunk(bytes: unknown): string | undefined {
    if (!(bytes instanceof Uint8Array) || bytes.length === 0 || bytes.length > this.#bounds.chunkBytesMax) {
      return broken(`a chunk must be 1 to ${this.#bounds.chunkBytesMax} bytes`)
    }
    if (!this.opened) return broken('a chunk came before status and headers')
    this.#bytes += bytes.length
    if (this.#bytes > this.#bounds.bytesMax) return streamTooLargeJson(this.#bounds.bytesMax)
    if (this.#closed) return undefined
    this.#window -= bytes.length
    if (this.#window < 0) return broken(`more than ${this.#bounds.windowBytes} bytes were sent without credit`)
    this.#request.part(undefined, bytes)
    return undefined
  }

  /** @returns what the glue is to be told */
  credit(bytes: number): number {
    if (bytes >= STREAM_CLOSED_CREDIT) this.#closed = true
    else this.#window += bytes
    return bytes
  }
}

/** As the limit of a whole answer is worded on AWS. */
function streamTooLargeJson(bytesMax: number): string {
  return functionErrorJson(
    'Function.ResponseSizeTooLarge',
    `Response payload size exceeded maximum allowed payload size (${bytesMax} bytes).`
  )
}

function broken(message: string): string {
  return functionErrorJson('Runtime.InvalidHttpResponse', message, [])
}
