import { EventEmitter } from './emitter.guest.ts'
import { bytesOf, TextDecoder, TextEncoder } from './encoding.guest.ts'
import { headersOf, statusOf, typeDefaultOf } from './http-answer.guest.ts'
import { jsonParse, jsonStringify, promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'

/** What marks a stream whose first bytes are status and headers, as on Lambda. */
const INTEGRATION_TYPE = 'application/vnd.awslambda.http-integration-response'
const DEFAULT_TYPE = 'application/octet-stream'
/** Between the JSON of status and headers and the body. */
const DELIMITER_BYTES = 8
const PRELUDE_BYTES_MAX = 65_536
/** From so many bytes on that wait here, `write` says that the writer should wait. Node's own default for bytes. */
const HIGH_WATER_BYTES = 65_536

export interface StreamLimits {
  /** Whole body. */
  bytesMax: number
  /** The same where the answer is gathered. */
  gatheredBytesMax: number
  chunkBytesMax: number
  /** What may be under way without credit; infinite where the answer is gathered instead of sent. */
  windowBytes: number
}

/** How the stream talks to the call that it belongs to. */
export interface StreamOwner {
  readonly http: boolean
  /** Once, before the first chunk: status and headers, name NUL value NUL …. */
  head(statusCode: number, headers: string): void
  chunk(bytes: Uint8Array): void
  /** False once the call was answered: then nothing may be told any more. */
  alive(): boolean
  finished(): void
  failed(error: unknown): void
}

interface Metadata {
  statusCode?: unknown
  headers?: unknown
  cookies?: unknown
}

interface Waiting {
  bytes: Uint8Array
  callback: ((error?: Error | null) => void) | undefined
}

/**
 * The second argument of a streaming handler: what Node's Writable looks like from outside (`pipe` and `pipeline` take it), with the calls
 * that Lambda adds. Bytes leave as they are written, as long as the client takes them; after that they wait here and `write` answers false.
 */
export class ResponseStream extends EventEmitter {
  readonly #owner: StreamOwner
  readonly #limits: StreamLimits
  readonly #queue: Waiting[] = []
  #queued = 0
  #credit: number
  #contentType: string | undefined
  #metadata: Metadata | undefined
  #head: { statusCode: number; headers: string } | undefined
  /** Bytes of a prelude that is not whole yet; undefined when there is none to come. */
  #prelude: Uint8Array | undefined
  #opened = false
  /** The client is gone: what is written is dropped. */
  #abandoned = false
  #needDrain = false
  #total = 0
  writable = true
  writableEnded = false
  writableFinished = false
  destroyed = false
  closed = false
  errored: unknown = null
  readonly writableHighWaterMark: number
  readonly writableObjectMode = false
  readonly writableCorked = 0

  constructor(owner: StreamOwner, limits: StreamLimits, highWaterMark?: unknown) {
    super()
    this.#owner = owner
    this.#limits = limits
    this.#credit = limits.windowBytes
    this.writableHighWaterMark = typeof highWaterMark === 'number' && highWaterMark > 0 ? highWaterMark : HIGH_WATER_BYTES
  }

  get writableLength(): number {
    return this.#queued
  }

  get writableNeedDrain(): boolean {
    return this.#needDrain && !this.destroyed
  }

  /** Before the first write, else it is too late. */
  setContentType(type: unknown): void {
    if (this.#opened) throw coded('InvalidStreamingOperation', 'Cannot set content-type, too late.')
    this.#contentType = String(type)
  }

  /** @internal Status and headers in one piece, from `HttpResponseStream.from`. */
  setMetadata(metadata: Metadata): void {
    this.setContentType(INTEGRATION_TYPE)
    if (this.#owner.http) this.#metadata = metadata
    else this.#enqueue(concat([encode(jsonStringify(metadata) ?? '{}'), new Uint8Array(DELIMITER_BYTES)]), undefined)
  }

  /** @internal Status and headers as they are told: name NUL value NUL …. */
  setHead(statusCode: number, headers: string): void {
    this.#head = { statusCode, headers }
  }

  write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
    const callback = (typeof encoding === 'function' ? encoding : done) as Waiting['callback']
    if (this.#abandoned) {
      if (callback !== undefined) soon(() => callback(null))
      return true
    }
    if (this.destroyed || this.writableEnded) {
      const code = this.destroyed ? 'ERR_STREAM_DESTROYED' : 'ERR_STREAM_WRITE_AFTER_END'
      const error = coded(code, this.destroyed ? 'Cannot call write after a stream was destroyed' : 'write after end')
      if (callback !== undefined) soon(() => callback(error))
      if (!this.destroyed) this.destroy(error)
      return false
    }
    try {
      const body = this.#bodyOf(toBytes(chunk, encoding))
      if (body !== undefined) this.#enqueue(body, callback)
      else if (callback !== undefined) soon(() => callback(null))
    } catch (error) {
      this.destroy(error)
      return false
    }
    this.#flush()
    const full = this.#queued >= this.writableHighWaterMark
    if (full) this.#needDrain = true
    return !full
  }

  end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
    const callback = [chunk, encoding, done].find((value) => typeof value === 'function') as (() => void) | undefined
    if (callback !== undefined) {
      if (this.writableFinished || this.#abandoned) soon(callback)
      else this.once('finish', callback)
    }
    if (this.writableEnded) return this
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.write(chunk, encoding)
    this.writableEnded = true
    this.writable = false
    if (this.destroyed && !this.#abandoned) return this
    if (this.#prelude !== undefined && this.#prelude.length > 0) {
      this.destroy(coded('Runtime.InvalidHttpResponse', 'the stream ended within the metadata of its response'))
      return this
    }
    this.#flush()
    return this
  }

  destroy(error?: unknown): this {
    if (this.destroyed) return this
    this.destroyed = true
    this.writable = false
    this.errored = error ?? null
    this.#drop()
    if (error !== undefined && error !== null) {
      this.#owner.failed(error)
      soon(() => {
        // Nobody has to listen: the call has failed with it already.
        if (this.listenerCount('error') > 0) this.emit('error', error)
        this.#close()
      })
    } else {
      if (!this.writableFinished) this.#owner.failed(coded('ERR_STREAM_PREMATURE_CLOSE', 'Premature close'))
      soon(() => this.#close())
    }
    return this
  }

  cork(): void {
    // Each write may go out by itself: joining is the executor's business.
  }

  uncork(): void {
    // As above.
  }

  setDefaultEncoding(): this {
    return this
  }

  /** @internal The client took so many bytes. */
  grant(bytes: number): void {
    this.#credit += bytes
    this.#flush()
  }

  /** @internal Nobody takes any more. */
  abandon(): void {
    if (this.#abandoned || this.writableFinished) return
    this.#abandoned = true
    this.#drop()
    if (this.#needDrain) this.#drained()
    if (this.writableEnded) {
      this.#finish()
      return
    }
    this.destroyed = true
    soon(() => this.#close())
    this.#owner.finished()
  }

  /** @internal */
  get abandoned(): boolean {
    return this.#abandoned
  }

  #drop(): void {
    const dropped = this.#queue.splice(0)
    this.#queued = 0
    const error = this.#abandoned ? null : coded('ERR_STREAM_DESTROYED', 'the stream was destroyed')
    for (const { callback } of dropped) if (callback !== undefined) soon(() => callback(error))
  }

  #close(): void {
    if (this.closed) return
    this.closed = true
    this.emit('close')
  }

  /** What of the bytes is body: where status and headers come first in the stream, they are taken out. */
  #bodyOf(bytes: Uint8Array): Uint8Array | undefined {
    if (!this.#owner.http || this.#opened || this.#metadata !== undefined || this.#contentType !== INTEGRATION_TYPE) return bytes
    const joined = this.#prelude === undefined ? bytes : concat([this.#prelude, bytes])
    const end = delimiterIn(joined)
    if (end < 0) {
      if (joined.length > PRELUDE_BYTES_MAX) {
        throw coded('Runtime.InvalidHttpResponse', `the metadata of the response has more than ${PRELUDE_BYTES_MAX} bytes`)
      }
      this.#prelude = joined
      return undefined
    }
    this.#prelude = undefined
    this.#metadata = metadataOf(joined.subarray(0, end))
    const rest = joined.subarray(end + DELIMITER_BYTES)
    return rest.length === 0 ? undefined : rest
  }

  #enqueue(bytes: Uint8Array, callback: Waiting['callback']): void {
    this.#total += bytes.length
    if (this.#total > this.#limits.bytesMax) {
      throw coded(
        'Function.ResponseSizeTooLarge',
        `Response payload size exceeded maximum allowed payload size (${this.#limits.bytesMax} bytes).`
      )
    }
    this.#queue.push({ bytes, callback })
    this.#queued += bytes.length
  }

  #flush(): void {
    if (!this.#owner.alive()) return
    try {
      while (this.#queue.length > 0 && !this.destroyed) {
        const first = this.#queue[0] as Waiting
        this.#open()
        const count = Math.min(first.bytes.length, this.#credit, this.#limits.chunkBytesMax)
        if (count > 0) {
          // A copy of its own: what crosses is the whole buffer beneath a view.
          this.#owner.chunk(first.bytes.slice(0, count))
          this.#credit -= count
          this.#queued -= count
          first.bytes = first.bytes.subarray(count)
        }
        if (first.bytes.length > 0) return
        this.#queue.shift()
        const { callback } = first
        if (callback !== undefined) soon(() => callback(null))
      }
    } catch (error) {
      this.destroy(error)
      return
    }
    if (this.#needDrain) this.#drained()
    if (this.writableEnded && !this.destroyed) this.#finish()
  }

  #drained(): void {
    this.#needDrain = false
    soon(() => this.emit('drain'))
  }

  #finish(): void {
    if (this.writableFinished) return
    try {
      if (!this.#abandoned) this.#open()
    } catch (error) {
      this.destroy(error)
      return
    }
    this.writableFinished = true
    soon(() => {
      this.emit('finish')
      this.destroyed = true
      this.#close()
    })
    this.#owner.finished()
  }

  /** Status and headers, once, before the first byte. */
  #open(): void {
    if (this.#opened) return
    this.#opened = true
    const type = this.#contentType
    if (this.#head !== undefined) {
      this.#owner.head(this.#head.statusCode, this.#head.headers)
      return
    }
    if (!this.#owner.http) this.#owner.head(200, type === undefined ? '' : `content-type\0${type}`)
    else if (this.#metadata === undefined) this.#owner.head(200, `content-type\0${type ?? DEFAULT_TYPE}`)
    else {
      const { statusCode = 200, headers, cookies } = this.#metadata
      const status = statusOf(statusCode)
      this.#owner.head(status, headersOf(headers, cookies, typeDefaultOf(status, DEFAULT_TYPE)))
    }
  }
}

/** `awslambda.HttpResponseStream`. */
export const HttpResponseStream = {
  from(stream: ResponseStream, metadata: unknown): ResponseStream {
    if (typeof metadata !== 'object' || metadata === null) throw new TypeError('the metadata of a response must be an object')
    // A copy, as Lambda takes it: what is changed later has no effect.
    const copy = jsonParse(jsonStringify(metadata)) as Metadata
    if (stream instanceof ResponseStream) stream.setMetadata(copy)
    else writeMetadata(stream, copy)
    return stream
  }
}

/** Through a wrapper of somebody else: as bytes, which are taken apart again at the end of the way. */
function writeMetadata(stream: ResponseStream, metadata: Metadata): void {
  stream.setContentType?.(INTEGRATION_TYPE)
  stream.write(jsonStringify(metadata))
  stream.write(new Uint8Array(DELIMITER_BYTES))
}

function metadataOf(bytes: Uint8Array): Metadata {
  try {
    const value = jsonParse(decode(bytes))
    if (typeof value === 'object' && value !== null) return value as Metadata
  } catch {
    // Told below, whatever is wrong with it.
  }
  throw coded('Runtime.InvalidHttpResponse', 'the metadata of the response must be a JSON object')
}

/** Offset of eight NUL bytes, or -1. */
function delimiterIn(bytes: Uint8Array): number {
  let zeros = 0
  for (let index = 0; index < bytes.length; index++) {
    zeros = bytes[index] === 0 ? zeros + 1 : 0
    if (zeros === DELIMITER_BYTES) return index + 1 - DELIMITER_BYTES
  }
  return -1
}

function toBytes(chunk: unknown, encoding: unknown): Uint8Array {
  if (chunk === null) throw coded('ERR_STREAM_NULL_VALUES', 'May not write null values to stream')
  if (typeof chunk === 'string') {
    if (typeof encoding !== 'string' || /^utf-?8$/i.test(encoding)) return encode(chunk)
    return Buffer.from(chunk, encoding as 'utf8')
  }
  if (chunk instanceof Uint8Array) return chunk
  if (chunk instanceof ArrayBuffer || ArrayBuffer.isView(chunk)) return bytesOf(chunk)
  // Lambda writes everything else as JSON.
  return encode(jsonStringify(chunk) ?? '')
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function concat(parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

function coded(code: string, message: string): Error {
  const error = Object.assign(new Error(message), { code })
  // Errors of Node keep the name Error; the platform's own are known by their type.
  if (!code.startsWith('ERR_')) error.name = code
  return error
}

function soon(run: () => void): void {
  reflectApply(promiseThen, promiseResolve(undefined), [run])
}
