import type { LatencyHistogram } from './latency-histogram.ts'

/** Of 100 calls one may be late. */
export const LATE_SHARE_MAX = 0.01
/** So much of that is left for waiting and starting at least, however much of it the run times take: instances help nothing against those. */
const SHORTAGE_SHARE_MIN = LATE_SHARE_MAX / 4
/** From so many calls at once on, their number is near enough to a normal distribution. */
const NORMAL_FROM = 100

/** What a function is asked for and how it answers. */
export interface Demand {
  /** Calls under way that a call finds when it comes: mean and variance. */
  readonly seenMean: number
  readonly seenVariance: number
  /** Run times. */
  readonly service: LatencyHistogram
  /** What a call waits for when there is no idle instance, in milliseconds: a start. undefined: not known, then it counts as too long. */
  readonly startMs: number | undefined
  readonly targetMs: number
}

/**
 * The fewest instances with which no more than one call in a hundred is late. A call that comes while `c` others are under way finds none of `c` instances
 * idle and waits for a start. How many are under way is what calls were seen to find, as a Poisson distribution or, where the variance is greater than the
 * mean (bursts), a negative binomial one. In an infinite-server queue the former holds whatever the run times are distributed like (Takács 1962), and that
 * is the system here: what finds no instance gets a new one.
 *
 * @returns 0 where a start is quick enough; at most `instancesMax`
 */
export function warmFor(demand: Demand, instancesMax: number): number {
  const { seenMean, seenVariance, service, startMs, targetMs } = demand
  const known = service.total > 0
  const slow = service.shareAbove(targetMs)
  const slowAfterStart = known && startMs !== undefined ? service.shareAbove(targetMs - startMs) : 1
  const allowed = Math.max(LATE_SHARE_MAX - slow, SHORTAGE_SHARE_MIN)
  const made = Math.max(0, slowAfterStart - slow)
  if (made <= allowed) return 0
  return quantileAbove(seenMean, Math.max(seenMean, seenVariance), allowed / made, instancesMax)
}

/** The least `c` from 1 to `most` with P(N ≥ c) ≤ `share`. */
function quantileAbove(mean: number, variance: number, share: number, most: number): number {
  if (!(mean > 0)) return Math.min(1, most)
  if (mean > NORMAL_FROM) return Math.min(most, Math.ceil(mean + normalQuantile(share) * Math.sqrt(variance) + 0.5))
  const spread = variance - mean
  // Pascal's distribution of this mean and variance; where it is as good as Poisson's, that.
  const size = spread > mean * 1e-6 ? (mean * mean) / spread : Number.POSITIVE_INFINITY
  const ratio = size === Number.POSITIVE_INFINITY ? 0 : mean / (size + mean)
  let probability = size === Number.POSITIVE_INFINITY ? Math.exp(-mean) : (1 - ratio) ** size
  let above = 1 - probability
  let count = 1
  for (; above > share && count < most; count++) {
    probability *= size === Number.POSITIVE_INFINITY ? mean / count : ((count - 1 + size) / count) * ratio
    above -= probability
  }
  return Math.min(count, most)
}

/** Of the upper tail: Abramowitz and Stegun, 26.2.23; the error is below 4.5e-4. */
function normalQuantile(share: number): number {
  if (share >= 0.5) return 0
  const t = Math.sqrt(-2 * Math.log(share))
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3)
}
