import { AbortController, AbortSignal } from '../event-target.guest.ts'
import { enumerable, inspectable, membersOf } from '../idl.guest.ts'
import { URL } from '../url.guest.ts'
import {
  type Body,
  type Content,
  cloneContent,
  extract,
  giveBody,
  hasBody,
  isStream,
  mixInBody,
  peekContent,
  takeContent
} from './body.guest.ts'
import { Headers, sealHeaders } from './headers.guest.ts'

export { readContent, sourceOf, takeContent } from './body.guest.ts'
export { Headers }

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const NORMALISED = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])
const NULL_BODY_STATUSES = new Set([101, 103, 204, 205, 304])
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308])

const MODES = {
  redirect: ['follow', 'error', 'manual'],
  mode: ['same-origin', 'cors', 'no-cors', 'navigate', 'websocket'],
  credentials: ['omit', 'same-origin', 'include'],
  cache: ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'],
  referrerPolicy: [
    '',
    'no-referrer',
    'no-referrer-when-downgrade',
    'same-origin',
    'origin',
    'strict-origin',
    'origin-when-cross-origin',
    'strict-origin-when-cross-origin',
    'unsafe-url'
  ]
} as const

export interface RequestOptions {
  method?: unknown
  headers?: unknown
  body?: unknown
  signal?: unknown
  redirect?: unknown
  duplex?: unknown
  keepalive?: unknown
  [name: string]: unknown
}

type Choices = { -readonly [Name in keyof typeof MODES]: string }

const DEFAULTS: Choices = { redirect: 'follow', mode: 'cors', credentials: 'same-origin', cache: 'default', referrerPolicy: '' }

export interface Request extends Body {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the members of Body are mixed in below
export class Request {
  readonly #url: string
  readonly #method: string
  readonly #signal: AbortSignal
  readonly #choices: Choices
  readonly #integrity: string
  readonly #keepalive: boolean

