import { isPeerlessError, type Logger } from '@peerless/interface'

/**
 * Members that refuse this node, in words: that it was removed or left, which a start from an old copy of its folder does not know, or that it speaks another version. They
 * log it, but who wonders looks at this node first. Once until they connect again, or say something else: they are dialled for ever.
 */
export class RefusedHere {
  readonly #logger: Logger
  /** The last code by peer id; of members only. */
  readonly #codes = new Map<string, string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  dialFailed(peerId: string, error: unknown): void {
    // What is wrong with the connection, or with what was said, has another error as its cause.
    const said =
      isPeerlessError(error) && error.cause === undefined && (error.code === 'NOT_A_MEMBER' || error.code === 'CONFLICT')
    if (!said || this.#codes.get(peerId) === error.code) return
    this.#codes.set(peerId, error.code)
    this.#logger.warn('a member refuses this node', { peer: peerId, code: error.code, reason: error.message })
  }

  forget(peerId: string): void {
    this.#codes.delete(peerId)
  }
}
