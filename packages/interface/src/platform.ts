/**
 * The three things that policy is handed instead of reaching for: time, chance and a place to complain.
 * Only `node/` (real ones) and `packages/testing` (virtual ones) implement them.
 */

/** A cancellable timer. `cancel` may be called any number of times, also after it fired. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch (integer). May jump; never subtract two of these to bill. */
  now(): number
  /** Monotonic clock, milliseconds with a fraction, from an arbitrary origin. */
  monotonic(): number
  /** Calls `run` once after `delayMs`. A timer never keeps the process alive on its own. */
  after(delayMs: number, run: () => void): Timer
  /** Calls `run` every `periodMs` until cancelled. */
  every(periodMs: number, run: () => void): Timer
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** `count` random bytes, fit for keys where the real one is used. */
  bytes(count: number): Uint8Array
  /**
   * A UUID in lower-case text form that nobody else has. Its first digits may be a time (version 7): what is stored under such ids lies together on the disk,
   * where ids without order touch a page each. Not for secrets, and never to be cut short.
   */
  uuid(): string
}

export type LogFields = Record<string, unknown>

/** Structured log. Never pass payloads, secrets or whole requests as fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger
}
