/** The answer to a recall. */
export interface Recalled {
  /** Given back now, and no longer held. */
  readonly back: number
  /** Follow as calls end. */
  readonly owed: number
  readonly held: number
}

interface Holding {
  held: number
  /** Was asked for, and is not back yet: it comes as calls end, and until then nothing is idle there. */
  owed: number
  /** All that was ever granted to it. */
  granted: number
}

/** A moment in the book: what is granted later is not in an answer to a question that was asked then. */
export type Mark = { readonly holding: unknown; readonly granted: number }

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
    const holding = this.#byName.get(name)?.get(holder)
    if (holding !== undefined) holding.granted += granted
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
    const holding = holders.get(holder) ?? { held: 0, owed: 0, granted: 0 }
    holding.held = Math.max(0, holding.held + change)
    holding.owed = Math.min(holding.held, Math.max(0, holding.owed + Math.min(0, change)))
    if (holding.held > 0) holders.set(holder, holding)
    else holders.delete(holder)
    if (holders.size === 0) this.#byName.delete(name)
  }

  /** Before a holder is asked for some. */
  mark(name: string, holder: string): Mark {
    const holding = this.#byName.get(name)?.get(holder)
    return { holding, granted: holding?.granted ?? 0 }
  }

  /** It was asked for some, and says what it had then. */
  recalled(name: string, holder: string, { owed, held }: Recalled, asked: Mark): void {
    const before = this.#byName.get(name)?.get(holder)
    const since = before === undefined ? 0 : before.granted - (before === asked.holding ? asked.granted : 0)
    this.says(name, holder, held + since)
    const holding = this.#byName.get(name)?.get(holder)
    if (holding !== undefined) holding.owed = Math.min(holding.held, owed)
  }

  /** What a holder says of itself holds: an answer with permits, or permits that were given back, may have been lost with a connection. */
  says(name: string, holder: string, held: number): void {
    this.add(name, holder, held - (this.#byName.get(name)?.get(holder)?.held ?? 0))
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
