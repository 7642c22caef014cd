import { FETCH_PIECE_BYTES, FETCH_WINDOW_BYTES, FETCHES_MAX, JOB, RESUME, VERB } from '../../bridge-operations.ts'
import { TextEncoder } from '../encoding.guest.ts'
import { jsonParse } from '../intrinsics.guest.ts'
import { forgetJob, startJob, tellJob } from '../jobs.guest.ts'
import { type BodySource, hasBody } from './body.guest.ts'
import {
  Headers,
  isNullBody,
  networkResponse,
  Request,
  type RequestOptions,
  type Response,
  sourceOf,
  takeContent
} from './fetch-types.guest.ts'

interface Head {
  status: number
  statusText: string
  url: string
  redirected: boolean
  headers: string[]
}

interface Failure {
  name: string
  rule?: string
  message: string
  code?: string
}

/** `fetch`: the request goes to the daemon, which makes it under the function's policy, and comes back in pieces. */
export async function fetch(...args: [input?: unknown, options?: RequestOptions]): Promise<Response> {
  return await sent(args, true)
}

/** For node:http, which sends no header that nobody set. */
export async function fetchBare(...args: [input?: unknown, options?: RequestOptions]): Promise<Response> {
  return await sent(args, false)
}

/** What `fetch` says where the function does not. */
function headersOpen(headers: Headers, { protocol }: URL): string[] {
  const encodings = protocol === 'https:' ? 'br, gzip, deflate' : 'gzip, deflate'
  const values = { accept: '*/*', 'accept-language': '*', 'user-agent': 'peerless', 'accept-encoding': encodings }
  return Object.entries(values).flatMap((pair) => (headers.has(pair[0]) ? [] : pair))
}

async function sent(args: [input?: unknown, options?: RequestOptions], completed: boolean): Promise<Response> {
  if (args.length === 0) throw new TypeError("Failed to execute 'fetch': 1 argument required, but only 0 present.")
  const request = new Request(...args)
  if (request.signal.aborted) throw request.signal.reason
  const url = new URL(request.url)
  const { protocol } = url
  if (protocol === 'data:') return dataResponse(request.url)
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw failed({ name: 'EgressError', rule: 'scheme', message: `the scheme of ${protocol} must be http, https or data` })
  }
  const headers = completed ? headersOpen(request.headers, url) : []
  const response = await new Promise<Response>((resolve, reject) => new Outbound(request, headers, resolve, reject))
  return request.integrity === '' ? response : await withIntegrity(response, request.integrity)
}

/** Requests under way, and those that wait for one of them to end: in the isolate, where what they hold counts as the function's. */
let underWay = 0
const waiting: Outbound[] = []

function startNext(): void {
  while (underWay < FETCHES_MAX) {
    const next = waiting.shift()
    if (next === undefined) return
    next.begin()
  }
}

class Outbound implements BodySource {
  readonly #request: Request
  /** Beside those of the request: names and values in turn. */
  readonly #headers: readonly string[]
  readonly #resolve: (response: Response) => void
  readonly #reject: (error: unknown) => void
  #job = 0
  #upload: Upload | undefined
  readonly #pieces: Uint8Array[] = []
  #waiting: ((piece: Uint8Array | undefined) => void) | undefined
  #refused: ((error: unknown) => void) | undefined
  #ended = false
  #error: { error: unknown } | undefined
  #counted = false
  #answered = false
  readonly #aborted = () => this.#abort(this.#request.signal.reason)

