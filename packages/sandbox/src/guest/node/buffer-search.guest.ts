import { bytesOf, ENCODING, writeText } from './encodings.guest.ts'
import { longUtf8Length } from './long-utf8.guest.ts'

type View = ArrayBufferView

/** Where a search begins, or -1. Negative offsets count from the end. */
function startOf(length: number, offset: number, needle: number, forward: boolean): number {
  if (offset < 0) {
    if (offset + length >= 0) return offset + length
    return forward || needle === 0 ? 0 : -1
  }
  if (offset + needle <= length) return offset
  if (needle === 0) return length
  return forward ? -1 : length - 1
}

function search(whole: Uint8Array, needle: Uint8Array, offset: number, forward: boolean, step: number, end?: number): number {
  const bytes = end === undefined ? whole : whole.subarray(0, Math.max(0, Math.min(whole.length, end)))
  const start = startOf(bytes.length, offset, needle.length, forward)
  if (needle.length === 0) return start
  if (bytes.length === 0 || start < 0) return -1
  const last = bytes.length - needle.length
  if (last < 0 || (forward && start > last)) return -1
  const first = needle[0] as number
  let at = forward ? start + ((step - (start % step)) % step) : Math.min(start, last)
  if (!forward) at -= at % step
  while (forward ? at <= last : at >= 0) {
    if (bytes[at] === first && matches(bytes, needle, at)) return at
    if (forward && step === 1) {
      const next = bytes.indexOf(first, at + 1)
      if (next < 0) return -1
      at = next
    } else at += forward ? step : -step
  }
  return -1
}

function matches(bytes: Uint8Array, needle: Uint8Array, at: number): boolean {
  for (let index = 1; index < needle.length; index++) if (bytes[at + index] !== needle[index]) return false
  return true
}

export function indexOfString(
  view: View,
  text: string,
  offset: number,
  encoding: number,
  forward: boolean,
  end?: number
): number {
  const wide = encoding === ENCODING.utf16le
  const needle = new Uint8Array(encoding === ENCODING.utf8 ? longUtf8Length(text) : wide ? text.length * 2 : text.length)
  const written = writeText(needle, text, 0, needle.length, encoding)
  return search(bytesOf(view), needle.subarray(0, written), offset, forward, wide ? 2 : 1, end)
}

export function indexOfBuffer(
  view: View,
  needle: View,
  offset: number,
  encoding: number,
  forward: boolean,
  end?: number
): number {
  return search(bytesOf(view), bytesOf(needle), offset, forward, encoding === ENCODING.utf16le ? 2 : 1, end)
}

export function indexOfNumber(view: View, value: number, offset: number, forward: boolean, end?: number): number {
  return search(bytesOf(view), Uint8Array.of(value & 255), offset, forward, 1, end)
}
