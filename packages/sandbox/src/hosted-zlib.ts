import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { fieldsOf } from './job-input.ts'

/** Compression streams of one instance at a time; a deflating one holds 256 KB outside the isolate's heap. */
const STREAMS_MAX = 32
/** What one step returns at most: a bomb unfolds piece by piece, and every piece counts against the isolate's memory. */
const STEP_BYTES_MAX = 262_144
const LEVEL_MAX = 9

/** Garbage behind the end is an error, as in Node's own DecompressionStream. */
const STRICT = { rejectGarbageAfterEnd: true } as zlib.ZlibOptions
const MAKERS = {
  gzip: (level: number | undefined) => zlib.createGzip(level === undefined ? {} : { level }),
  deflate: (level: number | undefined) => zlib.createDeflate(level === undefined ? {} : { level }),
  'deflate-raw': (level: number | undefined) => zlib.createDeflateRaw(level === undefined ? {} : { level }),
  brotli: () => zlib.createBrotliCompress(),
  gunzip: () => zlib.createGunzip(STRICT),
  inflate: () => zlib.createInflate(STRICT),
  'inflate-raw': () => zlib.createInflateRaw(STRICT),
  unbrotli: () => zlib.createBrotliDecompress(STRICT as zlib.BrotliOptions)
} as const
type Kind = keyof typeof MAKERS
const KINDS = Object.keys(MAKERS) as Kind[]

interface Step {
  text: string
  bytes?: Uint8Array
}

/**
 * Compression streams of one isolate. It pulls: each step takes a piece or none, and gives what has come out so far. Text `more` says that
 * the same piece has more to give, `next` that the stream wants another, `end` that it is over.
 */
export class ZlibShelf {
  readonly #streams = new Map<number, HostedZlib>()

  /**
   * @param json stream (the guest's number for it), kind, level, end (no more pieces come), close
   * @throws TypeError for bad input; errors of zlib for bad data
   */
  async step(json: string, piece: Uint8Array | undefined): Promise<Step> {
    const order = fieldsOf(json)
    const number = order.integer('stream', 1, Number.MAX_SAFE_INTEGER)
    if (order.flag('close')) {
      this.#close(number)
      return { text: 'end' }
    }
    let stream = this.#streams.get(number)
    if (stream === undefined) {
      const kind = order.oneOf('kind', KINDS)
      const level = order.get('level') === undefined ? undefined : order.integer('level', -1, LEVEL_MAX)
      if (this.#streams.size >= STREAMS_MAX) {
        throw new RangeError(`${this.#streams.size} compression streams are open, at most ${STREAMS_MAX}`)
      }
      stream = new HostedZlib(MAKERS[kind](level))
      this.#streams.set(number, stream)
    }
    try {
      const step = await stream.step(piece, order.flag('end'))
      if (step.text === 'end') this.#close(number)
      return step
    } catch (error) {
      this.#close(number)
      throw error
    }
  }

  dispose(): void {
    for (const number of [...this.#streams.keys()]) this.#close(number)
  }

  #close(number: number): void {
    this.#streams.get(number)?.close()
    this.#streams.delete(number)
  }
}

class HostedZlib {
  readonly #stream: Transform
  /** The piece of the last step was taken in whole. */
  #taken = true
  #ended = false
  #error: Error | undefined
  #changed: (() => void) | undefined

  constructor(stream: Transform) {
    this.#stream = stream
    const changed = () => {
      const run = this.#changed
      this.#changed = undefined
      run?.()
    }
    stream.on('readable', changed)
    stream.once('end', () => {
      this.#ended = true
      changed()
    })
    stream.once('error', (error) => {
      this.#error = new TypeError(error.message)
      changed()
    })
    stream.once('close', changed)
  }

  async step(piece: Uint8Array | undefined, end: boolean): Promise<Step> {
    if (piece !== undefined && piece.length > 0 && !this.#stream.writableEnded) {
      this.#taken = false
      this.#stream.write(piece, () => {
        this.#taken = true
        const run = this.#changed
        this.#changed = undefined
        run?.()
      })
    }
    if (end && !this.#stream.writableEnded) this.#stream.end()
    for (;;) {
      const bytes = this.#read()
      if (this.#error !== undefined) {
        // What was good before the fault is given first.
        if (bytes.length > 0) return { text: 'more', bytes }
        throw this.#error
      }
      if (this.#ended) return { text: 'end', bytes }
      if (bytes.length >= STEP_BYTES_MAX) return { text: 'more', bytes }
      const idle = this.#taken && !this.#stream.writableEnded
      if (bytes.length > 0 || idle) return { text: idle ? 'next' : 'more', bytes }
      if (this.#stream.destroyed) throw new TypeError('the stream is closed')
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  close(): void {
    this.#stream.destroy()
    const run = this.#changed
    this.#changed = undefined
    run?.()
  }

  #read(): Uint8Array {
    const parts: Buffer[] = []
    let length = 0
    while (length < STEP_BYTES_MAX) {
      const part = this.#stream.read() as Buffer | null
      if (part === null) break
      parts.push(part)
      length += part.length
    }
    return new Uint8Array(Buffer.concat(parts))
  }
}
