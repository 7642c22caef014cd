import {
  type HttpHead,
  LIMITS,
  PeerlessError,
  STREAM_CLOSED_CREDIT,
  type StreamedRequest,
  type StreamSink,
  type StreamSource
} from '@peerless/interface'
import { PartWindow } from './part-window.ts'

/** Small credits of one stream are joined up to this: a quarter of the window. */
const CREDIT_BATCH_BYTES = LIMITS.streamChunkBytesMax

/**
 * A streamed answer on its way from the parts of a reply into the sink of its call. First part: [status code, flat headers, and
 * from a peer whether it was cold]; the others have no header and 1 to LIMITS.streamChunkBytesMax bytes. Used over the pipe to an executor and over the stream to a peer alike.
 */
export class StreamIntake implements StreamSource {
  readonly #sink: StreamSink
  readonly #node: string
  readonly #cold: boolean | undefined
  readonly #window: PartWindow
  readonly #readHead: (statusCode: unknown, headers: unknown) => HttpHead
  readonly #request: () => Pick<StreamedRequest, 'credit'>
  #opened = false
  #closed = false
  /** Bytes that came; undefined until the answer began to stream. */
  bytes: number | undefined

  /**
   * @param source who runs it, how status and headers are checked (as much as that side is trusted), and whether it was cold, where that is known here
   * @param request what credit is granted to; asked for when the first part is there
   */
  constructor(
    sink: StreamSink,
    source: { node: string; readHead: (statusCode: unknown, headers: unknown) => HttpHead; cold?: boolean },
    request: () => Pick<StreamedRequest, 'credit'>
  ) {
    this.#sink = sink
    this.#node = source.node
    this.#cold = source.cold
    this.#readHead = source.readHead
    this.#request = request
    this.#window = new PartWindow(LIMITS.streamWindowBytes, CREDIT_BATCH_BYTES, (bytes) => request().credit(bytes))
  }

  /** @throws PeerlessError MALFORMED */
  part(header: unknown, payload: Uint8Array): void {
    if (!this.#opened) {
      const [statusCode, headers, cold] = Array.isArray(header) ? header : []
      const http = this.#readHead(statusCode, headers)
      this.#opened = true
      this.bytes = 0
      this.#sink.open({ http, node: this.#node, cold: this.#cold ?? cold === true }, this)
      return
    }
    if (payload.length === 0 || payload.length > LIMITS.streamChunkBytesMax) {
      throw new PeerlessError('MALFORMED', `a chunk of ${payload.length} bytes must have 1 to ${LIMITS.streamChunkBytesMax}`)
    }
    this.#window.take(payload.length)
    this.bytes = (this.bytes ?? 0) + payload.length
    if (!this.#closed) this.#sink.chunk(payload)
  }

  credit(bytes: number): void {
    this.#window.credit(bytes)
  }

  cancel(): void {
    if (this.#closed) return
    this.#closed = true
    this.#window.close()
    this.#request().credit(STREAM_CLOSED_CREDIT)
  }
}
