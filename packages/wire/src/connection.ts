import {
  type ByteChannel,
  errorCodeOf,
  type IncomingRequest,
  LIMITS,
  type OnPart,
  type OnReply,
  PeerlessError,
  type Reply
} from '@peerless/interface'
import { decode, encode } from './codec.ts'
import {
  FRAME_BYTES_MAX,
  NOTIFICATION_ID,
  REPLY_BIT,
  TYPE_CANCEL,
  TYPE_CREDIT,
  TYPE_FAILURE,
  TYPE_PART,
  TYPE_PIECE,
  TYPE_REPLY
} from './frame.ts'
import { FrameReader, type OnFrame } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import { PIECE_BYTES, PieceReader, PieceSender } from './pieces.ts'

const NOTHING = new Uint8Array(0)
/** With so few requests under way there is nothing to join, and a turn of the event loop costs more than the write. */
const EAGER_REQUESTS_MAX = 2

export interface ConnectionOptions {
  /** Called for each request or notification, with the bytes of header and payload as they came. What it throws is answered as its PeerlessError, or as INTERNAL. */
  onRequest: (request: IncomingRequest, bytes: number) => void
  /** Called once when the channel is gone, after all outstanding requests failed with CONNECTION_LOST. */
  onClose?: (error: Error | undefined) => void
  /** When the other side takes bytes again after `saturated`. */
  onDrain?: () => void
  /** How a flush is put off to the end of the tick when many requests are under way; `setImmediate` in production. */
  schedule: (run: () => void) => void
  frameBytesMax?: number
  requestsInFlightMax?: number
  /**
   * Large requests and replies go and come in pieces, and small ones between them: for channels that are slow beside memory. Both sides must say so.
   * Large ones may then be overtaken by what was sent later; parts of an answer are never, nor notifications.
   */
  pieces?: boolean
}

/**
 * Requests and replies over one byte channel, both ways at once. It has no timers: who waits brings its own deadline and cancels.
 * A malformed frame closes the channel, because nothing after it can be trusted.
 */
export class Connection {
  readonly #channel: ByteChannel
  readonly #writer: FrameWriter
  readonly #options: ConnectionOptions
  readonly #inFlightMax: number
  readonly #waiting = new Map<number, OnReply>()
  /** Of those, the ones whose answer comes in parts. */
  readonly #parted = new Map<number, OnPart>()
  readonly #serving = new Map<number, Incoming>()
  readonly #pieces: PieceSender | undefined
  readonly #pieceReader: PieceReader | undefined
  #nextId = 1
  #closed = false
  /** Inside the frames of one chunk: what they cause is sent together when the last of them is done. */
  #reading = false

