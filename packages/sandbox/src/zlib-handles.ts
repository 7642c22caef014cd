import * as zlib from 'node:zlib'
import { ZLIB_STEP_BYTES_MAX } from './bridge-operations.ts'

/** Open at a time in one instance; a deflating one holds 256 KB outside the isolate's heap, a brotli encoder some megabytes. */
const HANDLES_MAX = 32
const DICTIONARY_BYTES_MAX = 1_048_576
const OPTIONS_CHARS_MAX = 4_096
/** Brotli's window and quality cost memory: 2 ** 22 bytes and what it needs besides. */
const BROTLI_PARAM_LGWIN = zlib.constants.BROTLI_PARAM_LGWIN
const BROTLI_LGWIN_MAX = 22
const ZSTD_WINDOW_LOG_MAX = 22

/** What Node's streams are inside: one step at a time, synchronously, into a given buffer. */
interface Raw {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      inOffset: number,
      inLength: number,
      output: Uint8Array,
      outOffset: number,
      outLength: number
    ): void
    reset(): void
    params(level: number, strategy: number): void
    onerror: (message: string, errno: number, code: string) => void
  }
  readonly _writeState: Uint32Array
  close(): void
  on(name: 'error', listener: () => void): void
}

const MAKERS: Record<number, (options: object) => unknown> = {
  1: zlib.createDeflate,
  2: zlib.createInflate,
  3: zlib.createGzip,
  4: zlib.createGunzip,
  5: zlib.createDeflateRaw,
  6: zlib.createInflateRaw,
  7: zlib.createUnzip,
  8: zlib.createBrotliDecompress,
  9: zlib.createBrotliCompress,
  10: zlib.createZstdCompress,
  11: zlib.createZstdDecompress
}

/** Compression streams that one isolate has open, for its node:zlib. What comes in is guest code's and checked; answers say nothing of the host. */
export class ZlibHandles {
  readonly #open = new Map<number, Raw>()
  #next = 1

  /** @returns a number for it, or `code NUL errno NUL message` */
  open(mode: unknown, optionsJson: unknown, dictionary: unknown): number | string {
    const make = typeof mode === 'number' ? MAKERS[mode] : undefined
    if (make === undefined || typeof optionsJson !== 'string' || optionsJson.length > OPTIONS_CHARS_MAX)
      return refusal('no such stream')
    if (this.#open.size >= HANDLES_MAX) return refusal(`${this.#open.size} compression streams are open, at most ${HANDLES_MAX}`)
    if (dictionary instanceof Uint8Array && dictionary.length > DICTIONARY_BYTES_MAX) {
      return refusal(`a dictionary of ${dictionary.length} bytes, at most ${DICTIONARY_BYTES_MAX}`)
    }
    try {
      const options = limited(JSON.parse(optionsJson), mode as number)
      const raw = make(dictionary instanceof Uint8Array ? { ...options, dictionary } : options) as Raw
      // Errors are asked for after each step.
      raw.on('error', () => undefined)
      this.#open.set(this.#next, raw)
      return this.#next++
    } catch (error) {
      return refusal((error as Error).message, (error as { code?: string }).code)
    }
  }

  /** @returns room left and input left as 32-bit numbers, then what came out; or an error as `open` */
  write(id: unknown, flush: unknown, input: unknown, room: unknown): Uint8Array | string {
    const raw = this.#open.get(Number(id))
    const good = typeof flush === 'number' && flush >= 0 && flush <= 5 && typeof room === 'number' && room >= 0
    if (raw === undefined || !good || !(input instanceof Uint8Array)) return refusal('the stream is closed')
    if (input.length > ZLIB_STEP_BYTES_MAX || room > ZLIB_STEP_BYTES_MAX) return refusal('the step is too large')
    let failure: string | undefined
    raw._handle.onerror = (message, errno, code) => {
      failure = `${code}\0${errno}\0${message}`
    }
    const out = new Uint8Array(8 + room)
    raw._handle.writeSync(flush, input, 0, input.length, out, 8, room)
    if (failure !== undefined) return failure
    const roomLeft = raw._writeState[0] as number
    const head = new DataView(out.buffer)
    head.setUint32(0, roomLeft)
    head.setUint32(4, raw._writeState[1] as number)
    return out.slice(0, out.length - roomLeft)
  }

  reset(id: unknown, level: unknown, strategy: unknown): void {
    const raw = this.#open.get(Number(id))
    if (raw === undefined) return
    if (typeof level !== 'number') raw._handle.reset()
    else if (level >= -1 && level <= 9 && typeof strategy === 'number' && strategy >= 0 && strategy <= 4)
      raw._handle.params(level, strategy)
  }

  close(id: unknown): void {
    this.#open.get(Number(id))?.close()
    this.#open.delete(Number(id))
  }
}

function limited(alleged: unknown, mode: number): object {
  const options: Record<string, unknown> = typeof alleged === 'object' && alleged !== null ? { ...alleged } : {}
  if (mode < 8) return options
  const params: Record<string, number> = { ...(options.params as object) }
  if (mode === 9) params[BROTLI_PARAM_LGWIN] = Math.min(params[BROTLI_PARAM_LGWIN] ?? BROTLI_LGWIN_MAX, BROTLI_LGWIN_MAX)
  if (mode === 11) params[zlib.constants.ZSTD_d_windowLogMax] = ZSTD_WINDOW_LOG_MAX
  return { ...options, params }
}

function refusal(message: string, code = 'ERR_ZLIB_INITIALIZATION_FAILED'): string {
  return `${code}\0-1\0${message}`
}
