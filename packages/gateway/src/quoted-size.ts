/** `\u0000` for one byte. */
export const JSON_ESCAPE_BYTES_MAX = 6
const SPACE = 0x20
/** What has an escape of two characters: \b, \t, \n, \f, \r, the quote and the backslash. */
const SHORT_ESCAPES: readonly number[] = [8, 9, 10, 12, 13, 0x22, 0x5c]

/** By byte: how many bytes it grows by in quotes. A table and an index take 0.5 ns a byte, `for … of` with comparisons 7. */
const ESCAPE_GROWTH = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (SHORT_ESCAPES.includes(byte)) return 1
  return byte < SPACE ? JSON_ESCAPE_BYTES_MAX - 1 : 0
})

/** What is looked at to learn what a text is like. */
const SAMPLE_BYTES = 512
/** With at most so many escapes in a sample V8's own JSON is four times as fast as a table: it looks at many characters at once until one needs an escape. */
const SAMPLE_GROWTH_MAX = 4

/**
 * How many bytes a text in UTF-8, or any part of one, grows by when it is quoted in JSON (ECMA-262, QuoteJSONString).
 * @param text at most some 100 KB: it is copied on the way
 */
export function escapeBytes(text: Buffer): number {
  if (countBytes(text, Math.min(text.length, SAMPLE_BYTES)) > SAMPLE_GROWTH_MAX) return countBytes(text, text.length)
  // Byte for byte: what is above ASCII has no escape, be it a letter of Latin-1 or a part of one of UTF-8.
  return JSON.stringify(text.toString('latin1')).length - 2 - text.length
}

/** Eight at a time, and so too long to be made a part of its caller: V8 had the loop there in middling code, at a third of the speed. */
function countBytes(text: Uint8Array, end: number): number {
  let more = 0
  let index = 0
  for (; index + 8 <= end; index += 8) {
    more +=
      growthOf(text[index]) +
      growthOf(text[index + 1]) +
      growthOf(text[index + 2]) +
      growthOf(text[index + 3]) +
      growthOf(text[index + 4]) +
      growthOf(text[index + 5]) +
      growthOf(text[index + 6]) +
      growthOf(text[index + 7])
  }
  for (; index < end; index++) more += growthOf(text[index])
  return more
}

function growthOf(byte: number | undefined): number {
  return ESCAPE_GROWTH[byte as number] as number
}
