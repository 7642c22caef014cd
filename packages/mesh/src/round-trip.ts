/** So many pings back: twelve seconds of a peer that says nothing else, most of a minute of another. */
const KEPT = 8

/**
 * The round trip to a peer: the least of the last few. What is above it is how busy one of the two nodes was, not how far they are apart (the windowed minimum of
 * BBR, Cardwell 2016), and nodes that are called far because they are busy get no calls when they are idle again.
 */
export class RoundTrip {
  readonly #kept: number[] = []

  add(ms: number): void {
    if (this.#kept.push(ms) > KEPT) this.#kept.shift()
  }

  /** Milliseconds; undefined before the first. */
  get ms(): number | undefined {
    return this.#kept.length === 0 ? undefined : Math.min(...this.#kept)
  }
}
