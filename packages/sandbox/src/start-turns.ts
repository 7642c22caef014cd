/** A start that computes longer than this gives its turn back: what never comes back holds nobody up, and what only waits takes no processor from others. */
const HELD_MS_MAX = 100

interface Waiting {
  begin: (leave: () => void) => void
}

export interface StartTurnsOptions {
  /** Starts that compute at the same time. */
  readonly atOnce: number
  /** Calls after so many milliseconds, unless what it returns is called first. */
  readonly after: (ms: number, then: () => void) => () => void
  /** Calls soon, when what else has come in meanwhile was seen to. */
  readonly soon: (then: () => void) => void
}

/**
 * Starts of one executor, of which only a few compute at once. Five hundred begun together would all be ready when the last one is, each of them with its time for
 * initialisation nearly gone; begun in turn, the first is ready after milliseconds and none waits longer in all. Between two of them the executor's own thread
 * does what else there is to do: each takes some of it.
 */
export class StartTurns {
  readonly #options: StartTurnsOptions
  readonly #waiting = new Set<Waiting>()
  #taken = 0
  #advancing = false

  constructor(options: StartTurnsOptions) {
    this.#options = options
  }

  /**
   * Calls `begin` when it is this start's turn, at once where nobody else's is, and hands it what ends the turn.
   * @returns gives the place in the line up
   */
  take(begin: (leave: () => void) => void): () => void {
    const one: Waiting = { begin }
    this.#waiting.add(one)
    if (!this.#advancing) this.#advance()
    return () => this.#waiting.delete(one)
  }

  #advance(): void {
    const [one] = this.#waiting
    if (one === undefined || this.#taken >= this.#options.atOnce) return
    this.#waiting.delete(one)
    this.#begin(one)
    if (this.#waiting.size > 0) this.#advanceSoon()
  }

  #begin({ begin }: Waiting): void {
    this.#taken++
    let left = false
    const leave = () => {
      if (left) return
      left = true
      cancel()
      this.#taken--
      this.#advanceSoon()
    }
    const cancel = this.#options.after(HELD_MS_MAX, leave)
    begin(leave)
  }

  #advanceSoon(): void {
    if (this.#advancing || this.#waiting.size === 0) return
    this.#advancing = true
    this.#options.soon(() => {
      this.#advancing = false
      this.#advance()
    })
  }
}
