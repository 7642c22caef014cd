export interface LingerOptions {
  /** Monotonic milliseconds. */
  now: () => number
  /** `setImmediate` in production. */
  schedule: (run: () => void) => void
  /** How long it stays awake after the last touch. */
  lingerMs: number
  /**
   * It stays awake only when the touch before came this long ago: traffic that pauses longer is left to wake the process, and
   * a burst keeps it busy by itself, while others need the processor.
   */
  gapMsMin: number
  gapMsMax: number
}

/** Under load some messages come alone by chance; so many in a row do not. */
const LONE_MIN = 8

/**
 * Keeps an event loop turning for a moment instead of going to sleep between two messages of a quick exchange. Waking a process that sleeps costs
 * 20 to 50 µs on a virtual machine, as much as a whole call; an exchange over a pipe has such a wake on each side. The price is
 * processor time, at most `lingerMs` per pause and none where messages are rare. Adaptive polling, as network drivers do it.
 */
export class Linger {
  readonly #options: LingerOptions
  readonly #look: () => void
  #touchedAt = Number.NEGATIVE_INFINITY
  #awakeUntil = Number.NEGATIVE_INFINITY
  /** Touches in a row that came alone. */
  #lone = 0
  #awake = false

  constructor(options: LingerOptions) {
    this.#options = options
    this.#look = () => {
      if (options.now() < this.#awakeUntil) options.schedule(this.#look)
      else this.#awake = false
    }
  }

  /** A message came or went. */
  touch(): void {
    const { now, schedule, lingerMs, gapMsMin, gapMsMax } = this.#options
    const at = now()
    const gap = at - this.#touchedAt
    this.#touchedAt = at
    if (gap < gapMsMin || gap > gapMsMax) {
      this.#lone = 0
      this.#awakeUntil = Number.NEGATIVE_INFINITY
      return
    }
    if (++this.#lone < LONE_MIN) return
    this.#awakeUntil = at + lingerMs
    if (this.#awake) return
    this.#awake = true
    schedule(this.#look)
  }
}
