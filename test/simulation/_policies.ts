import { type BeaconTable, pick } from '@peerless/routing'
import type { LeastTree } from './_least-tree.ts'
import type { Call, SimNode } from './_sim-node.ts'

export const POLICY_NAMES = ['peerless', 'random', 'round-robin', 'gossiped-minimum', 'power-of-two', 'omniscient'] as const
export type PolicyName = (typeof POLICY_NAMES)[number]

/** Whether it does without reports: chance and omniscience do. */
export function isSilent(policy: PolicyName): boolean {
  return policy === 'random' || policy === 'round-robin' || policy === 'omniscient'
}

/** What a policy may look at. Only the omniscient one may look into the nodes. */
export interface World {
  readonly nodes: readonly SimNode[]
  /** Shares of the slots that are taken, per node: by the last report, 0 before the first; what an omniscient sees, for that one. */
  readonly loads: LeastTree
  /** Nodes with idle instances, per revision. */
  readonly warm: ReadonlyMap<string, ReadonlySet<SimNode>>
  tableOf(node: SimNode): BeaconTable
  random(): number
  now(): number
}

/** undefined: nobody, wait. */
export type Policy = (call: Call) => SimNode | undefined

export function policyOf(name: PolicyName, world: World): Policy {
  switch (name) {
    case 'peerless':
      return peerless(world)
    case 'random':
      return (call) => untilOpen(world, call, () => any(world))
    case 'round-robin':
      return roundRobin(world)
    case 'gossiped-minimum':
      return gossipedMinimum(world)
    case 'power-of-two':
      return powerOfTwo(world)
    case 'omniscient':
      return omniscient(world)
  }
}

function peerless(world: World): Policy {
  const byId = new Map(world.nodes.map((node) => [node.id, node]))
  const random = () => world.random()
  return (call) => {
    const { caller, revision, refused } = call
    const self = {
      node: caller.id,
      slots: caller.slots,
      busy: caller.busy,
      draining: caller.draining,
      idle: caller.idleOf(revision, world.now())
    }
    const picked = pick(world.tableOf(caller), self, { revisionId: revision, refused }, random, world.now())
    if (picked === undefined) return undefined
    call.onlyIdle = picked.onlyIdle
    return byId.get(picked.node)
  }
}

const TURNS = 16

function untilOpen(world: World, call: Call, draw: () => SimNode): SimNode | undefined {
  for (let turn = 0; turn < Math.min(TURNS, 4 * world.nodes.length); turn++) {
    const node = draw()
    if (!call.refused.has(node.id)) return node
  }
  return undefined
}

function any(world: World): SimNode {
  return world.nodes[Math.floor(world.random() * world.nodes.length)] as SimNode
}

function roundRobin(world: World): Policy {
  const next = new Int32Array(world.nodes.length)
  for (let index = 0; index < next.length; index++) next[index] = any(world).index
  return (call) =>
    untilOpen(world, call, () => {
      const at = ((next[call.caller.index] as number) + 1) % world.nodes.length
      next[call.caller.index] = at
      return world.nodes[at] as SimNode
    })
}

/** Least of all by the reports, the way it is usually first written: no correction, chance only for ties and after a refusal. */
function gossipedMinimum(world: World): Policy {
  return (call) => {
    if (call.refused.size > 0) return untilOpen(world, call, () => any(world))
    const at = world.loads.firstFrom(Math.floor(world.random() * world.nodes.length))
    return at === undefined ? undefined : world.nodes[at]
  }
}

function powerOfTwo(world: World): Policy {
  return (call) =>
    untilOpen(world, call, () => {
      const [one, other] = [any(world), any(world)]
      return world.loads.get(one.index) <= world.loads.get(other.index) ? one : other
    })
}

/** Of more nodes with an idle instance than this they are asked by their loads rather than one by one; which of two with the same load it is may then be another. */
const HOLDERS_SCANNED_MAX = 1_024

/**
 * Knows all at this moment, what is on its way included, and costs nothing: an idle instance here, else the least loaded node with an idle
 * instance, else the least loaded node. undefined only when every slot of the mesh is taken.
 */
function omniscient(world: World): Policy {
  const { loads, nodes } = world
  return ({ caller, revision, refused }) => {
    const now = world.now()
    const open = (node: SimNode) => loads.get(node.index) !== Number.POSITIVE_INFINITY && !refused.has(node.id)
    if (open(caller) && caller.idleOf(revision, now) > 0) return caller
    const holders = world.warm.get(revision)
    if (holders !== undefined && holders.size > HOLDERS_SCANNED_MAX) {
      const fits = (node: SimNode) => holders.has(node) && node.idleOf(revision, now) > 0 && !refused.has(node.id)
      const at = loads.leastThat((index) => fits(nodes[index] as SimNode))
      if (at !== undefined) return nodes[at]
    } else if (holders !== undefined) {
      const warm = leastLoaded(holders, loads, (node) => !refused.has(node.id) && node.idleOf(revision, now) > 0)
      if (warm !== undefined) return warm
    }
    const start = Math.floor(world.random() * nodes.length)
    if (refused.size === 0) {
      const at = loads.firstFrom(start)
      return at === undefined ? undefined : nodes[at]
    }
    return leastLoaded([...nodes.slice(start), ...nodes.slice(0, start)], loads, open)
  }
}

function leastLoaded(nodes: Iterable<SimNode>, loads: LeastTree, fits: (node: SimNode) => boolean): SimNode | undefined {
  let best: SimNode | undefined
  let bestLoad = Number.POSITIVE_INFINITY
  for (const node of nodes) {
    const load = loads.get(node.index)
    if (load >= bestLoad || !fits(node)) continue
    best = node
    bestLoad = load
    if (load === 0) break
  }
  return best
}
