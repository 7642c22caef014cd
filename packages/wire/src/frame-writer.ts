import { type ByteChannel, PeerlessError } from '@peerless/interface'
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX, PREFIX_BYTES } from './frame.ts'

/** A payload at least this large is sent as it is instead of being copied beside its neighbours. */
const COPY_BYTES_MAX = 16_384
/** Greatest size of the buffer in which small frames of one tick are joined, and the least: a peer has four, most of which send a beacon a second. */
const JOIN_BYTES_MAX = 65_536
const JOIN_BYTES_MIN = 2_048
/** A buffer holds so many bursts as large as the last one: making one costs some microseconds. */
const BURSTS_HELD = 16

const NO_BUFFER = Buffer.alloc(0)

/**
 * Joins the frames of one tick into few writes. `schedule` is called once per burst with the flush; with `setImmediate`
 * all requests that one poll of the event loop brought share a write, which is what makes 480,000 frames a second possible.
 */
export class FrameWriter {
  readonly #channel: ByteChannel
  readonly #schedule: (run: () => void) => void
  readonly #frameBytesMax: number
  readonly #flush: () => void
  #buffer: Buffer = NO_BUFFER
  /** What of the buffer is already handed on, and what is filled. */
  #sent = 0
  #filled = 0
  /** Bytes of the last one, of which the size of the next buffer follows. */
  #burst = 0
  #scheduled = false
  #closed = false
  /** Whether the channel asked for a pause at the last flush. */
  saturated = false

  constructor(channel: ByteChannel, schedule: (run: () => void) => void, frameBytesMax: number = FRAME_BYTES_MAX) {
    this.#channel = channel
    this.#schedule = schedule
    this.#frameBytesMax = frameBytesMax
    this.#flush = () => this.flush()
  }

  /** @throws PeerlessError TOO_LARGE when the frame would break its bound; nothing is sent then */
  write(id: number, type: number, header: Uint8Array, payload: Uint8Array): void {
    const length = this.check(header, payload)
    if (this.#closed) return
    const large = payload.length >= COPY_BYTES_MAX
    const here = PREFIX_BYTES + header.length + (large ? 0 : payload.length)
    this.#reserve(here)
    const buffer = this.#buffer
    const at = this.#filled
    buffer.writeUInt32BE(length, at)
    buffer.writeUInt32BE(id, at + 4)
    buffer.writeUInt32BE(((type << 24) | header.length) >>> 0, at + 8)
    buffer.set(header, at + PREFIX_BYTES)
    if (!large) buffer.set(payload, at + PREFIX_BYTES + header.length)
    this.#filled = at + here
    if (large) {
      this.flush()
      this.saturated = !this.#channel.send(payload)
    } else if (!this.#scheduled) {
      this.#scheduled = true
      this.#schedule(this.#flush)
    }
  }

  /** What its length field says. @throws PeerlessError TOO_LARGE */
  check(header: Uint8Array, payload: Uint8Array): number {
    const length = PREFIX_BYTES - 4 + header.length + payload.length
    if (length <= this.#frameBytesMax && header.length <= HEADER_BYTES_MAX) return length
    throw new PeerlessError(
      'TOO_LARGE',
      `frame of ${length} bytes (header ${header.length}) must be at most ${this.#frameBytesMax} (header ${HEADER_BYTES_MAX})`
    )
  }

  /** Hands on what is joined. Safe at any time. */
  flush(): void {
    this.#scheduled = false
    if (this.#filled === this.#sent || this.#closed) return
    // The channel keeps the view, so the bytes before #sent are never written again: a new buffer follows when this one is full.
    const view = this.#buffer.subarray(this.#sent, this.#filled)
    this.#burst = view.length
    this.#sent = this.#filled
    this.saturated = !this.#channel.send(view)
  }

  /** What comes later is dropped. */
  close(): void {
    this.#closed = true
  }

  #reserve(bytes: number): void {
    if (this.#filled + bytes <= this.#buffer.length) return
    this.flush()
    const wanted = Math.min(JOIN_BYTES_MAX, Math.max(JOIN_BYTES_MIN, BURSTS_HELD * this.#burst))
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(wanted, bytes))
    this.#sent = 0
    this.#filled = 0
  }
}
