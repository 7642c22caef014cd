import { ASK } from '../bridge-operations.ts'
import { ask } from './bridge.guest.ts'

const LATIN1_BASE64_CHUNK = 8_192

/** UTF-8 both ways by the executor's own coders: an isolate has none, and written in JavaScript they are several times slower. */
export class TextEncoder {
  readonly encoding = 'utf-8'

  encode(text: unknown = ''): Uint8Array {
    const string = String(text)
    return string === '' ? new Uint8Array(0) : (ask(ASK.ENCODE, string) as Uint8Array)
  }

  encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
    let read = 0
    let written = 0
    for (const character of text) {
      const bytes = this.encode(character)
      if (written + bytes.length > target.length) break
      target.set(bytes, written)
      written += bytes.length
      read += character.length
    }
    return { read, written }
  }
}

interface DecoderOptions {
  fatal?: boolean
  ignoreBOM?: boolean
}

export class TextDecoder {
  readonly encoding: string
  readonly fatal: boolean
  readonly ignoreBOM: boolean
  /** The head of a character whose rest is still to come (`stream: true`). */
  #held = new Uint8Array(0)
  #begun = false

  constructor(label: string = 'utf-8', options: DecoderOptions = {}) {
    const name = String(label).trim().toLowerCase()
    this.encoding = name === 'utf8' || name === 'unicode-1-1-utf-8' ? 'utf-8' : name
    this.fatal = options.fatal === true
    this.ignoreBOM = options.ignoreBOM === true
    if (ask(ASK.DECODE, new Uint8Array(0), this.encoding, false, false) === undefined) {
      throw new RangeError(`the encoding '${name.slice(0, 40)}' is not known`)
    }
  }

  decode(input?: ArrayBuffer | ArrayBufferView, options: { stream?: boolean } = {}): string {
    let bytes = bytesOf(input)
    if (this.#held.length > 0) {
      const joined = new Uint8Array(this.#held.length + bytes.length)
      joined.set(this.#held)
      joined.set(bytes, this.#held.length)
      bytes = joined
      this.#held = new Uint8Array(0)
    }
    const stream = options.stream === true
    if (stream) {
      const whole = wholeLength(bytes, this.encoding)
      this.#held = bytes.slice(whole)
      bytes = bytes.subarray(0, whole)
    }
    const text =
      bytes.length === 0 ? '' : ask(ASK.DECODE, bytes.slice(), this.encoding, this.fatal, this.ignoreBOM || this.#begun)
    this.#begun = stream && (this.#begun || bytes.length > 0)
    if (typeof text !== 'string') throw new TypeError(`the bytes are not valid ${this.encoding}`)
    return text
  }
}

/** Bytes up to the last whole character. */
function wholeLength(bytes: Uint8Array, encoding: string): number {
  if (encoding.startsWith('utf-16')) return bytes.length - (bytes.length % 2)
  if (encoding !== 'utf-8') return bytes.length
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number
    if ((byte & 0xc0) === 0x80) continue
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needed > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}

export function bytesOf(input: ArrayBuffer | ArrayBufferView | undefined): Uint8Array {
  if (input === undefined) return new Uint8Array(0)
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer as ArrayBuffer, input.byteOffset, input.byteLength)
  return new Uint8Array(input)
}

export function atob(text: unknown): string {
  let bytes: Uint8Array
  try {
    bytes = Uint8Array.fromBase64(String(text))
  } catch {
    throw new Error('InvalidCharacterError: the string is not correctly encoded')
  }
  let latin1 = ''
  for (let at = 0; at < bytes.length; at += LATIN1_BASE64_CHUNK) {
    latin1 += String.fromCharCode(...bytes.subarray(at, at + LATIN1_BASE64_CHUNK))
  }
  return latin1
}

export function btoa(text: unknown): string {
  const string = String(text)
  const bytes = new Uint8Array(string.length)
  for (let index = 0; index < string.length; index++) {
    const code = string.charCodeAt(index)
    if (code > 255) throw new Error('InvalidCharacterError: the string has characters outside latin1')
    bytes[index] = code
  }
  return bytes.toBase64()
}
