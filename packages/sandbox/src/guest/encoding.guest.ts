import { ASK } from '../bridge-operations.ts'
import { ask } from './bridge.guest.ts'
import { DOMException } from './dom-exception.guest.ts'
import { enumerable, inspectable, membersOf } from './idl.guest.ts'
import { utf8Length, utf8Slice, utf8Write } from './node/utf8.guest.ts'

const LATIN1_BASE64_CHUNK = 8_192
/** Up to so many characters or bytes UTF-8 is written and read here: the crossing takes up to 50 µs, where the call runs on a thread of its own. */
const HERE_MAX = 4_096
const REPLACEMENT = '\ufffd'
const MARK = '\ufeff'

/** UTF-8 both ways, what is long by the executor's own coders: an isolate has none, and written in JavaScript they are several times slower. */
export class TextEncoder {
  get encoding(): string {
    return 'utf-8'
  }

  encode(text: unknown = ''): Uint8Array<ArrayBuffer> {
    const string = String(text)
    if (string.length > HERE_MAX) return ask(ASK.ENCODE, string) as Uint8Array<ArrayBuffer>
    const bytes = new Uint8Array(utf8Length(string))
    utf8Write(bytes, string, 0, bytes.length)
    return bytes
  }

  encodeInto(text: unknown, target: Uint8Array): { read: number; written: number } {
    if (!(target instanceof Uint8Array)) throw new TypeError('The "dest" argument must be an instance of Uint8Array.')
    const string = String(text)
    // No character is longer in UTF-16 than in UTF-8, so more than this cannot fit; then whole characters that do.
    const bytes = this.encode(string.slice(0, target.length + 1))
    let written = Math.min(bytes.length, target.length)
    while (written > 0 && written < bytes.length && ((bytes[written] as number) & 0xc0) === 0x80) written--
    let read = 0
    for (let at = 0; at < written; at++) {
      const byte = bytes[at] as number
      if ((byte & 0xc0) !== 0x80) read += byte >= 0xf0 ? 2 : 1
    }
    // A pair that `slice` cut in two became a replacement character, which the original has not.
    const cut = string.charCodeAt(read - 1)
    if (read === target.length + 1 && cut >= 0xd800 && cut <= 0xdbff) {
      read--
      written -= 3
    }
    target.set(bytes.subarray(0, written))
    return { read, written }
  }

  get [Symbol.toStringTag](): string {
    return 'TextEncoder'
  }
}

interface DecoderOptions {
  fatal?: boolean
  ignoreBOM?: boolean
}

export class TextDecoder {
  readonly #encoding: string
  readonly #fatal: boolean
  readonly #ignoreBOM: boolean
  /** The head of a character whose rest is still to come (`stream: true`). */
  #held = new Uint8Array(0)
  #begun = false

  constructor(label: unknown = 'utf-8', options: DecoderOptions | null = {}) {
    const name = label === 'utf-8' || label === 'utf8' ? 'utf-8' : ask(ASK.ENCODING, String(label))
    if (typeof name !== 'string') {
      throw Object.assign(new RangeError(`The "${String(label).slice(0, 40)}" encoding is not supported`), {
        code: 'ERR_ENCODING_NOT_SUPPORTED'
      })
    }
    this.#encoding = name
    this.#fatal = Boolean(options?.fatal)
    this.#ignoreBOM = Boolean(options?.ignoreBOM)
  }

  get encoding(): string {
    return this.#encoding
  }

  get fatal(): boolean {
    return this.#fatal
  }

  get ignoreBOM(): boolean {
    return this.#ignoreBOM
  }

