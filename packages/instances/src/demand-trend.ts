/** Seconds; a bucket of arrivals. */
const BUCKET_MS = 1_000
/**
 * Holt's linear smoothing (Holt 1957; Hyndman and Athanasopoulos, Forecasting, 8.2): weights of the newest second in level and trend.
 * High, because what is to be caught is a rise within seconds; noise is paid for with an instance too many, not with a wrong answer.
 */
const LEVEL_WEIGHT = 0.5
const TREND_WEIGHT = 0.3
/** Weight of a new service time in their mean. */
const SERVICE_WEIGHT = 0.1
/** After so many empty seconds the past says nothing. */
const FORGET_BUCKETS = 30
/** Offered load below which nothing is kept warm for a trend: one call of 100 ms every 5 s. */
const LOAD_MIN = 0.02

/**
 * How many calls of one revision will run at once in a moment, from how many came in the last seconds and how long they took. Told the time.
 */
export class DemandTrend {
  #bucket: number
  #arrivals = 0
  #level = 0
  #trend = 0
  #serviceMs = 0
  #primed = false

  /** @param now monotonic milliseconds, as everywhere here */
  constructor(now: number) {
    this.#bucket = Math.floor(now / BUCKET_MS)
  }

  arrived(now: number): void {
    this.#advance(now)
    this.#arrivals++
  }

  /** @param durationMs from start to answer */
  served(durationMs: number): void {
    this.#serviceMs = this.#serviceMs === 0 ? durationMs : this.#serviceMs + (durationMs - this.#serviceMs) * SERVICE_WEIGHT
  }

  /** Mean run time; undefined before the first answer. */
  get serviceMs(): number | undefined {
    return this.#serviceMs === 0 ? undefined : this.#serviceMs
  }

  /**
   * Offered load in the second that begins after `aheadMs`: arrivals per second times seconds of service (Little's law), in calls at once.
   */
  load(now: number, aheadMs: number): number {
    this.#advance(now)
    if (!this.#primed) return 0
    const perSecond = Math.max(0, this.#level + this.#trend * (1 + aheadMs / BUCKET_MS))
    const load = (perSecond * this.#serviceMs) / 1_000
    return load < LOAD_MIN ? 0 : load
  }

  #advance(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS)
    if (bucket - this.#bucket > FORGET_BUCKETS) {
      this.#level = 0
      this.#trend = 0
      this.#arrivals = 0
      this.#primed = false
      this.#bucket = bucket
      return
    }
    for (; this.#bucket < bucket; this.#bucket++) {
      const before = this.#level
      if (!this.#primed) {
        this.#level = this.#arrivals
        this.#primed = this.#arrivals > 0
      } else {
        this.#level = LEVEL_WEIGHT * this.#arrivals + (1 - LEVEL_WEIGHT) * (before + this.#trend)
        this.#trend = TREND_WEIGHT * (this.#level - before) + (1 - TREND_WEIGHT) * this.#trend
      }
      this.#arrivals = 0
    }
  }
}

/**
 * Instances for an offered load, so that few calls find none idle: load plus a share of its square root (square-root staffing; Halfin and Whitt 1981;
 * with 1, about one call in six waits).
 */
export function instancesFor(load: number, slack = 1): number {
  return load <= 0 ? 0 : Math.ceil(load + slack * Math.sqrt(load))
}
