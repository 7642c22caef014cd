import type { Clock, LogFields, Logger } from '@peerless/interface'
import { REFUSALS_LOGGED_MAX, REFUSALS_LOGGED_WINDOW_MS } from './constants.ts'

/** Warns of each refused connection, but not so often that a stranger can fill the disk with it. */
export class RefusalLog {
  readonly #clock: Clock
  readonly #logger: Logger
  #windowStart = Number.NEGATIVE_INFINITY
  #logged = 0
  #suppressed = 0

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  warn(message: string, fields: LogFields): void {
    const now = this.#clock.monotonic()
    if (now - this.#windowStart >= REFUSALS_LOGGED_WINDOW_MS) {
      this.#windowStart = now
      this.#logged = 0
    }
    if (this.#logged >= REFUSALS_LOGGED_MAX) {
      this.#suppressed++
      return
    }
    this.#logged++
    const suppressed = this.#suppressed
    this.#suppressed = 0
    this.#logger.warn(message, suppressed === 0 ? fields : { ...fields, alsoRefused: suppressed })
  }
}
