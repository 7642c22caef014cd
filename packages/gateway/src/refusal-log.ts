import type { Clock, Logger, PeerlessError } from '@peerless/interface'
import type { ApiRequest } from './api-call.ts'

/** Anybody can be refused as fast as they can ask: the log takes this many lines a second and counts the others. */
const REFUSALS_LOGGED_PER_SECOND_MAX = 10

const OF_PERSONS: ReadonlySet<string> = new Set(['UNAUTHENTICATED', 'FORBIDDEN', 'INVALID_INVITE'])

/** Logs who was refused for who they are: unsigned, wrongly signed, not allowed, with a token that is not good. Other mistakes of callers are theirs to see. */
export class RefusalLog {
  readonly #clock: Clock
  readonly #logger: Logger
  #second = -1
  #logged = 0
  #suppressed = 0

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  note(error: PeerlessError, request: ApiRequest, requestId: string): void {
    if (!OF_PERSONS.has(error.code)) return
    const second = Math.floor(this.#clock.monotonic() / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#logged = 0
    }
    if (this.#logged >= REFUSALS_LOGGED_PER_SECOND_MAX) {
      this.#suppressed++
      return
    }
    this.#logged++
    const { remoteAddress: from } = request.socket
    this.#logger.warn('request refused', {
      requestId,
      code: error.code,
      reason: error.message,
      from,
      suppressed: this.#suppressed
    })
    this.#suppressed = 0
  }
}
