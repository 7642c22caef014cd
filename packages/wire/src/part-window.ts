import { PeerlessError } from '@peerless/interface'

/**
 * The receiving end of an answer in parts: holds the other side to its window, and joins small credits into few messages. Withholding less
 * than a window minus one batch can't stop the sender for good: what it may still send is more than nothing.
 */
export class PartWindow {
  readonly #windowBytes: number
  readonly #batchBytes: number
  readonly #grant: (bytes: number) => void
  /** Came and not yet credited; of that, taken on but withheld until it is a batch. */
  #held = 0
  #withheld = 0
  #closed = false

  /** @param batchBytes less than the window */
  constructor(windowBytes: number, batchBytes: number, grant: (bytes: number) => void) {
    this.#windowBytes = windowBytes
    this.#batchBytes = batchBytes
    this.#grant = grant
  }

  /** A part came. @throws PeerlessError MALFORMED when it was not granted */
  take(bytes: number): void {
    this.#held += bytes
    if (this.#held > this.#windowBytes && !this.#closed) {
      throw new PeerlessError('MALFORMED', `${this.#held} bytes of parts were sent, at most ${this.#windowBytes} were granted`)
    }
  }

  /** So many bytes went on; more than came is not believed. */
  credit(bytes: number): void {
    if (this.#closed) return
    this.#withheld = Math.min(this.#held, this.#withheld + bytes)
    if (this.#withheld < this.#batchBytes) return
    this.#held -= this.#withheld
    this.#grant(this.#withheld)
    this.#withheld = 0
  }

  /** Nobody takes any more: what was on its way meanwhile is not held against the sender. */
  close(): void {
    this.#closed = true
  }
}
