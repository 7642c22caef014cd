/** Slowdowns in buckets of half a percent: any quantile, in constant memory. */
export class SlowdownHistogram {
  readonly #buckets = new Float64Array(4_096)
  #count = 0

  add(slowdown: number): void {
    const bucket = Math.floor(Math.log(Math.max(1, slowdown)) / STEP)
    const at = Math.min(this.#buckets.length - 1, bucket)
    this.#buckets[at] = (this.#buckets[at] as number) + 1
    this.#count++
  }

  get count(): number {
    return this.#count
  }

  quantile(q: number): number {
    let left = q * this.#count
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      left -= this.#buckets[bucket] as number
      if (left <= 0) return Math.exp((bucket + 1) * STEP)
    }
    return Number.POSITIVE_INFINITY
  }
}

const STEP = 0.005

export interface Results {
  calls: number
  p50: number
  p99: number
  p999: number
  /** Share of the calls for which an instance was launched. */
  coldShare: number
  /** Instances that were started beside the calls, per call: no call waited for them. */
  launchesBeside: number
  /** Most loaded node, as a multiple of the mean; load is busy slots over slots, averaged over the measured time. */
  maxOverMean: number
  meanLoad: number
  /** Beyond the call itself: two for each refusal, and the beacons that were published, per call: each once, whoever it goes to. */
  messages: number
  refusalMessages: number
  beaconMessages: number
  /** The same, each counted once for every peer that it is sent to. */
  beaconCopies: number
  /** Share of attempts answered BUSY. */
  bounces: number
  /** Share of calls that waited for a slot at their caller, and that were refused after 10 s. */
  waited: number
  refused: number
  /** Share of calls that ended in an error that is not theirs. */
  errors: number
  forwarded: number
  /** Share of calls that ran in another zone. */
  far: number
  /** Share of the calls taken by failing nodes, over their share of the slots. */
  sinkhole: number
  events: number
  /** Real seconds. */
  seconds: number
}
