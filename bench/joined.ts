/** Meshes of many nodes on this machine. */
import { cli, type Node, peerless } from './servers.ts'

/** Nodes that start at once: so many that a machine of two cores is not the measure of how they join. */
const JOINING_MAX = 4
const LOOK_MS = 500

/** A mesh of so many nodes, each connected with all others. */
export async function joined(count: number): Promise<Node[]> {
  const first = await peerless([])
  const nodes = [first]
  if (count > 1) {
    const token = await cli(first, 'invite', '--uses', String(count))
    while (nodes.length < count) {
      const some = Math.min(JOINING_MAX, count - nodes.length)
      nodes.push(...(await Promise.all(Array.from({ length: some }, () => peerless(['--join', token])))))
    }
  }
  for (const node of nodes) {
    const connected = async () => {
      const peers = JSON.parse(await cli(node, 'peers', '--json')) as { status: string }[]
      return peers.filter(({ status }) => status === 'connected').length
    }
    while ((await connected()) < count) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return nodes
}
