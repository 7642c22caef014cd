import { isPeerlessError, type Lost, messageOf, type Refused } from '@peerless/interface'
import { BUSY_RETRY_MS, INSTANCES_MAX } from './limits.ts'

export function refused(code: Refused['code'], message: string, retryAfterMs = BUSY_RETRY_MS): Refused {
  return { status: 'refused', code, message, retryAfterMs }
}

export function lost(node: string, message: string): Lost {
  return { status: 'lost', message, node }
}

/** Nothing was started in time: as much for want of room as where there was none from the beginning. */
export const PASSED = 'the deadline passed before the call was begun'

/** Why no instance can be started where memory does not forbid it. */
export function crowded(alive: number): string {
  return `${alive} instances are alive, at most ${INSTANCES_MAX}, or no executor is free`
}

/** Why there is no bundle to start an instance of. */
export function unreadable(error: unknown): Refused {
  const code = isPeerlessError(error, 'NOT_REPLICATED') ? 'NOT_REPLICATED' : 'UNAVAILABLE'
  return refused(code, `the bundle could not be read: ${messageOf(error)}`)
}
