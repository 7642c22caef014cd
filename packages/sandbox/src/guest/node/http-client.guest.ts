import type * as NodeHttp from 'node:http'
import { core } from './core.guest.ts'
import { makeHttpConnection } from './http-connection.guest.ts'

type Load = (id: string) => unknown
type Listener = (response: NodeHttp.IncomingMessage) => void
interface Options {
  [name: string]: unknown
  method?: string
  headers?: Record<string, unknown> | string[]
  timeout?: number
  signal?: AbortSignal
  agent?: unknown
}

/** What an answer is gone over with: fetch has taken the coding away, and with it these are wrong. */
const OF_CODING = new Set(['content-encoding', 'content-length', 'transfer-encoding'])
/** Set by who connects. */
const OF_CONNECTION = new Set([
  'connection',
  'host',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'expect',
  'upgrade',
  'te'
])
const BODILESS = new Set(['GET', 'HEAD'])

interface Outgoing extends NodeHttp.OutgoingMessage {
  outputData: { data: string | Buffer; encoding: string }[]
  finished: boolean
  _header: string | null
}

let made: ReturnType<typeof make> | undefined

/** http.ClientRequest over `fetch`: the body is gathered until `end`, the answer comes as it is read. */
export function makeClientRequest(load: Load): ReturnType<typeof make> {
  made ??= make(load)
  return made
}

