import { endOfTarget, HeaderMeanings, isPlainText, readHeaderLines } from './plain-text.ts'

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

/**
 * Reads heads of the plainest kind and leaves everything else to Node's parser: `GET /fn/… HTTP/1.1`, printable ASCII, one Host, no body, nothing
 * about the connection but `keep-alive`, and all of it in one chunk with nothing behind it. What it takes it understands exactly as RFC 9112
 * says; where it is not sure, it takes nothing. That is what makes a second reader of HTTP safe beside the first.
 */
export class PlainHeadReader {
  readonly #meanings = new HeaderMeanings(meaningOf, 'foreign')
  readonly #bytesMax: number

  /** @param bytesMax of a head; Node's parser refuses what is longer */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** @param chunk what one read brought; nothing of it is kept. @returns undefined when Node's parser shall read it */
  read(chunk: Buffer): PlainHead | undefined {
    const size = chunk.length
    if (size < 24 || size > this.#bytesMax || !isPlainText(chunk, size)) return undefined
    const text = chunk.toString('latin1')
    if (!text.startsWith('GET /fn/')) return undefined
    const urlEnd = endOfTarget(text, 4)
    if (urlEnd < 0) return undefined
    const headers: PlainHeaders = { host: '', cookie: undefined, 'user-agent': undefined }
    const rawHeaders: string[] = []
    const end = readHeaderLines(text, urlEnd + 11, rawHeaders, (name, value) => this.#notes(headers, name, value))
    if (end + 2 !== size || headers.host === '') return undefined
    return { method: 'GET', httpVersion: '1.1', url: text.slice(4, urlEnd), rawHeaders, headers }
  }

  /** False when the header is not for this reader, or came twice where once is the rule. */
  #notes(headers: PlainHeaders, name: string, value: string): boolean {
    const meaning = this.#meanings.of(name)
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
}

function meaningOf(name: string): Meaning {
  if (name === 'host' || name === 'cookie' || name === 'user-agent' || name === 'connection') return name
  return FOREIGN.has(name) ? 'foreign' : 'other'
}
