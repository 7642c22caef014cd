import { MESSAGE, PeerlessError } from '@peerless/interface'
import { settle, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { LEASE_MS, RENEW_MS, TICK_MS } from '../src/constants.ts'
import { accept, answer, orderOf, resolved, TestMesh } from './_nodes.ts'

const ID = '00000000-0000-4000-8000-000000000001'
const MINUTE_MS = 60_000
const idOf = (number: number) => `00000000-0000-4000-8000-${number.toString().padStart(12, '0')}`

test('a lone node accepts an event on its own disk, runs it and keeps its result', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok', '{"r":1}')
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(100)
  t.deepEqual(mesh.started, [{ node: 'a', id: ID, attempt: 1, functionName: 'f', payload: '{"n":1}' }])
  const result = await a.queue.result(ID)
  t.is(result?.status, 'succeeded')
  t.is(result?.condition, 'Success')
  t.is(result?.attempts, 1)
  t.is(Buffer.from(result?.payload ?? []).toString(), '{"r":1}')
  t.is(a.queue.stats().events, 0)
})

test('an event is accepted only after a second node has it on its disk', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  const b = await mesh.up('b')
  b.disk.full = true
  let accepted = false
  const done = a.queue.accept(orderOf(ID)).then(() => {
    accepted = true
  })
  await mesh.clock.advance(0)
  // The holder's disk refuses: there is no other peer, so the owner's own disk has to do.
  await mesh.clock.advance(3_000)
  await done
  t.true(accepted)
  t.is(b.queue.stats().copies, 0)
  b.disk.full = false
  await accept(mesh, a, orderOf(idOf(2)))
  await mesh.clock.advance(12_000)
  t.true(b.queue.stats().copies > 0, 'events that had no copy get one when the holder takes it again')
})

test('an event that was made here is not given up on the word of a holder that says it knew it', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  const a = await mesh.up('a')
  const liar = mesh.network.join('liar')
  let asked = 0
  liar.handle(MESSAGE.QUEUE_STORE, (_, request) => {
    asked++
    request.reply([ID])
  })
  await mesh.clock.advance(0)
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(500)
  t.is(asked, 1)
  t.is(mesh.started.length, 1)
  t.is((await a.queue.result(ID))?.status, 'succeeded')
})

test('a result can be read at a node that had nothing to do with it', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  const a = await mesh.up('a')
  await mesh.up('b')
  const c = await mesh.up('c')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(500)
  t.is((await c.queue.result(ID))?.status, 'succeeded')
  t.is(await c.queue.result(idOf(9)), undefined)
  await t.throwsAsync(c.queue.result('x'), { code: 'INVALID_ARGUMENT' })
})

test('an event that cannot be read for a moment is copied when it can', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('error')
  await accept(mesh, await mesh.up('a'), orderOf(ID))
  await mesh.clock.advance(1_000)
  mesh.crash('a')
  const a = await mesh.up('a')
  a.disk.unreadable = true
  const b = await mesh.up('b')
  await mesh.clock.advance(1_000)
  t.true(a.logger.lines.some(({ message }) => message === 'a queued event cannot be read'))
  t.is(b.queue.stats().copies, 0)
  a.disk.unreadable = false
  await mesh.clock.advance(2_000)
  t.is(b.queue.stats().copies, 1)
})

test('a clock that is put back by hours puts no retry off, here or where another start finds it', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.suspendedMs = 5 * 60 * MINUTE_MS
  mesh.autoRun = () => answer('error')
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(1_000)
  t.is(mesh.started.length, 1)
  mesh.suspendedMs = 0
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.started.length, 2)
  await mesh.clock.advance(1_000)
  mesh.crash('a')
  mesh.suspendedMs = -5 * 60 * MINUTE_MS
  await mesh.up('a')
  await mesh.clock.advance(2 * MINUTE_MS + 10_000)
  t.is(mesh.started.length, 3)
})

test('an event that fails is tried three times, after one minute and two more, and is then a dead letter', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('error', '{"errorType":"Error"}')
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(MINUTE_MS - 1_000)
  t.is(mesh.started.length, 1)
  await mesh.clock.advance(2_000)
  t.is(mesh.started.length, 2)
  await mesh.clock.advance(2 * MINUTE_MS - 3_000)
  t.is(mesh.started.length, 2)
  await mesh.clock.advance(4_000)
  t.deepEqual(
    mesh.started.map(({ attempt }) => attempt),
    [1, 2, 3]
  )
  const result = await a.queue.result(ID)
  t.is(result?.status, 'failed')
  t.is(result?.condition, 'RetriesExhausted')
  t.is(result?.functionError, 'Unhandled')
  const [letter] = await a.queue.deadLetters({}, 10)
  t.is(letter?.result.requestId, ID)
  t.is(letter?.event, undefined, 'a list has no payloads')
  t.is(Buffer.from((await a.queue.deadLetter(ID))?.event ?? []).toString(), '{"n":1}')
})

