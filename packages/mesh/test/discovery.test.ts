import { cp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Logger } from '@peerless/interface'
import { realClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { EXCHANGE_PERIOD_MS, INVITE_TTL_MS_MIN } from '../src/constants.ts'
import { connected, gone, type Node, startMesh, startNode, temporaryFolder } from './_nodes.ts'

test('a node that comes back with another port is found again by all, and tells its new address', async (t) => {
  const [a, b, c] = (await startMesh(t, 3)) as [Node, Node, Node]
  const before = c.mesh.addresses()
  const left = [gone(a.mesh, c.mesh.peerId), gone(b.mesh, c.mesh.peerId)]
  await c.mesh.stop()
  await Promise.all(left)
  // Every field is there, for whoever reads it as JSON.
  t.like(a.mesh.status(c.mesh.peerId), { status: 'unreachable', rttMs: null })
  const back = [connected(a.mesh, c.mesh.peerId), connected(b.mesh, c.mesh.peerId)]
  await occupy(t, portOf(before))
  const again = await startNode(t, 'node-2', { directory: c.directory })
  await Promise.all(back)
  t.is(again.mesh.peerId, c.mesh.peerId)
  t.false(again.mesh.foundedNow || again.mesh.joinedNow)
  t.notDeepEqual(again.mesh.addresses(), before)
  t.is(a.mesh.status(c.mesh.peerId)?.status, 'connected')
})

test('with the founder away, a node that restarts finds the others, and a new one joins through any of them', async (t) => {
  const [founder, b, c] = (await startMesh(t, 3)) as [Node, Node, Node]
  await founder.mesh.stop()
  await c.mesh.stop()
  const again = await startNode(t, 'node-2', { directory: c.directory })
  await connected(again.mesh, b.mesh.peerId)
  const token = await again.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 })
  const fourth = await startNode(t, 'fourth', { join: token })
  await Promise.all([connected(fourth.mesh, b.mesh.peerId), connected(b.mesh, fourth.mesh.peerId)])
  t.true(b.mesh.isMember(fourth.mesh.peerId))
  t.is(fourth.mesh.members().length, 4)
})

test('all nodes restart at once: each comes back where it was, and they find each other', async (t) => {
  const nodes = (await startMesh(t, 3)) as [Node, Node, Node]
  const before = nodes.map(({ mesh }) => mesh.addresses())
  for (const { mesh } of nodes) await mesh.stop()
  const again = await Promise.all(nodes.map(({ directory }) => startNode(t, 'x', { directory })))
  await everyone(again)
  t.deepEqual(
    again.map(({ mesh }) => mesh.addresses()),
    before
  )
})

test('all nodes restart at once, all but one elsewhere: one known address must do', async (t) => {
  const nodes = (await startMesh(t, 3)) as [Node, Node, Node]
  const ports = nodes.map(({ mesh }) => portOf(mesh.addresses()))
  for (const { mesh } of nodes) await mesh.stop()
  for (const port of ports.slice(1)) await occupy(t, port)
  const again = await Promise.all(nodes.map(({ directory }) => startNode(t, 'x', { directory })))
  await everyone(again)
  t.pass()
})

test('a node whose folder was copied to another one says so; one whose disk was set back does not', async (t) => {
  // Only exchanges are hurried: a handshake takes as long as the machine takes.
  const clock = {
    ...realClock,
    after: (ms: number, run: () => void) => realClock.after(ms < EXCHANGE_PERIOD_MS / 2 ? ms : ms / 50, run)
  }
  const [a, b] = (await startMesh(t, 2)) as [Node, Node]
  await b.mesh.stop()
  const copy = await temporaryFolder(t)
  await cp(b.directory, copy, { recursive: true })
  let accuse: () => void = () => t.fail('a disk that was set back is no copy')
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (message) => /folder was copied/.test(message) && accuse(),
    child: () => logger
  }

  const again = await startNode(t, 'node-1', { directory: b.directory, clock, logger })
  await connected(again.mesh, a.mesh.peerId)
  await again.mesh.stop()
  await cp(copy, b.directory, { recursive: true, force: true })
  const setBack = await startNode(t, 'node-1', { directory: b.directory, clock, logger })
  await connected(setBack.mesh, a.mesh.peerId)
  const third = await startNode(t, 'third', { join: await setBack.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 }) })
  await connected(third.mesh, a.mesh.peerId)

  const accused = new Promise<void>((resolve) => {
    accuse = resolve
  })
  const twin = await startNode(t, 'node-1', { directory: copy, clock, logger })
  t.is(twin.mesh.peerId, setBack.mesh.peerId)
  await accused
})

