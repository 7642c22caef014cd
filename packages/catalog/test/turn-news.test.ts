import { type Clock, type IncomingRequest, MESSAGE } from '@peerless/interface'
import { MemoryNetwork, SeededRandom, settle, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { TurnNews } from '../src/turn-news.ts'
import { functionRecord, nodeRecord, TestMesh, type TestNode } from './_kit.ts'

/** Adds a tag; between reading and writing it waits for `pause`. */
function tag(node: TestNode, name: string, pause: Promise<void> = Promise.resolve()): Promise<void> {
  return node.catalog.inTurn('function', 'hello', async () => {
    const record = node.catalog.get('function', 'hello') ?? functionRecord('hello')
    await pause
    await node.catalog.put('function', 'hello', { ...record, tags: { ...record.tags, [name]: '1' } })
  })
}

function tagsAt(node: TestNode): string[] {
  return Object.keys(node.catalog.get('function', 'hello')?.tags ?? {}).sort()
}

async function ended(mesh: TestMesh, tasks: Promise<void>[]): Promise<void> {
  let over = false
  const all = Promise.all(tasks).finally(() => {
    over = true
  })
  for (let step = 0; step < 100 && !over; step++) await mesh.advance(250)
  await all
}

/** Three nodes, the first of which keeps the turns, and the second when it is gone. */
async function three(mesh: TestMesh, clockOfFirst?: Clock): Promise<[TestNode, TestNode, TestNode]> {
  const numbers = await Promise.all(
    [1, 2, 3].map(async (number) => {
      const other = new TestMesh(mesh.t)
      return { number, peerId: (await other.node(number, { start: false })).signer.peerId }
    })
  )
  numbers.sort((a, b) => (a.peerId < b.peerId ? -1 : 1))
  const nodes: TestNode[] = []
  for (const [index, { number }] of numbers.entries())
    nodes.push(await mesh.node(number, index === 0 && clockOfFirst !== undefined ? { clock: clockOfFirst } : {}))
  await mesh.settle()
  for (const node of nodes) await node.catalog.put('node', node.signer.peerId, nodeRecord(node.signer.peerId))
  await mesh.settle()
  return nodes as [TestNode, TestNode, TestNode]
}

test('who keeps the turns after a node that died waits for the turn that it had given', async (t) => {
  const mesh = new TestMesh(t)
  const [first, second, third] = await three(mesh)
  const pause = Promise.withResolvers<void>()
  const slow = tag(third, 'slow', pause.promise)
  await mesh.settle()
  await first.stop()
  const quick = tag(second, 'quick')
  await mesh.settle()
  pause.resolve()
  await ended(mesh, [slow, quick])
  await mesh.advance(10_000)
  for (const node of [second, third]) t.deepEqual(tagsAt(node), ['quick', 'slow'])
})

test('a node that comes back changes what the others have left, though nothing of it has come yet', async (t) => {
  const mesh = new TestMesh(t)
  const [first, second, third] = await three(mesh)
  await ended(mesh, [tag(second, 'before')])
  await first.stop()
  await ended(mesh, [tag(second, 'meanwhile'), tag(third, 'too')])
  const again = await mesh.node(first.number, { directory: first.directory })
  await ended(mesh, [tag(again, 'after')])
  await mesh.advance(10_000)
  for (const node of [again, second, third]) t.deepEqual(tagsAt(node), ['after', 'before', 'meanwhile', 'too'])
})

test('one that is started before it is connected waits for the others, and not for ever', async (t) => {
  const mesh = new TestMesh(t)
  const [first, second, third] = await three(mesh)
  await ended(mesh, [tag(second, 'before')])
  await first.stop()
  await ended(mesh, [tag(second, 'meanwhile')])
  const again = await mesh.node(first.number, { directory: first.directory, start: false })
  mesh.network.partition([again.signer.peerId], [second.signer.peerId, third.signer.peerId])
  again.catalog.start()
  const waiting = tag(again, 'after')
  await mesh.advance(1_000)
  mesh.network.heal()
  await ended(mesh, [waiting])
  await mesh.advance(10_000)
  for (const node of [again, second]) t.deepEqual(tagsAt(node), ['after', 'before', 'meanwhile'])

  await again.stop()
  const alone = await mesh.node(first.number, { directory: first.directory, start: false })
  mesh.network.partition([alone.signer.peerId], [second.signer.peerId, third.signer.peerId])
  alone.catalog.start()
  const before = mesh.clock.monotonic()
  await ended(mesh, [tag(alone, 'alone')])
  t.is(mesh.clock.monotonic() - before, 3_000)
})

test('whoever asks while a question is under way waits for its answer', async (t) => {
  const network = new MemoryNetwork(new SeededRandom(1))
  const [mesh, peer] = [network.join('a'), network.join('b')]
  const asked: IncomingRequest[] = []
  peer.handle(MESSAGE.CATALOG_TURN_NEWS, (_from, request) => asked.push(request))
  const news = new TurnNews({ mesh, clock: new VirtualClock(), others: () => true, take: () => Promise.resolve() })
  let ended = 0
  const both = [1, 2].map(() => news.catchUp('k', []).then(() => ended++))
  for (let round = 0; round < 5; round++) await settle()
  t.deepEqual([asked.length, ended], [1, 0])
  asked[0]?.reply(false)
  await Promise.all(both)
  await news.catchUp('k', [])
  t.is(asked.length, 1)
})

test('a node that stood still changes nothing by what it knew before', async (t) => {
  let still = false
  const mesh = new TestMesh(t)
  const [first, second, third] = await three(
    mesh,
    stopping(mesh.clock, () => still)
  )
  await ended(mesh, [tag(second, 'before'), tag(first, 'early')])
  still = true
  const peerId = first.signer.peerId
  mesh.network.freeze(peerId, () => 9_000)
  const away = new Set([peerId])
  mesh.away = away
  await ended(mesh, [tag(second, 'meanwhile'), tag(third, 'too')])
  await mesh.advance(5_000)
  // Its first act, before it reads what came.
  still = false
  const woken = tag(first, 'woken')
  away.clear()
  mesh.network.thaw(peerId)
  await ended(mesh, [woken])
  await mesh.advance(10_000)
  for (const node of [first, second, third]) t.deepEqual(tagsAt(node), ['before', 'early', 'meanwhile', 'too', 'woken'])
})

test('a turn that comes after its holder has gone elsewhere is given back at once', async (t) => {
  const mesh = new TestMesh(t)
  const [first, second, third] = await three(mesh)
  await ended(mesh, [tag(second, 'before')])
  const peerId = first.signer.peerId
  mesh.network.freeze(peerId, () => 3_000)
  const waiting = tag(third, 'elsewhere')
  await mesh.settle()
  mesh.away = new Set([peerId])
  await ended(mesh, [waiting])
  mesh.away = new Set()
  mesh.network.thaw(peerId)
  const before = mesh.clock.monotonic()
  await ended(mesh, [tag(second, 'next')])
  t.true(mesh.clock.monotonic() - before <= 250)
  t.deepEqual(tagsAt(first), ['before', 'elsewhere', 'next'])
})

test('who is asked for a turn and does not keep it, as it sees the mesh, has it from the node that does', async (t) => {
  const mesh = new TestMesh(t)
  const homes: string[] = []
  const nodes: TestNode[] = []
  // The second believes in the first, the third in the second: as where not everybody is connected yet.
  for (const number of [1, 2, 3]) nodes.push(await mesh.node(number, { homeOf: () => homes[Math.max(0, number - 2)] as string }))
  homes.push(...nodes.map(({ signer }) => signer.peerId))
  await mesh.settle()
  const names = Array.from({ length: 12 }, (_, index) => `t${10 + index}`)
  await ended(
    mesh,
    names.map((name, index) => tag(nodes[index % 3] as TestNode, name))
  )
  await mesh.advance(10_000)
  for (const node of nodes) t.deepEqual(tagsAt(node), names)
})

test('a node that is not connected with the one that keeps the turns has them by another', async (t) => {
  const mesh = new TestMesh(t)
  const [first, second, third] = await three(mesh)
  // The third keeps turns for itself then, and the second sees the first.
  mesh.network.partition([first.signer.peerId], [third.signer.peerId])
  const names = Array.from({ length: 12 }, (_, index) => `t${10 + index}`)
  await ended(
    mesh,
    names.map((name, index) => tag([first, third, second][index % 3] as TestNode, name))
  )
  mesh.network.heal()
  await mesh.advance(10_000)
  for (const node of [first, second, third]) t.deepEqual(tagsAt(node), names)
})

test('a change that a node made before it stood still is not answered for', async (t) => {
  let still = false
  const mesh = new TestMesh(t)
  const [first] = await three(
    mesh,
    stopping(mesh.clock, () => still)
  )
  const pause = Promise.withResolvers<void>()
  const change = tag(first, 'old', pause.promise)
  await mesh.settle()
  still = true
  await mesh.advance(3_000)
  still = false
  pause.resolve()
  await t.throwsAsync(change, { code: 'UNAVAILABLE' })
  t.deepEqual(tagsAt(first), [], 'nothing was written of what it had read')
  await ended(mesh, [tag(first, 'new')])
})

/** The clock of a process that stands still now and then: its timers do nothing meanwhile. */
function stopping(clock: VirtualClock, still: () => boolean): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (delayMs, run) => clock.after(delayMs, () => still() || run()),
    every: (periodMs, run) => clock.every(periodMs, () => still() || run())
  }
}
