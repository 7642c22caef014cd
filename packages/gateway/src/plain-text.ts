import { TOKEN } from './http-answer.ts'

/** What the readers of plain requests share: they take only what they understand exactly as RFC 9112 says. */

/** More headers than this are rare, and looking for repeated ones is quadratic. */
const PLAIN_HEADERS_MAX = 32
/** Header names seen. They come from clients: when it is full it starts again. */
const NAMES_KNOWN_MAX = 512

const SPACE = 32
const TAB = 9
const CR = 13
const LF = 10

/** Header names as clients write them, each with what it means to a reader. */
export class HeaderMeanings<Meaning> {
  readonly #learn: (lowerCased: string) => Meaning
  readonly #known = new Map<string, Meaning>()
  readonly #foreign: Meaning

  /** @param foreign of what is no name at all */
  constructor(learn: (lowerCased: string) => Meaning, foreign: Meaning) {
    this.#learn = learn
    this.#foreign = foreign
  }

  of(name: string): Meaning {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    if (!TOKEN.test(name)) return this.#foreign
    const meaning = this.#learn(name.toLowerCase())
    if (this.#known.size >= NAMES_KNOWN_MAX) this.#known.clear()
    this.#known.set(name, meaning)
    return meaning
  }
}

/**
 * Reads header lines up to the empty line. Names and values without the white space around them go to `rawHeaders`, in turn.
 * @param note false: this header is not for this reader
 * @returns where the empty line begins, or -1
 */
export function readHeaderLines(
  text: string,
  from: number,
  rawHeaders: string[],
  note: (name: string, value: string) => boolean
): number {
  let at = from
  while (text.charCodeAt(at) !== CR) {
    const end = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    if (end < 0 || colon < 0 || colon > end || rawHeaders.length >= 2 * PLAIN_HEADERS_MAX) return -1
    const name = text.slice(at, colon)
    const value = trimmed(text, colon + 1, end)
    if (!note(name, value)) return -1
    rawHeaders.push(name, value)
    at = end + 2
  }
  return at
}

/** Printable ASCII, tabs, and line ends that are whole, in the first `size` bytes; they end with an empty line. */
export function isPlainText(chunk: Uint8Array, size: number): boolean {
  if (chunk[size - 1] !== LF || chunk[size - 3] !== LF) return false
  for (let index = 0; index < size; index++) {
    const code = chunk[index] as number
    if (code > 126) return false
    if (code >= SPACE || code === TAB) continue
    // A line end is the only other thing, and its two halves come together.
    if (code !== CR || chunk[++index] !== LF) return false
  }
  return true
}

/** Where the target of the request line ends: `METHOD target HTTP/1.1`. -1 when the line is another. */
export function endOfTarget(text: string, from: number): number {
  const lineEnd = text.indexOf('\r\n')
  const end = text.indexOf(' ', from)
  return end + 9 === lineEnd && text.startsWith(' HTTP/1.1', end) ? end : -1
}

function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
