import type { Clock } from '@peerless/interface'
import { CLOCK_DRIFT_MS_MAX } from './constants.ts'

/**
 * A hybrid logical time (Kulkarni et al., "Logical Physical Clocks", 2014): wall milliseconds of 48 bits, and a counter of 16 bits for what happens
 * within one of them or while the wall clock stands behind what was already seen.
 */
export interface HybridTime {
  readonly ms: number
  readonly counter: number
}

export const MS_MAX = 2 ** 48 - 1
export const COUNTER_MAX = 2 ** 16 - 1

/** Negative when `a` is earlier. */
export function compareTimes(a: HybridTime, b: HybridTime): number {
  return a.ms === b.ms ? a.counter - b.counter : a.ms - b.ms
}

/** True when no node whose clock shows `now` takes an entry of that time. */
export function isAhead(time: HybridTime, now: number): boolean {
  return time.ms - now > CLOCK_DRIFT_MS_MAX
}

/** This node's hybrid clock. What it has issued is on disk with the entries, so `observe` of all of them at start restores it. */
export class HybridClock {
  readonly #clock: Clock
  #last: HybridTime = { ms: 0, counter: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  observe(time: HybridTime): void {
    if (compareTimes(time, this.#last) > 0) this.#last = time
  }

  /**
   * A time later than `floor`, than the wall clock's millisecond began, and than all that this node has seen, unless what it saw lies further ahead of
   * the wall clock than others would accept: after a wrong clock was set right, only keys written in the wrong future stay there.
   */
  next(floor: HybridTime | undefined): HybridTime {
    const now = this.#clock.now()
    let after = isAhead(this.#last, now) ? undefined : this.#last
    if (floor !== undefined && (after === undefined || compareTimes(floor, after) > 0)) after = floor
    const time = after === undefined || after.ms < now ? { ms: now, counter: 0 } : tick(after)
    this.observe(time)
    return time
  }
}

function tick(time: HybridTime): HybridTime {
  return time.counter < COUNTER_MAX ? { ms: time.ms, counter: time.counter + 1 } : { ms: time.ms + 1, counter: 0 }
}
