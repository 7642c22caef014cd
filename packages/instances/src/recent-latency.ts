const KEPT = 64

/** Median of the last 64 durations; sorted only when somebody asks and something is new. */
export class RecentLatency {
  readonly #ring = new Float64Array(KEPT)
  #count = 0
  #median = 0
  #stale = false

  add(durationMs: number): void {
    this.#ring[this.#count++ % KEPT] = durationMs
    this.#stale = true
  }

  median(): number {
    if (this.#stale) {
      const kept = this.#ring.slice(0, Math.min(this.#count, KEPT)).sort()
      this.#median = kept[kept.length >> 1] ?? 0
      this.#stale = false
    }
    return this.#median
  }
}
