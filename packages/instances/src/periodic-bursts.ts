/** Quiet for so long, the next call begins a burst. */
const QUIET_MS = 2_000
/** Intervals between bursts that are remembered, and those needed before they mean anything. */
const INTERVALS_KEPT = 12
const INTERVALS_MIN = 3
/** How far intervals may be apart, as a share of their median, to be a period: cron and timers have jitter, people have none such. */
const SPREAD_SHARE_MAX = 0.1
/** The shortest time before a burst at which it is prepared for, beside what the intervals spread. */
const LEAD_MS_MIN = 1_000

export interface ExpectedBurst {
  /** Monotonic milliseconds between which its first call is expected. */
  readonly from: number
  readonly until: number
  /** Calls at once in those before, at most. */
  readonly atOnce: number
}

/**
 * Recognises work that comes by the clock: bursts whose distances are alike, whatever they are (from seconds to a day; a timer, a cron job on
 * another machine, a poller). A histogram of idle times would be the alternative (Shahrad et al., Serverless in the Wild, 2020); distances
 * between bursts need far fewer observations when the work is strictly periodic, and say nothing when it is not.
 */
export class PeriodicBursts {
  readonly #intervals: number[] = []
  readonly #peaks: number[] = []
  #burstAt: number | undefined
  #lastAt = Number.NEGATIVE_INFINITY
  #peak = 0

  /** @param atOnce calls that run now, this one included */
  arrived(now: number, atOnce: number): void {
    if (now - this.#lastAt > QUIET_MS) {
      if (this.#burstAt !== undefined) {
        keep(this.#intervals, now - this.#burstAt)
        keep(this.#peaks, this.#peak)
      }
      this.#burstAt = now
      this.#peak = 0
    }
    this.#lastAt = now
    if (atOnce > this.#peak) this.#peak = atOnce
  }

  /** The next burst, when the past ones have a period; undefined after two that did not come. */
  expected(now: number): ExpectedBurst | undefined {
    if (this.#burstAt === undefined || this.#intervals.length < INTERVALS_MIN) return undefined
    const sorted = this.#intervals.toSorted((a, b) => a - b)
    const period = sorted[Math.floor(sorted.length / 2)] as number
    const spread = (sorted.at(-1) as number) - (sorted[0] as number)
    if (spread > period * SPREAD_SHARE_MAX) return undefined
    const lead = Math.max(LEAD_MS_MIN, spread)
    // One may be missing; the period goes on from the last that was seen.
    const missed = Math.max(0, Math.floor((now - this.#burstAt - lead) / period))
    if (missed > 1) return undefined
    const at = this.#burstAt + period * (missed + 1)
    return { from: at - lead, until: at + lead, atOnce: Math.max(1, ...this.#peaks) }
  }
}

function keep(values: number[], value: number): void {
  values.push(value)
  if (values.length > INTERVALS_KEPT) values.shift()
}