test('a peer listener hears of a peer once when it comes and once when it goes', async (t) => {
  const founder = await startNode(t, 'founder')
  const events: [string, boolean][] = []
  founder.mesh.onPeer((peerId, up) => events.push([peerId, up]))
  const token = await founder.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 })
  const other = await startNode(t, 'other', { join: token })
  await connected(founder.mesh, other.mesh.peerId)
  t.like(founder.mesh.status(other.mesh.peerId), { name: 'other', self: false, status: 'connected' })
  const left = gone(founder.mesh, other.mesh.peerId)
  await other.mesh.stop()
  await left
  t.deepEqual(events, [
    [other.mesh.peerId, true],
    [other.mesh.peerId, false]
  ])
})

test('pings measure the round trip and carry that a peer is draining', async (t) => {
  const clock = { ...realClock, every: (ms: number, run: () => void) => realClock.every(ms / 30, run) }
  const founder = await startNode(t, 'founder', { clock })
  const other = await startNode(t, 'other', { join: await founder.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 }) })
  await connected(founder.mesh, other.mesh.peerId)
  other.mesh.setDraining(true)
  await new Promise<void>((resolve) => {
    const watch = clock.every(100, () => {
      if (founder.mesh.status(other.mesh.peerId)?.status !== 'draining') return
      watch.cancel()
      resolve()
    })
  })
  const rtt = founder.mesh.rttMs(other.mesh.peerId)
  t.true(rtt !== undefined && rtt > 0 && rtt < 5_000, `${rtt}`)
})

test('a node whose clock is two hours ahead is told so, and its peers see by how much', async (t) => {
  const clock = { ...realClock, every: (ms: number, run: () => void) => realClock.every(ms / 30, run) }
  const ahead = { ...clock, now: () => realClock.now() + 7_200_000 }
  const founder = await startNode(t, 'founder', { clock })
  const token = await founder.mesh.invite({ role: 'node', ttlMs: 86_400_000, uses: 2 })
  const good = await startNode(t, 'good', { clock, join: token })
  const bad = await startNode(t, 'bad', { clock: ahead, join: token })
  const told = () => bad.logger.lines.find(({ message }) => message === 'the clock of this machine is not that of its peers')
  await new Promise<void>((resolve) => {
    const watch = clock.every(100, () => {
      if (told() === undefined || founder.mesh.status(bad.mesh.peerId)?.clockOffsetMs === null) return
      watch.cancel()
      resolve()
    })
  })
  const fields = told()?.fields as { aheadMs: number }
  t.true(fields.aheadMs > 7_170_000 && fields.aheadMs < 7_230_000, JSON.stringify(fields))
  const offset = founder.mesh.status(bad.mesh.peerId)?.clockOffsetMs ?? 0
  t.true(offset > 7_170_000 && offset < 7_230_000, `${offset}`)
  t.true(Math.abs(founder.mesh.status(good.mesh.peerId)?.clockOffsetMs ?? 0) < 30_000)
})

test('connecting by hand takes members only, and names what is no address', async (t) => {
  const [a, b] = (await startMesh(t, 2)) as [Node, Node]
  const other = await startNode(t, 'other')
  t.is(await a.mesh.connect(b.mesh.addresses()), b.mesh.peerId)
  t.like(await t.throwsAsync(a.mesh.connect(other.mesh.addresses())), { code: 'NOT_A_MEMBER' })
  for (const address of ['', 'garbage', '/ip4/127.0.0.1/tcp/1', `/ip4/127.0.0.1/udp/1/p2p/${b.mesh.peerId}`]) {
    t.like(await t.throwsAsync(a.mesh.connect([address])), { code: 'INVALID_ARGUMENT' })
  }
  t.deepEqual(a.mesh.peers(), [b.mesh.peerId])
})

async function everyone(nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.flatMap((node) => nodes.filter((o) => o !== node).map((o) => connected(node.mesh, o.mesh.peerId))))
}

function portOf(addresses: readonly string[]): number {
  return Number(/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1])
}

/** Somebody else has the port until the test ends. */
async function occupy(t: ExecutionContext, port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port }, resolve)
  })
  t.teardown(() => server.close())
}

test('nodes that all have moved meet again by an invite of one of them, also by one that has expired since', async (t) => {
  const before = await startMesh(t, 3)
  await Promise.all(before.map(({ mesh }) => mesh.stop()))
  // Any other port is another address.
  await Promise.all(before.map(({ directory }) => rm(`${directory}/ports.cbor`)))
  const [founder, guest, other] = before as [Node, Node, Node]
  const moved = await startNode(t, 'founder', { directory: founder.directory })
  const join = await moved.mesh.invite({ role: 'node', ttlMs: INVITE_TTL_MS_MIN, uses: 1 })
  const later = { ...realClock, now: () => Date.now() + 2 * INVITE_TTL_MS_MIN }
  const again = await Promise.all([guest, other].map(({ directory }) => startNode(t, 'guest', { directory, join, clock: later })))
  const [a, b] = again as [Node, Node]
  await Promise.all([
    connected(a.mesh, moved.mesh.peerId),
    connected(b.mesh, moved.mesh.peerId),
    connected(a.mesh, b.mesh.peerId)
  ])
  t.is(a.mesh.peerId, guest.mesh.peerId)
})
