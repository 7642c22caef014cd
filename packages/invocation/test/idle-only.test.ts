import { MESSAGE } from '@peerless/interface'
import test from 'ava'
import { HELD_MS_MAX } from '../src/constants.ts'
import { invocationToWire, replyFromWire } from '../src/invoke-message.ts'
import { cluster, type Node, RECORD, settle } from './_cluster.ts'

test('what is asked of an idle instance only is refused where there is none, which is noted, and runs where there is one', async (t) => {
  const { nodes, network, order, clock, stop } = await cluster([2])
  t.teardown(stop)
  const [node] = nodes as [Node]
  const caller = network.join('caller')
  const { requestId, payload, invokedArn } = order()
  const invocation = {
    requestId,
    attempt: 1,
    kind: 'event',
    functionName: RECORD.name,
    account: RECORD.account,
    version: RECORD.latest,
    payload,
    deadline: clock.now() + 3_000,
    caller: 'caller',
    logTail: false,
    clientContext: undefined,
    invokedArn
  } as const
  const ask = async (onlyIdle: boolean) => {
    const asked = caller.call('n0', MESSAGE.INVOKE, invocationToWire(invocation, 3_000, onlyIdle), payload)
    await settle()
    if (node.instances.running.length > 0) node.instances.finish()
    const reply = await asked
    return replyFromWire('n0', 128, reply.header, reply.payload)
  }
  const refused = await ask(true)
  t.like(refused.outcome, { status: 'refused', code: 'BUSY' })
  t.like(refused.hint, { slots: 2, busy: 0, idle: 0 })
  t.deepEqual(node.instances.missed, ['rev-1'])
  t.is(node.receipts.length, 0)
  t.is((await ask(false)).outcome.status, 'ok')
  t.is((await ask(true)).outcome.status, 'ok')
  t.deepEqual(node.instances.missed, ['rev-1'])
  t.is(node.receipts.length, 2)
})

test('a call goes to the idle instance of a peer rather than start one here, and after a hundred of them one is started here, beside the calls', async (t) => {
  const { nodes, order, clock, stop } = await cluster([4, 4])
  t.teardown(stop)
  const [here, there] = nodes as [Node, Node]
  const first = there.service.invoke(order())
  await settle()
  for (const node of nodes) if (node.instances.running.length > 0) node.instances.finish()
  const ranAt = (await first).outcome.usage.node
  const [caller, owner] = ranAt === 'n1' ? [here, there] : [there, here]
  await clock.advance(300)
  for (let turn = 1; turn <= 100; turn++) {
    t.deepEqual(caller.instances.missed, [], `before call ${turn}`)
    const answer = caller.service.invoke(order())
    await settle()
    t.is(caller.instances.running.length, 0)
    owner.instances.finish()
    t.is((await answer).outcome.usage.node, ranAt)
  }
  t.deepEqual(caller.instances.missed, ['rev-1'])
  t.deepEqual(owner.instances.missed, [])
})

test('a full node lets a call of a peer wait for a moment and runs it when a slot is free, else says BUSY', async (t) => {
  const { nodes, order, clock, stop } = await cluster([0, 32])
  t.teardown(stop)
  const [gateway, worker] = nodes as [Node, Node]
  const own = Array.from({ length: 31 }, () => worker.service.invoke(order()))
  await clock.advance(300)
  // The gateway still sees one slot free.
  own.push(worker.service.invoke(order()))
  const sent = gateway.service.invoke(order())
  await settle()
  t.is(gateway.service.waiting, 0)
  worker.instances.finish()
  await settle()
  t.is(worker.instances.running.length, 32)
  for (let turn = 0; turn < 32; turn++) worker.instances.finish()
  t.is((await sent).outcome.usage.node, 'n1')
  await Promise.all(own)

  const late = Array.from({ length: 31 }, () => worker.service.invoke(order()))
  await clock.advance(300)
  late.push(worker.service.invoke(order()))
  const refused = gateway.service.invoke(order())
  await settle()
  t.is(gateway.service.waiting, 0)
  await clock.advance(HELD_MS_MAX)
  t.is(gateway.service.waiting, 1, 'it was refused and waits at its caller')
  for (let turn = 0; turn < 32; turn++) worker.instances.finish()
  await Promise.all(late)
  await clock.advance(300)
  worker.instances.finish()
  await refused
})
