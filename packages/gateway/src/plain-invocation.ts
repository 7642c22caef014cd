import { endOfTarget, HeaderMeanings, isPlainText, readHeaderLines } from './plain-text.ts'

/** An Invoke of the Lambda API, or a POST to a function URL, as `PlainFront` takes it. */
export interface PlainInvocation {
  readonly method: 'POST'
  readonly httpVersion: '1.1'
  /** As it stands in the request line. */
  readonly url: string
  /** Names as they came and values without the white space around them, in turn. */
  readonly rawHeaders: string[]
  /** All before the body, as it came: ASCII. */
  readonly head: string
  /** By lower-case name; none came twice. */
  readonly headers: Readonly<Record<string, string>> & { readonly host: string }
  /** What of the body came with the head: a copy where that is all, else a part of the read itself. */
  readonly body: Buffer
  /** Of the whole body, as announced. */
  readonly bodyBytes: number
}

const TARGET = /^\/(?:fn\/|2015-03-31\/functions\/[^/?#]+\/invocations(?:\?[^#]*)?$)/
const STARTS = ['POST /fn/', 'POST /2015-03-31/functions/'] as const
/** Ten million bytes and more come in many chunks. */
const LENGTH = /^\d{1,7}$/
/** Headers that say something of the message or the connection (RFC 9110 and 9112), which Node's parser shall judge. */
const FOREIGN = new Set([
  'transfer-encoding',
  'content-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'origin'
])
const NAME_FOREIGN = ''

/**
 * Reads a call whose head came whole in one chunk, with its body or a part of it and nothing behind that; for the head the rules of `PlainHeadReader` hold, and no
 * header may come twice. SDKs and other clients send their events so. Everything else is left to Node's parser.
 */
export class PlainInvocationReader {
  readonly #names = new HeaderMeanings((name) => (FOREIGN.has(name) ? NAME_FOREIGN : name), NAME_FOREIGN)
  readonly #headBytesMax: number

  /** @param headBytesMax Node's parser refuses a head that is longer */
  constructor(headBytesMax: number) {
    this.#headBytesMax = headBytesMax
  }

  /** @param chunk what one read brought. @returns undefined when Node's parser shall read it */
  read(chunk: Buffer): PlainInvocation | undefined {
    if (!STARTS.some((start) => chunk.toString('latin1', 0, start.length) === start)) return undefined
    const headEnd = chunk.indexOf('\r\n\r\n') + 4
    if (headEnd < 4 || headEnd > this.#headBytesMax || !isPlainText(chunk, headEnd)) return undefined
    const text = chunk.toString('latin1', 0, headEnd)
    const targetEnd = endOfTarget(text, 5)
    if (targetEnd < 0) return undefined
    const url = text.slice(5, targetEnd)
    if (!TARGET.test(url)) return undefined
    const headers: Record<string, string> = Object.create(null)
    const rawHeaders: string[] = []
    const end = readHeaderLines(text, targetEnd + 11, rawHeaders, (name, value) => this.#notes(headers, name, value))
    const { host = '', 'content-length': length = '' } = headers
    if (end + 2 !== headEnd || host === '' || !LENGTH.test(length) || Number(length) < chunk.length - headEnd) return undefined
    const part = chunk.subarray(headEnd)
    const bodyBytes = Number(length)
    const body = part.length === bodyBytes ? Buffer.from(part) : part
    return {
      method: 'POST',
      httpVersion: '1.1',
      url,
      rawHeaders,
      head: text,
      headers: headers as PlainInvocation['headers'],
      body,
      bodyBytes
    }
  }

  #notes(headers: Record<string, string>, name: string, value: string): boolean {
    const lower = this.#names.of(name)
    if (lower === NAME_FOREIGN || headers[lower] !== undefined) return false
    if (lower === 'connection' && value !== 'keep-alive' && value !== 'Keep-Alive') return false
    headers[lower] = value
    return true
  }
}
