import type { ReadableStream } from 'web-streams-polyfill'
import { loadedChunk } from '../chunks.guest.ts'
import { bytesOf, TextDecoder, TextEncoder } from '../encoding.guest.ts'
import type { Headers } from './headers.guest.ts'

/** Where the bytes of a body come from when they are neither here nor in a stream that somebody sees: the network. */
export interface BodySource {
  /** The next piece; undefined at the end. */
  next(): Promise<Uint8Array | undefined>
  cancel(): void
}

/** What a body is made of: null for none. A known body can be sent again; a stream or source only once. */
export interface Content {
  known: string | Uint8Array | null
  stream: ReadableStream | undefined
  source: BodySource | undefined
  type: string | undefined
}

type Streams = typeof import('./streams.guest.ts')
type Blobs = typeof import('./blob.guest.ts')
type Forms = typeof import('./form-data.guest.ts')
const streams = (): Streams => require('./streams.guest.ts')

function known(value: string | Uint8Array, type: string | undefined): Content {
  return { known: value, stream: undefined, source: undefined, type }
}

export function isStream(value: unknown): value is ReadableStream {
  return (loadedChunk('streams') as Streams | undefined)?.isReadableStream(value) === true
}

/** The body of a Request or Response as its constructor takes it. @throws TypeError */
export function extract(body: unknown): Content {
  if (body === undefined || body === null) return { known: null, stream: undefined, source: undefined, type: undefined }
  if (typeof body === 'string') return known(body.toWellFormed(), 'text/plain;charset=UTF-8')
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return known(bytesOf(body).slice(), undefined)
  const { URLSearchParams } = globalThis as { URLSearchParams: new () => object }
  if (body instanceof URLSearchParams) return known(String(body), 'application/x-www-form-urlencoded;charset=UTF-8')
  const blobs = loadedChunk('blob') as Blobs | undefined
  if (blobs?.isBlob(body) === true) return known(blobs.bytesOfBlob(body), body.type === '' ? undefined : body.type)
  const forms = loadedChunk('form-data') as Forms | undefined
  if (forms !== undefined && body instanceof forms.FormData) {
    const { random } = require('../random.guest.ts') as typeof import('../random.guest.ts')
    const boundary = `----formdata-${random(12).toHex()}`
    return known(forms.encodeForm(body, boundary), `multipart/form-data; boundary=${boundary}`)
  }
  if (isStream(body)) return streamed(body)
  if (typeof (body as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function') {
    return { known: null, stream: undefined, source: iterated(body as AsyncIterable<unknown>), type: undefined }
  }
  return known(String(body).toWellFormed(), 'text/plain;charset=UTF-8')
}

/** As Node takes it: pieces may be texts, and empty ones are left out. */
function iterated(iterable: AsyncIterable<unknown>): BodySource {
  const iterator = iterable[Symbol.asyncIterator]()
  return {
    async next() {
      for (;;) {
        const { done, value } = await iterator.next()
        if (done === true) return undefined
        const piece = typeof value === 'string' ? new TextEncoder().encode(value) : value
        if (!(piece instanceof ArrayBuffer) && !ArrayBuffer.isView(piece)) {
          iterator.return?.().catch(() => undefined)
          throw new TypeError('pieces of a body must be bytes or texts')
        }
        const bytes = bytesOf(piece)
        if (bytes.length > 0) return bytes.slice()
      }
    },
    cancel: () => {
      iterator.return?.().catch(() => undefined)
    }
  }
}

function streamed(stream: ReadableStream): Content {
  if (stream.locked || streams().isDisturbed(stream)) {
    throw new TypeError('Response body object should not be disturbed or locked')
  }
  return { known: null, stream, source: undefined, type: undefined }
}

/** Takes the content away: afterwards the body is used. */
let take: (body: Body) => Content
let peek: (body: Body, unusableText?: string) => Content
let has: (body: Body) => boolean

const unusable = (text = 'Body is unusable: Body has already been read') => new TypeError(text)

/** What Request and Response share. */
export interface Body {
  readonly headers: Headers
  readonly body: ReadableStream | null
  readonly bodyUsed: boolean
  text(): Promise<string>
  json(): Promise<unknown>
  bytes(): Promise<Uint8Array>
  arrayBuffer(): Promise<ArrayBuffer>
  blob(): Promise<unknown>
  formData(): Promise<unknown>
}

/** Lets the class below put its private fields into an object that another class has made. */
class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: what is returned is what the derived class's fields go into
    return object
  }
}

/** The standard has a mixin here, no class that both derive from: who walks up the prototypes to the first class must find Response. */
class BodyMixin extends Given implements Body {
  readonly #headers: Headers
  readonly #content: Content
  #used = false

  constructor(object: object, content: Content, headers: Headers) {
    super(object)
    this.#content = content
    this.#headers = headers
    if (content.type !== undefined && !headers.has('content-type')) headers.set('content-type', content.type)
  }

