import { IDLE_REVISIONS_MAX, USUAL_IDLE_MIN } from './constants.ts'

/** Revisions remembered of one node: those of its last report, and as many that fade. */
const REVISIONS_MAX = 2 * IDLE_REVISIONS_MAX

/** Idle instances of one revision that one node usually has: as they were in the mean of the last USUAL_MS. */
export interface Stock {
  readonly count: number
}

interface Kept extends Stock {
  count: number
}

/**
 * Which nodes usually have idle instances of which revisions, and how many: what is in store there, whatever this moment's chance. By revision, because a decision
 * asks it of forty nodes; a report changes the numbers where they are, because there are hundreds of reports a second and most say little new.
 */
export class UsualIdle {
  readonly #of = new Map<string, Map<string, Kept>>()
  readonly #at = new Map<string, Map<string, Kept>>()

  /** Per node. undefined: nobody. */
  of(revisionId: string): ReadonlyMap<string, Stock> | undefined {
    return this.#of.get(revisionId)
  }

  /**
   * A node's newest word.
   *
   * @param kept weight of what was usual before
   */
  tell(node: string, idle: ReadonlyMap<string, number>, kept: number): void {
    let there = this.#at.get(node)
    if (there === undefined) {
      there = new Map()
      this.#at.set(node, there)
    }
    for (const [revision, count] of idle) {
      const stock = there.get(revision)
      if (stock === undefined) this.#add(revision, node, there, count)
      else stock.count = count + (stock.count - count) * kept
    }
    if (there.size === idle.size) return
    for (const [revision, stock] of there) {
      if (idle.has(revision)) continue
      stock.count *= kept
      if (stock.count >= USUAL_IDLE_MIN) continue
      there.delete(revision)
      this.#delete(revision, node)
    }
  }

  forget(node: string): void {
    for (const revision of this.#at.get(node)?.keys() ?? []) this.#delete(revision, node)
    this.#at.delete(node)
  }

  #add(revision: string, node: string, there: Map<string, Kept>, count: number): void {
    // A node that names others with every report would fill the memory before they have faded.
    if (there.size >= REVISIONS_MAX) {
      for (const oldest of there.keys()) {
        there.delete(oldest)
        this.#delete(oldest, node)
        break
      }
    }
    const stock = { count }
    there.set(revision, stock)
    const nodes = this.#of.get(revision)
    if (nodes === undefined) this.#of.set(revision, new Map([[node, stock]]))
    else nodes.set(node, stock)
  }

  #delete(revision: string, node: string): void {
    const nodes = this.#of.get(revision)
    nodes?.delete(node)
    if (nodes?.size === 0) this.#of.delete(revision)
  }
}