test('an event of a version that is gone does not hold up the others of its function', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  mesh.options.resolve = (name, qualifier) => (qualifier === '1' ? undefined : resolved(name))
  const a = await mesh.up('a')
  const [gone, live] = [1, 2].map((last) => `00000000-0000-4000-8000-00000000000${last}`) as [string, string]
  await accept(mesh, a, orderOf(gone, { qualifier: '1' }))
  await mesh.clock.advance(2_000)
  await accept(mesh, a, orderOf(live))
  await mesh.clock.advance(200)
  t.is((await a.queue.result(live))?.status, 'succeeded')
  t.like(await a.queue.result(gone), { status: 'queued', attempts: 0 })
  await mesh.clock.advance(60_000)
  t.like(await a.queue.result(gone), { status: 'failed', condition: 'FunctionNotFound', attempts: 0 })
  t.is((await a.queue.deadLetters({}, 10)).length, 1)
})

test('what finds no room waits, and is no attempt', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  let refusals = 5
  mesh.autoRun = () => (refusals-- > 0 ? new PeerlessError('NO_CAPACITY', 'full') : answer('ok'))
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(30_000)
  const result = await a.queue.result(ID)
  t.is(result?.status, 'succeeded')
  t.is(result?.attempts, 1)
  t.true(mesh.started.every(({ attempt }) => attempt === 1))
})

test('an event that waited too long ends as expired, without having run', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.policy = { ageMsMax: 60_000 }
  mesh.autoRun = () => new PeerlessError('THROTTLED', 'reserved concurrency is 0')
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(70_000)
  const result = await a.queue.result(ID)
  t.is(result?.status, 'expired')
  t.is(result?.condition, 'EventAgeExceeded')
  t.is(result?.attempts, 0)
})

test('an event that waited too long and cannot be read ends when it can be, and takes no place of others', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.policy = { ageMsMax: 60_000 }
  mesh.autoRun = () => new PeerlessError('THROTTLED', 'reserved concurrency')
  await accept(mesh, await mesh.up('a'), orderOf(ID))
  mesh.crash('a')
  const { disk, queue } = await mesh.up('a')
  await mesh.clock.advance(50_000)
  disk.unreadable = true
  await mesh.clock.advance(30_000)
  t.is(queue.stats().running, 0)
  disk.unreadable = false
  await mesh.clock.advance(2_000)
  t.like(await queue.result(ID), { status: 'expired' })
  t.is(queue.stats().running, 0)
})

test('an event that was being read from disk when the machine fell asleep begins only when it is known to be still this node’s', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => new PeerlessError('THROTTLED', 'reserved concurrency')
  const a = await mesh.up('a')
  await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  mesh.crash('a')
  const { disk } = await mesh.up('a')
  mesh.autoRun = () => answer('ok')
  const began = mesh.started.length
  const { promise, resolve } = Promise.withResolvers<void>()
  disk.slow = promise
  await mesh.clock.advance(2_000)
  mesh.suspendedMs += 60_000
  resolve()
  await promise
  await settle()
  t.is(mesh.started.length, began)
  await mesh.clock.advance(2_000)
  t.is(mesh.started.length, began + 1)
})

test('an event that was being read from disk when the node began to drain has its turn once the node takes work again', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => new PeerlessError('THROTTLED', 'reserved concurrency')
  await accept(mesh, await mesh.up('a'), orderOf(ID))
  mesh.crash('a')
  const { disk, queue } = await mesh.up('a')
  mesh.autoRun = () => answer('ok')
  const began = mesh.started.length
  const { promise, resolve } = Promise.withResolvers<void>()
  disk.slow = promise
  await mesh.clock.advance(2_000)
  queue.drain()
  resolve()
  await promise
  await settle()
  t.is(mesh.started.length, began)
  t.is(queue.stats().running, 0)
  queue.resume()
  await mesh.clock.advance(2_000)
  t.is(mesh.started.length, began + 1)
  t.like(await queue.result(ID), { status: 'succeeded' })
})

test('an event that waited too long ends also where it could not be read until after a drain', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.policy = { ageMsMax: 60_000 }
  mesh.autoRun = () => new PeerlessError('THROTTLED', 'reserved concurrency')
  await accept(mesh, await mesh.up('a'), orderOf(ID))
  mesh.crash('a')
  const { disk, queue } = await mesh.up('a')
  disk.unreadable = true
  await mesh.clock.advance(90_000)
  queue.drain()
  await mesh.clock.advance(5_000)
  disk.unreadable = false
  queue.resume()
  await mesh.clock.advance(10_000)
  t.like(await queue.result(ID), { status: 'expired' })
})

test('a process that stood still takes nothing over that it could not hear of', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  // When it goes on, its look at leases is due before all else.
  await mesh.clock.advance(RENEW_MS - (mesh.clock.monotonic() % RENEW_MS) - TICK_MS / 2)
  mesh.standStill('b')
  await mesh.clock.advance(3 * LEASE_MS)
  mesh.goOn('b')
  await mesh.clock.advance(LEASE_MS / 2)
  mesh.network.thaw('b')
  await mesh.clock.advance(2 * LEASE_MS)
  t.deepEqual(
    mesh.started.map(({ attempt }) => attempt),
    [1]
  )
})

