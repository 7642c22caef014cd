import { NEAR_RTT_SLACK_MS, NEAR_SUMS_AGE_MS_MAX, ORDER_LENGTH, ORDERS_KEPT_MAX } from './constants.ts'
import { hashOf, rendezvousWeight } from './rendezvous.ts'
import type { ReportBoard } from './report-board.ts'

interface Member {
  readonly node: string
  readonly hash: number
  rttMs: number | undefined
  far: boolean
}

/**
 * Who may run a revision, best first: near nodes before far ones, each by rendezvous weight. Only the beginning of each order is kept. Near means a
 * round trip at most NEAR_RTT_SLACK_MS above the nearest peer's; who was not measured yet counts as near.
 */
export class PlacementOrder {
  readonly #members = new Map<string, Member>()
  readonly #orders = new Map<string, readonly string[]>()
  #near: Member[] = []
  #far: Member[] = []
  #nearBusy = 0
  #nearSlots = 0
  #nearAddedAt = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#members.size
  }

  add(node: string): void {
    if (this.#members.has(node)) return
    this.#members.set(node, { node, hash: hashOf(node), rttMs: undefined, far: false })
    this.#changed()
  }

  remove(node: string): void {
    if (this.#members.delete(node)) this.#changed()
  }

  /** Sorts the nodes into near and far anew. `rttOf` gives milliseconds, smoothed, or undefined where it was not measured. */
  rezone(rttOf: (node: string) => number | undefined): void {
    let nearestMs = Number.POSITIVE_INFINITY
    for (const member of this.#members.values()) {
      member.rttMs = rttOf(member.node)
      if (member.rttMs !== undefined && member.rttMs < nearestMs) nearestMs = member.rttMs
    }
    let moved = false
    for (const member of this.#members.values()) {
      // Half the slack of hysteresis: a node at the border does not move with every ping.
      const bound = nearestMs + NEAR_RTT_SLACK_MS * (member.far ? 0.5 : 1)
      const far = member.rttMs !== undefined && member.rttMs > bound
      if (far !== member.far) {
        member.far = far
        moved = true
      }
    }
    if (moved) this.#changed()
  }

  isFar(node: string): boolean {
    return this.#members.get(node)?.far ?? false
  }

  /** The first ORDER_LENGTH nodes for a revision. */
  of(revisionId: string): readonly string[] {
    const kept = this.#orders.get(revisionId)
    if (kept !== undefined) return kept
    const keyHash = hashOf(revisionId)
    const order = best(this.#near, keyHash, ORDER_LENGTH)
    if (order.length < ORDER_LENGTH) order.push(...best(this.#far, keyHash, ORDER_LENGTH - order.length))
    if (this.#orders.size >= ORDERS_KEPT_MAX) {
      for (const oldest of this.#orders.keys()) {
        this.#orders.delete(oldest)
        break
      }
    }
    this.#orders.set(revisionId, order)
    return order
  }

  /** A random node, near or far. undefined when there is none. */
  sample(far: boolean, random: () => number): string | undefined {
    const members = far ? this.#far : this.#near
    return members[Math.floor(random() * members.length)]?.node
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
    for (const member of this.#members.values()) (member.far ? this.#far : this.#near).push(member)
  }
}

/** The `count` members of the greatest weight, greatest first. */
function best(members: readonly Member[], keyHash: number, count: number): string[] {
  const nodes: string[] = []
  const weights: number[] = []
  for (const { node, hash } of members) {
    const weight = rendezvousWeight(hash, keyHash)
    if (nodes.length === count && weight <= (weights[count - 1] as number)) continue
    let place = nodes.length
    while (place > 0 && weight > (weights[place - 1] as number)) place--
    nodes.splice(place, 0, node)
    weights.splice(place, 0, weight)
    if (nodes.length > count) {
      nodes.pop()
      weights.pop()
    }
  }
  return nodes
}
