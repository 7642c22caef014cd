/**
 * How many instances a burst is worth. Each start takes `startMs` of a core, so `n` of them are ready after about `n · startMs / cores`, and then the
 * calls are through after `calls · serviceMs / n` more. The sum is least where both are alike, at the square root below (the batch-size trade-off of
 * Harris 1913); where calls are long against a start it exceeds their number, and every call is worth an instance of its own.
 *
 * @param calls that run, wait or are being started for, the one in question included
 * @param serviceMs how long one takes: the mean, or how long nothing has come free by now where that is longer, so that waiting for something that does not
 *   come ends after about the time that starting them all would have taken
 * @param startMs of one instance when nothing else is started
 * @returns at least 1, at most `calls`; never falls with more calls, longer calls or more cores
 */
export function burstSize(calls: number, serviceMs: number, startMs: number, cores: number): number {
  return Math.max(1, Math.min(calls, Math.ceil(Math.sqrt((calls * serviceMs * cores) / startMs))))
}