  constructor(channel: ByteChannel, options: ConnectionOptions) {
    const frameBytesMax = options.frameBytesMax ?? FRAME_BYTES_MAX
    this.#channel = channel
    this.#options = options
    this.#inFlightMax = options.requestsInFlightMax ?? LIMITS.requestsInFlightMax
    this.#writer = new FrameWriter(channel, (run) => this.#scheduleFlush(run), frameBytesMax)
    const onFrame: OnFrame = (id, type, header, payload) => this.#onFrame(id, type, header, payload)
    const reader = new FrameReader(onFrame, frameBytesMax)
    if (options.pieces === true) {
      this.#pieces = new PieceSender(this.#writer, options.schedule)
      this.#pieceReader = new PieceReader(onFrame, frameBytesMax)
    }
    channel.onBytes((chunk, borrowed) => {
      if (this.#closed) return
      this.#reading = true
      try {
        reader.push(chunk, borrowed)
      } catch (error) {
        this.close(asError(error))
      }
      this.#reading = false
      this.#writer.flush()
    })
    channel.onDrain(() => {
      this.#writer.saturated = false
      this.#pieces?.resume()
      options.onDrain?.()
    })
    channel.onClose((error) => this.#onClosed(error))
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Requests sent and not yet answered. */
  get outstanding(): number {
    return this.#waiting.size
  }

  /** True while the other side takes bytes more slowly than they come. */
  get saturated(): boolean {
    return this.#writer.saturated
  }

  /** Bytes of large frames that wait for their turn, beside what the channel holds. */
  get pendingBytes(): number {
    return this.#pieces?.pendingBytes ?? 0
  }

  /**
   * Sends a request; `done` is called exactly once, later, never from within this call.
   * @param type below 0x7d
   * @param header any CBOR-safe value, or undefined for none
   * @returns the id for `cancel`, or 0 when it was refused at once (closed, too large, too many outstanding)
   */
  request(type: number, header: unknown, payload: Uint8Array, done: OnReply): number {
    if (this.#closed) return refuse(done, new PeerlessError('UNAVAILABLE', 'the connection is closed; nothing was sent'))
    if (this.#waiting.size >= this.#inFlightMax) {
      return refuse(
        done,
        new PeerlessError('BUSY', `${this.#waiting.size} requests are outstanding, at most ${this.#inFlightMax}`)
      )
    }
    const id = this.#takeId()
    try {
      this.#write(id, type, header, payload)
    } catch (error) {
      return refuse(done, asPeerlessError(error))
    }
    this.#waiting.set(id, done)
    return id
  }

  /** `request` whose answer comes in parts: `onPart` for each, in order, before `done`. */
  requestStreamed(type: number, header: unknown, payload: Uint8Array, onPart: OnPart, done: OnReply): number {
    const id = this.request(type, header, payload, done)
    if (id !== 0) this.#parted.set(id, onPart)
    return id
  }

  /** Grants the other side so many more bytes of parts of a request; nothing when it was answered. */
  credit(id: number, bytes: number): void {
    if (!this.#closed && this.#parted.has(id)) this.#writer.write(id, TYPE_CREDIT, encode(bytes), NOTHING)
  }

  /** `request` as a promise. Aborting the signal cancels it and rejects with DEADLINE_EXCEEDED. */
  call(type: number, header: unknown, payload: Uint8Array = NOTHING, signal?: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(new PeerlessError('DEADLINE_EXCEEDED', 'the deadline had passed before the request was sent'))
        return
      }
      const onAbort = () => this.cancel(id, new PeerlessError('DEADLINE_EXCEEDED', 'no answer before the deadline'))
      const id = this.request(type, header, payload, (error, reply) => {
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve(reply as Reply)
        else reject(error)
      })
      if (id !== 0) signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Sends a message that nobody answers. Dropped when the connection is closed. @throws TOO_LARGE */
  notify(type: number, header: unknown, payload: Uint8Array = NOTHING): void {
    this.#writer.write(NOTIFICATION_ID, type, header === undefined ? NOTHING : encode(header), payload)
  }

  /** Gives up on a request: `done` gets `error`, the other side is told, a late answer is dropped. */
  cancel(id: number, error: PeerlessError): void {
    const done = this.#waiting.get(id)
    if (done === undefined) return
    this.#waiting.delete(id)
    this.#parted.delete(id)
    if (!this.#closed) {
      this.#pieces?.abandonRequest(id)
      this.#writer.write(id, TYPE_CANCEL, NOTHING, NOTHING)
    }
    done(error, undefined)
  }

  /** Sends now what would go at the end of the tick. */
  flush(): void {
    this.#writer.flush()
  }

  /** Ends the channel; outstanding requests fail with CONNECTION_LOST. */
  close(error?: Error): void {
    if (this.#closed) return
    this.#writer.flush()
    this.#channel.close(error)
    this.#onClosed(error)
  }

  /** @internal used by Incoming */
  answer(id: number, type: number, header: unknown, payload: Uint8Array): void {
    if (!this.#serving.delete(id) || this.#closed) return
    try {
      this.#write(id, type, header, payload)
    } catch (error) {
      const failure = asPeerlessError(error)
      this.#writer.write(id, TYPE_FAILURE, encode([failure.code, failure.message]), NOTHING)
    }
  }

  /** @internal used by Incoming */
  part(id: number, header: unknown, payload: Uint8Array): void {
    if (this.#closed || !this.#serving.has(id)) return
    this.#writer.write(id, TYPE_PART, header === undefined ? NOTHING : encode(header), payload)
  }

  /** Alone on the connection, a frame goes at the end of what is running now; in company it waits for the others of the tick. */
  #scheduleFlush(run: () => void): void {
    if (this.#reading) return
    if (this.#waiting.size + this.#serving.size <= EAGER_REQUESTS_MAX) queueMicrotask(run)
    else this.#options.schedule(run)
  }

  #write(id: number, type: number, header: unknown, payload: Uint8Array): void {
    const bytes = header === undefined ? NOTHING : encode(header)
    if (this.#pieces !== undefined && payload.length > PIECE_BYTES) this.#pieces.add(id, type, bytes, payload)
    else this.#writer.write(id, type, bytes, payload)
  }

  #takeId(): number {
    let id = this.#nextId
    while (this.#waiting.has(id)) id = id === 0xff_ff_ff_ff ? 1 : id + 1
    this.#nextId = id === 0xff_ff_ff_ff ? 1 : id + 1
    return id
  }

  #onFrame(id: number, type: number, header: Uint8Array, payload: Uint8Array): void {
    if (this.#closed) return
    if ((type & REPLY_BIT) !== 0) this.#onReply(id, type, header, payload)
    else if (type === TYPE_CANCEL) this.#onCancel(id)
    else if (type === TYPE_CREDIT) this.#onCredit(id, header)
    else if (type === TYPE_PIECE && this.#pieceReader !== undefined) this.#pieceReader.take(id, header, payload)
    else this.#onRequest(id, type, header, payload)
  }

  #onReply(id: number, type: number, header: Uint8Array, payload: Uint8Array): void {
    const done = this.#waiting.get(id)
    // A late answer to a request that was cancelled.
    if (done === undefined) return
    const decoded = header.length === 0 ? undefined : decode(header, 'reply header')
    if (type === TYPE_PART) {
      this.#parted.get(id)?.(decoded, payload)
      return
    }
    this.#waiting.delete(id)
    if (this.#parted.size !== 0) this.#parted.delete(id)
    if (type === TYPE_REPLY) done(undefined, { header: decoded, payload })
    else done(failureOf(decoded), undefined)
  }

  /** Nobody waits for it any more: it is kept no longer, whether its handler answers late or never. */
  #onCancel(id: number): void {
    const incoming = this.#serving.get(id)
    this.#serving.delete(id)
    incoming?.cancelled()
  }

  /** Credit for a request that was answered meanwhile is late, not wrong. */
  #onCredit(id: number, header: Uint8Array): void {
    const bytes = decode(header, 'credit')
    if (!Number.isSafeInteger(bytes) || (bytes as number) < 1) {
      throw new PeerlessError('MALFORMED', `credit of ${String(bytes).slice(0, 40)} bytes must be a whole number from 1`)
    }
    this.#serving.get(id)?.credited(bytes as number)
  }

  #onRequest(id: number, type: number, header: Uint8Array, payload: Uint8Array): void {
    if (id !== NOTIFICATION_ID) {
      if (this.#serving.has(id)) throw new PeerlessError('MALFORMED', `request id ${id} is in use`)
      if (this.#serving.size >= this.#inFlightMax) {
        throw new PeerlessError('MALFORMED', `more than ${this.#inFlightMax} requests outstanding`)
      }
    }
    const decoded = header.length === 0 ? undefined : decode(header, 'request header')
    const incoming = new Incoming(this, id, type, decoded, payload)
    if (id !== NOTIFICATION_ID) this.#serving.set(id, incoming)
    try {
      this.#options.onRequest(incoming, header.length + payload.length)
    } catch (error) {
      incoming.fail(asPeerlessError(error))
    }
  }

  #onClosed(error: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#writer.close()
    this.#pieces?.clear()
    this.#pieceReader?.clear()
    const lost = new PeerlessError('CONNECTION_LOST', 'the connection closed before an answer came', { cause: error })
    const waiting = [...this.#waiting.values()]
    const serving = [...this.#serving.values()]
    this.#waiting.clear()
    this.#parted.clear()
    this.#serving.clear()
    for (const done of waiting) done(lost, undefined)
    for (const incoming of serving) incoming.cancelled()
    this.#options.onClose?.(error)
  }
}

class Incoming implements IncomingRequest {
  readonly type: number
  readonly header: unknown
  readonly payload: Uint8Array
  readonly #connection: Connection
  readonly #id: number
  #onCancel: (() => void) | undefined
  #onCredit: ((bytes: number) => void) | undefined

  constructor(connection: Connection, id: number, type: number, header: unknown, payload: Uint8Array) {
    this.#connection = connection
    this.#id = id
    this.type = type
    this.header = header
    this.payload = payload
  }

  get notification(): boolean {
    return this.#id === NOTIFICATION_ID
  }

  reply(header: unknown, payload: Uint8Array = NOTHING): void {
    this.#connection.answer(this.#id, TYPE_REPLY, header, payload)
  }

  fail(error: PeerlessError): void {
    this.#connection.answer(this.#id, TYPE_FAILURE, [error.code, error.message], NOTHING)
  }

  onCancel(cancelled: () => void): void {
    this.#onCancel = cancelled
  }

  part(header: unknown, payload: Uint8Array = NOTHING): void {
    this.#connection.part(this.#id, header, payload)
  }

  onCredit(granted: (bytes: number) => void): void {
    this.#onCredit = granted
  }

  credited(bytes: number): void {
    this.#onCredit?.(bytes)
  }

  cancelled(): void {
    const run = this.#onCancel
    this.#onCancel = undefined
    run?.()
  }
}

function refuse(done: OnReply, error: PeerlessError): 0 {
  queueMicrotask(() => done(error, undefined))
  return 0
}

function failureOf(alleged: unknown): PeerlessError {
  const [code, message] = Array.isArray(alleged) ? alleged : []
  return new PeerlessError(errorCodeOf(code), typeof message === 'string' ? message.slice(0, 2_000) : 'the peer gave no reason')
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** What is not ours becomes INTERNAL: its text stays here, as the cause. */
function asPeerlessError(error: unknown): PeerlessError {
  return error instanceof PeerlessError ? error : new PeerlessError('INTERNAL', 'internal error', { cause: error })
}
