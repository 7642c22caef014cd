import type { Outcome, PeerlessError, Ran, Refused } from '@peerless/interface'

/** Want of room, not a fault of the peer. */
export function wasRefused(error: PeerlessError | undefined, outcome: Outcome | undefined): boolean {
  return outcome === undefined ? error?.code === 'BUSY' : outcome.status === 'refused'
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
