import { hashOf, rendezvousWeight } from './rendezvous.ts'

/** A node holds at most so many times its share by slots, as in consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018). */
const BOUND_FACTOR = 1.25

/** Instances that are to be warm somewhere in the mesh. */
export interface WarmNeed {
  /** What they are instances of: a revision id. */
  readonly key: string
  readonly count: number
}

/** A node that can hold some. */
export interface WarmNode {
  readonly node: string
  /** Calls that it runs at once: more instances of one revision than that would be of no use there. */
  readonly slots: number
}

interface Holder {
  readonly node: string
  readonly hash: number
  readonly slots: number
  /** Of all needs together. */
  readonly loadMax: number
  readonly holds: Map<string, number>
  load: number
}

/**
 * Which node holds how many warm instances: every node that knows the same needs and the same nodes comes to the same answer without talking. Each single
 * instance goes by rendezvous, so those of one revision are spread, and a node that comes or goes moves its own and few others.
 *
 * @returns per node, the count of each key; what fits nowhere, because a need exceeds all slots, is left out
 */
export function placeWarm(needs: readonly WarmNeed[], nodes: readonly WarmNode[]): Map<string, ReadonlyMap<string, number>> {
  const slotsOfAll = nodes.reduce((total, { slots }) => total + slots, 0)
  const total = needs.reduce((sum, { count }) => sum + Math.min(count, slotsOfAll), 0)
  const holders = nodes
    .filter(({ slots }) => slots > 0)
    .map(({ node, slots }): Holder => {
      const loadMax = Math.ceil((BOUND_FACTOR * total * slots) / slotsOfAll)
      return { node, hash: hashOf(node), slots, loadMax, holds: new Map(), load: 0 }
    })
    .sort(byName)
  const ordered = [...needs].sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const { key, count } of ordered) {
    for (let index = 0; index < Math.min(count, slotsOfAll); index++) {
      const holder = bestHolder(holders, key, hashOf(`${key}#${index}`))
      holder.holds.set(key, (holder.holds.get(key) ?? 0) + 1)
      holder.load++
    }
  }
  return new Map(holders.map(({ node, holds }) => [node, holds]))
}

/** Of the greatest weight among those with room within their bound; else, because no instance is left out for that, with room at all. */
function bestHolder(holders: readonly Holder[], key: string, keyHash: number): Holder {
  let best: Holder | undefined
  let bestWeight = -1
  let bestWithin = false
  for (const holder of holders) {
    if ((holder.holds.get(key) ?? 0) >= holder.slots) continue
    const within = holder.load < holder.loadMax
    if (bestWithin && !within) continue
    const weight = rendezvousWeight(holder.hash, keyHash)
    if (within === bestWithin && weight <= bestWeight) continue
    best = holder
    bestWeight = weight
    bestWithin = within
  }
  // A need is cut to the slots of all nodes, so one of them has room.
  return best as Holder
}

function byName(a: Holder, b: Holder): number {
  return a.node < b.node ? -1 : 1
}
