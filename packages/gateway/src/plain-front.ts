import type { Socket } from 'node:net'
import type { Clock, Timer } from '@peerless/interface'
import { adoptSocket } from '@peerless/wire'
import type { BodyBudget } from './http-body.ts'
import { refusalText } from './http-refusals.ts'
import { ANSWER_STALL_MS_MAX, type GatewayLimits } from './limits.ts'
import { PlainBody, type PlainReceipt } from './plain-body.ts'
import { type PlainHead, PlainHeadReader } from './plain-head.ts'
import { type PlainInvocation, PlainInvocationReader } from './plain-invocation.ts'

/** A client that uses the connection in the last moment that it was told shall find it open. Node's own server gives as much. */
const KEEP_ALIVE_GRACE_MS = 1_000

/** Where the answer to a plain request goes: once. */
export interface PlainReply {
  /** True when the client is gone: nothing more is sent. */
  readonly gone: boolean
  readonly remoteAddress: string
  readonly localPort: number | undefined
  /**
   * Sends a whole answer.
   * @param answer latin1 text: status line, headers, empty line, and the body where it is not given apart
   * @param last the connection ends with it
   */
  send(answer: string, last: boolean, body?: Uint8Array): void
}

type PlainRequest = PlainHead | PlainInvocation

/** Both kinds, told by their first letter. */
class PlainReader {
  readonly #heads: PlainHeadReader
  readonly #invocations: PlainInvocationReader

  constructor(headBytesMax: number) {
    this.#heads = new PlainHeadReader(headBytesMax)
    this.#invocations = new PlainInvocationReader(headBytesMax)
  }

  read(chunk: Buffer): PlainRequest | undefined {
    return chunk[0] === LETTER_P ? this.#invocations.read(chunk) : this.#heads.read(chunk)
  }
}

const LETTER_P = 0x50

const TOO_SLOW = refusalText('408 Request Timeout')
const CUT_SHORT = refusalText('400 Bad Request')
const NOTHING = Buffer.alloc(0)

export interface PlainFrontOptions {
  readonly clock: Clock
  readonly limits: Pick<
    GatewayLimits,
    'headerBytesMax' | 'headersTimeoutMs' | 'requestTimeoutMs' | 'keepAliveMs' | 'checkTimeoutsMs'
  >
  readonly budget: BodyBudget
  /** Takes the request, or says false at once: then it goes to `handOver`. */
  readonly take: (request: PlainRequest, reply: PlainReply) => boolean
  /** Of a request whose body is still on its way, and not in it: what becomes of it; undefined: it goes to `handOver`. */
  readonly expect: (request: PlainInvocation, reply: PlainReply) => PlainReceipt | undefined
  /** Node's own HTTP server goes on with this connection; what was read of it is unread. */
  readonly handOver: (socket: Socket) => void
}

/**
 * The first look at every connection. Requests of the plainest kind (see `PlainHeadReader`) are answered from here, without the request,
 * response and stream objects that `node:http` makes for each: those are about a third of what a warm call costs the daemon. With the first
 * chunk that is anything else the connection goes to `node:http` for good, that chunk included, so that there is one judge of all that is
 * unusual. One request at a time: what comes while one is being answered waits, and is handed over then.
 */
export class PlainFront {
  readonly #options: PlainFrontOptions
  readonly #reader: PlainReader
  readonly #open = new Set<PlainConnection>()
  #sweep: Timer | undefined
  #closing = false

  constructor(options: PlainFrontOptions) {
    this.#options = options
    this.#reader = new PlainReader(options.limits.headerBytesMax)
  }

  accept(socket: Socket): void {
    const { clock, limits, handOver } = this.#options
    this.#sweep ??= clock.every(limits.checkTimeoutsMs, () => this.#endIdle())
    const connection = new PlainConnection(socket, this.#reader, this.#options, clock.monotonic(), {
      now: () => clock.monotonic(),
      // While the gateway closes, a connection without a request has no use.
      idle: () => {
        if (this.#closing) connection.end()
      },
      gone: () => this.#open.delete(connection),
      handOver: (own) => {
        this.#open.delete(connection)
        handOver(own)
      }
    })
    this.#open.add(connection)
  }

