import { type BeaconTable, pick, type ReportBoard } from '@peerless/routing'
import type { Call, SimNode } from './_sim-node.ts'

export const POLICY_NAMES = ['peerless', 'random', 'round-robin', 'gossiped-minimum', 'power-of-two', 'omniscient'] as const
export type PolicyName = (typeof POLICY_NAMES)[number]

/** What a policy may look at. Only the omniscient one may look into the nodes. */
export interface World {
  readonly nodes: readonly SimNode[]
  readonly board: ReportBoard
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

function gossiped(world: World, node: SimNode): number {
  const report = world.board.get(node.id)
  return report === undefined ? 0 : report.busy / report.slots
}

/** Least of all by the reports, the way it is usually first written: no correction, chance only for ties and after a refusal. */
function gossipedMinimum(world: World): Policy {
  const start = { at: 0 }
  return (call) => {
    if (call.refused.size > 0) return untilOpen(world, call, () => any(world))
    let best: SimNode | undefined
    let bestLoad = Number.POSITIVE_INFINITY
    start.at = Math.floor(world.random() * world.nodes.length)
    for (let turn = 0; turn < world.nodes.length; turn++) {
      const node = world.nodes[(start.at + turn) % world.nodes.length] as SimNode
      const load = gossiped(world, node)
      if (load < bestLoad && !call.refused.has(node.id)) {
        best = node
        bestLoad = load
        if (load === 0) break
      }
    }
    return best
  }
}

function powerOfTwo(world: World): Policy {
  return (call) =>
    untilOpen(world, call, () => {
      const [one, other] = [any(world), any(world)]
      return gossiped(world, one) <= gossiped(world, other) ? one : other
    })
}

/**
 * Knows all at this moment, what is on its way included, and costs nothing: an idle instance here, else the least loaded node with an idle
 * instance, else the least loaded node. undefined only when every slot of the mesh is taken.
 */
function omniscient(world: World): Policy {
  return ({ caller, revision, refused }) => {
    const now = world.now()
    const open = (node: SimNode) => node.busy + node.coming < node.slots && node.failing === 'no' && !refused.has(node.id)
    if (open(caller) && caller.idleOf(revision, now) > 0) return caller
    return leastLoaded(world.warm.get(revision), 0, open, revision, now) ?? leastLoaded(world.nodes, world.random(), open)
  }
}

function leastLoaded(
  nodes: Iterable<SimNode> | readonly SimNode[] | undefined,
  from: number,
  open: (node: SimNode) => boolean,
  revision?: string,
  now = 0
): SimNode | undefined {
  if (nodes === undefined) return undefined
  let best: SimNode | undefined
  let bestLoad = Number.POSITIVE_INFINITY
  const list = Array.isArray(nodes) ? (nodes as SimNode[]) : [...nodes]
  const start = Math.floor(from * list.length)
  for (let turn = 0; turn < list.length; turn++) {
    const node = list[start + turn < list.length ? start + turn : start + turn - list.length] as SimNode
    const load = (node.busy + node.coming) / node.slots
    if (load >= bestLoad || !open(node) || (revision !== undefined && node.idleOf(revision, now) === 0)) continue
    best = node
    bestLoad = load
    if (load === 0) break
  }
  return best
}
