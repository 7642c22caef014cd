/** The answer to a recall: permits given back now, and those that follow as calls end. */
export interface Recalled {
  readonly back: number
  readonly owed: number
}

interface Holding {
  held: number
  /** Was asked for, and is not back yet: it comes as calls end, and until then nothing is idle there. */
  owed: number
}

/**
 * Who holds how many permits of functions with reserved concurrency, at the node that keeps the count of a function. The sum over all holders is never raised above what
 * is reserved, but by `add`, with which a holder brings what it had from another book. Pure.
 */
export class PermitBook {
  readonly #functionsMax: number
  readonly #byName = new Map<string, Map<string, Holding>>()

  /** @param functionsMax of more there are no permits */
  constructor(functionsMax: number) {
    this.#functionsMax = functionsMax
  }

  /** @returns how many of those that are wanted were free; they are the holder's now */
  grant(name: string, reserved: number, holder: string, wanted: number): number {
    if (!this.#byName.has(name) && this.#byName.size >= this.#functionsMax) return 0
    const granted = Math.min(wanted, Math.max(0, reserved - this.held(name)))
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
    const holding = holders.get(holder) ?? { held: 0, owed: 0 }
    holding.held = Math.max(0, holding.held + change)
    holding.owed = Math.min(holding.held, Math.max(0, holding.owed + Math.min(0, change)))
    if (holding.held > 0) holders.set(holder, holding)
    else holders.delete(holder)
    if (holders.size === 0) this.#byName.delete(name)
  }

  /** It was asked for some: gave `back` now, and owes so many. Its own word: what was granted a moment ago may still be on its way there. */
  recalled(name: string, holder: string, { back, owed }: Recalled): void {
    this.add(name, holder, -back)
    const holding = this.#byName.get(name)?.get(holder)
    if (holding !== undefined) holding.owed = Math.min(holding.held, owed)
  }

  /** What it held, nobody holds. */
  gone(holder: string): void {
    for (const name of [...this.#byName.keys()]) this.add(name, holder, Number.NEGATIVE_INFINITY)
  }

  /** Permits of a function that are out. */
  held(name: string): number {
    let sum = 0
    for (const { held } of this.#byName.get(name)?.values() ?? []) sum += held
    return sum
  }

  /** Those that may have idle ones, but for who wants them. */
  recallable(name: string, forWhom: string): string[] {
    return [...(this.#byName.get(name) ?? [])].flatMap(([holder, { owed }]) => (owed === 0 && holder !== forWhom ? [holder] : []))
  }
}