function make(load: Load) {
  const { OutgoingMessage } = load('_http_outgoing') as { OutgoingMessage: new () => Outgoing }
  const { IncomingMessage } = load('_http_incoming') as { IncomingMessage: new (socket: unknown) => NodeHttp.IncomingMessage }
  const { STATUS_CODES } = load('_http_server') as { STATUS_CODES: Record<number, string> }
  const Connection = makeHttpConnection(load)
  const { Readable } = load('stream') as typeof import('node:stream')
  const { urlToHttpOptions } = load('internal/url') as { urlToHttpOptions(url: URL): Options }
  const { codes } = load('internal/errors') as { codes: Record<string, new (...values: unknown[]) => Error> }
  const { fetchBare } = core.builtin('peerless:fetch') as { fetchBare: typeof fetch }

  const invalid = (name: string, expected: string | string[], value: unknown): Error =>
    new (codes.ERR_INVALID_ARG_TYPE as new (...v: unknown[]) => Error)(name, expected, value)
  const assertHost = (host: unknown, name: string): void => {
    if (host === null || host === undefined || typeof host === 'string') return
    throw invalid(`options.${name}`, ['string', 'undefined', 'null'], host)
  }

  return class ClientRequest extends OutgoingMessage {
    readonly #body: Uint8Array[] = []
    readonly #controller = new AbortController()
    readonly #url: string
    readonly #connection = new Connection()
    #forget: () => void = () => undefined
    #started = false
    #finished = false
    /** The exchange is over, so what happens to the connection is nobody's business any more. */
    #released = false
    #told = false
    method: string
    path: string
    host: string
    protocol: string
    agent: unknown
    aborted = false
    reusedSocket = false
    maxHeadersCount: number | null = null
    res: NodeHttp.IncomingMessage | undefined
    timeoutCb: (() => void) | null = null

    constructor(alleged: unknown, second?: unknown, third?: Listener, protocolDefault = 'http:', agent?: unknown) {
      super()
      Object.defineProperty(this, 'writableFinished', { configurable: true, get: () => this.#finished })
      const listener = typeof second === 'function' ? (second as Listener) : third
      const extra = typeof second === 'object' && second !== null ? (second as Options) : {}
      const options: Options = { ...optionsOf(alleged, urlToHttpOptions), ...extra }
      this.method = String(options.method ?? 'GET').toUpperCase()
      if (!/^[!#$%&'*+.^_`|~\dA-Za-z-]+$/.test(this.method))
        throw new (codes.ERR_INVALID_HTTP_TOKEN as new (...v: unknown[]) => Error)('Method', options.method)
      this.protocol = String(options.protocol ?? protocolDefault)
      if (this.protocol !== protocolDefault && (options.agent === undefined || options.agent === null)) {
        throw new (codes.ERR_INVALID_PROTOCOL as new (...v: unknown[]) => Error)(this.protocol, protocolDefault)
      }
      this.path = String(options.path ?? '/')
      if (/[^\u0021-\u00ff]/.test(this.path))
        throw new (codes.ERR_UNESCAPED_CHARACTERS as new (...v: unknown[]) => Error)('Request path')
      assertHost(options.hostname, 'hostname')
      assertHost(options.host, 'host')
      this.host = String(options.hostname ?? options.host ?? 'localhost')
      this.agent = options.agent ?? agent
      const port = options.port === undefined || options.port === null || options.port === '' ? '' : `:${Number(options.port)}`
      const bare = this.host.replace(/:\d+$/, '')
      const name = bare.includes(':') && !bare.startsWith('[') ? `[${bare}]` : bare
      const inHost =
        /^[^[]*:(\d+)$/.exec(this.host)?.[0] !== undefined && port === '' ? (/:\d+$/.exec(this.host)?.[0] ?? '') : port
      this.#url = `${this.protocol}//${name}${inHost}${this.path.startsWith('/') ? '' : '/'}${this.path}`
      this.#setHeaders(options)
      if (listener !== undefined) this.once('response', listener)
      if (typeof options.timeout === 'number' && options.timeout > 0) this.setTimeout(options.timeout)
      const { signal } = options
      if (signal?.aborted === true) queueMicrotask(() => this.destroy(abortError(signal)))
      else if (signal !== undefined && signal !== null) {
        const abort = () => this.destroy(abortError(signal))
        signal.addEventListener('abort', abort, { once: true })
        this.#forget = () => signal.removeEventListener('abort', abort)
      }
      this.#connection.on('timeout', () => {
        this.emit('timeout')
        this.res?.emit('timeout')
      })
      this.#connection.on('error', (error: Error) => this.#failed(error))
      this.#connection.once('close', () => this.#lost())
      queueMicrotask(() => this.#connect())
    }

    #connect(): void {
      if (this.destroyed) return
      const connection = this.#connection
      connection.encrypted = this.protocol === 'https:'
      ;(this as { socket: unknown }).socket = connection
      this.emit('socket', connection)
      connection.emit('connect')
      if (connection.encrypted) connection.emit('secureConnect')
      // There is nobody to ask whether the body is welcome before it is sent.
      if (/^100-continue$/i.test(String(this.getHeader('expect') ?? ''))) this.emit('continue')
    }

    #failed(error: Error): void {
      if (this.#released || this.#told) return
      this.#told = true
      this.emit('error', error)
    }

    /** The connection is gone, whoever ended it: what had not come yet never comes. */
    #lost(): void {
      if (this.#released) return
      this.#release()
      this.#controller.abort()
      const { res } = this
      const unheard = this.aborted && (this as { socket?: unknown }).socket === null
      if (res !== undefined) {
        if (!res.complete) res.destroy(reset('aborted'))
      } else if (!this.#told && !unheard) this.emit('error', reset('socket hang up'))
      this.emit('close')
    }

    #release(): void {
      this.#released = true
      this.destroyed = true
      this.#forget()
      this.#connection.setTimeout(0)
    }

    #setHeaders({ headers, auth }: Options): void {
      if (Array.isArray(headers)) {
        for (let index = 0; index + 1 < headers.length; index += 2)
          this.appendHeader(headers[index] as string, headers[index + 1] as string)
      } else {
        for (const [name, value] of Object.entries(headers ?? {})) {
          if (Array.isArray(value) && name.toLowerCase() === 'host') throw invalid('options.headers.host', 'string', value)
          if (value !== undefined) this.setHeader(name, value as string)
        }
      }
      if (typeof auth === 'string' && !this.hasHeader('authorization')) {
        this.setHeader('Authorization', `Basic ${Buffer.from(auth).toString('base64')}`)
      }
    }

    override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
      const callback = (typeof encoding === 'function' ? encoding : done) as ((error?: Error | null) => void) | undefined
      if (this.finished) {
        const error = new (codes.ERR_STREAM_WRITE_AFTER_END as new () => Error)()
        queueMicrotask(() => {
          callback?.(error)
          this.emit('error', error)
        })
        return false
      }
      if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) {
        throw new (codes.ERR_INVALID_ARG_TYPE as new (...v: unknown[]) => Error)(
          'chunk',
          ['string', 'Buffer', 'Uint8Array'],
          chunk
        )
      }
      this.#body.push(
        typeof chunk === 'string'
          ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as 'utf8') : 'utf8')
          : chunk.slice()
      )
      if (callback !== undefined) queueMicrotask(() => callback(null))
      return true
    }

    override end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
      const callback = [chunk, encoding, done].find((value) => typeof value === 'function') as (() => void) | undefined
      if (callback !== undefined) this.once('finish', callback)
      if (this.finished) return this
      if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.write(chunk, encoding)
      this.finished = true
      queueMicrotask(() => {
        if (this.destroyed) return
        this.#finished = true
        this.emit('finish')
        void this.#run()
      })
      return this
    }

    override flushHeaders(): void {
      // They leave with the body.
    }

    override setTimeout(timeoutMs: number, run?: () => void): this {
      if (this.#released) return this
      if (run !== undefined) this.once('timeout', run)
      this.#connection.setTimeout(timeoutMs)
      return this
    }

    setNoDelay(): void {
      // The broker's business.
    }

    setSocketKeepAlive(): void {
      // As above.
    }

    onSocket(): void {
      // There is none.
    }

    abort(): void {
      if (this.aborted) return
      this.aborted = true
      process.nextTick(() => this.emit('abort'))
      this.destroy()
    }

    override destroy(error?: Error): this {
      if (this.destroyed) return this
      this.destroyed = true
      const { res } = this
      // Whoever ends a request does not care for what is left of its answer.
      ;(res as { _dump?(): void } | undefined)?._dump?.()
      if (this.finished && res?.complete === true) return this
      this.#controller.abort()
      this.#connection.destroy(error)
      return this
    }

    async #run(): Promise<void> {
      if (this.#started || this.destroyed) return
      this.#started = true
      this.#connection.touch()
      const headers: [string, string][] = []
      for (const [name, value] of Object.entries(this.getHeaders())) {
        if (OF_CONNECTION.has(name) || value === undefined) continue
        for (const one of Array.isArray(value) ? value : [value]) headers.push([name, String(one)])
      }
      try {
        const body = this.#body.length === 0 || BODILESS.has(this.method) ? undefined : Buffer.concat(this.#body)
        const response = await fetchBare(this.#url, {
          method: this.method,
          headers,
          redirect: 'manual',
          signal: this.#controller.signal,
          ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> })
        })
        this.#answered(response)
      } catch (error) {
        if (!this.destroyed) this.destroy(errorOf(error))
      }
    }

    #answered(response: Response): void {
      const message = new IncomingMessage(this.#connection)
      this.#connection.touch()
      this.res = message
      const coded = response.headers.has('content-encoding')
      const raw: string[] = []
      for (const [name, value] of response.headers) if (!(coded && OF_CODING.has(name))) raw.push(name, value)
      Object.assign(message, {
        httpVersion: '1.1',
        httpVersionMajor: 1,
        httpVersionMinor: 1,
        statusCode: response.status,
        statusMessage: response.statusText || STATUS_CODES[response.status] || '',
        url: '',
        req: this
      })
      ;(message as unknown as { _addHeaderLines(lines: string[], count: number): void })._addHeaderLines(raw, raw.length)
      ;(message as unknown as { rawHeaders: string[] }).rawHeaders = raw
      this.#pump(message, response)
      message.once('end', () => {
        if (this.#released) return
        this.#release()
        queueMicrotask(() => this.emit('close'))
      })
      // Whoever does not listen does not want it.
      if (!this.emit('response', message)) message.resume()
    }

    #pump(message: NodeHttp.IncomingMessage, response: Response): void {
      const finish = () => {
        ;(message as { complete: boolean }).complete = true
        message.push(null)
      }
      if (response.body === null) {
        finish()
        return
      }
      const reader = response.body.getReader()
      let reading = false
      // As IncomingMessage's own first read does; without it nothing is read on.
      ;(message as unknown as { _readableState: { readingMore: boolean } })._readableState.readingMore = false
      ;(message as unknown as { _read(): void })._read = () => {
        if (reading) return
        reading = true
        reader.read().then(
          ({ done, value }) => {
            reading = false
            this.#connection.touch()
            if (done) finish()
            else message.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
          },
          (error: unknown) => this.#broke(message, error)
        )
      }
      if (message.readableFlowing === true) Readable.prototype.read.call(message, 0)
    }

    /** A body that did not come whole. */
    #broke(message: NodeHttp.IncomingMessage, thrown: unknown): void {
      if (this.destroyed) return
      const error = errorOf(thrown)
      this.#connection.destroy()
      // Of a connection that was cut, Node says no more than that.
      if ((error as { rule?: unknown }).rule !== 'network') message.destroy(error)
    }
  }
}

function optionsOf(alleged: unknown, urlToHttpOptions: (url: URL) => Options): Options {
  if (typeof alleged === 'string') return urlToHttpOptions(new URL(alleged))
  if (alleged instanceof URL) return urlToHttpOptions(alleged)
  return { ...(alleged as Options) }
}

function reset(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' })
}

function abortError(signal: AbortSignal): Error {
  return Object.assign(new Error('The operation was aborted', { cause: signal.reason }), {
    name: 'AbortError',
    code: 'ABORT_ERR'
  })
}

/** What stands behind `fetch failed`, with the code that users of node:http look at. */
function errorOf(error: unknown): Error {
  const cause = (error as { cause?: unknown }).cause
  const made = cause instanceof Error ? cause : error instanceof Error ? error : new Error(String(error))
  const coded = made as Error & { code?: unknown }
  if (typeof coded.code !== 'string') coded.code = 'ECONNREFUSED'
  return made
}
