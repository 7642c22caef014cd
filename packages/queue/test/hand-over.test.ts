import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { accept, answer, during, orderOf, TestMesh, type TestNode } from './_nodes.ts'

const id = (last: number) => `00000000-0000-4000-8000-00000000000${last}`

const eventsLeft = async (mesh: TestMesh, { queue }: TestNode) => (await during(mesh, queue.handOver())).events

test('a node that goes for good gives its events to a peer, also those that had no copy', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.options = { replicas: 0 }
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  await accept(mesh, a, orderOf(id(1)))
  await accept(mesh, a, orderOf(id(2)))
  t.is(b.queue.stats().copies, 0)
  t.is(await eventsLeft(mesh, a), 0)
  t.deepEqual([a.queue.stats().events, b.queue.stats().events], [0, 2])
  await t.throwsAsync(a.queue.accept(orderOf(id(3))), { code: 'UNAVAILABLE', message: /draining/ })
  mesh.crash('a')
  mesh.autoRun = () => answer('ok')
  for (const run of mesh.runs.splice(0)) run.done(undefined, answer('ok'))
  await mesh.clock.advance(31_000)
  for (const each of [1, 2]) t.is((await b.queue.result(id(each)))?.status, 'succeeded')
})

test('an attempt that is cut off by that counts as one, and the next comes when it is over', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  await accept(mesh, a, orderOf(id(1)))
  await mesh.clock.advance(1_000)
  t.is(await eventsLeft(mesh, a), 0)
  await mesh.clock.advance(29_000)
  t.is(mesh.started.length, 1, 'none runs beside it')
  mesh.crash('a')
  await mesh.clock.advance(2_000)
  t.deepEqual(
    mesh.runs.map(({ order }) => order.attempt),
    [2]
  )
  for (const run of mesh.runs.splice(0)) run.done(undefined, answer('ok'))
  await mesh.clock.advance(1_000)
  t.like(await b.queue.result(id(1)), { status: 'succeeded', attempts: 2 })
})

test('the next attempt of what runs at a peer waits until that is over', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.options = { awayMs: (requestId) => (requestId === id(2) ? 60_000 : 0) }
  const [a] = [await mesh.up('a'), await mesh.up('b')]
  for (const each of [1, 2]) await accept(mesh, a, orderOf(id(each)))
  await mesh.clock.advance(1_000)
  await during(mesh, a.queue.stop())
  mesh.crash('a')
  await mesh.clock.advance(5_000)
  t.deepEqual(
    mesh.runs.map(({ order }) => order.requestId),
    [id(1)]
  )
  await mesh.clock.advance(60_000)
  t.deepEqual(
    mesh.runs.map(({ order }) => order.requestId),
    [id(1), id(2)]
  )
})

test('one that nobody takes anything from says how much is left, and works on when it is let', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(id(1)))
  t.is(await eventsLeft(mesh, a), 1)
  const b = await mesh.up('b')
  b.disk.full = true
  t.is(await eventsLeft(mesh, a), 1)
  a.queue.resume()
  mesh.autoRun = () => answer('ok')
  for (const run of mesh.runs.splice(0)) run.done(undefined, answer('ok'))
  await mesh.clock.advance(1_000)
  t.is((await a.queue.result(id(1)))?.status, 'succeeded')
  b.disk.full = false
  await accept(mesh, a, orderOf(id(2)))
})

test('what it keeps for an owner that died a moment ago it does not take with it', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  const b = await mesh.up('b')
  await accept(mesh, a, orderOf(id(1)))
  t.is(b.queue.stats().copies, 1)
  const c = await mesh.up('c')
  mesh.crash('a')
  t.is(await eventsLeft(mesh, b), 0)
  mesh.crash('b')
  mesh.autoRun = () => answer('ok')
  for (const run of mesh.runs.splice(0)) run.done(undefined, answer('ok'))
  await mesh.clock.advance(5_000)
  t.is((await c.queue.result(id(1)))?.status, 'succeeded')
})

test('two that go at the same time do not give their events to each other', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  await accept(mesh, a, orderOf(id(1)))
  await accept(mesh, b, orderOf(id(2)))
  const left = await during(mesh, Promise.all([a, b].map(async ({ queue }) => (await queue.handOver()).events)))
  t.true(
    left.every((count) => count > 0),
    left.join()
  )
  // One of them stays after all.
  b.queue.resume()
  t.is(await eventsLeft(mesh, a), 0)
  mesh.crash('a')
  mesh.autoRun = () => answer('ok')
  for (const run of mesh.runs.splice(0)) run.done(undefined, answer('ok'))
  await mesh.clock.advance(31_000)
  for (const each of [1, 2]) t.is((await b.queue.result(id(each)))?.status, 'succeeded')
})

test('one that has given all away takes nothing of others any more', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  await accept(mesh, a, orderOf(id(1)))
  t.is(b.queue.stats().copies, 1)
  t.is(await eventsLeft(mesh, b), 0)
  t.is(await eventsLeft(mesh, a), 1, 'b does not take it')
  t.is(b.queue.stats().events, 0)
  const c = await mesh.up('c')
  t.is(await eventsLeft(mesh, a), 0)
  t.is(c.queue.stats().events, 1)
})

test('what ends just before a stop does not run again: its holder hears of the end', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const [a, b] = [await mesh.up('a'), await mesh.up('b')]
  await accept(mesh, a, orderOf(id(1)))
  await mesh.clock.advance(1_000)
  mesh.runs.splice(0)[0]?.done(undefined, answer('ok'))
  await during(mesh, a.queue.stop())
  mesh.crash('a')
  await mesh.clock.advance(20_000)
  t.is(mesh.started.length, 1, 'one run')
  t.is((await b.queue.result(id(1)))?.status, 'succeeded')
})
