import { isPeerlessError, type Logger, type PeerlessError } from '@peerless/interface'
import { REFUSAL_CHARACTERS_MAX } from './constants.ts'

/**
 * Members that refuse this node, in words: that it was removed or left, which a start from an old copy of its folder does not know, or that it speaks another version. They
 * log it, but who wonders looks at this node first. Once until they connect again, or say something else: they are dialled for ever.
 */
export class RefusedHere {
  readonly #logger: Logger
  /** The last refusal by peer id; of members only. */
  readonly #last = new Map<string, PeerlessError>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  dialFailed(peerId: string, error: unknown): void {
    // What is wrong with the connection, or with what was said, has another error as its cause.
    const said =
      isPeerlessError(error) && error.cause === undefined && (error.code === 'NOT_A_MEMBER' || error.code === 'CONFLICT')
    if (!said || this.#last.get(peerId)?.code === error.code) return
    this.#last.set(peerId, error)
    this.#logger.warn('a member refuses this node', { peer: peerId, code: error.code, reason: error.message })
  }

  /** What it said, the first REFUSAL_CHARACTERS_MAX of its words; undefined where it did not. */
  by(peerId: string): string | undefined {
    return this.#last.get(peerId)?.message.slice(0, REFUSAL_CHARACTERS_MAX)
  }

  forget(peerId: string): void {
    this.#last.delete(peerId)
  }
}