  constructor(
    request: Request,
    headers: readonly string[],
    resolve: (response: Response) => void,
    reject: (error: unknown) => void
  ) {
    this.#request = request
    this.#headers = headers
    this.#resolve = resolve
    this.#reject = reject
    request.signal.addEventListener('abort', this.#aborted)
    waiting.push(this)
    startNext()
  }

  begin(): void {
    if (this.#error !== undefined) return
    underWay++
    this.#counted = true
    const request = this.#request
    const upload = uploadOf(request)
    const headers: string[] = []
    for (const [name, value] of request.headers) headers.push(name, value)
    headers.push(...this.#headers)
    const order = {
      method: request.method,
      url: request.url,
      redirect: request.redirect,
      headers,
      bodyBytes: upload.total,
      ended: upload.ended
    }
    this.#job = startJob(JOB.FETCH, JSON.stringify(order), upload.first, (status, text, bytes) => this.#hear(status, text, bytes))
    this.#upload = upload.ended ? undefined : new Upload(this.#job, upload, (cause) => this.#abort(this.#failure(cause)))
  }

  /** Its place is free, once. */
  #release(): void {
    // The signal may live longer.
    this.#request.signal.removeEventListener('abort', this.#aborted)
    if (!this.#counted) return
    this.#counted = false
    underWay--
    startNext()
  }

  next(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift()
    if (piece !== undefined) {
      if (!this.#ended) tellJob(this.#job, VERB.CREDIT, piece.length)
      return Promise.resolve(piece)
    }
    if (this.#error !== undefined) return Promise.reject(this.#error.error)
    if (this.#ended) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#waiting = (came) => {
        if (came !== undefined) tellJob(this.#job, VERB.CREDIT, came.length)
        resolve(came)
      }
      this.#refused = reject
    })
  }

  cancel(): void {
    this.#stop()
    this.#pieces.length = 0
    this.#ended = true
  }

  #hear(status: number, text: string, bytes: Uint8Array | undefined): void {
    switch (status) {
      case RESUME.HEAD:
        this.#answer(jsonParse(text) as Head)
        return
      case RESUME.DATA:
        if (bytes !== undefined) this.#give(bytes)
        return
      case RESUME.PULL:
        this.#upload?.welcome(Number(text))
        return
      case RESUME.DONE:
        this.#ended = true
        this.#upload?.stop()
        this.#release()
        this.#give(undefined)
        return
      default:
        this.#upload?.stop()
        this.#release()
        this.#break(this.#failure(causeOf(jsonParse(text) as Failure)))
    }
  }

  /** What broke behind the head of the answer is told where its body is read. */
  #failure(cause: unknown): TypeError {
    return new TypeError(this.#answered ? 'terminated' : 'fetch failed', { cause })
  }

  #answer(head: Head): void {
    this.#answered = true
    const headers = new Headers()
    for (let index = 0; index + 1 < head.headers.length; index += 2) {
      try {
        headers.append(head.headers[index], head.headers[index + 1])
      } catch {
        // A header that the standard has no form for: the response is worth more than it.
      }
    }
    const empty = isNullBody(head.status, this.#request.method)
    const content = { known: null, stream: undefined, source: empty ? undefined : this, type: undefined }
    this.#resolve(networkResponse(content, { ...head, headers }, head))
  }

  #give(piece: Uint8Array | undefined): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) waiting(piece)
    else if (piece !== undefined) this.#pieces.push(piece)
  }

  #abort(reason: unknown): void {
    if (this.#ended || this.#error !== undefined) return
    this.#stop()
    this.#break(reason)
  }

  #stop(): void {
    this.#upload?.stop()
    if (this.#job !== 0) tellJob(this.#job, VERB.ABORT, 0)
    forgetJob(this.#job)
    this.#release()
  }

  #break(error: unknown): void {
    this.#error = { error }
    this.#pieces.length = 0
    this.#reject(error)
    const refused = this.#refused
    if (this.#waiting !== undefined) refused?.(error)
    this.#waiting = undefined
  }
}

interface UploadPlan {
  first: Uint8Array | undefined
  rest: BodySource | undefined
  total: number
  ended: boolean
}

/** What fits goes with the request itself; the rest follows as the daemon has room for it. */
function uploadOf(request: Request): UploadPlan {
  if (!hasBody(request)) return { first: undefined, rest: undefined, total: 0, ended: true }
  const content = takeContent(request)
  if (content.stream !== undefined) return { first: undefined, rest: sourceOf(content.stream, true), total: -1, ended: false }
  if (content.source !== undefined) return { first: undefined, rest: content.source, total: -1, ended: false }
  const { known } = content
  if (known === null) return { first: undefined, rest: undefined, total: 0, ended: true }
  const bytes = typeof known === 'string' ? new TextEncoder().encode(known) : known
  const first = bytes.slice(0, FETCH_PIECE_BYTES)
  if (first.length === bytes.length) return { first, rest: undefined, total: bytes.length, ended: true }
  let at = first.length
  const rest: BodySource = {
    async next() {
      if (at >= bytes.length) return undefined
      const piece = bytes.subarray(at, at + FETCH_PIECE_BYTES)
      at += piece.length
      return piece
    },
    cancel: () => undefined
  }
  return { first, rest, total: bytes.length, ended: false }
}

class Upload {
  readonly #job: number
  readonly #source: BodySource
  #room: number
  #stopped = false
  #wake: (() => void) | undefined

  constructor(job: number, plan: UploadPlan, failed: (error: unknown) => void) {
    this.#job = job
    this.#source = plan.rest as BodySource
    this.#room = FETCH_WINDOW_BYTES - (plan.first?.length ?? 0)
    this.#run().catch(failed)
  }

  welcome(bytes: number): void {
    this.#room += bytes
    this.#wake?.()
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#source.cancel()
    this.#wake?.()
  }

  async #run(): Promise<void> {
    for (let piece = await this.#source.next(); piece !== undefined; piece = await this.#source.next()) {
      for (let at = 0; at < piece.length; ) {
        while (this.#room <= 0 && !this.#stopped) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
        if (this.#stopped) return
        // A buffer of its own: what crosses is the whole buffer beneath a view.
        const part = piece.slice(at, at + Math.min(FETCH_PIECE_BYTES, this.#room))
        at += part.length
        this.#room -= part.length
        tellJob(this.#job, VERB.WRITE, 0, part)
      }
    }
    if (this.#stopped) return
    this.#stopped = true
    tellJob(this.#job, VERB.END, 0)
  }
}

/** As Node's fetch tells it: a TypeError, whose cause says what happened. */
function failed(failure: Failure): TypeError {
  return new TypeError('fetch failed', { cause: causeOf(failure) })
}

/** What the network said looks like the error of a system call that Node makes of it. */
const SYSTEM_CALL = /^(?<syscall>[a-z]+) E[A-Z]+ (?<place>.+?)(?::(?<port>\d+))?$/

function causeOf({ name, rule = 'limit', message, code }: Failure): Error {
  const cause = Object.assign(new Error(message), {
    rule,
    code: code ?? `EGRESS_${rule.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
  })
  if (code === undefined) return Object.assign(cause, { name })
  const { syscall, place, port } = SYSTEM_CALL.exec(message)?.groups ?? {}
  if (syscall === undefined) return cause
  if (port === undefined) return Object.assign(cause, { syscall, hostname: place })
  return Object.assign(cause, { syscall, address: place, port: Number(port) })
}

const HASHES = ['SHA-256', 'SHA-384', 'SHA-512']

/** The answer, once all of it has come and has one of the hashes; of several algorithms the strongest counts. */
async function withIntegrity(response: Response, integrity: string): Promise<Response> {
  const wanted = [...integrity.matchAll(/(?<=^|\s)sha(256|384|512)-([A-Za-z0-9+/_-]+={0,2})(?=\?|\s|$)/g)]
  const strongest = HASHES.findLast((name) => wanted.some(([, bits]) => name === `SHA-${bits}`))
  if (strongest === undefined) return response
  const bytes = await response.bytes()
  const { subtle } = require('./subtle.guest.ts') as typeof import('./subtle.guest.ts')
  const hash = new Uint8Array(await subtle.digest(strongest, bytes)).toBase64()
  const same = wanted.some(
    ([, bits, text]) => `SHA-${bits}` === strongest && text?.replace(/-/g, '+').replace(/_/g, '/') === hash
  )
  if (!same) throw new TypeError('fetch failed', { cause: new Error('integrity mismatch') })
  const { status, statusText, headers, url, redirected } = response
  const content = { known: bytes, stream: undefined, source: undefined, type: undefined }
  return networkResponse(content, { status, statusText, headers }, { url, redirected })
}

function dataResponse(url: string): Response {
  const match = /^data:([^,]*),([\s\S]*)$/.exec(url.split('#')[0] as string)
  if (match === null) throw failed({ name: 'EgressError', rule: 'url', message: 'invalid data: URL' })
  const [, header = '', data = ''] = match
  const encoded = /;\s*base64\s*$/i.test(header)
  const type = header.replace(/;\s*base64\s*$/i, '').trim()
  const raw = percentDecode(data)
  let bytes = raw
  if (encoded) {
    try {
      bytes = Uint8Array.fromBase64(String.fromCharCode(...raw).replace(/\s/g, ''))
    } catch {
      throw failed({ name: 'EgressError', rule: 'url', message: 'invalid base64 in a data: URL' })
    }
  }
  const known = type === '' ? 'text/plain;charset=US-ASCII' : type.startsWith(';') ? `text/plain${type}` : type
  const headers = new Headers({ 'content-type': known })
  return networkResponse(
    { known: bytes, stream: undefined, source: undefined, type: undefined },
    { status: 200, statusText: 'OK', headers },
    { url, redirected: false }
  )
}

function percentDecode(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  const decoded = new Uint8Array(bytes.length)
  let length = 0
  for (let index = 0; index < bytes.length; index++) {
    const hex = bytes[index] === 0x25 ? String.fromCharCode(bytes[index + 1] ?? 0, bytes[index + 2] ?? 0) : ''
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      decoded[length++] = Number.parseInt(hex, 16)
      index += 2
    } else decoded[length++] = bytes[index] as number
  }
  return decoded.slice(0, length)
}
