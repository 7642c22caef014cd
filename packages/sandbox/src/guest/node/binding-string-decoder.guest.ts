import { bytesOf, ENCODING, ENCODING_NAMES, sliceOf } from './encodings.guest.ts'

/** The state of a decoder is bytes: up to four of a character whose rest is still to come, then three counters. */
const INCOMPLETE_END = 4
const MISSING = 4
const BUFFERED = 5
const ENCODING_FIELD = 6
const SIZE = 7

function decode(state: Uint8Array, view: ArrayBufferView): string {
  const encoding = state[ENCODING_FIELD] as number
  let bytes = bytesOf(view)
  if (encoding === ENCODING.ascii || encoding === ENCODING.latin1 || encoding === ENCODING.hex) {
    return sliceOf(bytes, 0, bytes.length, encoding)
  }
  let before = ''
  // What completes the first half of a surrogate pair leaves its other half missing.
  while ((state[MISSING] as number) > 0 && bytes.length > 0) {
    const [text, rest] = complete(state, bytes, encoding)
    before += text
    bytes = rest
  }
  if (bytes.length === 0) return before
  hold(state, bytes, encoding)
  const whole = bytes.length - (state[BUFFERED] as number)
  for (let index = 0; index < (state[BUFFERED] as number); index++) state[index] = bytes[whole + index] as number
  return before + sliceOf(bytes, 0, whole, encoding)
}

/** Adds what was missing of the character that is held. */
function complete(state: Uint8Array, bytes: Uint8Array, encoding: number): [text: string, rest: Uint8Array] {
  let rest = bytes
  if (encoding === ENCODING.utf8) {
    for (let index = 0; index < rest.length && index < (state[MISSING] as number); index++) {
      if (((rest[index] as number) & 0xc0) === 0x80) continue
      // Not a continuation: what is held stays incomplete.
      state[MISSING] = 0
      state.set(rest.subarray(0, index), state[BUFFERED] as number)
      state[BUFFERED] = (state[BUFFERED] as number) + index
      rest = rest.subarray(index)
      break
    }
  }
  const found = Math.min(rest.length, state[MISSING] as number)
  state.set(rest.subarray(0, found), state[BUFFERED] as number)
  rest = rest.subarray(found)
  state[MISSING] = (state[MISSING] as number) - found
  state[BUFFERED] = (state[BUFFERED] as number) + found
  if (state[MISSING] !== 0) return ['', rest]
  let text = sliceOf(state, 0, state[BUFFERED] as number, encoding)
  state[BUFFERED] = 0
  const last = text.charCodeAt(text.length - 1)
  if (encoding === ENCODING.utf16le && last >= 0xd800 && last < 0xdc00) {
    state[MISSING] = 2
    state[BUFFERED] = 2
    state[0] = last & 255
    state[1] = last >> 8
    text = text.slice(0, -1)
  }
  return [text, rest]
}

/** Counts the bytes at the end that are no whole character. */
function hold(state: Uint8Array, bytes: Uint8Array, encoding: number): void {
  const last = bytes[bytes.length - 1] as number
  if (encoding === ENCODING.utf8) {
    if ((last & 0x80) !== 0) holdUtf8(state, bytes)
  } else if (encoding === ENCODING.utf16le) {
    if (bytes.length % 2 === 1) {
      state[BUFFERED] = 1
      state[MISSING] = 1
    } else if ((last & 0xfc) === 0xd8) {
      state[BUFFERED] = 2
      state[MISSING] = 2
    }
  } else {
    state[BUFFERED] = bytes.length % 3
    if ((state[BUFFERED] as number) > 0) state[MISSING] = 3 - (state[BUFFERED] as number)
  }
}

function holdUtf8(state: Uint8Array, bytes: Uint8Array): void {
  let buffered = 0
  for (let index = bytes.length - 1; ; index--) {
    buffered++
    const byte = bytes[index] as number
    if ((byte & 0xc0) === 0x80) {
      if (buffered < INCOMPLETE_END && index > 0) continue
      buffered = 0
      break
    }
    const needed = (byte & 0xe0) === 0xc0 ? 2 : (byte & 0xf0) === 0xe0 ? 3 : (byte & 0xf8) === 0xf0 ? 4 : 0
    if (buffered >= needed) buffered = 0
    else state[MISSING] = needed - buffered
    break
  }
  state[BUFFERED] = buffered
}

function flush(state: Uint8Array): string {
  if (state[ENCODING_FIELD] === ENCODING.utf16le && (state[BUFFERED] as number) % 2 === 1) {
    state[BUFFERED] = (state[BUFFERED] as number) - 1
  }
  const text = sliceOf(state, 0, state[BUFFERED] as number, state[ENCODING_FIELD] as number)
  state[MISSING] = 0
  state[BUFFERED] = 0
  return text
}

export const bindingStringDecoder = {
  encodings: ENCODING_NAMES,
  kIncompleteCharactersStart: 0,
  kIncompleteCharactersEnd: INCOMPLETE_END,
  kMissingBytes: MISSING,
  kBufferedBytes: BUFFERED,
  kEncodingField: ENCODING_FIELD,
  kNumFields: SIZE,
  kSize: SIZE,
  decode,
  flush
}
