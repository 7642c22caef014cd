import { bytesOf, TextDecoder } from './encoding.guest.ts'

/** Bytes of these encodings come in groups that make whole characters of text only together. */
const GROUP_BYTES: Record<string, number> = { base64: 3, base64url: 3, hex: 1, latin1: 1, binary: 1, ascii: 1 }
const DECODED: Record<string, string> = {
  utf8: 'utf-8',
  'utf-8': 'utf-8',
  ucs2: 'utf-16le',
  'ucs-2': 'utf-16le',
  utf16le: 'utf-16le',
  'utf-16le': 'utf-16le'
}

export class StringDecoder {
  readonly encoding: string
  readonly #decoder: TextDecoder | undefined
  #held = new Uint8Array(0)

  constructor(encoding: unknown = 'utf8') {
    this.encoding = String(encoding).toLowerCase()
    const label = DECODED[this.encoding]
    if (label === undefined && GROUP_BYTES[this.encoding] === undefined) {
      throw Object.assign(new TypeError(`Unknown encoding: ${this.encoding.slice(0, 40)}`), { code: 'ERR_UNKNOWN_ENCODING' })
    }
    this.#decoder = label === undefined ? undefined : new TextDecoder(label, { ignoreBOM: true })
  }

  write(chunk: string | ArrayBufferView): string {
    if (typeof chunk === 'string') return chunk
    const bytes = bytesOf(chunk)
    if (this.#decoder !== undefined) return this.#decoder.decode(bytes, { stream: true })
    const joined = new Uint8Array(this.#held.length + bytes.length)
    joined.set(this.#held)
    joined.set(bytes, this.#held.length)
    const whole = joined.length - (joined.length % (GROUP_BYTES[this.encoding] as number))
    this.#held = joined.slice(whole)
    return Buffer.from(joined.subarray(0, whole)).toString(this.encoding as BufferEncoding)
  }

  end(chunk?: string | ArrayBufferView): string {
    const text = chunk === undefined ? '' : this.write(chunk)
    if (this.#decoder !== undefined) return text + this.#decoder.decode()
    const rest = Buffer.from(this.#held).toString(this.encoding as BufferEncoding)
    this.#held = new Uint8Array(0)
    return text + rest
  }
}
