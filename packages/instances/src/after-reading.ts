import type { Clock, Timer } from '@peerless/interface'

/**
 * Timers run before what has come in is read. Where this process itself stood still, answers lie in the pipes; before the next timer they are read, so that
 * nobody is ended for being silent who was not heard.
 */
export function afterReading(clock: Clock, then: () => void): Timer {
  return clock.after(1, then)
}
