import { PeerlessError } from '@peerless/interface'
import { decode, encode } from './codec.ts'
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX, PREFIX_BYTES, REPLY_BIT, TYPE_PIECE } from './frame.ts'
import type { OnFrame } from './frame-reader.ts'
import type { FrameWriter } from './frame-writer.ts'

/**
 * Payload of one piece: with the heads of frame, yamux (12 bytes) and noise (18) it fits into one noise message of 65,535 bytes, and
 * encrypting it holds the event loop for some 0.1 ms.
 */
export const PIECE_BYTES = 61_440
/** Frames that are on their way in pieces at once, by what they announce: the memory that one side can make the other set aside. */
const PIECES_OPEN_BYTES_MAX = 2 * FRAME_BYTES_MAX
const NOTHING = new Uint8Array(0)

interface Outgoing {
  readonly number: number
  readonly id: number
  readonly type: number
  readonly header: Uint8Array
  readonly payload: Uint8Array
  sent: number
}

/**
 * Sends large frames in pieces, one each turn of the event loop and only while the channel takes them, so that small frames go between and never
 * wait for more than a piece. Several large ones take turns, as many as the other side must accept; the rest waits here, where it is
 * memory that the sender has anyway.
 */
export class PieceSender {
  readonly #writer: FrameWriter
  readonly #schedule: (run: () => void) => void
  readonly #open: Outgoing[] = []
  readonly #waiting: Outgoing[] = []
  readonly #step = () => this.#next()
  #openBytes = 0
  #turn = 0
  #number = 0
  #scheduled = false
  /** Bytes that are not sent yet. */
  pendingBytes = 0

  constructor(writer: FrameWriter, schedule: (run: () => void) => void) {
    this.#writer = writer
    this.#schedule = schedule
  }

  /** @throws PeerlessError TOO_LARGE when the frame would break its bound; nothing is sent then */
  add(id: number, type: number, header: Uint8Array, payload: Uint8Array): void {
    this.#writer.check(header, payload)
    this.#number = this.#number === 0xff_ff_ff_ff ? 1 : this.#number + 1
    this.#waiting.push({ number: this.#number, id, type, header, payload, sent: 0 })
    this.pendingBytes += payload.length
    this.resume()
  }

  /** The channel takes bytes again. */
  resume(): void {
    if (this.#scheduled || this.pendingBytes === 0) return
    this.#scheduled = true
    this.#schedule(this.#step)
  }

  /** Nobody wants the answer to that request any more. What was begun is called off, so that the other side keeps nothing of it. */
  abandonRequest(id: number): void {
    const isIt = (one: Outgoing) => one.id === id && (one.type & REPLY_BIT) === 0
    const waiting = this.#waiting.findIndex(isIt)
    if (waiting >= 0) this.pendingBytes -= this.#waiting.splice(waiting, 1)[0]?.payload.length ?? 0
    const begun = this.#open.find(isIt)
    if (begun === undefined) return
    this.pendingBytes -= begun.payload.length - begun.sent
    this.#close(begun)
    if (begun.sent > 0) this.#writer.write(begun.number, TYPE_PIECE, NOTHING, NOTHING)
  }

  clear(): void {
    this.#open.length = 0
    this.#waiting.length = 0
    this.#openBytes = 0
    this.pendingBytes = 0
  }

  #next(): void {
    this.#scheduled = false
    this.#begin()
    const one = this.#open[this.#turn % this.#open.length]
    if (one === undefined) return
    const piece = one.payload.subarray(one.sent, one.sent + PIECE_BYTES)
    const head = one.sent === 0 ? encode([one.id, one.type, one.header, one.payload.length]) : NOTHING
    one.sent += piece.length
    this.pendingBytes -= piece.length
    this.#turn++
    if (one.sent === one.payload.length) this.#close(one)
    this.#writer.write(one.number, TYPE_PIECE, head, piece)
    // `resume` comes with the channel's drain.
    if (!this.#writer.saturated) this.resume()
  }

  #begin(): void {
    for (;;) {
      const first = this.#waiting[0]
      if (first === undefined || this.#openBytes + first.payload.length > PIECES_OPEN_BYTES_MAX) return
      this.#waiting.shift()
      this.#openBytes += first.payload.length
      this.#open.push(first)
    }
  }

  #close(one: Outgoing): void {
    this.#open.splice(this.#open.indexOf(one), 1)
    this.#openBytes -= one.payload.length
  }
}

interface Incomplete {
  readonly id: number
  readonly type: number
  readonly header: Uint8Array
  readonly payload: Buffer
  received: number
}

/** Puts pieces together again, held to what they announced and to what may be under way at once. */
export class PieceReader {
  readonly #onFrame: OnFrame
  readonly #frameBytesMax: number
  readonly #open = new Map<number, Incomplete>()
  #openBytes = 0

  constructor(onFrame: OnFrame, frameBytesMax: number) {
    this.#onFrame = onFrame
    this.#frameBytesMax = frameBytesMax
  }

  /** @throws PeerlessError MALFORMED: the channel can't be trusted any more */
  take(number: number, header: Uint8Array, piece: Uint8Array): void {
    const one = header.length === 0 ? this.#open.get(number) : this.#begin(number, header)
    if (one === undefined) throw malformed(`piece of ${number}, which was not begun`)
    const calledOff = piece.length === 0
    if (one.received + piece.length > one.payload.length) {
      throw malformed(`${one.received + piece.length} bytes of ${number}, which announced ${one.payload.length}`)
    }
    one.payload.set(piece, one.received)
    one.received += piece.length
    if (!calledOff && one.received < one.payload.length) return
    this.#open.delete(number)
    this.#openBytes -= one.payload.length
    if (!calledOff) this.#onFrame(one.id, one.type, one.header, one.payload)
  }

  clear(): void {
    this.#open.clear()
    this.#openBytes = 0
  }

  #begin(number: number, head: Uint8Array): Incomplete {
    const alleged = decode(head, 'head of a frame in pieces')
    const [id, type, header, bytes] = Array.isArray(alleged) && alleged.length === 4 ? alleged : []
    const whole = isWhole(id, 0xff_ff_ff_ff) && isWhole(type, 0xff) && type !== TYPE_PIECE && header instanceof Uint8Array
    if (!whole || !isWhole(bytes, this.#frameBytesMax)) throw malformed('head of a frame in pieces that is none')
    if (header.length > HEADER_BYTES_MAX || PREFIX_BYTES - 4 + header.length + bytes > this.#frameBytesMax) {
      throw malformed(`frame in pieces of ${bytes} bytes (header ${header.length}), at most ${this.#frameBytesMax}`)
    }
    if (this.#open.has(number) || this.#openBytes + bytes > PIECES_OPEN_BYTES_MAX) {
      throw malformed(`frames in pieces of ${this.#openBytes + bytes} bytes at once, at most ${PIECES_OPEN_BYTES_MAX}`)
    }
    const one = { id, type, header, payload: Buffer.allocUnsafeSlow(bytes), received: 0 }
    this.#open.set(number, one)
    this.#openBytes += bytes
    return one
  }
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}

function malformed(what: string): PeerlessError {
  return new PeerlessError('MALFORMED', `the other side sent a ${what}`)
}
