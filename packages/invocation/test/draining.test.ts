import test from 'ava'
import { cluster, type Node, settle } from './_cluster.ts'

test('a node that drains sends on what its clients bring, finishes what it has, and works again when it is let', async (t) => {
  const { nodes, order, stop } = await cluster([2, 0])
  t.teardown(stop)
  const [a, b] = nodes as [Node, Node]
  const before = a.service.invoke(order())
  await settle()
  t.is(a.instances.busy, 1)
  b.instances.slots = 2
  b.service.setDraining(false)
  a.service.setDraining(true)
  await settle()
  t.true(b.service.loadOf('n0')?.draining)
  const sent = a.service.invoke(order())
  await settle()
  t.deepEqual([a.instances.busy, b.instances.busy], [1, 1], 'it runs at the peer')
  b.instances.finish()
  t.is((await sent).outcome.usage.node, 'n1')
  a.instances.finish()
  t.is((await before).outcome.usage.node, 'n0', 'and what it had, here')
  // An instance is idle here, and it is left alone.
  const again = a.service.invoke(order())
  await settle()
  t.is(b.instances.busy, 1)
  b.instances.finish()
  await again
  a.service.setDraining(false)
  await settle()
  t.false(b.service.loadOf('n0')?.draining)
  const back = a.service.invoke(order())
  await settle()
  a.instances.finish()
  t.is((await back).outcome.usage.node, 'n0')
})

test('how long an attempt may still run at a peer is known while it does', async (t) => {
  const { nodes, order, stop, clock } = await cluster([2, 0])
  t.teardown(stop)
  const [a, b] = nodes as [Node, Node]
  const here = order()
  const before = a.service.invoke(here)
  await settle()
  b.instances.slots = 2
  b.service.setDraining(false)
  a.service.setDraining(true)
  await settle()
  const there = order()
  const sent = a.service.invoke(there)
  await settle()
  t.deepEqual([a.instances.busy, b.instances.busy], [1, 1])
  const leftMs = a.service.awayMs(there.requestId)
  const timeoutMs = there.target.version.timeoutSeconds * 1_000
  t.true(leftMs >= timeoutMs && leftMs <= timeoutMs + 20_000, `${leftMs} ms`)
  await clock.advance(1_000)
  t.is(a.service.awayMs(there.requestId), leftMs - 1_000)
  t.is(a.service.awayMs(here.requestId), 0, 'it runs here')
  b.instances.finish()
  a.instances.finish()
  await Promise.all([before, sent])
  t.is(a.service.awayMs(there.requestId), 0)
})

test('a peer sends nothing to a node that drains, and waits rather than that', async (t) => {
  const { nodes, order, stop, clock } = await cluster([2, 1])
  t.teardown(stop)
  const [a, b] = nodes as [Node, Node]
  a.service.setDraining(true)
  await settle()
  const first = b.service.invoke(order())
  const second = b.service.invoke(order())
  await settle()
  t.deepEqual([a.instances.busy, b.instances.busy, b.service.waiting], [0, 1, 1])
  a.service.setDraining(false)
  await clock.advance(200)
  t.is(a.instances.busy, 1, 'who waited has a place')
  for (const { instances } of [a, b]) instances.finish()
  await Promise.all([first, second])
})

test('calls that wait at a node when it begins to drain go to a peer that has room then', async (t) => {
  const { nodes, order, stop, clock } = await cluster([1, 1])
  t.teardown(stop)
  const [a, b] = nodes as [Node, Node]
  const calls = [a, a, a].map(({ service }) => service.invoke(order()))
  await settle()
  t.deepEqual([a.instances.busy, b.instances.busy, a.service.waiting], [1, 1, 1])
  a.service.setDraining(true)
  a.instances.finish()
  await clock.advance(200)
  t.deepEqual([a.instances.busy, a.service.waiting], [0, 1], 'not here')
  b.instances.finish()
  await clock.advance(200)
  t.is(b.instances.busy, 1)
  b.instances.finish()
  await Promise.all(calls)
})

test('a node that drains alone refuses at once and says why; beside others that are full, after the wait', async (t) => {
  const alone = await cluster([2])
  t.teardown(alone.stop)
  const [single] = alone.nodes as [Node]
  single.service.setDraining(true)
  const error = await t.throwsAsync(single.service.invoke(alone.order()), { code: 'UNAVAILABLE' })
  t.regex(error?.message ?? '', /this node is draining, and no other one is connected/)
  t.is(single.service.inFlight, 0)
  single.service.setDraining(false)
  const runs = single.service.invoke(alone.order())
  await settle()
  single.instances.finish()
  await runs

  const both = await cluster([2, 2])
  t.teardown(both.stop)
  for (const { service } of both.nodes) service.setDraining(true)
  await settle()
  for (const { service } of both.nodes) {
    await t.throwsAsync(service.invoke(both.order()), {
      code: 'UNAVAILABLE',
      message: /no other one is connected that takes work/
    })
  }

  const two = await cluster([2, 0])
  t.teardown(two.stop)
  const [a] = two.nodes as [Node]
  a.service.setDraining(true)
  const refused = t.throwsAsync(a.service.invoke(two.order()), { code: 'NO_CAPACITY' })
  await settle()
  await two.clock.advance(11_000)
  t.regex((await refused)?.message ?? '', /this node is draining, and no other node had a free slot within 10000 ms/)
})

test('a node that refuses while it drains finishes what it has, and takes and sends on again when it is let', async (t) => {
  const { nodes, order, stop } = await cluster([1, 2])
  t.teardown(stop)
  const [a, b] = nodes as [Node, Node]
  a.service.setDraining(true)
  await settle()
  const sent = a.service.invoke(order())
  await settle()
  a.service.setRefusing(true)
  await t.throwsAsync(a.service.invoke(order()), { code: 'UNAVAILABLE', message: /draining; call another/ })
  b.instances.finish()
  t.is((await sent).outcome.usage.node, 'n1')
  t.is(a.service.inFlight, 0)
  a.service.setRefusing(false)
  const again = a.service.invoke(order())
  await settle()
  t.deepEqual([a.instances.busy, b.instances.busy], [0, 1])
  b.instances.finish()
  await again
})

test('a node that is told to stop while it drains finishes what waits there, and is not let work again', async (t) => {
  const { nodes, order, stop, clock } = await cluster([1])
  t.teardown(stop)
  const [node] = nodes as [Node]
  const calls = [node.service.invoke(order()), node.service.invoke(order())]
  await settle()
  node.service.setDraining(true)
  node.service.drain()
  node.service.setDraining(false)
  await t.throwsAsync(node.service.invoke(order()), { code: 'UNAVAILABLE', message: /draining; call another/ })
  for (let turn = 0; turn < 2; turn++) {
    node.instances.finish()
    await clock.advance(200)
  }
  await Promise.all(calls)
})
