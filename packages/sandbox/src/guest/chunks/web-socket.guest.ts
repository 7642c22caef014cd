import { DOMException } from '../dom-exception.guest.ts'
import { defineHandler, EventTarget } from '../event-target.guest.ts'
import { enumerable } from '../idl.guest.ts'
import { URL } from '../url.guest.ts'
import { CloseEvent, ErrorEvent } from './more-events.guest.ts'

const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Of a connection that was lost or never came to be. */
const ABNORMAL = 1006
const REASON_BYTES_MAX = 123

/**
 * Functions have no sockets, so no connection ever opens: it fails as one does whose server is away. The class is there because packages
 * look for it when they are set up, and fail without it though they are used for something else (clients of databases with live queries).
 */
export class WebSocket extends EventTarget {
  readonly #url: string
  #state: number = STATES.CONNECTING
  #binaryType = 'blob'
  declare onopen: unknown
  declare onmessage: unknown
  declare onerror: unknown
  declare onclose: unknown

  constructor(...args: [url?: unknown, protocols?: unknown]) {
    super()
    if (args.length === 0) throw new TypeError('WebSocket constructor: 1 argument required, but 0 found.')
    this.#url = urlOf(args[0])
    checkProtocols(args[1])
    setTimeout(() => this.#fail(), 0)
  }

  get url(): string {
    return this.#url
  }

  get readyState(): number {
    return this.#state
  }

  get protocol(): string {
    return ''
  }

  get extensions(): string {
    return ''
  }

  get bufferedAmount(): number {
    return 0
  }

  get binaryType(): string {
    return this.#binaryType
  }

  set binaryType(value: unknown) {
    this.#binaryType = value === 'arraybuffer' ? value : 'blob'
  }

  send(...args: unknown[]): void {
    if (args.length === 0) throw new TypeError('WebSocket.send: 1 argument required, but 0 found.')
    if (this.#state === STATES.CONNECTING) throw new DOMException('Sent before connected.', 'InvalidStateError')
  }

  close(code?: unknown, reason?: unknown): void {
    const number = code === undefined ? 1000 : Number(code)
    if (number !== 1000 && !(number >= 3000 && number <= 4999)) throw new DOMException('invalid code', 'InvalidAccessError')
    const text = reason === undefined ? '' : String(reason)
    if (new TextEncoder().encode(text).length > REASON_BYTES_MAX) {
      throw new DOMException(`Reason must be less than ${REASON_BYTES_MAX} bytes`, 'SyntaxError')
    }
    if (this.#state === STATES.CONNECTING) this.#state = STATES.CLOSING
  }

  #fail(): void {
    this.#state = STATES.CLOSED
    const message = `WebSockets are not available inside functions: there are no sockets, use fetch (${this.#url.slice(0, 200)})`
    this.dispatchEvent(new ErrorEvent('error', { message, error: new TypeError(message) }))
    this.dispatchEvent(new CloseEvent('close', { code: ABNORMAL, reason: '', wasClean: false }))
  }

  override get [Symbol.toStringTag](): string {
    return 'WebSocket'
  }
}

for (const type of ['open', 'error', 'close', 'message']) defineHandler(WebSocket, type)
for (const [name, value] of Object.entries(STATES)) {
  for (const target of [WebSocket, WebSocket.prototype]) Object.defineProperty(target, name, { value, enumerable: true })
}
enumerable(WebSocket)

function urlOf(alleged: unknown): string {
  const text = String(alleged)
  let url: URL
  try {
    url = new URL(text)
  } catch (error) {
    throw new DOMException(String(error), 'SyntaxError')
  }
  if (url.protocol === 'http:') url.protocol = 'ws:'
  else if (url.protocol === 'https:') url.protocol = 'wss:'
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') throw new DOMException('expected a ws: or wss: url', 'SyntaxError')
  if (url.hash !== '' || url.href.endsWith('#')) throw new DOMException('hash', 'SyntaxError')
  return url.href
}

function checkProtocols(alleged: unknown): void {
  // Node takes an object with members for it too.
  const given = (alleged as { protocols?: unknown } | undefined)?.protocols ?? alleged
  const list =
    given === undefined ? [] : Array.isArray(given) ? given.map(String) : typeof given === 'object' ? [] : [String(given)]
  const distinct = new Set(list.map((name) => name.toLowerCase())).size === list.length
  if (!distinct || list.some((name) => !TOKEN.test(name))) {
    throw new DOMException('Invalid Sec-WebSocket-Protocol value', 'SyntaxError')
  }
}
