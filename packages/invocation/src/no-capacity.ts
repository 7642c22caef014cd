import { PeerlessError } from '@peerless/interface'
import { RETRY_AFTER_MS } from './constants.ts'

/** As `whyNowhere` takes it: of a place that was still making an instance ready when the time was over. */
export const NOT_READY = 'had no instance ready'

/** Nothing was started, anywhere. */
export function noCapacity(why: string): PeerlessError {
  return new PeerlessError('NO_CAPACITY', `no capacity in the mesh: ${why}`, { detail: { retryAfterMs: RETRY_AFTER_MS } })
}

/**
 * A place that had room and could not begin says more than that others had none.
 * @param unable what the last such place said or had not
 * @param draining whether this node has left itself out
 */
export function whyNowhere(unable: string | undefined, when: string, draining = false): string {
  const others = draining ? 'this node is draining, and no other node' : 'no node'
  return unable === undefined
    ? `${others} had a free slot ${when}`
    : `${others} could start it ${when}; the last that tried ${unable}`
}
