import { DemandTrend, instancesFor } from './demand-trend.ts'
import { PeriodicBursts } from './periodic-bursts.ts'

/** How far ahead of a rise instances are prepared: some launches, and the period at which this is looked at. */
const AHEAD_MS = 2_000

/** Why so many instances are wanted warm: for the log and for `/v1/instances`. */
export interface WarmTarget {
  readonly instances: number
  readonly reason: 'none' | 'rising' | 'periodic'
}

const NONE: WarmTarget = { instances: 0, reason: 'none' }

/**
 * How many instances of one revision should be there before they are asked for: ahead of a load that rises, and ahead of work that
 * comes by the clock. Scale to zero is the default: without a pattern it wants none, and what is idle is reaped as ever.
 */
export class WarmDemand {
  readonly #trend: DemandTrend
  readonly #bursts = new PeriodicBursts()

  constructor(now: number) {
    this.#trend = new DemandTrend(now)
  }

  /** @param atOnce calls of the revision that run here now, this one included */
  arrived(now: number, atOnce: number): void {
    this.#trend.arrived(now)
    this.#bursts.arrived(now, atOnce)
  }

  served(durationMs: number): void {
    this.#trend.served(durationMs)
  }

  get serviceMs(): number | undefined {
    return this.#trend.serviceMs
  }

  /** @param instancesMax what the node allows */
  target(now: number, instancesMax: number): WarmTarget {
    const rising = instancesFor(this.#trend.load(now, AHEAD_MS))
    const burst = this.#bursts.expected(now)
    const periodic = burst !== undefined && now >= burst.from && now <= burst.until ? burst.atOnce : 0
    if (rising === 0 && periodic === 0) return NONE
    return periodic >= rising
      ? { instances: Math.min(instancesMax, periodic), reason: 'periodic' }
      : { instances: Math.min(instancesMax, rising), reason: 'rising' }
  }
}
