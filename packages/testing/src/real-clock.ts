import { performance } from 'node:perf_hooks'
import type { Clock, Timer } from '@peerless/interface'

/** The machine's clock, for tests that run real processes and sockets. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run) => timerOf(setTimeout(run, delayMs)),
  every: (periodMs, run) => timerOf(setInterval(run, periodMs))
}

function timerOf(handle: NodeJS.Timeout): Timer {
  handle.unref()
  return { cancel: () => clearTimeout(handle) }
}
