import { type Mesh, PEER_SILENT_MS_MIN } from '@peerless/interface'
import { rendezvousOwner } from '@peerless/routing'

/** The connected node that keeps the turns of a key, the same at all that see the same; one that may be dead keeps none. */
export function homeOf(mesh: Mesh, key: string): string {
  return rendezvousOwner(key, [mesh.peerId, ...heardPeers(mesh)])
}

/** The connected peers that were heard of late. */
export function heardPeers(mesh: Mesh): string[] {
  return mesh.peers().filter((peer) => (mesh.silentMs(peer) ?? Number.POSITIVE_INFINITY) < PEER_SILENT_MS_MIN)
}
