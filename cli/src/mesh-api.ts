import type { NodeStatus, PeerStatus } from '@peerless/interface'
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

export const PEER_COLUMNS: readonly Column<PeerStatus>[] = [
  { title: 'NAME', cell: (peer) => `${peer.name || '-'}${peer.self ? ' (this)' : ''}` },
  { title: 'STATUS', cell: (peer) => String(peer.status) },
  { title: 'RTT', cell: (peer) => (typeof peer.rttMs === 'number' ? `${peer.rttMs.toFixed(1)} ms` : '-'), align: 'right' },
  { title: 'IN FLIGHT', cell: (peer) => String(peer.inFlight), align: 'right' },
  { title: 'SLOTS', cell: (peer) => String(peer.slots), align: 'right' },
  { title: 'VERSION', cell: (peer) => printable(String(peer.version)) },
  { title: 'PEER ID', cell: (peer) => String(peer.peerId) }
]
