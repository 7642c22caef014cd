/** One connection to a server on loopback, one request at a time: nothing of node:http's client, so that what is measured is the server. */
import { connect, type Socket } from 'node:net'

const HEAD_END = Buffer.from('\r\n\r\n')

export interface Answer {
  status: number
  /** Status line and headers, as they came. */
  head: string
  /** Bytes of the body. */
  bytes: number
  /** The end of the body, at most the last chunk of it. */
  tail: Buffer
}

export class HttpConnection {
  readonly #socket: Socket
  #done: ((answer: Answer) => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #head: Buffer = Buffer.alloc(0)
  #left = -1
  #answer: Answer = { status: 0, head: '', bytes: 0, tail: this.#head }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    const lost = (error?: Error) => this.#failed?.(error ?? new Error('the server closed the connection'))
    socket.on('error', lost).on('close', () => lost())
  }

  static open(url: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(url)
    if (hostname !== '127.0.0.1') throw new Error(`the bench loads loopback only, not ${url}`)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new HttpConnection(socket))
      })
    })
  }

  /** Sends a request, made by `requestBytes`, and waits for the whole answer. */
  ask(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#done = resolve
      this.#failed = reject
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    if (this.#left < 0) {
      const head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
      const end = head.indexOf(HEAD_END)
      if (end < 0) {
        this.#head = head
        return
      }
      this.#head = Buffer.alloc(0)
      const text = head.toString('latin1', 0, end)
      const bytes = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? Number.NaN)
      if (!Number.isSafeInteger(bytes)) throw new Error(`an answer without a length: ${text}`)
      this.#answer = { status: Number(text.slice(9, 12)), head: text, bytes, tail: head }
      this.#left = bytes
      chunk = head.subarray(end + HEAD_END.length)
    }
    this.#left -= chunk.length
    if (this.#left > 0) return
    this.#left = -1
    this.#answer.tail = chunk
    const done = this.#done
    this.#done = undefined
    this.#failed = undefined
    done?.(this.#answer)
  }
}

/** @param body none: GET; else POST as plain text */
export function requestBytes(url: string, body?: Buffer): Buffer {
  const { host, pathname, search } = new URL(url)
  const line = `${body === undefined ? 'GET' : 'POST'} ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n`
  if (body === undefined) return Buffer.from(`${line}\r\n`)
  return Buffer.concat([Buffer.from(`${line}content-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n`), body])
}
