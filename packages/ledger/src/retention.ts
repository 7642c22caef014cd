import { LEDGER_LIMITS } from './limits.ts'
import { hexOf } from './statement.ts'
import type { LedgerStore, Place } from './store.ts'

const OWN = 'itemised-from'
const OTHERS = 'itemised-from-others'

/** True for a statement all of whose receipts may be from before `itemisedFrom`: one that is not old has every receipt from then on. */
export function isOld(timeMin: number, itemisedFrom: number): boolean {
  return timeMin < oldBefore(itemisedFrom)
}

/** Statements that begin before this are old. */
export function oldBefore(itemisedFrom: number): number {
  return itemisedFrom - LEDGER_LIMITS.spanMsMax
}

/**
 * True where the statement before this one may have been pruned: it is old, or begins so soon after that one with a longer call was made after
 * it, begins earlier, and is the one that was kept.
 */
export function mayLackParent(timeMin: number, itemisedFrom: number): boolean {
  return itemisedFrom > 0 && timeMin < oldBefore(itemisedFrom) + LEDGER_LIMITS.orphanSlackMs
}

/**
 * From when on each receipt is kept. A whole number of periods since the epoch, so that nodes that keep receipts for as long agree on it.
 * @param keepMs how long @param periodMs in what steps
 */
export function itemisedFromAt(nowMs: number, keepMs: number, periodMs: number): number {
  return Math.max(0, Math.floor((nowMs - keepMs) / periodMs) * periodMs)
}

/**
 * What is no longer kept, on disk with the statements. Of each lane the highest old statement stays, and all that are not old: its totals are
 * cumulative and signed by both ends, so no balance changes, and what is left depends on nothing but the statements and the time.
 */
export class Retention {
  readonly #store: LedgerStore
  #own = 0
  #others = 0

  constructor(store: LedgerStore) {
    this.#store = store
  }

  /** Reads it anew from the disk. */
  load(): void {
    this.#own = Number(this.#store.meta(OWN) ?? 0)
    this.#others = Number(this.#store.meta(OTHERS) ?? 0)
  }

  /** What this node has pruned, in epoch milliseconds; 0: nothing. */
  get own(): number {
    return this.#own
  }

  /** From when on all receipts are here: a node that joined late has of older ones what the others had left. */
  get itemisedFrom(): number {
    return Math.max(this.#own, this.#others)
  }

  /** Old statements may go from now on. Never moves back: what is gone is gone. */
  advance(itemisedFrom: number): void {
    if (itemisedFrom <= this.#own) return
    this.#own = itemisedFrom
    this.#store.setMeta(OWN, String(itemisedFrom))
  }

  /** A lane was taken over whose beginning another node has pruned. */
  sawPruned(itemisedFrom: number): void {
    if (itemisedFrom <= this.#others) return
    this.#others = itemisedFrom
    this.#store.setMeta(OTHERS, String(itemisedFrom))
  }
}

/** One walk over all old statements, in steps: first which is the highest of each lane, then the others go. */
export class Pruning {
  readonly #store: LedgerStore
  readonly #before: number
  /** Lanes with two statements of one number stay whole: they are the proof. */
  readonly #spared: ReadonlySet<string>
  readonly #highest = new Map<string, number>()
  #place = { timeMin: -1, id: 0 }
  #removing = false

  constructor(store: LedgerStore, itemisedFrom: number, spared: ReadonlySet<string>) {
    this.#store = store
    this.#before = oldBefore(itemisedFrom)
    this.#spared = spared
  }

  /** True when it would find anything. */
  get worthwhile(): boolean {
    return this.#store.places(this.#place, this.#before, 1).length > 0
  }

  /** @returns what went in this step, and whether there is more to do */
  step(): { removed: Place[]; more: boolean } {
    const page = this.#store.places(this.#place, this.#before, LEDGER_LIMITS.pruneStepStatements)
    const removed: Place[] = []
    for (const one of page) {
      const { id, timeMin, lane, seq } = one
      this.#place = { timeMin, id }
      const name = hexOf(lane)
      const highest = this.#highest.get(name) ?? 0
      if (!this.#removing) this.#highest.set(name, Math.max(seq, highest))
      else if (seq < highest && !this.#spared.has(name)) {
        this.#store.remove(id)
        removed.push(one)
      }
    }
    if (page.length === LEDGER_LIMITS.pruneStepStatements) return { removed, more: true }
    if (this.#removing) return { removed, more: this.#store.removeWithdrawn(this.#before, LEDGER_LIMITS.pruneStepStatements) }
    this.#removing = true
    this.#place = { timeMin: -1, id: 0 }
    return { removed, more: true }
  }
}
