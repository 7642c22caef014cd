import type { Clock, Timer } from '@peerless/interface'
import { KeptBytes, type KeptBytesLimits } from './kept-bytes.ts'

export interface RecentBytesLimits {
  readonly small: KeptBytesLimits
  /** Of what `small` does not take. */
  readonly large: KeptBytesLimits
  /** After so many milliseconds in which no large one was asked for they all go. */
  readonly largeMs: number
}

/** Bytes by name in memory: small ones as long as there is room, large ones while they are in use. */
export class RecentBytes {
  readonly #clock: Clock
  readonly #limits: RecentBytesLimits
  readonly #small: KeptBytes
  #large: KeptBytes
  #forget: Timer | undefined
  #stopped = false

  constructor(clock: Clock, limits: RecentBytesLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#small = new KeptBytes(limits.small)
    this.#large = new KeptBytes(limits.large)
  }

  has(name: string): boolean {
    return this.#small.has(name) || this.#large.has(name)
  }

  get(name: string): Uint8Array | undefined {
    const small = this.#small.get(name)
    if (small !== undefined) return small
    const large = this.#large.get(name)
    if (large !== undefined) this.#used()
    return large
  }

  /** Replaces what was there under that name. */
  set(name: string, bytes: Uint8Array): void {
    this.#small.set(name, bytes)
    if (this.#small.has(name)) {
      this.#large.delete(name)
      return
    }
    this.#large.set(name, bytes)
    if (this.#large.has(name)) this.#used()
  }

  delete(name: string): void {
    this.#small.delete(name)
    this.#large.delete(name)
  }

  /** Nothing is timed from then on. */
  stop(): void {
    this.#stopped = true
    this.#forget?.cancel()
  }

  #used(): void {
    this.#forget?.cancel()
    if (this.#stopped) return
    this.#forget = this.#clock.after(this.#limits.largeMs, () => {
      this.#large = new KeptBytes(this.#limits.large)
    })
  }
}
