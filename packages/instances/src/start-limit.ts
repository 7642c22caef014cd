import type { Clock } from '@peerless/interface'

/** While one waits for its process, or for its context there, another is evaluated. */
const STARTS_PER_CORE = 2
/** A start that is not ready after this counts no more: it waits for something, or computes on and is held up by nobody. Twice as long at most where starts are slow. */
const TURN_MS_MAX = 100
const TURN_TIMES_MAX = 2
/** A start that takes so many times what one takes at best waited for a processor: the node has none to spare, and further instances would only divide it further. */
const SLOW_TIMES = 3
/** Additive increase, multiplicative decrease (Chiu and Jain 1989). */
const DECREASE = 0.5
const INCREASE = 0.25

/**
 * How many starts of a node compute at once. Five hundred begun together are all ready when the last one is, each of them with its time for initialisation nearly
 * gone, and take the processors from everything that would come free meanwhile. Begun in turn, the first is ready after milliseconds, none waits longer in all, and most turn
 * out not to be needed. Where they are slow, fewer: then the processors are busy with calls.
 */
export class StartLimit {
  readonly #clock: Clock
  readonly #most: number
  readonly #opened: () => void
  #atOnce: number
  #taken = 0

  /** @param opened a turn has ended, so that another start may begin */
  constructor(clock: Clock, cores: number, opened: () => void) {
    this.#clock = clock
    this.#most = cores * STARTS_PER_CORE
    this.#atOnce = this.#most
    this.#opened = opened
  }

  get open(): boolean {
    return this.#taken < Math.floor(this.#atOnce)
  }

  /** A start begins, also when there is no turn for it. Returns what says that it has ended; more than once is once. */
  enter(): () => void {
    this.#taken++
    let left = false
    const leave = () => {
      if (left) return
      left = true
      timer.cancel()
      this.#taken--
      if (this.open) this.#opened()
    }
    const timer = this.#clock.after(TURN_MS_MAX * Math.min(TURN_TIMES_MAX, this.#most / this.#atOnce), leave)
    return leave
  }

  /** @param times how long a start took, against the shortest of its revision */
  took(times: number): void {
    this.#atOnce = times > SLOW_TIMES ? Math.max(1, this.#atOnce * DECREASE) : Math.min(this.#most, this.#atOnce + INCREASE)
  }
}
