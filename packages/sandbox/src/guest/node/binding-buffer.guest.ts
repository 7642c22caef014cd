import { indexOfBuffer, indexOfNumber, indexOfString } from './buffer-search.guest.ts'
import { bytesOf, ENCODING, sliceOf, writeText } from './encodings.guest.ts'
import { longUtf8Length } from './long-utf8.guest.ts'
import { isUtf8 } from './utf8.guest.ts'

type View = ArrayBufferView | ArrayBuffer

const slicer =
  (encoding: number) =>
  (view: View, start?: number, end?: number): string => {
    const bytes = bytesOf(view)
    const to = end === undefined ? bytes.length : Math.min(bytes.length, Math.max(0, Math.trunc(Number(end))))
    const from = start === undefined ? 0 : Math.min(to, Math.max(0, Math.trunc(Number(start))))
    return sliceOf(bytes, from, to, encoding)
  }

const writer =
  (encoding: number) =>
  (view: View, text: string, offset = 0, length?: number): number => {
    const bytes = bytesOf(view)
    const room = Math.min(length ?? Number.POSITIVE_INFINITY, bytes.length - offset)
    return writeText(bytes, text, offset, Math.max(0, room), encoding)
  }

function compareRange(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const difference = (a[index] as number) - (b[index] as number)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return Math.sign(a.length - b.length)
}

/** -2: out of range; -1: nothing to fill with. */
function fill(view: View, value: unknown, start: number, end: number, encoding?: unknown): number | undefined {
  const bytes = bytesOf(view)
  if (start < 0 || end > bytes.length) return -2
  if (start >= end) return undefined
  if (typeof value !== 'string' && !ArrayBuffer.isView(value)) {
    bytes.fill(Number(value) & 255, start, end)
    return undefined
  }
  const pattern = typeof value === 'string' ? (Buffer.from(value, encoding as BufferEncoding) as Uint8Array) : bytesOf(value)
  if (pattern.length === 0) return -1
  for (let at = start; at < end; at += pattern.length) {
    bytes.set(at + pattern.length <= end ? pattern : pattern.subarray(0, end - at), at)
  }
  return undefined
}

const swap =
  (size: number) =>
  (view: View): View => {
    const bytes = bytesOf(view)
    for (let at = 0; at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse()
    return view
  }

/** What lib/buffer.js and lib/internal/buffer.js get from C++ in Node. */
export const bindingBuffer = {
  kMaxLength: 2 ** 53 - 1,
  kStringMaxLength: 536_870_888,
  byteLengthUtf8: longUtf8Length,
  compare: (a: View, b: View) => compareRange(bytesOf(a), bytesOf(b)),
  compareOffset: (a: View, b: View, bStart: number, aStart: number, bLength: number, aLength: number) =>
    compareRange(bytesOf(a).subarray(aStart, aStart + aLength), bytesOf(b).subarray(bStart, bStart + bLength)),
  copy(source: View, target: View, targetStart: number, sourceStart: number, count: number): number {
    const to = bytesOf(target)
    const from = bytesOf(source)
    const length = Math.max(0, Math.min(count, from.length - sourceStart, to.length - targetStart))
    to.set(from.subarray(sourceStart, sourceStart + length), targetStart)
    return length
  },
  fill,
  isAscii: (view: View) => bytesOf(view).every((byte) => byte < 0x80),
  isUtf8: (view: View) => isUtf8(bytesOf(view)),
  indexOfBuffer,
  indexOfNumber,
  indexOfString,
  swap16: swap(2),
  swap32: swap(4),
  swap64: swap(8),
  // Node's own wrappers around these map -1 and the like to DOMExceptions; the global ones throw those already.
  atob: (text: string) => atob(text),
  btoa: (text: string) => btoa(text),
  asciiSlice: slicer(ENCODING.ascii),
  base64Slice: slicer(ENCODING.base64),
  base64urlSlice: slicer(ENCODING.base64url),
  latin1Slice: slicer(ENCODING.latin1),
  hexSlice: slicer(ENCODING.hex),
  ucs2Slice: slicer(ENCODING.utf16le),
  utf8Slice: slicer(ENCODING.utf8),
  asciiWriteStatic: writer(ENCODING.latin1),
  latin1WriteStatic: writer(ENCODING.latin1),
  utf8WriteStatic: writer(ENCODING.utf8),
  base64Write: writer(ENCODING.base64),
  base64urlWrite: writer(ENCODING.base64url),
  hexWrite: writer(ENCODING.hex),
  ucs2Write: writer(ENCODING.utf16le),
  arrayBufferAlignedOffset: () => 0,
  createUnsafeArrayBuffer: (size: number) => new ArrayBuffer(size),
  setDetachKey: () => undefined
}
