import { bytesOf, TextDecoder, TextEncoder } from '../encoding.guest.ts'
import { enumerable, inspectable, membersOf } from '../idl.guest.ts'

const STREAM_PIECE_BYTES = 65_536

interface BlobOptions {
  type?: unknown
  endings?: unknown
}

/** The bytes of a blob, without a copy: nobody may write to them. */
let peek: (blob: Blob) => Uint8Array

/** In memory, and never changed: what is asked for is a copy. */
export class Blob {
  readonly #type: string
  readonly #bytes: Uint8Array

  constructor(parts: Iterable<unknown> = [], options: BlobOptions | null = {}) {
    if (typeof parts !== 'object' || parts === null || typeof parts[Symbol.iterator] !== 'function') {
      throw new TypeError('The "sources" argument must be a sequence')
    }
    if (options !== null && typeof options !== 'object' && typeof options !== 'function') {
      throw new TypeError('The "options" argument must be of type object.')
    }
    const { type, endings } = options ?? {}
    if (endings !== undefined && endings !== 'transparent' && endings !== 'native') {
      throw new TypeError(`The "options.endings" must be transparent or native, not ${String(endings)}`)
    }
    this.#bytes = join(Array.from(parts, (part) => pieceOf(part, endings === 'native')))
    this.#type = typeOf(type)
  }

  static {
    peek = (blob) => blob.#bytes
  }

  get size(): number {
    return this.#bytes.length
  }

  get type(): string {
    return this.#type
  }

  slice(from: unknown = 0, to: unknown = this.#bytes.length, type?: unknown): Blob {
    // Shares the bytes beneath, which nobody changes.
    return new Blob([new Shared(this.#bytes.subarray(positionOf(from), positionOf(to)))], { type })
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(this.#bytes)
  }

  async bytes(): Promise<Uint8Array> {
    return this.#bytes.slice()
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer as ArrayBuffer
  }

  stream(): unknown {
    const bytes = this.#bytes
    let at = 0
    const { ReadableStream } = require('./streams.guest.ts') as typeof import('./streams.guest.ts')
    return new ReadableStream({
      type: 'bytes',
      pull(controller) {
        if (at < bytes.length) controller.enqueue(bytes.slice(at, at + STREAM_PIECE_BYTES))
        at += STREAM_PIECE_BYTES
        if (at < bytes.length) return
        controller.close()
        controller.byobRequest?.respond(0)
      }
    })
  }

  get [Symbol.toStringTag](): string {
    return 'Blob'
  }
}

/** The nearest whole number, of two the even one: what Web IDL calls to clamp. */
function positionOf(alleged: unknown): number {
  const value = Number(alleged)
  const below = Math.floor(value)
  const half = value - below === 0.5
  return half ? below + (Math.abs(below) % 2) : Math.round(value)
}

/** Bytes that need not be copied. */
class Shared {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

function join(pieces: Uint8Array[]): Uint8Array {
  const [first] = pieces
  if (first === undefined) return new Uint8Array(0)
  if (pieces.length === 1) return first
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function pieceOf(part: unknown, nativeEndings: boolean): Uint8Array {
  if (part instanceof Shared) return part.bytes
  if (isBlob(part)) return peek(part)
  if (part instanceof ArrayBuffer || ArrayBuffer.isView(part)) return bytesOf(part).slice()
  const text = String(part)
  return new TextEncoder().encode(nativeEndings ? text.replace(/\r\n?|\n/g, '\n') : text)
}

function typeOf(alleged: unknown): string {
  const type = alleged === undefined ? '' : String(alleged)
  return /[^\x20-\x7e]/.test(type) ? '' : type.toLowerCase()
}

interface FileOptions extends BlobOptions {
  lastModified?: unknown
}

export class File extends Blob {
  readonly #name: string
  readonly #lastModified: number

  constructor(...args: [parts?: Iterable<unknown>, name?: unknown, options?: FileOptions | null]) {
    if (args.length < 2) throw new TypeError('The "fileBits" and "fileName" arguments must be specified')
    const [parts, name, options] = args
    super(parts, options)
    this.#name = String(name).toWellFormed()
    const at = options?.lastModified
    this.#lastModified = at === undefined ? Date.now() : Math.trunc(Number(at)) || 0
  }

  get name(): string {
    return this.#name
  }

  get lastModified(): number {
    return this.#lastModified
  }

  get webkitRelativePath(): string {
    return ''
  }

  override get [Symbol.toStringTag](): string {
    return 'File'
  }
}

enumerable(Blob, File)
inspectable(Blob, membersOf('size', 'type'))
inspectable(File, membersOf('size', 'type', 'name', 'lastModified'))

export function isBlob(value: unknown): value is Blob {
  return value instanceof Blob
}

/** The bytes themselves: not to be written to. */
export function bytesOfBlob(blob: Blob): Uint8Array {
  return peek(blob)
}
