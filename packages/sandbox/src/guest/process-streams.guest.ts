import { EventEmitter } from './emitter.guest.ts'
import { TextDecoder } from './encoding.guest.ts'
import { nextTick } from './ticks.guest.ts'

type Done = (...values: unknown[]) => void

/**
 * `process.stdout` and `process.stderr`: each write is a line of the log. Enough of a stream for what writes to it with a callback, listens to
 * it or is piped into it (`Console`, loggers); the library of `node:` modules is not needed for that.
 */
export class LogStream extends EventEmitter {
  readonly #write: (text: string) => void
  readonly fd: number
  readonly isTTY = false
  readonly writable = true
  readonly destroyed = false
  readonly writableLength = 0
  readonly writableNeedDrain = false
  readonly writableObjectMode = false
  readonly writableHighWaterMark = 16_384

  constructor(fd: number, write: (text: string) => void) {
    super()
    this.fd = fd
    this.#write = write
  }

  write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
    this.#write(textOf(chunk).replace(/\n$/, ''))
    const callback = typeof encoding === 'function' ? encoding : done
    if (typeof callback === 'function') nextTick(callback as Done, null)
    return true
  }

  /** Says that all is written, and goes on: neither of the two is ever closed. */
  end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
    const callback = [chunk, encoding, done].find((value) => typeof value === 'function')
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.write(chunk)
    nextTick(() => {
      if (callback !== undefined) (callback as Done)()
      this.emit('finish')
    })
    return this
  }

  cork(): void {
    // Nothing is held back.
  }

  uncork(): void {
    // As above.
  }

  destroy(): this {
    return this
  }

  setDefaultEncoding(): this {
    return this
  }
}

function textOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk
  if (chunk instanceof Uint8Array) return new TextDecoder().decode(chunk)
  throw Object.assign(
    new TypeError('The "chunk" argument must be of type string or an instance of Buffer, TypedArray, or DataView.'),
    { code: 'ERR_INVALID_ARG_TYPE' }
  )
}
