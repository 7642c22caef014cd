import { setTimeout as delay } from 'node:timers/promises'
import type { InstanceStatus, NodeStatus, PeerStatus } from '@peerless/interface'
import type { Command } from 'commander'
import type { NodeClient } from '../client.ts'
import { type Context, withJson, withNode } from '../context.ts'
import { ApiError } from '../errors.ts'
import { INSTANCE_COLUMNS, listPeers, type MeshInstances, meshInstances, nodeStatus, PEER_COLUMNS } from '../mesh-api.ts'
import { table } from '../text.ts'

const PERIOD_MS = 1_000
const CLEAR_TO_END = '\u001b[J'
const HOME = '\u001b[H'
const CLEAR = '\u001b[2J'
/** DECAWM: what is longer than a line of the terminal is cut there, instead of going on in the next. */
const WRAP_OFF = '\u001b[?7l'
const WRAP_ON = '\u001b[?7h'

/** What one look at the node gives. `node` is null for keys that may not see it. */
interface Snapshot {
  time: number
  peers: PeerStatus[]
  node: NodeStatus | null
  /** With --instances: of every node that answers, and the peer ids of the others. */
  instances?: MeshInstances['instances']
  missing?: string[]
}

interface FunctionLoad {
  name: string
  version: string
  starting: number
  idle: number
  busy: number
  calls: number
  errors: number
  cpuMs: number
  memoryMb: number
}

export function define(command: Command, context: Context): void {
  withJson(withNode(command))
    .description(
      'Watch the load of the mesh, redrawn every second until Ctrl-C: peers with their slots and requests in flight, and the functions that this node runs with their instances and rates.\n' +
        'With --instances: every instance of the mesh, what it did and used.\n' +
        'JSON: one snapshot {time, peers, node}, and {instances, missing} with --instances.'
    )
    .option('--instances', 'each instance of every node')
    .option('--once', 'print it once and end')
    .action(async (flags: { json?: true; once?: true; instances?: true }) => {
      const client = await context.connect(command)
      const look = (signal?: AbortSignal) => lookAt(client, context, flags.instances === true, signal)
      if (flags.json) return await context.printJson(await look())
      if (flags.once || !context.host.terminal) return await context.print(draw(context, await look(), undefined))
      await watch(look, context)
    })
}

async function watch(look: (signal: AbortSignal) => Promise<Snapshot>, context: Context): Promise<void> {
  const signal = context.host.interrupted()
  let previous: Snapshot | undefined
  await context.print(`${WRAP_OFF}${CLEAR}`)
  try {
    while (!signal.aborted) {
      const snapshot = await look(signal)
      const lines = draw(context, snapshot, previous).split('\n')
      // One line more than the terminal has would scroll, and leave the first behind with each look. The last one is free for what follows.
      const rows = context.host.rows() ?? lines.length
      if (lines.length > rows) lines.splice(rows - 1, lines.length, '')
      await context.print(`${HOME}${lines.map((line) => `${line}\u001b[K`).join('\n')}${CLEAR_TO_END}`)
      previous = snapshot
      await delay(PERIOD_MS, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await context.print(WRAP_ON)
  }
}

async function lookAt(client: NodeClient, context: Context, instances: boolean, signal?: AbortSignal): Promise<Snapshot> {
  const [peers, node, all] = await Promise.all([
    listPeers(client, signal),
    nodeIfAllowed(client, signal),
    instances ? meshInstances(client, signal) : {}
  ])
  return { time: context.host.now(), peers, node, ...all }
}

async function nodeIfAllowed(client: NodeClient, signal?: AbortSignal): Promise<NodeStatus | null> {
  try {
    return await nodeStatus(client, signal)
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return null
    throw error
  }
}

function draw(context: Context, snapshot: Snapshot, previous: Snapshot | undefined): string {
  const { host } = context
  const { peers, node } = snapshot
  const head = (line: string) => host.style('bold', line)
  const slots = sum(peers, (peer) => peer.slots)
  const inFlight = sum(peers, (peer) => peer.inFlight)
  const connected = peers.filter((peer) => peer.self || peer.status === 'connected').length
  const title = `${connected} of ${peers.length} nodes connected, ${inFlight} requests in flight, ${slots} slots`
  const parts = [`${host.style('cyan', title)}  ${host.style('dim', new Date(snapshot.time).toISOString())}\n`]
  parts.push(table(peers, PEER_COLUMNS, head))
  if (node !== null) {
    const loads = loadsOf(node.instances ?? [])
    const earlier = new Map(loadsOf(previous?.node?.instances ?? []).map((load) => [keyOf(load), load]))
    const seconds = previous === undefined ? 0 : (snapshot.time - previous.time) / 1_000
    parts.push(
      table(
        loads,
        [
          { title: 'FUNCTION HERE', cell: (load) => load.name },
          { title: 'VERSION', cell: (load) => load.version },
          { title: 'STARTING', cell: (load) => String(load.starting), align: 'right' },
          { title: 'IDLE', cell: (load) => String(load.idle), align: 'right' },
          { title: 'BUSY', cell: (load) => String(load.busy), align: 'right' },
          { title: 'CALLS', cell: (load) => String(load.calls), align: 'right' },
          { title: 'ERRORS', cell: (load) => String(load.errors), align: 'right' },
          { title: 'CPU S', cell: (load) => (load.cpuMs / 1_000).toFixed(1), align: 'right' },
          { title: 'MB', cell: (load) => load.memoryMb.toFixed(0), align: 'right' },
          { title: 'CALLS/S', cell: (load) => rate(load, earlier.get(keyOf(load)), seconds), align: 'right' }
        ],
        head
      )
    )
  }
  if (snapshot.instances !== undefined) {
    const names = new Map(peers.map(({ peerId, name }) => [peerId, name]))
    const rows = snapshot.instances.map((instance) => ({
      ...instance,
      time: snapshot.time,
      nodeName: names.get(instance.node ?? '') ?? ''
    }))
    parts.push(table(rows, INSTANCE_COLUMNS, head))
    if ((snapshot.missing ?? []).length > 0) parts.push(`no answer from ${snapshot.missing?.join(', ')}\n`)
  }
  return parts.join('\n')
}

/** Reaped instances take their count with them: a fall is no rate. */
function rate(load: FunctionLoad, earlier: FunctionLoad | undefined, seconds: number): string {
  if (seconds <= 0) return '-'
  return (Math.max(0, load.calls - (earlier?.calls ?? 0)) / seconds).toFixed(1)
}

function loadsOf(instances: readonly InstanceStatus[]): FunctionLoad[] {
  const loads = new Map<string, FunctionLoad>()
  for (const instance of instances) {
    const fresh = {
      name: instance.function,
      version: instance.version,
      starting: 0,
      idle: 0,
      busy: 0,
      calls: 0,
      errors: 0,
      cpuMs: 0,
      memoryMb: 0
    }
    const load = loads.get(keyOf(fresh)) ?? fresh
    loads.set(keyOf(fresh), load)
    if (instance.state === 'starting' || instance.state === 'idle' || instance.state === 'busy') load[instance.state]++
    load.calls += Number(instance.calls)
    load.errors += Number(instance.errors)
    load.cpuMs += instance.cpuMs ?? 0
    load.memoryMb += instance.memoryMb ?? 0
  }
  return [...loads.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

function keyOf(load: { name: string; version: string }): string {
  return `${load.name}:${load.version}`
}

function sum<Row>(rows: readonly Row[], of: (row: Row) => number): number {
  return rows.reduce((total, row) => total + (Number(of(row)) || 0), 0)
}
