import { type FunctionRecord, type Mesh, type OnAnswer, PeerlessError } from '@peerless/interface'
import { RETRY_AFTER_MS } from './constants.ts'

/**
 * Calls at once of functions that have reserved concurrency. The reservation is of the whole mesh and nobody counts for all: every node
 * that takes calls has an equal share of it, rounded up, so together they let through at most one more each than is reserved.
 */
export class ReservedConcurrency {
  readonly #mesh: Mesh
  /** Only functions with calls under way. */
  readonly #inFlight = new Map<string, number>()

  constructor(mesh: Mesh) {
    this.#mesh = mesh
  }

  /**
   * Takes a place.
   * @returns what to call instead of `done`, so that the place is given back; undefined when there is none
   */
  enter({ name }: FunctionRecord, reserved: number, done: OnAnswer): OnAnswer | undefined {
    const count = this.#inFlight.get(name) ?? 0
    if (count >= this.#share(reserved)) return undefined
    this.#inFlight.set(name, count + 1)
    return (error, answer) => {
      const left = (this.#inFlight.get(name) ?? 1) - 1
      if (left > 0) this.#inFlight.set(name, left)
      else this.#inFlight.delete(name)
      done(error, answer)
    }
  }

  #share(reserved: number): number {
    return Math.ceil(reserved / (this.#mesh.peers().length + 1))
  }
}

/** Lambda's own words. */
export function overReserved(): PeerlessError {
  return new PeerlessError('THROTTLED', 'Rate Exceeded.', {
    detail: { reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', retryAfterMs: RETRY_AFTER_MS }
  })
}
