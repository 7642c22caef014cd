import { bytesOf, TextDecoder, TextEncoder } from './encoding.guest.ts'

/** Blob in memory; no streams yet. */
export class Blob {
  readonly type: string
  readonly #bytes: Uint8Array

  constructor(parts: Iterable<unknown> = [], options: { type?: string } = {}) {
    const pieces = [...parts].map(pieceOf)
    const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
    let at = 0
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    this.#bytes = bytes
    this.type = String(options.type ?? '').toLowerCase()
  }

  /** @internal */
  static bytesOf(blob: Blob): Uint8Array {
    return blob.#bytes
  }

  get size(): number {
    return this.#bytes.length
  }

  slice(from?: number, to?: number, type?: string): Blob {
    return new Blob([this.#bytes.slice(from, to)], { type: type ?? '' })
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
}

function pieceOf(part: unknown): Uint8Array {
  if (part instanceof Blob) return Blob.bytesOf(part)
  if (part instanceof ArrayBuffer || ArrayBuffer.isView(part)) return bytesOf(part)
  return new TextEncoder().encode(String(part))
}

export class File extends Blob {
  readonly name: string
  readonly lastModified: number

  constructor(parts: Iterable<unknown>, name: unknown, options: { type?: string; lastModified?: number } = {}) {
    super(parts, options)
    this.name = String(name)
    this.lastModified = options.lastModified ?? Date.now()
  }
}
