import { TOKEN } from './http-answer.ts'

/** The request line and headers of a request of the plainest kind, as `PlainFront` takes it. */
export interface PlainHead {
  readonly method: 'GET'
  readonly httpVersion: '1.1'
  /** As it stands in the request line; begins with `/fn/`. */
  readonly url: string
  /** Names as they came and values without the white space around them, in turn. */
  readonly rawHeaders: string[]
  /** Those that the event of a function URL is made with. */
  readonly headers: PlainHeaders
}

export interface PlainHeaders {
  host: string
  cookie: string | undefined
  'user-agent': string | undefined
}

/** More headers than this are rare, and looking for repeated ones is quadratic. */
const HEADERS_MAX = 32
/** Header names seen and found to be tokens, with what they mean. Names come from clients: when it is full it starts again. */
const NAMES_KNOWN_MAX = 512

/** What a header is to this reader: left to Node's parser, looked at, or passed on as it is. */
type Meaning = 'foreign' | 'connection' | 'host' | 'cookie' | 'user-agent' | 'other'

/**
 * Headers that say something of the message or the connection (RFC 9110 and 9112), which Node's parser shall judge, and those that
 * a function URL looks at beyond the event.
 */
const FOREIGN = new Set([
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'origin',
  'authorization'
])

const SPACE = 32
const TAB = 9
const CR = 13
const LF = 10

/**
 * Reads heads of the plainest kind and leaves everything else to Node's parser: `GET /fn/… HTTP/1.1`, printable ASCII, one Host, no body, nothing
 * about the connection but `keep-alive`, and all of it in one chunk with nothing behind it. What it takes it understands exactly as RFC 9112
 * says; where it is not sure, it takes nothing. That is what makes a second reader of HTTP safe beside the first.
 */
export class PlainHeadReader {
  readonly #names = new Map<string, Meaning>()

  /** @param chunk what one read brought. @returns undefined when Node's parser shall read it */
  read(chunk: Buffer): PlainHead | undefined {
    const size = chunk.length
    if (size < 24 || !isPlainText(chunk)) return undefined
    const text = chunk.toString('latin1')
    if (!text.startsWith('GET /fn/')) return undefined
    const lineEnd = text.indexOf('\r\n')
    const urlEnd = text.indexOf(' ', 4)
    if (urlEnd + 9 !== lineEnd || !text.startsWith(' HTTP/1.1', urlEnd)) return undefined
    const headers: PlainHeaders = { host: '', cookie: undefined, 'user-agent': undefined }
    const rawHeaders: string[] = []
    let at = lineEnd + 2
    while (text.charCodeAt(at) !== CR) {
      const end = text.indexOf('\r\n', at)
      const colon = text.indexOf(':', at)
      if (end < 0 || colon < 0 || colon > end || rawHeaders.length >= 2 * HEADERS_MAX) return undefined
      const name = text.slice(at, colon)
      const value = trimmed(text, colon + 1, end)
      if (!this.#notes(headers, name, value)) return undefined
      rawHeaders.push(name, value)
      at = end + 2
    }
    if (at + 2 !== size || headers.host === '') return undefined
    return { method: 'GET', httpVersion: '1.1', url: text.slice(4, urlEnd), rawHeaders, headers }
  }

  /** False when the header is not for this reader, or came twice where once is the rule. */
  #notes(headers: PlainHeaders, name: string, value: string): boolean {
    const meaning = this.#names.get(name) ?? this.#learn(name)
    switch (meaning) {
      case 'other':
        return true
      case 'connection':
        return value === 'keep-alive' || value === 'Keep-Alive'
      case 'host':
      case 'cookie':
      case 'user-agent':
        if (value === '' || (headers[meaning] ?? '') !== '') return false
        headers[meaning] = value
        return true
      default:
        return false
    }
  }

  #learn(name: string): Meaning {
    if (!TOKEN.test(name)) return 'foreign'
    const lower = name.toLowerCase()
    const meaning: Meaning =
      lower === 'host' || lower === 'cookie' || lower === 'user-agent' || lower === 'connection'
        ? lower
        : FOREIGN.has(lower)
          ? 'foreign'
          : 'other'
    if (this.#names.size >= NAMES_KNOWN_MAX) this.#names.clear()
    this.#names.set(name, meaning)
    return meaning
  }
}

/** Printable ASCII, tabs, and line ends that are whole; it ends with an empty line. */
function isPlainText(chunk: Buffer): boolean {
  const size = chunk.length
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
