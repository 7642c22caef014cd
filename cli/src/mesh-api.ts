import type { InstanceStatus, NodeStatus, PeerStatus } from '@peerless/interface'
import type { NodeClient } from './client.ts'
import { listOf, objectOf } from './context.ts'
import { type Column, printable } from './text.ts'

export async function listPeers(client: NodeClient, signal?: AbortSignal): Promise<PeerStatus[]> {
  const order = { method: 'GET', path: ['v1', 'peers'], ...(signal === undefined ? {} : { signal }) } as const
  return listOf<PeerStatus>(await client.json(order, 'peers'), 'peers')
}

export async function nodeStatus(client: NodeClient, signal?: AbortSignal): Promise<NodeStatus> {
  const order = { method: 'GET', path: ['v1', 'node'], ...(signal === undefined ? {} : { signal }) } as const
  return objectOf<NodeStatus>(await client.json(order, 'node'), 'node')
}

export interface MeshInstances {
  instances: InstanceStatus[]
  missing: string[]
}

/** Of every node that answers the one that is asked. */
export async function meshInstances(client: NodeClient, signal?: AbortSignal): Promise<MeshInstances> {
  const order = {
    method: 'GET',
    path: ['v1', 'instances'],
    query: { mesh: '1' },
    ...(signal === undefined ? {} : { signal })
  } as const
  const { instances, missing } = objectOf<MeshInstances>(await client.json(order, 'instances'), 'instances')
  return { instances: listOf<InstanceStatus>(instances, 'instances'), missing: listOf<string>(missing, 'instances') }
}

/** An instance, when it is looked at, and the name of its node. */
type InstanceRow = InstanceStatus & { time: number; nodeName: string }

export const INSTANCE_COLUMNS: readonly Column<InstanceRow>[] = [
  { title: 'FUNCTION', cell: (row) => printable(String(row.function)) },
  { title: 'VERSION', cell: (row) => printable(String(row.version)) },
  { title: 'STATE', cell: (row) => printable(String(row.state)) },
  { title: 'STANDING', cell: (row) => printable(String(row.standing ?? '-')) },
  { title: 'CALLS', cell: (row) => String(row.calls), align: 'right' },
  { title: 'ERRORS', cell: (row) => String(row.errors), align: 'right' },
  { title: 'CPU S', cell: (row) => fixed(row.cpuMs, 1_000, 2), align: 'right' },
  { title: 'MB', cell: (row) => fixed(row.memoryMb, 1, 1), align: 'right' },
  { title: 'START MS', cell: (row) => fixed(row.startMs, 1, 0), align: 'right' },
  { title: 'LAST USE S', cell: (row) => fixed(Math.max(0, row.time - row.lastUsedAt), 1_000, 0), align: 'right' },
  { title: 'NODE', cell: (row) => printable(row.nodeName || String(row.node ?? '-')) },
  { title: 'INSTANCE', cell: (row) => printable(String(row.instance).slice(0, 12)) }
]

function fixed(value: number | undefined, unit: number, digits: number): string {
  return typeof value === 'number' ? (value / unit).toFixed(digits) : '-'
}

/** Only what matters: a second and more. */
function clockCell(offsetMs: unknown): string {
  if (typeof offsetMs !== 'number' || Math.abs(offsetMs) < 1_000) return '-'
  return `${offsetMs > 0 ? '+' : '-'}${Math.round(Math.abs(offsetMs) / 1_000)} s`
}

export const PEER_COLUMNS: readonly Column<PeerStatus>[] = [
  { title: 'NAME', cell: (peer) => `${peer.name || '-'}${peer.self ? ' (this)' : ''}` },
  { title: 'STATUS', cell: (peer) => String(peer.status) },
  { title: 'RTT', cell: (peer) => (typeof peer.rttMs === 'number' ? `${peer.rttMs.toFixed(1)} ms` : '-'), align: 'right' },
  { title: 'IN FLIGHT', cell: (peer) => String(peer.inFlight), align: 'right' },
  { title: 'SLOTS', cell: (peer) => String(peer.slots), align: 'right' },
  { title: 'VERSION', cell: (peer) => printable(String(peer.version)) },
  { title: 'PEER ID', cell: (peer) => String(peer.peerId) },
  { title: 'CLOCK', cell: (peer) => clockCell(peer.clockOffsetMs), align: 'right' }
]
