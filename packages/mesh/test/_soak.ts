/** Restarts nodes at random under traffic for some seconds, then asserts that all are connected: `node packages/mesh/test/_soak.ts [seconds]`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isPeerlessError, TOPIC } from '@peerless/interface'
import { MemoryLogger, realClock } from '@peerless/testing'
import { createMesh, type PeerlessMesh } from '../src/index.ts'
import { connected, realRandom } from './_nodes.ts'

const NODES = 5
const seconds = Number(process.argv[2] ?? 10)
const root = await mkdtemp(join(tmpdir(), 'peerless-soak-'))
const nodes: PeerlessMesh[] = []
const counts = new Map<string, number>()

async function open(index: number, token?: string): Promise<PeerlessMesh> {
  const directory = join(root, `${index}`)
  const mesh = await createMesh({
    directory,
    name: `n${index}`,
    join: token,
    clock: realClock,
    random: realRandom,
    logger: new MemoryLogger()
  })
  mesh.handle(1, (_peerId, request) => request.reply(undefined, request.payload))
  mesh.subscribe(TOPIC.LEDGER, () => count('gossip received'))
  await mesh.start()
  return mesh
}

function count(what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

nodes.push(await open(0))
for (let index = 1; index < NODES; index++) {
  nodes.push(await open(index, await (nodes[index - 1] as PeerlessMesh).invite({ role: 'node', ttlMs: 60_000, uses: 1 })))
}
const end = performance.now() + seconds * 1_000
const traffic = setInterval(() => {
  for (const node of nodes) {
    node.publish(TOPIC.LEDGER, Buffer.from('x'))
    for (const peerId of node.peers()) {
      const payload = Buffer.alloc(Math.floor(Math.random() ** 4 * 200_000))
      node.request(peerId, 1, undefined, payload, (error) => {
        if (error !== undefined && !isPeerlessError(error)) throw error
        count(error?.code ?? 'answered')
      })
    }
  }
}, 5)
while (performance.now() < end) {
  const index = Math.floor(Math.random() * NODES)
  await nodes[index]?.stop()
  nodes[index] = await open(index)
  count('restarts')
}
await Promise.all(nodes.flatMap((node) => nodes.filter((other) => other !== node).map((other) => connected(node, other.peerId))))
clearInterval(traffic)
console.log(Object.fromEntries(counts))
await Promise.all(nodes.map((node) => node.stop()))
await rm(root, { recursive: true, force: true })
