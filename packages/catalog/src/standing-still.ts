import type { Clock, Timer } from '@peerless/interface'
import { STILL_MS_MIN, STILL_TICK_MS } from './constants.ts'

/** Whether this process stood still: then others may have taken it for dead, and what it knows may be of before. */
export class StandingStill {
  readonly #clock: Clock
  #tickedAt: number
  #times = 0
  #ticker: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#tickedAt = clock.monotonic()
  }

  start(): void {
    this.#tickedAt = this.#clock.monotonic()
    this.#ticker = this.#clock.every(STILL_TICK_MS, () => this.times())
  }

  stop(): void {
    this.#ticker?.cancel()
  }

  /** How often so far; what just came may be the first that is run since. */
  times(): number {
    const now = this.#clock.monotonic()
    if (now - this.#tickedAt > STILL_MS_MIN) this.#times++
    this.#tickedAt = now
    return this.#times
  }
}
