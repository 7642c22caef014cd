import type { PeerLoad } from './beacon-table.ts'
import { NEAR_RTT_SLACK_MS, NEAR_SUMS_AGE_MS_MAX, ORDER_LENGTH, ORDERS_KEPT_MAX } from './constants.ts'
import { hashOf, rendezvousWeight } from './rendezvous.ts'
import type { ReportBoard } from './report-board.ts'

/** A node in an order. Decisions look at forty of them, so what is known of each is a field here, not an entry in a map. */
export interface Place {
  readonly node: string
  readonly hash: number
  rttMs: number | undefined
  far: boolean
  /** What is known of it, by whoever keeps the order. undefined: nothing yet. */
  known: PeerLoad | undefined
}

/**
 * Who may run a revision, best first: near nodes before far ones, each by rendezvous weight. Only the beginning of each order is kept. Near means a
 * round trip at most NEAR_RTT_SLACK_MS above the nearest peer's; who was not measured yet counts as near.
 */
export class PlacementOrder {
  readonly #places = new Map<string, Place>()
  readonly #orders = new Map<string, readonly Place[]>()
  readonly #keptMax: number
  #near: Place[] = []
  #far: Place[] = []
  #nearBusy = 0
  #nearSlots = 0
  #nearAddedAt = Number.NEGATIVE_INFINITY

  /** @param keptMax orders kept, of as many revisions */
  constructor(keptMax: number = ORDERS_KEPT_MAX) {
    this.#keptMax = keptMax
  }

  get size(): number {
    return this.#places.size
  }

  /** Returns its place, which it has until it is removed. */
  add(node: string): Place {
    const there = this.#places.get(node)
    if (there !== undefined) return there
    const place = { node, hash: hashOf(node), rttMs: undefined, far: false, known: undefined }
    this.#places.set(node, place)
    this.#changed()
    return place
  }

  get(node: string): Place | undefined {
    return this.#places.get(node)
  }

  remove(node: string): void {
    if (this.#places.delete(node)) this.#changed()
  }

  /** Sorts the nodes into near and far anew. `rttOf` gives milliseconds, smoothed, or undefined where it was not measured. */
  rezone(rttOf: (node: string) => number | undefined): void {
    let nearestMs = Number.POSITIVE_INFINITY
    for (const place of this.#places.values()) {
      place.rttMs = rttOf(place.node)
      if (place.rttMs !== undefined && place.rttMs < nearestMs) nearestMs = place.rttMs
    }
    let moved = false
    for (const place of this.#places.values()) {
      // Half the slack of hysteresis: a node at the border does not move with every ping.
      const bound = nearestMs + NEAR_RTT_SLACK_MS * (place.far ? 0.5 : 1)
      const far = place.rttMs !== undefined && place.rttMs > bound
      if (far !== place.far) {
        place.far = far
        moved = true
      }
    }
    if (moved) this.#changed()
  }

  isFar(node: string): boolean {
    return this.#places.get(node)?.far ?? false
  }

  /** The first ORDER_LENGTH nodes for a revision. */
  of(revisionId: string): readonly Place[] {
    const kept = this.#orders.get(revisionId)
    if (kept !== undefined) return kept
    const keyHash = hashOf(revisionId)
    const order = best(this.#near, keyHash, ORDER_LENGTH)
    if (order.length < ORDER_LENGTH) order.push(...best(this.#far, keyHash, ORDER_LENGTH - order.length))
    if (this.#orders.size >= this.#keptMax) {
      for (const oldest of this.#orders.keys()) {
        this.#orders.delete(oldest)
        break
      }
    }
    this.#orders.set(revisionId, order)
    return order
  }

  /** A random node, near or far. undefined when there is none. */
  sample(far: boolean, random: () => number): Place | undefined {
    const places = far ? this.#far : this.#near
    return places[Math.floor(random() * places.length)]
  }

  count(far: boolean): number {
    return far ? this.#far.length : this.#near.length
  }

  /** What the near nodes of a board carry, added up anew when it is NEAR_SUMS_AGE_MS_MAX old. */
  near(board: ReportBoard, now: number): { busy: number; slots: number } {
    if (this.#far.length === 0) return board
    if (now - this.#nearAddedAt > NEAR_SUMS_AGE_MS_MAX) {
      this.#nearAddedAt = now
      this.#nearBusy = 0
      this.#nearSlots = 0
      for (const { node } of this.#near) {
        const report = board.get(node)
        if (report === undefined || report.draining) continue
        this.#nearBusy += report.busy
        this.#nearSlots += report.slots
      }
    }
    return { busy: this.#nearBusy, slots: this.#nearSlots }
  }

  #changed(): void {
    this.#nearAddedAt = Number.NEGATIVE_INFINITY
    this.#orders.clear()
    this.#near = []
    this.#far = []
    for (const place of this.#places.values()) (place.far ? this.#far : this.#near).push(place)
  }
}

/** The `count` places of the greatest weight, greatest first. */
function best(places: readonly Place[], keyHash: number, count: number): Place[] {
  const chosen: Place[] = []
  const weights: number[] = []
  if (count === 0) return chosen
  for (const place of places) {
    const weight = rendezvousWeight(place.hash, keyHash)
    if (chosen.length === count) {
      if (weight <= (weights[count - 1] as number)) continue
    } else {
      chosen.push(place)
      weights.push(weight)
    }
    // From the end, each smaller one moves on by one: most come too late to move many.
    let at = chosen.length - 1
    for (; at > 0 && weight > (weights[at - 1] as number); at--) {
      chosen[at] = chosen[at - 1] as Place
      weights[at] = weights[at - 1] as number
    }
    chosen[at] = place
    weights[at] = weight
  }
  return chosen
}
