/** UTF-8 in plain JavaScript: a crossing to the executor costs more than a few hundred characters do here. */
const UNITS_AT_ONCE = 4_096
const REPLACEMENT = 0xfffd

export function utf8Length(text: string): number {
  let bytes = 0
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit >= 0xd800 && unit < 0xdc00 && isTrail(text.charCodeAt(index + 1))) {
      bytes += 4
      index++
    } else bytes += 3
  }
  return bytes
}

/** Writes whole characters only; lone surrogates become U+FFFD. Returns the bytes written. */
export function utf8Write(target: Uint8Array, text: string, offset: number, room: number): number {
  const end = Math.min(target.length, offset + room)
  let at = offset
  for (let index = 0; index < text.length; index++) {
    let code = text.charCodeAt(index)
    if (code < 0x80) {
      if (at >= end) break
      target[at++] = code
      continue
    }
    if (code < 0x800) {
      if (at + 2 > end) break
      target[at++] = 0xc0 | (code >> 6)
      target[at++] = 0x80 | (code & 0x3f)
      continue
    }
    if (code >= 0xd800 && code < 0xe000) {
      const next = text.charCodeAt(index + 1)
      if (code < 0xdc00 && isTrail(next)) {
        if (at + 4 > end) break
        code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00)
        index++
        target[at++] = 0xf0 | (code >> 18)
        target[at++] = 0x80 | ((code >> 12) & 0x3f)
        target[at++] = 0x80 | ((code >> 6) & 0x3f)
        target[at++] = 0x80 | (code & 0x3f)
        continue
      }
      code = REPLACEMENT
    }
    if (at + 3 > end) break
    target[at++] = 0xe0 | (code >> 12)
    target[at++] = 0x80 | ((code >> 6) & 0x3f)
    target[at++] = 0x80 | (code & 0x3f)
  }
  return at - offset
}

/** As the Encoding standard has it: each maximal malformed part becomes one U+FFFD. */
export function utf8Slice(bytes: Uint8Array, start: number, end: number): string {
  const units = new Uint16Array(Math.min(UNITS_AT_ONCE, end - start) + 2)
  let text = ''
  let filled = 0
  let at = start
  while (at < end) {
    if (filled >= UNITS_AT_ONCE) {
      text += textOf(units, filled)
      filled = 0
    }
    const first = bytes[at++] as number
    if (first < 0x80) {
      units[filled++] = first
      continue
    }
    let needed = 0
    let low = 0x80
    let high = 0xbf
    let code = 0
    if (first >= 0xc2 && first <= 0xdf) {
      needed = 1
      code = first & 0x1f
    } else if (first >= 0xe0 && first <= 0xef) {
      needed = 2
      code = first & 0x0f
      if (first === 0xe0) low = 0xa0
      if (first === 0xed) high = 0x9f
    } else if (first >= 0xf0 && first <= 0xf4) {
      needed = 3
      code = first & 0x07
      if (first === 0xf0) low = 0x90
      if (first === 0xf4) high = 0x8f
    }
    let whole = needed > 0
    for (; needed > 0; needed--) {
      const next = at < end ? (bytes[at] as number) : -1
      if (next < low || next > high) {
        whole = false
        break
      }
      low = 0x80
      high = 0xbf
      code = (code << 6) | (next & 0x3f)
      at++
    }
    if (!whole) units[filled++] = REPLACEMENT
    else if (code < 0x10000) units[filled++] = code
    else {
      units[filled++] = 0xd800 + ((code - 0x10000) >> 10)
      units[filled++] = 0xdc00 + ((code - 0x10000) & 0x3ff)
    }
  }
  return text + textOf(units, filled)
}

/** Whether the bytes are whole, well-formed UTF-8. */
export function isUtf8(bytes: Uint8Array): boolean {
  const text = utf8Slice(bytes, 0, bytes.length)
  if (!text.includes('\ufffd')) return true
  const again = new Uint8Array(bytes.length)
  if (utf8Length(text) !== bytes.length) return false
  utf8Write(again, text, 0, again.length)
  return again.every((byte, index) => byte === bytes[index])
}

/** Text of UTF-16 units. */
export function textOf(units: Uint16Array | Uint8Array, length: number): string {
  if (length <= UNITS_AT_ONCE) return String.fromCharCode.apply(null, units.subarray(0, length) as unknown as number[])
  let text = ''
  for (let at = 0; at < length; at += UNITS_AT_ONCE) {
    text += String.fromCharCode.apply(null, units.subarray(at, Math.min(length, at + UNITS_AT_ONCE)) as unknown as number[])
  }
  return text
}

function isTrail(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}
