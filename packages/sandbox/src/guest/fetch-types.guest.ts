import { Blob } from './blob.guest.ts'
import { bytesOf, TextDecoder, TextEncoder } from './encoding.guest.ts'
import { AbortController } from './event-target.guest.ts'
import { URL, URLSearchParams } from './url.guest.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Headers, Request and Response as far as handlers need them: bodies are text or bytes, not streams. */
export class Headers {
  readonly #values = new Map<string, string>()
  readonly #cookies: string[] = []

  constructor(init?: unknown) {
    if (init === undefined || init === null) return
    const iterable = typeof (init as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function'
    const pairs = iterable ? (init as Iterable<[unknown, unknown]>) : Object.entries(init)
    for (const [name, value] of pairs) this.append(name, value)
  }

  append(alleged: unknown, value: unknown): void {
    const name = checkName(alleged)
    const text = String(value).trim()
    if (name === 'set-cookie') {
      this.#cookies.push(text)
      return
    }
    const before = this.#values.get(name)
    this.#values.set(name, before === undefined ? text : `${before}, ${text}`)
  }

  set(alleged: unknown, value: unknown): void {
    this.delete(alleged)
    this.append(alleged, value)
  }

  get(alleged: unknown): string | null {
    const name = checkName(alleged)
    if (name === 'set-cookie') return this.#cookies.length === 0 ? null : this.#cookies.join(', ')
    return this.#values.get(name) ?? null
  }

  getSetCookie(): string[] {
    return [...this.#cookies]
  }

  has(alleged: unknown): boolean {
    return this.get(alleged) !== null
  }

  delete(alleged: unknown): void {
    const name = checkName(alleged)
    if (name === 'set-cookie') this.#cookies.length = 0
    else this.#values.delete(name)
  }

  forEach(run: (value: string, name: string, headers: Headers) => void): void {
    for (const [name, value] of this) run(value, name, this)
  }

  entries(): ArrayIterator<[string, string]> {
    const pairs = [...this.#values, ...this.#cookies.map((cookie): [string, string] => ['set-cookie', cookie])]
    return pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)).values()
  }

  *keys(): Generator<string> {
    for (const [name] of this) yield name
  }

  *values(): Generator<string> {
    for (const [, value] of this) yield value
  }

  [Symbol.iterator](): ArrayIterator<[string, string]> {
    return this.entries()
  }
}

function checkName(alleged: unknown): string {
  const name = String(alleged)
  if (!TOKEN.test(name)) throw new TypeError(`header name '${name.slice(0, 100)}' must be a token`)
  return name.toLowerCase()
}

class Body {
  #body: string | Uint8Array
  bodyUsed = false
  readonly headers: Headers

  constructor(body: unknown, headers: Headers) {
    this.headers = headers
    const [content, type] = extract(body)
    this.#body = content
    if (type !== undefined && !headers.has('content-type')) headers.set('content-type', type)
  }

  /** Streams are not there yet: null, also where there is a body. */
  get body(): null {
    return null
  }

  async text(): Promise<string> {
    const body = this.take()
    return typeof body === 'string' ? body : new TextDecoder().decode(body)
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async bytes(): Promise<Uint8Array> {
    const body = this.take()
    return typeof body === 'string' ? new TextEncoder().encode(body) : body
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).slice().buffer as ArrayBuffer
  }

  /** @internal */
  take(): string | Uint8Array {
    if (this.bodyUsed) throw new TypeError('the body was read already')
    this.bodyUsed = true
    return this.#body
  }

  /** @internal */
  peek(): string | Uint8Array {
    if (this.bodyUsed) throw new TypeError('the body was read already')
    return this.#body
  }
}

function extract(body: unknown): [string | Uint8Array, string | undefined] {
  if (body === undefined || body === null) return ['', undefined]
  if (typeof body === 'string') return [body, 'text/plain;charset=UTF-8']
  if (body instanceof URLSearchParams) return [body.toString(), 'application/x-www-form-urlencoded;charset=UTF-8']
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return [bytesOf(body).slice(), undefined]
  if (body instanceof Blob) return [Blob.bytesOf(body), body.type === '' ? undefined : body.type]
  return [String(body), 'text/plain;charset=UTF-8']
}

interface RequestOptions {
  method?: string
  headers?: unknown
  body?: unknown
  signal?: unknown
}

export class Request extends Body {
  readonly url: string
  readonly method: string
  readonly signal: unknown
  readonly redirect = 'follow'

  constructor(input: unknown, options: RequestOptions = {}) {
    const other = input instanceof Request ? input : undefined
    super(options.body ?? other?.take(), new Headers(options.headers ?? other?.headers))
    this.url = other?.url ?? new URL(String(input)).href
    this.method = String(options.method ?? other?.method ?? 'GET').toUpperCase()
    this.signal = options.signal ?? other?.signal ?? new AbortController().signal
    const bodiless = this.method === 'GET' || this.method === 'HEAD'
    if (bodiless && options.body !== undefined && options.body !== null) {
      throw new TypeError(`a ${this.method} request cannot have a body`)
    }
  }

  clone(): Request {
    const body = this.peek()
    return new Request(this.url, {
      method: this.method,
      headers: this.headers,
      body: this.method === 'GET' || this.method === 'HEAD' ? undefined : body,
      signal: this.signal
    })
  }
}

interface ResponseOptions {
  status?: number
  statusText?: string
  headers?: unknown
}

export class Response extends Body {
  readonly status: number
  readonly statusText: string
  readonly type = 'default'
  readonly redirected = false
  readonly url = ''

  constructor(body?: unknown, options: ResponseOptions = {}) {
    super(body, new Headers(options.headers))
    const status = Number(options.status ?? 200)
    if (!(status >= 200 && status <= 599)) throw new RangeError(`status ${status} must be from 200 to 599`)
    this.status = Math.trunc(status)
    this.statusText = String(options.statusText ?? '')
  }

  static json(value: unknown, options: ResponseOptions = {}): Response {
    const headers = new Headers(options.headers)
    if (!headers.has('content-type')) headers.set('content-type', 'application/json')
    return new Response(JSON.stringify(value), { ...options, headers })
  }

  static redirect(url: unknown, status = 302): Response {
    return new Response(null, { status, headers: { location: String(url) } })
  }

  get ok(): boolean {
    return this.status < 300
  }

  clone(): Response {
    return new Response(this.peek(), { status: this.status, statusText: this.statusText, headers: this.headers })
  }
}
