import { didRun, type Outcome, type PeerlessError, type Ran, type Refused } from '@peerless/interface'
import type { Settled } from '@peerless/routing'

/** What an answer, or its absence, says of the peer that was asked. */
export function settledBy(error: PeerlessError | undefined, outcome: Outcome | undefined): Settled {
  if (outcome === undefined) return error?.code === 'BUSY' ? 'refused' : 'failed'
  if (didRun(outcome)) return 'answered'
  if (outcome.status === 'lost') return 'lost'
  return outcome.code === 'NOT_REPLICATED' ? 'unknown' : outcome.code === 'UNAVAILABLE' ? 'unable' : 'refused'
}

export function malformedAnswer(node: string): Exclude<Outcome, Ran> {
  return { status: 'lost', node, message: 'the node that ran it gave a malformed answer' }
}

/**
 * A request that did not get an answer. Only what surely never left, was refused in so many words, or still waited for leave to start may be
 * tried again.
 * @param unstarted the peer had said that it waits, and had not asked to start it
 */
export function outcomeOfFailure(node: string, error: PeerlessError, unstarted: boolean): Exclude<Outcome, Ran> {
  const never = error.code === 'UNAVAILABLE' || (unstarted && error.code === 'CONNECTION_LOST')
  const refused: Refused['code'] | undefined = error.code === 'BUSY' ? 'BUSY' : never ? 'UNAVAILABLE' : undefined
  if (refused !== undefined) return { status: 'refused', code: refused, message: error.message, retryAfterMs: 0 }
  return { status: 'lost', node, message: 'the node that ran it went away' }
}
