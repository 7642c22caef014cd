interface Holding {
  held: number
  /** Monotonic milliseconds until which nothing is idle there, by its own word: what it was asked for follows as calls end. */
  dryUntil: number
  /** Number of the last return of permits before it came or gave some back. */
  returnedAt: number
}

/**
 * Who holds how many permits of functions with reserved concurrency, at the node that keeps the count of a function. `grant` never raises the sum over all holders above
 * what is reserved; `add` and `says` are what holders tell of themselves. Pure.
 */
export class PermitBook {
  readonly #functionsMax: number
  readonly #byName = new Map<string, Map<string, Holding>>()
  /** Times that permits came back, of all functions. */
  #returns = 0

  /** @param functionsMax of more there are no permits */
  constructor(functionsMax: number) {
    this.#functionsMax = functionsMax
  }

  /** @returns how many of those that are wanted were free; they are the holder's now */
  grant(name: string, reserved: number, holder: string, wanted: number): number {
    if (!this.#byName.has(name) && this.#byName.size >= this.#functionsMax) return 0
    const granted = Math.min(wanted, Math.max(0, reserved - this.#held(name)))
    this.add(name, holder, granted)
    return granted
  }

  /** @param change below zero where permits come back; nobody gives back more than it has */
  add(name: string, holder: string, change: number): void {
    let holders = this.#byName.get(name)
    if (holders === undefined) {
      if (change <= 0 || this.#byName.size >= this.#functionsMax) return
      holders = new Map()
      this.#byName.set(name, holders)
    }
    const holding = holders.get(holder) ?? { held: 0, dryUntil: 0, returnedAt: this.#returns }
    holding.held = Math.max(0, holding.held + change)
    // One that gives something back may have more.
    if (change < 0) {
      holding.dryUntil = 0
      holding.returnedAt = ++this.#returns
    }
    if (holding.held > 0) holders.set(holder, holding)
    else holders.delete(holder)
    if (holders.size === 0) this.#byName.delete(name)
  }

  /** All that it holds: what was told before may have been lost. */
  says(name: string, holder: string, held: number): void {
    this.add(name, holder, held - (this.#byName.get(name)?.get(holder)?.held ?? 0))
  }

  /** A moment in the book, for `dry`. */
  get returns(): number {
    return this.#returns
  }

  /** @param asked `returns` when the holder was asked: what has come back from it since may be all that it meant */
  dry(name: string, holder: string, until: number, asked: number): void {
    const holding = this.#byName.get(name)?.get(holder)
    if (holding !== undefined && holding.returnedAt <= asked) holding.dryUntil = until
  }

  /** What it held, nobody holds. */
  gone(holder: string): void {
    for (const name of [...this.#byName.keys()]) this.add(name, holder, Number.NEGATIVE_INFINITY)
  }

  /** Those that may have idle ones. */
  recallable(name: string, now: number): string[] {
    return [...(this.#byName.get(name) ?? [])].flatMap(([holder, { dryUntil }]) => (dryUntil <= now ? [holder] : []))
  }

  #held(name: string): number {
    let sum = 0
    for (const { held } of this.#byName.get(name)?.values() ?? []) sum += held
    return sum
  }
}
