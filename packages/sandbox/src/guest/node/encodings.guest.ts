import { longUtf8Slice, longUtf8Write } from './long-utf8.guest.ts'
import { textOf } from './utf8.guest.ts'

/** The numbers of Node's own enumeration of encodings. */
export const ENCODING = { ascii: 0, utf8: 1, base64: 2, utf16le: 3, latin1: 4, hex: 5, buffer: 6, base64url: 7 } as const
export const ENCODING_NAMES = ['ascii', 'utf8', 'base64', 'utf16le', 'latin1', 'hex', 'buffer', 'base64url']

/** One class and nothing to go back to: a pattern of groups that repeat runs out of stack at 4 MB. */
const NOT_BASE64 = /[^A-Za-z0-9+/]/

export function bytesOf(view: ArrayBufferView | ArrayBufferLike): Uint8Array {
  if (ArrayBuffer.isView(view)) {
    // Plain bytes stand for themselves; a view of wider items, or a subclass that overrides things, is looked at anew.
    return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength)
  }
  return new Uint8Array(view)
}

export function sliceOf(bytes: Uint8Array, from: number, to: number, encoding: number): string {
  if (from >= to) return ''
  switch (encoding) {
    case ENCODING.utf8:
      return longUtf8Slice(bytes, from, to)
    case ENCODING.latin1:
      return textOf(bytes.subarray(from, to), to - from)
    case ENCODING.hex:
      return bytes.subarray(from, to).toHex()
    case ENCODING.base64:
      return bytes.subarray(from, to).toBase64()
    case ENCODING.base64url:
      return bytes.subarray(from, to).toBase64({ alphabet: 'base64url', omitPadding: true })
    case ENCODING.utf16le: {
      const units = new Uint16Array((to - from) >> 1)
      for (let index = 0; index < units.length; index++) {
        units[index] = (bytes[from + 2 * index] as number) | ((bytes[from + 2 * index + 1] as number) << 8)
      }
      return textOf(units, units.length)
    }
    default: {
      const ascii = bytes.slice(from, to)
      for (let index = 0; index < ascii.length; index++) ascii[index] = (ascii[index] as number) & 0x7f
      return textOf(ascii, ascii.length)
    }
  }
}

/** Returns the bytes written. */
export function writeText(bytes: Uint8Array, text: string, offset: number, room: number, encoding: number): number {
  switch (encoding) {
    case ENCODING.utf8:
      return longUtf8Write(bytes, text, offset, room)
    case ENCODING.utf16le: {
      const count = Math.min(text.length, room >> 1)
      for (let index = 0; index < count; index++) {
        const unit = text.charCodeAt(index)
        bytes[offset + 2 * index] = unit & 255
        bytes[offset + 2 * index + 1] = unit >> 8
      }
      return count * 2
    }
    case ENCODING.hex:
      return writeHex(bytes, text, offset, room)
    case ENCODING.base64:
    case ENCODING.base64url:
      return writeBase64(bytes, text, offset, room)
    default: {
      const count = Math.min(text.length, room)
      for (let index = 0; index < count; index++) bytes[offset + index] = text.charCodeAt(index) & 255
      return count
    }
  }
}

/** Up to the first pair that is no number. */
function writeHex(bytes: Uint8Array, text: string, offset: number, room: number): number {
  const count = Math.min(text.length >> 1, room)
  for (let index = 0; index < count; index++) {
    const high = hexDigit(text.charCodeAt(2 * index))
    const low = hexDigit(text.charCodeAt(2 * index + 1))
    if (high < 0 || low < 0) return index
    bytes[offset + index] = (high << 4) | low
  }
  return count
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

/** Both alphabets, other characters skipped, the end at the first padding: as lenient as Node is. */
function writeBase64(bytes: Uint8Array, text: string, offset: number, room: number): number {
  if (text.length > 64 && isStrictBase64(text)) {
    return bytes.subarray(offset, offset + room).setFromBase64(text).written
  }
  let at = offset
  const end = offset + room
  let group = 0
  let held = 0
  for (let index = 0; index < text.length && at < end; index++) {
    const code = text.charCodeAt(index)
    if (code === 61) break
    const value = base64Digit(code)
    if (value < 0) continue
    group = (group << 6) | value
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = (group >> held) & 255
    group &= (1 << held) - 1
  }
  return at - offset
}

function isStrictBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false
  let end = text.length
  if (text.charCodeAt(end - 1) === 61) end -= text.charCodeAt(end - 2) === 61 ? 2 : 1
  return !NOT_BASE64.test(text.slice(0, end))
}

function base64Digit(code: number): number {
  if (code >= 65 && code <= 90) return code - 65
  if (code >= 97 && code <= 122) return code - 71
  if (code >= 48 && code <= 57) return code + 4
  if (code === 43 || code === 45) return 62
  return code === 47 || code === 95 ? 63 : -1
}

/** A name or path as it was asked for: a text, a Buffer, or a text of its bytes. */
export function encoded(name: string, encoding: unknown): unknown {
  if (encoding === undefined || encoding === null || encoding === 'utf8') return name
  const bytes = Buffer.from(name)
  return encoding === 'buffer' ? bytes : bytes.toString(encoding as BufferEncoding)
}
