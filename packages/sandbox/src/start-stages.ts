/** How long each of START_STAGES took, told the time at the end of each. */
export class StartStages {
  /** Microseconds, in the order of START_STAGES. */
  readonly us: number[] = []
  #since: number

  /** @param now monotonic milliseconds */
  constructor(now: number) {
    this.#since = now
  }

  end(now: number): void {
    this.us.push(Math.round((now - this.#since) * 1_000))
    this.#since = now
  }
}
