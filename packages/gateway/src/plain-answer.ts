import { type FlatHeaders, JOINED_BYTES_MAX, TOKEN } from './http-answer.ts'
import type { PlainReply } from './plain-front.ts'

const { STATUS_CODES } = process.getBuiltinModule('node:http')
/** What may not stand in a field value (RFC 9110, section 5.5). */
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/
const NAMES_KNOWN_MAX = 512

/** Writes whole HTTP/1.1 answers as text, for connections that are kept by `PlainFront`. */
export class PlainAnswers {
  readonly #keepAlive: string
  /** Names that were found to be tokens. They come from functions: when it is full it starts again. */
  readonly #names = new Set<string>()
  #second = -1
  #date = ''

  /** @param keepAliveMs what the client is told */
  constructor(keepAliveMs: number) {
    this.#keepAlive = `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(keepAliveMs / 1_000)}\r\n`
  }

  /**
   * @param now epoch milliseconds
   * @param last says `connection: close`, and ends it
   * @returns false when a name or value would break out of its line: nothing was sent
   */
  send(
    reply: Pick<PlainReply, 'send'>,
    status: number,
    headers: FlatHeaders,
    body: Uint8Array | string,
    now: number,
    last: boolean
  ): boolean {
    let text = this.#head(status, headers, now, last)
    if (text === undefined) return false
    if (status === 204 || status === 304) {
      reply.send(`${text}\r\n`, last)
      return true
    }
    const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length)
    text += `content-length: ${bytes.length}\r\n\r\n`
    if (bytes.length > JOINED_BYTES_MAX) reply.send(text, last, bytes)
    else reply.send(text + bytes.toString('latin1'), last)
    return true
  }

  #head(status: number, headers: FlatHeaders, now: number, last: boolean): string | undefined {
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
    for (let index = 0; index + 1 < headers.length; index += 2) {
      const name = headers[index] as string
      const value = headers[index + 1] as string
      if (!this.#isToken(name) || FORBIDDEN_IN_VALUE.test(value)) return undefined
      text += `${name}: ${value}\r\n`
    }
    return `${text}date: ${this.#dateOf(now)}\r\n${last ? 'connection: close\r\n' : this.#keepAlive}`
  }

  #isToken(name: string): boolean {
    if (this.#names.has(name)) return true
    if (!TOKEN.test(name)) return false
    if (this.#names.size >= NAMES_KNOWN_MAX) this.#names.clear()
    this.#names.add(name)
    return true
  }

  /** Made once a second. */
  #dateOf(now: number): string {
    const second = Math.floor(now / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#date = new Date(now).toUTCString()
    }
    return this.#date
  }
}
