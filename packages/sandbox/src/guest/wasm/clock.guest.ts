import { now } from '../intrinsics.guest.ts'

export const CLOCK_REALTIME = 0
export const CLOCK_MONOTONIC = 1
/** These two, and the processor time of process and thread. */
export const CLOCKS = 4
export const NANOSECONDS_PER_MS = 1_000_000n
const startedAt = now()

/** Processor time counts as time since the instance was made: a finer measure would help to spy on neighbours. */
export function clockNs(id: number): bigint {
  return BigInt(id === CLOCK_REALTIME ? now() : now() - startedAt) * NANOSECONDS_PER_MS
}
