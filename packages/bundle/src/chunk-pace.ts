/** Chunks asked for and not yet here: 16 × 64 KiB fills a 1 MiB pipe, enough for 100 Mbit/s at 80 ms. */
const WINDOW_MAX = 16
/** Grows by one with each that comes quickly, so it doubles each round trip; and even on a quarter of a megabit both come before the peer is given up. */
const WINDOW_FIRST = 2
/** A chunk that comes within this time did not wait behind many others: more may be asked for. */
const QUICK_MS_MAX = 500
/** One that takes longer waits in some queue on the way, and so does everything else that goes there, calls among it. */
const SLOW_MS_MIN = 1_000

/**
 * How many chunks of a block are under way at once. What is asked for beyond what the line carries only waits in it: on a slow one, sixteen would take so long
 * that the peer seems to give none, and all that the two nodes have to say to each other would wait behind them.
 */
export class ChunkPace {
  #window = WINDOW_FIRST

  get window(): number {
    return this.#window
  }

  /** One came, so long after it was asked for. */
  came(afterMs: number): void {
    if (afterMs <= QUICK_MS_MAX) this.#window = Math.min(WINDOW_MAX, this.#window + 1)
    else if (afterMs >= SLOW_MS_MIN) this.#window = Math.max(1, this.#window - 1)
  }
}
