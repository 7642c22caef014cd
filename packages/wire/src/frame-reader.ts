import { PeerlessError } from '@peerless/interface'
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX, PREFIX_BYTES } from './frame.ts'

/** Chunks kept of one frame before they are joined: a chunk of one byte costs a hundred bytes. */
const PARTS_MAX = 256
/**
 * A frame is joined as it comes, into one buffer of its whole length, when so much of it is there; then the chunks, 64 KiB each, are free again
 * soon. Not before, because memory is set aside for what the other side has sent, not for what it has announced.
 */
const JOIN_SHARE_MIN = 1 / 8

export type OnFrame = (id: number, type: number, header: Uint8Array, payload: Uint8Array) => void

/** Of borrowed chunks, those up to a quarter of it are copied into one buffer after the other: each of its own would cost more than its bytes. */
const SLAB_BYTES = 65_536
const NO_SLAB = Buffer.alloc(0)

/**
 * Cuts a stream of chunks into frames. Header and payload are views of the chunk where a frame lies in one chunk (the common case),
 * else of one buffer joined for it. They are whoever's who takes the frame, also where the chunk was borrowed.
 */
export class FrameReader {
  readonly #onFrame: OnFrame
  readonly #frameBytesMax: number
  /** Chunks of a frame that is not whole yet, and how many bytes of it are there with those in `#whole`. */
  #parts: Uint8Array[] = []
  #held = 0
  /** The beginning of a frame of which enough is there: what comes of it goes right here. */
  #whole: Buffer | undefined
  #joined = 0
  /** Bytes needed before the next attempt to cut. */
  #needed = PREFIX_BYTES
  #slab: Buffer = NO_SLAB
  #slabFilled = 0

  constructor(onFrame: OnFrame, frameBytesMax: number = FRAME_BYTES_MAX) {
    this.#onFrame = onFrame
    this.#frameBytesMax = frameBytesMax
  }

  /**
   * @param borrowed the chunk is somebody else's when this returns
   * @throws PeerlessError MALFORMED when a length breaks its bound: the channel can't be trusted any more
   */
  push(chunk: Uint8Array, borrowed = false): void {
    if (this.#held > 0) {
      // Less than a prefix is held: it goes before what came.
      if (this.#needed === PREFIX_BYTES) {
        chunk = this.#take(chunk)
        borrowed = false
      } else {
        const missing = this.#needed - this.#held
        if (chunk.length < missing) {
          this.#hold(chunk, borrowed)
          return
        }
        this.#cut(this.#take(chunk.subarray(0, missing)))
        if (chunk.length === missing) return
        chunk = chunk.subarray(missing)
      }
    }
    if (borrowed && beginsWhole(chunk)) {
      chunk = this.#own(chunk)
      borrowed = false
    }
    const rest = this.#cut(chunk)
    if (rest < chunk.length) this.#hold(chunk.subarray(rest), borrowed)
  }

  #own(chunk: Uint8Array): Uint8Array {
    const { length } = chunk
    if (length > SLAB_BYTES / 4) return new Uint8Array(chunk)
    if (this.#slabFilled + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#slabFilled = 0
    }
    const start = this.#slabFilled
    this.#slabFilled += length
    this.#slab.set(chunk, start)
    return this.#slab.subarray(start, this.#slabFilled)
  }

  #hold(chunk: Uint8Array, borrowed: boolean): void {
    this.#held += chunk.length
    const enough = this.#held >= this.#needed * JOIN_SHARE_MIN || this.#parts.length >= PARTS_MAX
    // Behind a prefix that is not whole anything may come.
    if (enough && this.#needed > PREFIX_BYTES) {
      this.#whole ??= Buffer.allocUnsafeSlow(this.#needed)
      this.#join(this.#whole, chunk)
    } else this.#parts.push(borrowed ? this.#own(chunk) : chunk)
  }

  #join(whole: Buffer, last: Uint8Array): void {
    this.#parts.push(last)
    for (const part of this.#parts) {
      whole.set(part, this.#joined)
      this.#joined += part.length
    }
    this.#parts = []
  }

  /** All that is held with these bytes behind it, in one piece of its own; then nothing is held. */
  #take(last: Uint8Array): Uint8Array {
    let taken = this.#whole
    if (taken !== undefined) this.#join(taken, last)
    else taken = Buffer.concat([...this.#parts, last])
    this.#parts = []
    this.#held = 0
    this.#whole = undefined
    this.#joined = 0
    return taken
  }

  /** Emits every whole frame of `chunk`; returns the offset of the first byte that is left. */
  #cut(chunk: Uint8Array): number {
    let offset = 0
    while (chunk.length - offset >= PREFIX_BYTES) {
      const length = readU32(chunk, offset)
      const headerLength = (readU32(chunk, offset + 8) & 0xff_ff_ff) >>> 0
      this.#check(length, headerLength)
      const end = offset + 4 + length
      if (end > chunk.length) {
        this.#needed = 4 + length
        return offset
      }
      const header = offset + PREFIX_BYTES
      const payload = header + headerLength
      this.#onFrame(
        readU32(chunk, offset + 4),
        chunk[offset + 8] as number,
        chunk.subarray(header, payload),
        chunk.subarray(payload, end)
      )
      offset = end
    }
    this.#needed = PREFIX_BYTES
    return offset
  }

  #check(length: number, headerLength: number): void {
    if (length < PREFIX_BYTES - 4 || length > this.#frameBytesMax) {
      throw new PeerlessError(
        'MALFORMED',
        `frame length ${length} must be between ${PREFIX_BYTES - 4} and ${this.#frameBytesMax} bytes`
      )
    }
    const room = Math.min(length - (PREFIX_BYTES - 4), HEADER_BYTES_MAX)
    if (headerLength > room) {
      throw new PeerlessError('MALFORMED', `frame header length ${headerLength} must be at most ${room} bytes`)
    }
  }
}

function beginsWhole(chunk: Uint8Array): boolean {
  return chunk.length >= PREFIX_BYTES && 4 + readU32(chunk, 0) <= chunk.length
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  )
}