  decode(input?: ArrayBuffer | ArrayBufferView, options: { stream?: boolean } | null = {}): string {
    let bytes = bytesOf(input)
    const stream = options?.stream === true
    const begun = this.#begun
    const held = this.#held
    this.#held = new Uint8Array(0)
    if (held.length > 0) {
      const joined = new Uint8Array(held.length + bytes.length)
      joined.set(held)
      joined.set(bytes, held.length)
      bytes = joined
    }
    if (stream) {
      const whole = wholeLength(bytes, this.#encoding)
      this.#held = bytes.slice(whole)
      bytes = bytes.subarray(0, whole)
    }
    this.#begun = stream && (begun || bytes.length > 0)
    if (bytes.length === 0) return ''
    const text = this.#here(bytes, begun) ?? ask(ASK.DECODE, bytes.slice(), this.#encoding, this.#fatal, this.#ignoreBOM || begun)
    if (typeof text !== 'string') {
      throw Object.assign(new TypeError(`The encoded data was not valid for encoding ${this.#encoding}`), {
        code: 'ERR_ENCODING_INVALID_ENCODED_DATA'
      })
    }
    return text
  }

  /** undefined where the executor has to be asked. */
  #here(bytes: Uint8Array, begun: boolean): string | undefined {
    if (this.#encoding !== 'utf-8' || bytes.length > HERE_MAX) return undefined
    const text = utf8Slice(bytes, 0, bytes.length)
    // It stands for a fault, or for itself.
    if (this.#fatal && text.includes(REPLACEMENT)) return undefined
    return this.#ignoreBOM || begun || text[0] !== MARK ? text : text.slice(1)
  }

  get [Symbol.toStringTag](): string {
    return 'TextDecoder'
  }
}

const SINGLE_BYTE = /^(ibm866|iso-8859-|koi8-|macintosh$|windows-|x-mac-|x-user-defined$)/

/** Bytes up to the last whole character. */
function wholeLength(bytes: Uint8Array, encoding: string): number {
  if (encoding.startsWith('utf-16')) return wholeUtf16(bytes, encoding)
  if (SINGLE_BYTE.test(encoding)) return bytes.length
  // ISO-2022-JP has states that only its whole text shows: it is all kept until the end.
  if (encoding !== 'utf-8') return encoding === 'iso-2022-jp' ? 0 : wholeEastAsian(bytes)
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number
    if ((byte & 0xc0) === 0x80) continue
    return isUnfinished(byte, back === 1 ? undefined : bytes[bytes.length - back + 1], back) ? bytes.length - back : bytes.length
  }
  return bytes.length
}

/** No character of these encodings has a byte so low in it but alone: blanks, line breaks and commas, of which texts and tables are full. */
const NEVER_WITHIN = 0x30

/**
 * Up to the last place where a character certainly ends. To count leads and trails would cut later, but not always where the executor's decoder does: of malformed
 * bytes it takes other numbers than the standard.
 */
function wholeEastAsian(bytes: Uint8Array): number {
  let at = bytes.length
  while (at > 0 && (bytes[at - 1] as number) >= NEVER_WITHIN) at--
  return at
}

/** Whether a character of UTF-8 may begin so and go on after `there` bytes. The ranges are those of the Unicode Standard, table 3-7. */
function isUnfinished(first: number, second: number | undefined, there: number): boolean {
  if (first < 0xc2 || first > 0xf4) return false
  const needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (needed <= there || second === undefined) return needed > there
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  return second >= low && second <= high
}

function wholeUtf16(bytes: Uint8Array, encoding: string): number {
  const even = bytes.length - (bytes.length % 2)
  const high = encoding === 'utf-16le' ? bytes[even - 1] : bytes[even - 2]
  return high !== undefined && (high & 0xfc) === 0xd8 ? even - 2 : even
}

export function bytesOf(input: ArrayBuffer | ArrayBufferView | undefined): Uint8Array<ArrayBuffer> {
  if (input === undefined) return new Uint8Array(0)
  if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer as ArrayBuffer, input.byteOffset, input.byteLength)
  if (input instanceof ArrayBuffer) return new Uint8Array(input)
  const text = 'The "input" argument must be an instance of ArrayBuffer or ArrayBufferView.'
  throw Object.assign(new TypeError(text), { code: 'ERR_INVALID_ARG_TYPE' })
}

export function atob(...args: [text?: unknown]): string {
  if (args.length === 0) throw new TypeError('The "data" argument must be specified')
  let bytes: Uint8Array
  try {
    bytes = Uint8Array.fromBase64(String(args[0]))
  } catch {
    throw new DOMException('The string to be decoded is not correctly encoded.', 'InvalidCharacterError')
  }
  let latin1 = ''
  for (let at = 0; at < bytes.length; at += LATIN1_BASE64_CHUNK) {
    latin1 += String.fromCharCode(...bytes.subarray(at, at + LATIN1_BASE64_CHUNK))
  }
  return latin1
}

export function btoa(...args: [text?: unknown]): string {
  if (args.length === 0) throw new TypeError('The "data" argument must be specified')
  const string = String(args[0])
  const bytes = new Uint8Array(string.length)
  for (let index = 0; index < string.length; index++) {
    const code = string.charCodeAt(index)
    if (code > 255) throw new DOMException('Invalid character', 'InvalidCharacterError')
    bytes[index] = code
  }
  return bytes.toBase64()
}

enumerable(TextEncoder, TextDecoder)
inspectable(TextDecoder, membersOf('encoding', 'fatal', 'ignoreBOM'))