  constructor(...args: [input?: unknown, options?: RequestOptions | null]) {
    if (args.length === 0) throw new TypeError('Request constructor: 1 argument required, but only 0 present.')
    const [input, given] = args
    const options = dictionary<RequestOptions>(given, 'Request constructor')
    const other = input instanceof Request ? input : undefined
    const url = other?.url ?? parseUrl(input)
    const method = options.method === undefined ? (other?.method ?? 'GET') : methodOf(options.method)
    const bodiless = method === 'GET' || method === 'HEAD'
    const bodied = options.body !== undefined && options.body !== null
    if (bodiless && bodied) throw new TypeError('Request with GET/HEAD method cannot have body.')
    const needsDuplex = bodied && isStream(options.body) && options.duplex === undefined
    if (needsDuplex) throw new TypeError('RequestInit: duplex option is required when sending a body.')
    if (options.duplex !== undefined && options.duplex !== 'half') throw new TypeError("RequestInit: duplex must be 'half'")
    const signal = signalOf(options.signal === undefined ? other?.signal : options.signal)
    const choices = choicesOf(options, other === undefined ? DEFAULTS : other.#choices)
    const content = bodied || other === undefined ? extract(options.body) : takenFrom(other)
    giveBody(this, content, new Headers(options.headers ?? other?.headers))
    this.#url = url
    this.#method = method
    this.#signal = signal
    this.#choices = choices
    this.#integrity = options.integrity === undefined ? (other?.integrity ?? '') : String(options.integrity)
    this.#keepalive = options.keepalive === undefined ? (other?.keepalive ?? false) : Boolean(options.keepalive)
  }

  get method(): string {
    return this.#method
  }

  get url(): string {
    return this.#url
  }

  get signal(): AbortSignal {
    return this.#signal
  }

  get redirect(): string {
    return this.#choices.redirect
  }

  get mode(): string {
    return this.#choices.mode
  }

  get credentials(): string {
    return this.#choices.credentials
  }

  get cache(): string {
    return this.#choices.cache
  }

  get referrer(): string {
    return 'about:client'
  }

  get referrerPolicy(): string {
    return this.#choices.referrerPolicy
  }

  get destination(): string {
    return ''
  }

  get integrity(): string {
    return this.#integrity
  }

  get keepalive(): boolean {
    return this.#keepalive
  }

  get duplex(): string {
    return 'half'
  }

  clone(): Request {
    const content = cloneContent(this, 'unusable')
    const options = { method: this.#method, headers: this.headers, signal: this.#signal, integrity: this.#integrity }
    const made = new Request(this.#url, { ...options, ...this.#choices, mode: undefined, keepalive: this.#keepalive })
    return withContent(made, content)
  }

  get [Symbol.toStringTag](): string {
    return 'Request'
  }
}

/** The content of a clone: what its constructor made is thrown away. */
function withContent<Made extends Body>(made: Made, { known, stream, source }: Content): Made {
  Object.assign(peekContent(made), { known, stream, source })
  return made
}

function takenFrom(other: Request): Content {
  return { ...(hasBody(other) ? takeContent(other) : extract(null)), type: undefined }
}

function dictionary<Options extends object>(alleged: Options | null | undefined, what: string): Options {
  if (alleged === undefined || alleged === null) return {} as Options
  if (typeof alleged === 'object' || typeof alleged === 'function') return alleged
  throw new TypeError(`${what}: init must be an object, not a ${typeof alleged}`)
}

function parseUrl(input: unknown): string {
  const text = String(input)
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new TypeError(`Failed to parse URL from ${text.slice(0, 500)}`, { cause })
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${text.slice(0, 500)}`)
  }
  return url.href
}

function methodOf(alleged: unknown): string {
  const method = String(alleged)
  const upper = method.toUpperCase()
  if (!TOKEN.test(method)) throw new TypeError(`'${method.slice(0, 100)}' is not a valid HTTP method.`)
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'TRACK')
    throw new TypeError(`'${method}' HTTP method is unsupported.`)
  return NORMALISED.has(upper) ? upper : method
}

function signalOf(alleged: unknown): AbortSignal {
  if (alleged === undefined || alleged === null) return new AbortController().signal
  if (alleged instanceof AbortSignal) return AbortSignal.any([alleged])
  throw new TypeError('RequestInit: Expected signal to be an instance of AbortSignal.')
}

function choicesOf(options: RequestOptions, defaults: Choices): Choices {
  const choices = { ...defaults }
  for (const name of Object.keys(MODES) as (keyof Choices)[]) {
    const value = options[name]
    if (value === undefined) continue
    if (!(MODES[name] as readonly unknown[]).includes(value)) {
      throw new TypeError(`RequestInit: ${String(value).slice(0, 50)} is not an accepted type for ${name}`)
    }
    if (name === 'mode' && value === 'navigate') throw new TypeError('Request constructor: invalid request mode navigate.')
    choices[name] = value as string
  }
  return choices
}

interface ResponseOptions {
  status?: unknown
  statusText?: unknown
  headers?: unknown
}

/** What only the network or a static method may say of a response. */
interface Origin {
  type: string
  url: string
  redirected: boolean
}

let originate: (response: Response, origin: Origin, status?: number) => Response

export interface Response extends Body {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the members of Body are mixed in below
export class Response {
  #status: number
  readonly #statusText: string
  #origin: Origin = { type: 'default', url: '', redirected: false }

  constructor(...args: [body?: unknown, options?: ResponseOptions | null]) {
    const [body = null, given] = args
    const options = dictionary<ResponseOptions>(given, 'Response constructor')
    const status = options.status === undefined ? 200 : Math.trunc(Number(options.status))
    if (!(status >= 200 && status <= 599)) throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.')
    const statusText = options.statusText === undefined ? '' : String(options.statusText)
    if (/[^\t\x20-\x7e\x80-\xff]/.test(statusText)) throw new TypeError('Invalid statusText')
    const headers = new Headers(options.headers)
    if (body !== null && NULL_BODY_STATUSES.has(status)) {
      throw new TypeError(`Response constructor: Invalid response status code ${status}`)
    }
    giveBody(this, extract(body), headers)
    this.#status = status
    this.#statusText = statusText
  }

  static {
    originate = (response, origin, status) => {
      response.#origin = origin
      if (status !== undefined) response.#status = status
      return response
    }
  }

  static error(): Response {
    const response = new Response(null)
    sealHeaders(response.headers)
    return originate(response, { type: 'error', url: '', redirected: false }, 0)
  }

  static json(...args: [value?: unknown, options?: ResponseOptions | null]): Response {
    if (args.length === 0) throw new TypeError('Response.json: 1 argument required, but only 0 present.')
    const text = JSON.stringify(args[0])
    if (text === undefined) throw new TypeError('Value is not JSON serializable')
    const headers = new Headers(dictionary<ResponseOptions>(args[1], 'Response.json').headers)
    if (!headers.has('content-type')) headers.set('content-type', 'application/json')
    return new Response(text, { ...args[1], headers })
  }

  static redirect(...args: [url?: unknown, status?: unknown]): Response {
    if (args.length === 0) throw new TypeError('Response.redirect: 1 argument required, but only 0 present.')
    const [url, status = 302] = args
    if (!REDIRECT_STATUSES.has(Number(status))) throw new RangeError(`Invalid status code ${String(status)}`)
    let location: string
    try {
      location = new URL(String(url)).href
    } catch (cause) {
      throw new TypeError(`Failed to parse URL from ${String(url).slice(0, 500)}`, { cause })
    }
    const response = new Response(null, { status, headers: { location } })
    sealHeaders(response.headers)
    return response
  }

  get type(): string {
    return this.#origin.type
  }

  get url(): string {
    return this.#origin.url
  }

  get redirected(): boolean {
    return this.#origin.redirected
  }

  get status(): number {
    return this.#status
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299
  }

  get statusText(): string {
    return this.#statusText
  }

  clone(): Response {
    const content = cloneContent(this, 'Response.clone: Body has already been consumed.')
    const status = this.#status === 0 ? 200 : this.#status
    const made = new Response(null, { status, statusText: this.#statusText, headers: this.headers })
    return originate(withContent(made, content), this.#origin, this.#status)
  }

  get [Symbol.toStringTag](): string {
    return 'Response'
  }
}

/** An answer of the network. */
export function networkResponse(
  content: Content,
  options: { status: number; statusText: string; headers: Headers },
  origin: Omit<Origin, 'type'>
): Response {
  const status = options.status >= 200 && options.status <= 599 ? options.status : 200
  const made = new Response(null, { ...options, status })
  sealHeaders(made.headers)
  return originate(withContent(made, content), { type: 'basic', ...origin }, options.status)
}

export function isNullBody(status: number, method: string): boolean {
  return method === 'HEAD' || method === 'CONNECT' || NULL_BODY_STATUSES.has(status)
}

mixInBody(Request)
mixInBody(Response)
enumerable(Request, Response)
inspectable(
  Request,
  membersOf(
    'method',
    'url',
    'headers',
    'destination',
    'referrer',
    'referrerPolicy',
    'mode',
    'credentials',
    'cache',
    'redirect',
    'integrity',
    'keepalive',
    'signal'
  )
)
inspectable(Response, membersOf('status', 'statusText', 'headers', 'body', 'bodyUsed', 'ok', 'redirected', 'type', 'url'))