test('one function that never ends does not keep another from running', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.options = { runsMax: 8 }
  mesh.autoRun = ({ order }) => (order.target.record.name === 'slow' ? undefined : answer('ok'))
  const a = await mesh.up('a')
  for (let number = 1; number <= 50; number++) await accept(mesh, a, orderOf(idOf(number), { functionName: 'slow' }))
  await accept(mesh, a, orderOf(idOf(99), { functionName: 'quick' }))
  await mesh.clock.advance(100)
  t.is((await a.queue.result(idOf(99)))?.status, 'succeeded')
  t.is(mesh.runs.length, 6)
})

test('the holder takes over what its owner cannot run any more, as a further attempt', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  const b = await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(100)
  t.deepEqual(
    mesh.started.map(({ node, attempt }) => [node, attempt]),
    [['a', 1]]
  )
  mesh.crash('a')
  mesh.autoRun = () => answer('ok')
  await mesh.clock.advance(LEASE_MS - 1_000)
  t.is(mesh.started.length, 1, 'not before the lease has ended')
  await mesh.clock.advance(4_000)
  t.deepEqual(
    mesh.started.map(({ node, attempt }) => [node, attempt]),
    [
      ['a', 1],
      ['b', 2]
    ]
  )
  t.is((await b.queue.result(ID))?.status, 'succeeded')
  t.is(b.queue.stats().takenOver, 1)
})

test('an owner that comes back does not run what was taken over', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(100)
  mesh.crash('a')
  mesh.autoRun = () => answer('ok')
  await mesh.clock.advance(15_000)
  const back = await mesh.up('a')
  await mesh.clock.advance(30_000)
  t.is(mesh.started.filter(({ attempt }) => attempt === 2).length, 1)
  t.is(mesh.started.length, 2)
  t.is(back.queue.stats().events, 0)
  t.is((await back.queue.result(ID))?.status, 'succeeded')
})

test('an owner that comes back in time goes on itself, as a further attempt', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  mesh.crash('a')
  mesh.autoRun = () => answer('ok')
  await mesh.clock.advance(2_000)
  await mesh.up('a')
  await mesh.clock.advance(40_000)
  t.deepEqual(
    mesh.started.map(({ node, attempt }) => [node, attempt]),
    [
      ['a', 1],
      ['a', 2]
    ]
  )
})

test('a node that leaves in order hands over at once', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => new PeerlessError('NO_CAPACITY', 'full')
  const a = await mesh.up('a')
  await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  mesh.autoRun = ({ node }) => (node === 'b' ? answer('ok') : new PeerlessError('NO_CAPACITY', 'full'))
  const stopped = a.queue.stop()
  await mesh.clock.advance(100)
  await stopped
  mesh.nodes.delete('a')
  mesh.network.leave('a')
  await mesh.clock.advance(200)
  t.deepEqual(mesh.started.at(-1), { node: 'b', id: ID, attempt: 1, functionName: 'f', payload: '{"n":1}' })
})

test('the same id is accepted once', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  const a = await mesh.up('a')
  const b = await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(500)
  await accept(mesh, b, orderOf(ID))
  await mesh.clock.advance(500)
  t.is(mesh.started.length, 1)
})

test('an event whose id others may have made meanwhile is run only when none of them has', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  const a = await mesh.up('a')
  const b = await mesh.up('b')
  await mesh.up('c')
  const late = (id: string) => ({ ...orderOf(id), mineUntilMs: mesh.clock.monotonic() - 1 })
  await accept(mesh, a, late(idOf(1)))
  await mesh.clock.advance(500)
  t.like(await a.queue.result(idOf(1)), { status: 'succeeded', attempts: 1 })
  // Made by another, with a copy at a third: which of them the late one reaches is not its choice.
  await accept(mesh, b, orderOf(idOf(2)))
  await mesh.clock.advance(500)
  for (const [index, node] of [a, b, ...[...mesh.nodes.values()].slice(2)].entries())
    await accept(mesh, node, { ...late(idOf(2)), payload: Buffer.from(`${index}`) })
  await mesh.clock.advance(10_000)
  t.deepEqual(
    mesh.started.map(({ id }) => id),
    [idOf(1), idOf(2)]
  )
  for (const { queue } of mesh.nodes.values()) t.is(queue.stats().events, 0)
})

test('a holder that falls silent is not waited for, and is not chosen again', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const a = await mesh.up('a')
  const others = [await mesh.up('b'), await mesh.up('c')]
  await accept(mesh, a, orderOf(ID))
  const holder = others.find(({ queue }) => queue.stats().copies === 1)?.name as string
  const frozenAt = mesh.clock.monotonic()
  mesh.network.freeze(holder, () => mesh.clock.monotonic() - frozenAt)
  const acceptedAfterMs = async (id: string) => {
    const from = mesh.clock.monotonic()
    await accept(mesh, a, orderOf(id))
    return mesh.clock.monotonic() - from
  }
  const first = await acceptedAfterMs(idOf(2))
  t.true(first > 0 && first <= 3_000, `${first} ms`)
  t.true((await acceptedAfterMs(idOf(3))) <= 100)
})
