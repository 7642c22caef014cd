export interface LingerOptions {
  /** Monotonic milliseconds. */
  now: () => number
  /** `setImmediate` in production. */
  schedule: (run: () => void) => void
  /** How long it stays awake after the last touch. */
  lingerMs: number
  /** It stays awake only when the touch before came within this time: traffic that pauses longer is left to wake the process. */
  gapMsMax: number
}

/**
 * Keeps an event loop turning for a moment instead of going to sleep between two messages of a quick exchange. Waking a process that sleeps costs
 * 20 to 50 µs on a virtual machine, as much as a whole call; an exchange over a pipe has such a wake on each side. The price is
 * processor time, at most `lingerMs` per pause and none where messages are rare. Adaptive polling, as network drivers do it.
 */
export class Linger {
  readonly #options: LingerOptions
  readonly #look: () => void
  #touchedAt = Number.NEGATIVE_INFINITY
  #awake = false

  constructor(options: LingerOptions) {
    this.#options = options
    this.#look = () => {
      if (options.now() - this.#touchedAt < options.lingerMs) options.schedule(this.#look)
      else this.#awake = false
    }
  }

  /** A message came or went. */
  touch(): void {
    const now = this.#options.now()
    const near = now - this.#touchedAt < this.#options.gapMsMax
    this.#touchedAt = now
    if (this.#awake || !near) return
    this.#awake = true
    this.#options.schedule(this.#look)
  }
}
