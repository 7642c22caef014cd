import { ASK } from '../../bridge-operations.ts'
import { core } from './core.guest.ts'
import { utf8Length, utf8Slice, utf8Write } from './utf8.guest.ts'

/** From so many characters or bytes on the executor is faster by far, with the crossing: five to eight times at a megabyte. */
const THERE_MIN = 32_768
/** One crossing: it is copied on both sides. */
const PIECE_MAX = 1_048_576

/** As `utf8Slice`. */
export function longUtf8Slice(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < THERE_MIN) return utf8Slice(bytes, start, end)
  let text = ''
  for (let at = start; at < end; ) {
    const to = pieceEnd(bytes, at, end)
    text += core.ask(ASK.DECODE, bytes.slice(at, to), 'utf-8', false, true) as string
    at = to
  }
  return text
}

/** As `utf8Length`. */
export function longUtf8Length(text: string): number {
  if (text.length < THERE_MIN) return utf8Length(text)
  let length = 0
  for (let from = 0; from < text.length; ) {
    const piece = pieceOf(text, from)
    length += encode(piece).length
    from += piece.length
  }
  return length
}

/** As `utf8Write`. */
export function longUtf8Write(target: Uint8Array, text: string, offset: number, room: number): number {
  if (Math.min(text.length, room) < THERE_MIN) return utf8Write(target, text, offset, room)
  const end = Math.min(target.length, offset + room)
  let at = offset
  for (let from = 0; from < text.length; ) {
    const piece = pieceOf(text, from)
    const bytes = encode(piece)
    // Whole characters only: where they end is seen by who writes them one by one.
    if (at + bytes.length > end) return at - offset + utf8Write(target, piece, at, end - at)
    target.set(bytes, at)
    at += bytes.length
    from += piece.length
  }
  return at - offset
}

const encode = (piece: string): Uint8Array => core.ask(ASK.ENCODE, piece) as Uint8Array

/** Not the first half of a pair alone, unless nothing follows it. */
function pieceOf(text: string, from: number): string {
  const to = Math.min(from + PIECE_MAX, text.length)
  const last = text.charCodeAt(to - 1)
  return text.slice(from, to < text.length && last >= 0xd800 && last < 0xdc00 ? to - 1 : to)
}

/** Behind a whole character, if one ends near: no malformed part is cut in two either, since each has at most three bytes that continue it. */
function pieceEnd(bytes: Uint8Array, start: number, end: number): number {
  const far = start + PIECE_MAX
  if (far >= end) return end
  for (let at = far; at > far - 4; at--) if (((bytes[at] as number) & 0xc0) !== 0x80) return at
  return far
}