  /** Connections end with their next answer, those without a request now. */
  close(): void {
    this.#closing = true
    this.#sweep?.cancel()
    for (const connection of this.#open) if (!connection.busy) connection.end()
  }

  destroy(): void {
    for (const connection of this.#open) connection.destroy()
  }

  #endIdle(): void {
    const { clock, limits } = this.#options
    const now = clock.monotonic()
    for (const connection of this.#open) {
      const allowedMs = connection.used ? limits.keepAliveMs + KEEP_ALIVE_GRACE_MS : limits.headersTimeoutMs
      if (!connection.busy && !connection.sending && now - connection.quietSince > allowedMs) connection.destroy()
      else if (connection.receiving && now - connection.quietSince > limits.requestTimeoutMs) connection.endSlow()
    }
  }
}

interface PlainEvents {
  readonly now: () => number
  readonly idle: () => void
  readonly gone: () => void
  readonly handOver: (socket: Socket) => void
}

class PlainConnection implements PlainReply {
  busy = false
  used = false
  /** Monotonic milliseconds of the last answer, or of the beginning. */
  quietSince: number
  readonly remoteAddress: string
  readonly localPort: number | undefined
  #socket: Socket
  /** Read into the one buffer of the process. */
  #adopted = false
  readonly #reader: PlainReader
  readonly #options: Pick<PlainFrontOptions, 'take' | 'expect' | 'budget'>
  readonly #events: PlainEvents
  /** What came while a request was being answered. One chunk: reading stops with it. */
  #early: Buffer | undefined
  /** The body that is on its way. */
  #body: PlainBody | undefined
  #ended = false
  /** The last answer was written: what else the client says is for nobody. */
  #over = false
  #handedOver = false
  readonly #onData = (chunk: Buffer) => this.#read(chunk)
  readonly #onEnd = () => this.#clientEnded()
  readonly #onDrain = () => {
    if (this.busy) return
    this.quietSince = this.#events.now()
    this.#socket.resume()
  }
  readonly #onTimeout = () => {
    if (this.sending) this.#socket.destroy()
    else this.#socket.setTimeout(0)
  }
  readonly #onClose = () => {
    this.#lost()
    this.#events.gone()
  }
  // An error is followed by 'close'; there is nobody to tell.
  readonly #onError = () => undefined

  constructor(socket: Socket, reader: PlainReader, options: PlainFrontOptions, now: number, events: PlainEvents) {
    this.#socket = socket
    this.#reader = reader
    this.#options = options
    this.#events = events
    this.quietSince = now
    this.remoteAddress = this.#socket.remoteAddress ?? ''
    this.localPort = this.#socket.localPort
    this.#listen()
  }

  #listen(): void {
    if (!this.#adopted) this.#socket.on('data', this.#onData)
    this.#socket.on('end', this.#onEnd).on('drain', this.#onDrain)
    this.#socket.on('close', this.#onClose).on('error', this.#onError).on('timeout', this.#onTimeout)
  }

  #unlisten(): void {
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('drain', this.#onDrain)
    this.#socket.off('close', this.#onClose).off('error', this.#onError).off('timeout', this.#onTimeout)
  }

  /**
   * After its first answer. A connection that is used once, and one that goes to `node:http`, which reads it in its own way, is not worth that; nor one with an
   * answer that is still being sent, or with bytes that were read and not taken yet: they would be lost.
   */
  #adopt(): void {
    const old = this.#socket
    if (this.#adopted || old.writableLength > 0 || old.readableLength > 0 || old.destroyed) return
    this.#adopted = true
    this.#unlisten()
    this.#socket = adoptSocket(old, (chunk) => this.#came(chunk))
    this.#listen()
  }

  get gone(): boolean {
    return this.#socket.destroyed
  }

  send(answer: string, last: boolean, body?: Uint8Array): void {
    const socket = this.#socket
    this.busy = false
    this.quietSince = this.#events.now()
    if (socket.destroyed) return
    const taken = body === undefined ? socket.write(answer, 'latin1') : this.#sendApart(answer, body)
    if (last) this.end()
    else if (this.#early !== undefined) this.#handOver(this.#early)
    else if (this.#ended) socket.end()
    // A client that does not read its answers gets no further ones.
    else if (!taken) socket.pause()
    else {
      // It read those before while this one was made.
      if (socket.isPaused()) socket.resume()
      else this.#adopt()
      this.#events.idle()
    }
  }

  /** In one write; what a client may take long over has its own time, which begins anew with all that it takes. */
  #sendApart(head: string, body: Uint8Array): boolean {
    const socket = this.#socket
    socket.setTimeout(ANSWER_STALL_MS_MAX)
    socket.cork()
    socket.write(head, 'latin1')
    const taken = socket.write(body)
    socket.uncork()
    return taken
  }

  /** An answer with a time of its own is under way. */
  get sending(): boolean {
    return (this.#socket.timeout ?? 0) > 0 && this.#socket.writableLength > 0
  }

  /** A body is on its way. */
  get receiving(): boolean {
    return this.#body !== undefined
  }

  /** With what was written, whether or not the client ends its side too. */
  end(): void {
    this.#over = true
    this.#socket.destroySoon()
  }

  /** The body takes too long. */
  endSlow(): void {
    this.#refuse(TOO_SLOW)
  }

  /** Ends a request whose body did not come. From now on a client that does not read that is one without a request. */
  #refuse(answer: string): void {
    this.#lost()
    this.send(answer, true)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** @param chunk the next read's when this returns */
  #came(chunk: Buffer): boolean {
    if (this.#handedOver) return this.#socket.push(Buffer.from(chunk))
    this.#read(chunk)
    return true
  }

  #read(chunk: Buffer): void {
    if (this.#over) return
    if (this.#body !== undefined) {
      chunk = this.#receive(this.#body, chunk)
      // What is left is the request after it.
      if (chunk.length === 0 || this.#over) return
    }
    if (this.busy) {
      this.#early = Buffer.concat(this.#early === undefined ? [chunk] : [this.#early, chunk])
      this.#socket.pause()
      return
    }
    const head = this.#reader.read(chunk)
    if (head !== undefined) {
      this.busy = true
      this.used = true
      if ('bodyBytes' in head && head.body.length < head.bodyBytes) {
        // What came of the body is the next read's soon, and kept but once.
        const receipt = this.#options.expect({ ...head, body: NOTHING }, this)
        if (receipt !== undefined) {
          this.#expect(head, receipt)
          return
        }
      } else if (this.#options.take(head, this)) return
      this.busy = false
    }
    this.#handOver(Buffer.from(chunk))
  }

  #expect({ head, body, bodyBytes }: PlainInvocation, receipt: PlainReceipt): void {
    this.quietSince = this.#events.now()
    this.#body = new PlainBody(head, bodyBytes, this.#options.budget, receipt)
    this.#receive(this.#body, body)
  }

  /** @returns what of the chunk is behind the body */
  #receive(body: PlainBody, chunk: Buffer): Buffer {
    const part = chunk.subarray(0, body.left)
    const rest = chunk.subarray(part.length)
    const added = body.add(part)
    if (added && body.left > 0) return rest
    this.#body = undefined
    if (added && body.take()) return rest
    this.busy = false
    this.#handOver(Buffer.concat([body.unread(), added ? rest : chunk]))
    return NOTHING
  }

  #lost(): void {
    this.#body?.lost()
    this.#body = undefined
  }

  /** The client says nothing more; it may still listen for the answer. */
  #clientEnded(): void {
    this.#ended = true
    if (this.#body !== undefined) this.#refuse(CUT_SHORT)
    else if (!this.busy) this.#socket.end()
  }

  #handOver(chunk: Buffer): void {
    const socket = this.#socket
    this.#handedOver = true
    this.#unlisten()
    this.#early = undefined
    socket.setTimeout(0)
    // Paused first: what is put back must wait for its new reader.
    socket.pause()
    socket.unshift(chunk)
    this.#events.handOver(socket)
    socket.resume()
  }
}