  static {
    has = (body) => (body as BodyMixin).#has()
    peek = (alleged, unusableText) => {
      const body = alleged as BodyMixin
      if (body.#isUnusable()) throw unusable(unusableText)
      return body.#content
    }
    take = (alleged) => {
      const body = alleged as BodyMixin
      if (body.#isUnusable()) throw unusable()
      body.#used = true
      return body.#content
    }
  }

  get headers(): Headers {
    return this.#headers
  }

  get body(): ReadableStream | null {
    const content = this.#content
    if (content.stream !== undefined) return content.stream
    if (content.known === null && content.source === undefined) return null
    content.stream = streamOf(content)
    // Read as text or bytes before the stream was asked for: the stream is there, and closed to everybody.
    if (this.#used) content.stream.getReader()
    return content.stream
  }

  get bodyUsed(): boolean {
    const { stream } = this.#content
    return this.#used ? this.#has() : stream !== undefined && streams().isDisturbed(stream)
  }

  #has(): boolean {
    const { known, stream, source } = this.#content
    return known !== null || stream !== undefined || source !== undefined
  }

  #isUnusable(): boolean {
    const { stream } = this.#content
    return this.bodyUsed || stream?.locked === true
  }

  async text(): Promise<string> {
    const read = await this.#read()
    return typeof read === 'string' ? read : new TextDecoder().decode(read)
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async bytes(): Promise<Uint8Array> {
    const read = await this.#read()
    return typeof read === 'string' ? new TextEncoder().encode(read) : read.slice()
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer as ArrayBuffer
  }

  async blob(): Promise<unknown> {
    const bytes = await this.bytes()
    const { Blob } = require('./blob.guest.ts') as Blobs
    return new Blob([bytes], { type: this.#headers.get('content-type') ?? '' })
  }

  async formData(): Promise<unknown> {
    const { decodeForm } = require('./form-data.guest.ts') as Forms
    const type = this.#headers.get('content-type') ?? ''
    return decodeForm(await this.bytes(), type)
  }

  async #read(): Promise<string | Uint8Array> {
    if (this.#isUnusable()) throw unusable()
    this.#used = true
    return await readContent(this.#content)
  }
}

/** Gives an object of a class that has `mixInBody` its body. */
export function giveBody(object: object, content: Content, headers: Headers): void {
  new BodyMixin(object, content, headers)
}

/** Gives a class the members of a body. */
export function mixInBody(target: { prototype: object }): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(BodyMixin.prototype))) {
    if (name !== 'constructor') Object.defineProperty(target.prototype, name, descriptor)
  }
}

/** All of it. What is known is not copied. */
export async function readContent({ known: value, stream, source }: Content): Promise<string | Uint8Array> {
  if (stream !== undefined) return await gather(sourceOf(stream))
  if (value !== null) return value
  return source === undefined ? '' : await gather(source)
}

async function gather(source: BodySource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for (let piece = await source.next(); piece !== undefined; piece = await source.next()) {
    pieces.push(piece)
    length += piece.length
  }
  if (pieces.length === 1) return pieces[0] as Uint8Array
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** Reads a stream of bytes; with `texts`, of texts too, as what is sent may be. @throws TypeError for another chunk */
export function sourceOf(stream: ReadableStream, texts = false): BodySource {
  const reader = stream.getReader()
  return {
    async next() {
      const { value, done } = await reader.read()
      if (done) return undefined
      if (texts && typeof value === 'string') return new TextEncoder().encode(value)
      if (!(value instanceof Uint8Array)) {
        const error = new TypeError('Received non-Uint8Array chunk')
        reader.cancel(error).catch(() => undefined)
        throw error
      }
      return value
    },
    cancel: () => {
      reader.cancel().catch(() => undefined)
    }
  }
}

function streamOf({ known: value, source }: Content): ReadableStream {
  const { ReadableStream } = streams()
  if (source === undefined) {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : (value ?? new Uint8Array(0)).slice()
    return new ReadableStream({
      type: 'bytes',
      start(controller) {
        if (bytes.length > 0) controller.enqueue(bytes)
        controller.close()
      }
    })
  }
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const piece = await source.next()
      if (piece !== undefined) controller.enqueue(piece as Uint8Array<ArrayBuffer>)
      else {
        controller.close()
        controller.byobRequest?.respond(0)
      }
    },
    cancel: () => source.cancel()
  })
}

/** Two bodies of one: what is known is shared, what comes in pieces is forked. */
export function cloneContent(body: Body, unusableText: string): Content {
  const content = peek(body, unusableText)
  if (content.stream === undefined && content.source === undefined) return { ...content }
  // Makes the stream that both come from.
  const stream = body.body as ReadableStream
  const [left, right] = stream.tee()
  content.stream = left as ReadableStream
  content.source = undefined
  content.known = null
  return { known: null, stream: right as ReadableStream, source: undefined, type: content.type }
}

export function takeContent(body: Body): Content {
  return take(body)
}

/** @throws TypeError where it was read */
export function peekContent(body: Body): Content {
  return peek(body)
}

export function hasBody(body: Body): boolean {
  return has(body)
}
