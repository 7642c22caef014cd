import { ASK, ZLIB_STEP_BYTES_MAX } from '../../bridge-operations.ts'
import { core } from './core.guest.ts'
import { bytesOf } from './encodings.guest.ts'

type OnError = (message: string, errno: number, code: string) => void

/** Modes from which on it is brotli or zstd, whose flush value for "not the end yet" is 0 as zlib's is. */
const KEEP_ON = 0

/** Streams that nobody ended or destroyed, as Node frees them: an instance has few, and would have none left after some calls. */
const forgotten = new FinalizationRegistry<number>((id) => void core.ask(ASK.ZLIB_CLOSE, id))

/** A compression stream of the executor, stepped synchronously: it holds what is not JavaScript's, the bytes stay here. */
class Handle {
  readonly #mode: number
  #id: number | undefined
  #state: Uint32Array | undefined
  #done: (() => void) | undefined
  #closed = false
  onerror: OnError | undefined

  constructor(mode: number) {
    this.#mode = mode
  }

  /** Whatever the kind, by position. */
  open(options: object, dictionary: ArrayBufferView | undefined, state: Uint32Array, done: () => void): void {
    this.#state = state
    this.#done = done
    const given = dictionary === undefined ? undefined : bytesOf(dictionary).slice()
    const opened = core.ask(ASK.ZLIB_OPEN, this.#mode, JSON.stringify(options), given)
    if (typeof opened !== 'number') throw failure(opened)
    this.#id = opened
    forgotten.register(this, opened, this)
  }

  writeSync(
    flush: number,
    input: ArrayBufferView | null,
    inOffset: number,
    inLength: number,
    output: ArrayBufferView,
    outOffset: number,
    outLength: number
  ): void {
    const source = input === null ? new Uint8Array(0) : bytesOf(input)
    const target = bytesOf(output)
    const state = this.#state as Uint32Array
    let at = inOffset
    let left = inLength
    let room = outLength
    for (;;) {
      const count = Math.min(left, ZLIB_STEP_BYTES_MAX)
      const last = count === left
      const wanted = Math.min(room, ZLIB_STEP_BYTES_MAX)
      const step = core.ask(ASK.ZLIB_WRITE, this.#id, last ? flush : KEEP_ON, source.slice(at, at + count), wanted)
      if (!(step instanceof Uint8Array)) {
        const [code = '', errno = '0', message = ''] = String(step ?? '').split('\0')
        this.onerror?.(message, Number(errno), code)
        return
      }
      const head = new DataView(step.buffer, step.byteOffset, 8)
      const unread = head.getUint32(4)
      target.set(step.subarray(8), outOffset + outLength - room)
      room -= step.length - 8
      const taken = count - unread
      at += taken
      left -= taken
      const full = step.length - 8 === wanted
      // Went on only while a piece of the input, or of the room, was all that was offered.
      if (room === 0 || (last && !full) || (unread > 0 && !full)) break
    }
    state[0] = room
    state[1] = left
  }

  write(
    flush: number,
    input: ArrayBufferView | null,
    inOffset: number,
    inLength: number,
    output: ArrayBufferView,
    outOffset: number,
    outLength: number
  ): void {
    queueMicrotask(() => {
      if (this.#closed) return
      let failed = false
      const { onerror } = this
      this.onerror = (...values) => {
        failed = true
        Reflect.apply(onerror as OnError, this, values)
      }
      this.writeSync(flush, input, inOffset, inLength, output, outOffset, outLength)
      this.onerror = onerror
      if (!failed) Reflect.apply(this.#done as () => void, this, [])
    })
  }

  params(level: number, strategy: number): void {
    core.ask(ASK.ZLIB_RESET, this.#id, level, strategy)
  }

  reset(): void {
    core.ask(ASK.ZLIB_RESET, this.#id)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    forgotten.unregister(this)
    core.ask(ASK.ZLIB_CLOSE, this.#id)
  }

  getAsyncId(): number {
    return 0
  }
}

class Zlib extends Handle {
  init(
    windowBits: number,
    level: number,
    memLevel: number,
    strategy: number,
    state: Uint32Array,
    done: () => void,
    dictionary: ArrayBufferView | undefined,
    rejectGarbageAfterEnd: boolean
  ): void {
    this.open({ windowBits, level, memLevel, strategy, rejectGarbageAfterEnd }, dictionary, state, done)
  }
}

class Brotli extends Handle {
  init(params: Uint32Array, state: Uint32Array, done: () => void, dictionary: ArrayBufferView | undefined): void {
    this.open({ params: givenOf(params) }, dictionary, state, done)
  }
}

class Zstd extends Handle {
  init(
    params: Uint32Array,
    pledgedSrcSize: number | undefined,
    state: Uint32Array,
    done: () => void,
    dictionary: ArrayBufferView | undefined
  ): void {
    this.open({ params: givenOf(params), pledgedSrcSize }, dictionary, state, done)
  }
}

/** Those that were given: the others are 2 ** 32 - 1. */
function givenOf(params: Uint32Array): Record<number, number> {
  return Object.fromEntries([...params.entries()].filter(([, value]) => value !== 0xffffffff))
}

function failure(told: unknown): Error {
  const [code = 'ERR_ZLIB_INITIALIZATION_FAILED', , message = 'Initialization failed'] = String(told ?? '').split('\0')
  return Object.assign(new Error(message), { code })
}

let table: Uint32Array | undefined

function crc32(data: string | ArrayBufferView, before: number): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb88320
    return value
  })
  let crc = ~before >>> 0
  for (const byte of typeof data === 'string' ? Buffer.from(data) : bytesOf(data)) {
    crc = (table[(crc ^ byte) & 255] as number) ^ (crc >>> 8)
  }
  return ~crc >>> 0
}

export function makeBindingZlib(): Record<string, unknown> {
  return {
    Zlib,
    BrotliEncoder: Brotli,
    BrotliDecoder: Brotli,
    ZstdCompress: class extends Zstd {
      constructor() {
        super(10)
      }
    },
    ZstdDecompress: class extends Zstd {
      constructor() {
        super(11)
      }
    },
    crc32
  }
}
