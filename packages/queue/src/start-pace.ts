import { PRESSED_MIN, PRESSED_STARTS_PER_SECOND, PRESSED_STARTS_SHARE, RUNS_BURST_MAX } from './constants.ts'

/**
 * How many events may start while others are on their way in. Somebody waits for an event that is being accepted and nobody for one that is, but both cost the
 * same processor: so a rush is taken in first and run afterwards. Starts go on at a share of what is accepted, and never below a rate that even a slow machine
 * runs beside it: where a disk or a holder is slow and little is accepted, that rate is all that is left. Pure: it is told the time.
 */
export class StartPace {
  /** Starts that may be made under pressure. */
  #credit = RUNS_BURST_MAX
  /** Monotonic milliseconds. */
  #creditedAt = 0

  /** An event is durable, and its sender told. */
  accepted(): void {
    this.#earn(PRESSED_STARTS_SHARE)
  }

  /** @param arriving events that senders wait for now; @param now monotonic milliseconds */
  mayStart(arriving: number, now: number): boolean {
    this.#earn(((now - this.#creditedAt) * PRESSED_STARTS_PER_SECOND) / 1_000)
    this.#creditedAt = now
    return arriving < PRESSED_MIN || this.#credit >= 1
  }

  started(): void {
    this.#credit = Math.max(0, this.#credit - 1)
  }

  #earn(starts: number): void {
    this.#credit = Math.min(RUNS_BURST_MAX, this.#credit + starts)
  }
}
