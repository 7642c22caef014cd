import type { IncomingMessage } from 'node:http'
import { pipeline, type Readable, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { EgressError } from './egress-error.ts'
import { CODINGS_MAX, PIECE_BYTES_MAX, RESPONSE_BYTES_MAX } from './limits.ts'

/** Lenient at the end, as browsers are: a stream that was cut where all its data had come is taken. */
const ZLIB = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH }
const DECODERS: Record<string, () => Transform> = {
  gzip: () => zlib.createGunzip(ZLIB),
  'x-gzip': () => zlib.createGunzip(ZLIB),
  deflate: () => zlib.createInflate(ZLIB),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress()
}

/** @throws EgressError for more codings than anybody needs */
function decodersFor(response: IncomingMessage, method: string): Transform[] {
  const status = response.statusCode ?? 0
  if (method === 'HEAD' || status === 204 || status === 304 || status === 101) return []
  const codings = (response.headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  if (codings.length > CODINGS_MAX) {
    throw new EgressError('content-encoding', `${codings.length} content codings, at most ${CODINGS_MAX}`)
  }
  const decoders: Transform[] = []
  // The last was applied last; what is not known is left as it is, with all that lies beneath.
  for (const coding of codings.reverse()) {
    const make = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined
    if (make === undefined) return coding === '' || coding === 'identity' ? decoders : []
    decoders.push(make())
  }
  return decoders
}

export interface BodyEvents {
  data(bytes: Uint8Array, ended: boolean): void
  failed(error: unknown): void
}

/** The body of a response, decoded, in pieces, and never more than was asked for. */
export class ResponseBody {
  readonly #source: Readable
  readonly #events: BodyEvents
  #credit = 0
  #total = 0
  #ended = false
  #over = false

  /** @throws EgressError */
  constructor(response: IncomingMessage, method: string, events: BodyEvents) {
    this.#events = events
    const decoders = decodersFor(response, method)
    const last = decoders.at(-1)
    const settled = (error: unknown) => {
      if (error !== undefined && error !== null) this.#fail(error)
    }
    if (last === undefined) {
      this.#source = response
      response.on('error', settled)
      response.once('aborted', () => settled(cut()))
    } else {
      this.#source = last
      pipeline([response, ...decoders], settled)
    }
    this.#source.on('readable', () => this.#pump())
    this.#source.once('end', () => {
      this.#ended = true
      this.#pump()
    })
  }

  credit(bytes: number): void {
    this.#credit += bytes
    this.#pump()
  }

  stop(): void {
    this.#over = true
    this.#source.destroy()
  }

  #pump(): void {
    while (!this.#over) {
      if (this.#ended) {
        this.#over = true
        this.#events.data(new Uint8Array(0), true)
        return
      }
      const size = Math.min(this.#credit, PIECE_BYTES_MAX, this.#source.readableLength)
      // With nothing in the buffer, reading nothing asks for more.
      const piece = this.#source.read(this.#credit > 0 ? size : 0) as Buffer | null
      if (piece === null || piece.length === 0) return
      this.#credit -= piece.length
      this.#total += piece.length
      if (this.#total > RESPONSE_BYTES_MAX) {
        this.#fail(new EgressError('response body', `the response's body is larger than ${RESPONSE_BYTES_MAX} bytes`))
        return
      }
      this.#events.data(piece, false)
    }
  }

  #fail(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#source.destroy()
    this.#events.failed(error)
  }
}

function cut(): EgressError {
  return new EgressError('network', 'the connection closed before the body was whole', false, 'ECONNRESET')
}
