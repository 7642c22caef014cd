import type { Clock, LogFields, Logger } from '@peerless/interface'

/** Of one warning or error, in so many milliseconds; the rest is counted in its next line. */
const LINES_MAX = 20
const WINDOW_MS = 10_000
/** Texts are constants of the code, a few hundred. */
const TEXTS_MAX = 1_000

interface Spent {
  since: number
  lines: number
  suppressed: number
}

/**
 * A log that no peer, client or function fills by doing the same wrong thing over and over: a member of another version sends several messages a second that this one
 * cannot read. What is counted is the text, whatever its fields and its part of the node.
 */
export class SparingLogger implements Logger {
  readonly #inner: Logger
  readonly #clock: Clock
  readonly #spent: Map<string, Spent>

  constructor(inner: Logger, clock: Clock, spent: Map<string, Spent> = new Map()) {
    this.#inner = inner
    this.#clock = clock
    this.#spent = spent
  }

  debug(message: string, fields?: LogFields): void {
    this.#inner.debug(message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#inner.info(message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#spare(message, fields, (more) => this.#inner.warn(message, more))
  }

  error(message: string, fields?: LogFields): void {
    this.#spare(message, fields, (more) => this.#inner.error(message, more))
  }

  child(fields: LogFields): Logger {
    return new SparingLogger(this.#inner.child(fields), this.#clock, this.#spent)
  }

  #spare(message: string, fields: LogFields | undefined, write: (fields: LogFields | undefined) => void): void {
    const now = this.#clock.monotonic()
    const spent = this.#spent.get(message) ?? { since: now, lines: 0, suppressed: 0 }
    if (now - spent.since >= WINDOW_MS) {
      spent.since = now
      spent.lines = 0
    }
    if (spent.lines >= LINES_MAX) {
      spent.suppressed++
      return
    }
    const { suppressed } = spent
    spent.lines++
    spent.suppressed = 0
    if (this.#spent.size >= TEXTS_MAX) this.#spent.clear()
    this.#spent.set(message, spent)
    write(suppressed === 0 ? fields : { ...fields, suppressed })
  }
}
