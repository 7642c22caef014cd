import { createHash, hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { PeerlessError } from '@peerless/interface'

/** Before a body of several chunks: an event goes there, so that both are one payload without one more copy. Most requests' headers fit. */
const HEADROOM_BYTES = 4_096

/** Bodies from this size on are hashed while they arrive, so that no single step takes long (64 KiB: about 40 µs). */
export const HASH_AT_ONCE_BYTES_MAX = 65_536

/** Of what was announced so much has to be there before memory is set aside for all of it. */
const JOIN_SHARE_MIN = 1 / 8

/** Smaller chunks are joined on their way: each takes some 200 bytes beside its own. */
const SMALL_CHUNK_BYTES_MAX = 4_096

/** Bytes of request bodies that are in memory now, over all requests. */
export class BodyBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether so many more would fit. */
  has(bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax
  }

  /** @throws UNAVAILABLE when it would not fit */
  take(bytes: number): void {
    if (!this.has(bytes)) {
      throw new PeerlessError(
        'UNAVAILABLE',
        `this node holds ${this.#bytes} of at most ${this.#bytesMax} bytes of request bodies`,
        {
          detail: { retryAfterMs: 1_000 }
        }
      )
    }
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

export interface Body {
  readonly bytes: Buffer
  /** So many bytes of the buffer before `bytes` are nobody's. */
  readonly headroomBytes: number
  /** SHA-256 in lower-case hex. */
  readonly sha256: () => string
  /** Gives the bytes back to the budget. Call it once, when the request is done with. */
  readonly release: () => void
}

export interface BodyRules {
  readonly bytesMax: number
  /** Makes the refusal of a body above that; `bytes` says how many, as far as it is known. */
  readonly tooLarge: (bytes: string) => PeerlessError
  readonly budget: BodyBudget
  /** Whether anybody will ask for the hash; default: yes. */
  readonly hashed?: boolean
  /** Sees each part of the body as it comes, in order. */
  readonly look?: ((chunk: Buffer) => void) | undefined
}

const NOTHING = Buffer.alloc(0)
const NO_BODY: Body = { bytes: NOTHING, headroomBytes: 0, sha256: () => hash('sha256', NOTHING), release: () => undefined }

/** Clients that wait for `100 Continue` before they send their body, and how they are told. */
const waiting = new WeakMap<IncomingMessage, () => void>()

/** The client of this request sends its body only after `proceed`; it is called when the body is read. */
export function continueLater(request: IncomingMessage, proceed: () => void): void {
  waiting.set(request, proceed)
}

/** Tells a client that holds its body back to send it. */
export function proceed(request: IncomingMessage): void {
  if (request.headers.expect === undefined) return
  waiting.get(request)?.()
  waiting.delete(request)
}

/** True when the client holds its body back, so that a refusal need not wait for it. */
export function isHeldBack(request: IncomingMessage): boolean {
  return request.headers.expect !== undefined && waiting.has(request)
}

/** True when the headers announce no body, so that there is nothing to wait for. RFC 9112, section 6.3. */
export function hasNoBody(request: IncomingMessage): boolean {
  const headers = request.headers
  if (headers['transfer-encoding'] !== undefined) return false
  const length = headers['content-length']
  return length === undefined || length === '0'
}

/**
 * The whole body, bounded while it is read.
 * @throws TOO_LARGE, UNAVAILABLE (the node holds too many bytes), CONNECTION_LOST (the client went away: nobody to answer)
 */
export function readBody(request: IncomingMessage, rules: BodyRules): Promise<Body> {
  if (hasNoBody(request)) return Promise.resolve(NO_BODY)
  const announced = Number(request.headers['content-length'] ?? 0)
  if (request.destroyed) return Promise.reject(clientGone())
  if (announced > rules.bytesMax) return Promise.reject(rules.tooLarge(`${announced}`))
  proceed(request)
  return new Promise((resolve, reject) => {
    const gathered = new Gathered(announced)
    const running = announced > HASH_AT_ONCE_BYTES_MAX && rules.hashed !== false ? createHash('sha256') : undefined
    let size = 0
    /** Of the budget. More than came where memory is set aside for what was announced. */
    let held = 0
    const stop = () => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
    }
    const fail = (error: PeerlessError) => {
      stop()
      rules.budget.give(held)
      // The error event of an aborted request would otherwise go to nobody and end the process.
      request.on('error', () => undefined)
      reject(error)
    }
    const onData = (chunk: Buffer) => {
      if (size + chunk.length > rules.bytesMax) return fail(rules.tooLarge(`more than ${rules.bytesMax}`))
      const more = gathered.needs(chunk.length)
      try {
        rules.budget.take(more)
      } catch (error) {
        return fail(error as PeerlessError)
      }
      held += more
      size += chunk.length
      running?.update(chunk)
      rules.look?.(chunk)
      gathered.add(chunk)
    }
    const onEnd = () => {
      stop()
      const { bytes, headroomBytes } = gathered.take()
      const sha256 = running === undefined ? () => hash('sha256', bytes) : () => running.digest('hex')
      resolve({ bytes, headroomBytes, sha256, release: () => rules.budget.give(held) })
    }
    const onClose = () => fail(clientGone())
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}

/**
 * The parts of a body on their way into one buffer. They go there as they come, once enough of what was announced is there: no step takes long then, and
 * the parts are free again soon. Not before, because memory is set aside for what a client has sent, not for what it has announced.
 */
export class Gathered {
  readonly #announced: number
  #chunks: Buffer[] = []
  #whole: Buffer | undefined
  #size = 0

  /** @param announced bytes, 0 where nothing was said */
  constructor(announced: number) {
    this.#announced = announced
  }

  /** Bytes that a chunk of this length takes beside what is set aside already: with the one that begins to join them, all of the rest. */
  needs(length: number): number {
    if (this.#whole !== undefined) return 0
    return this.#joinsWith(length) ? this.#announced - this.#size : length
  }

  /**
   * What comes is no more than what was announced: whoever reads it ends the body there.
   * @param borrowed the chunk is somebody else's when this returns
   */
  add(chunk: Buffer, borrowed = false): void {
    if (this.#whole === undefined && this.#joinsWith(chunk.length)) this.#join(this.#announced)
    if (this.#whole === undefined) this.#keep(chunk, borrowed)
    else this.#whole.set(chunk, HEADROOM_BYTES + this.#size)
    this.#size += chunk.length
  }

  /** A small chunk becomes one with those before it that are no larger: so there are few small ones, and no byte is copied often. */
  #keep(chunk: Buffer, borrowed: boolean): void {
    let size = chunk.length
    let from = this.#chunks.length
    for (; size < SMALL_CHUNK_BYTES_MAX && from > 0; from--) {
      const before = (this.#chunks[from - 1] as Buffer).length
      if (before > size) break
      size += before
    }
    const joined = this.#chunks.splice(from)
    if (joined.length > 0) this.#chunks.push(ownCopy([...joined, chunk], size))
    // What is complete is used at once. Anything else would keep what it shares its memory with for as long as the client likes.
    else if (borrowed) this.#chunks.push(size === this.#announced ? Buffer.from(chunk) : ownCopy([chunk], size))
    else this.#chunks.push(chunk)
  }

  /** Pieces in memory. */
  get parts(): number {
    return this.#whole === undefined ? this.#chunks.length : 1
  }

  /** A body that comes in one piece is left as it is. */
  #joinsWith(length: number): boolean {
    return this.#announced > 0 && this.#chunks.length > 0 && this.#size + length >= this.#announced * JOIN_SHARE_MIN
  }

  take(): Pick<Body, 'bytes' | 'headroomBytes'> {
    const [only] = this.#chunks
    if (only !== undefined && this.#chunks.length === 1) return { bytes: only, headroomBytes: 0 }
    const whole = this.#whole ?? this.#join(this.#size)
    return { bytes: whole.subarray(HEADROOM_BYTES, HEADROOM_BYTES + this.#size), headroomBytes: HEADROOM_BYTES }
  }

  /** What has come, one after the other. */
  soFar(): Buffer {
    return this.#whole?.subarray(HEADROOM_BYTES, HEADROOM_BYTES + this.#size) ?? Buffer.concat(this.#chunks)
  }

  #join(size: number): Buffer {
    const whole = Buffer.allocUnsafeSlow(HEADROOM_BYTES + size)
    let at = HEADROOM_BYTES
    for (const chunk of this.#chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    this.#chunks = []
    this.#whole = whole
    return whole
  }
}

/** In memory that is shared with nothing else. */
function ownCopy(chunks: readonly Buffer[], size: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const chunk of chunks) {
    copy.set(chunk, at)
    at += chunk.length
  }
  return copy
}

function clientGone(): PeerlessError {
  return new PeerlessError('CONNECTION_LOST', 'the client went away before its request was complete')
}
