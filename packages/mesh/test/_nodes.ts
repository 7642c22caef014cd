import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '@peerless/interface'
import { MemoryLogger, realClock } from '@peerless/testing'
import type { ExecutionContext } from 'ava'
import { createMesh, type MeshOptions, type PeerlessMesh } from '../src/index.ts'

/** Real chance: these tests make real keys. */
export const realRandom: Random = {
  next: () => randomBytes(4).readUInt32BE() / 4_294_967_296,
  bytes: (count) => new Uint8Array(randomBytes(count)),
  uuid: () => randomUUID()
}

/** A folder that goes when the test ends. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-mesh-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface Node {
  mesh: PeerlessMesh
  logger: MemoryLogger
  directory: string
}

/** A node that is not listening yet; it stops when the test ends. */
export async function openNode(t: ExecutionContext, name: string, options: Partial<MeshOptions> = {}): Promise<Node> {
  const directory = options.directory ?? (await temporaryFolder(t))
  const logger = new MemoryLogger()
  const mesh = await createMesh({ name, clock: realClock, random: realRandom, logger, ...options, directory })
  t.teardown(() => mesh.stop())
  return { mesh, logger, directory }
}

export async function startNode(t: ExecutionContext, name: string, options: Partial<MeshOptions> = {}): Promise<Node> {
  const node = await openNode(t, name, options)
  await node.mesh.start()
  return node
}

/** A founder and nodes that it invited, one after the other; all connected with each other. */
export async function startMesh(t: ExecutionContext, count: number): Promise<Node[]> {
  const founder = await startNode(t, 'node-0')
  const nodes = [founder]
  for (let index = 1; index < count; index++) {
    const token = await founder.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 })
    nodes.push(await startNode(t, `node-${index}`, { join: token }))
  }
  await Promise.all(
    nodes.flatMap(({ mesh }) => nodes.filter((other) => other.mesh !== mesh).map((o) => connected(mesh, o.mesh.peerId)))
  )
  return nodes
}

/** Resolves when the peer is usable. */
export function connected(mesh: PeerlessMesh, peerId: string): Promise<void> {
  if (mesh.peers().includes(peerId)) return Promise.resolve()
  return new Promise((resolve) => mesh.onPeer((peer, up) => peer === peerId && up && resolve()))
}

/** Resolves when the peer is gone. */
export function gone(mesh: PeerlessMesh, peerId: string): Promise<void> {
  if (!mesh.peers().includes(peerId)) return Promise.resolve()
  return new Promise((resolve) => mesh.onPeer((peer, up) => peer === peerId && !up && resolve()))
}
