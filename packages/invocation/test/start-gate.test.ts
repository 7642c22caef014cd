import { type IncomingRequest, MESSAGE, type StartGate } from '@peerless/interface'
import test from 'ava'
import { START_ANSWER_MS_MAX } from '../src/constants.ts'
import { cluster, type Node, settle } from './_cluster.ts'

/** A call of `n0`, which runs nothing, at whichever of two workers it was sent to. */
async function sent(t: { teardown(run: () => void): void }) {
  const { nodes, order, stop, network, clock } = await cluster([0, 1, 1])
  t.teardown(stop)
  const [caller, ...workers] = nodes as [Node, Node, Node]
  const answer = caller.service.invoke(order())
  answer.catch(() => undefined)
  await settle()
  const [there, other] = workers.toSorted((a, b) => b.instances.running.length - a.instances.running.length) as [Node, Node]
  const gate = there.instances.running[0]?.invocation.gate as StartGate
  return { answer, caller, there, other, gate, network, clock }
}

test('a call that waits for an instance at a peer runs elsewhere when that peer goes away', async (t) => {
  const { answer, there, other, gate, network } = await sent(t)
  gate.waits()
  t.true(gate.closed)
  await settle()
  network.leave(there.id)
  await settle()
  other.instances.finish()
  t.is((await answer).outcome.usage.node, other.id)
})

test('a call that was let start is lost with the peer, and is not tried again', async (t) => {
  const { answer, there, other, gate, network } = await sent(t)
  gate.waits()
  await settle()
  const allowed = new Promise((resolve) => gate.ask(resolve))
  t.true(await allowed)
  t.false(gate.closed)
  network.leave(there.id)
  await t.throwsAsync(answer, { message: /it was started, so it is not tried again/ })
  t.is(other.instances.running.length, 0)
})

test('a call that waited for an instance at a peer until its time was over is refused as one that never started', async (t) => {
  const { answer, there, gate, clock } = await sent(t)
  gate.waits()
  await settle()
  await clock.advance(15_000)
  t.like(await t.throwsAsync(answer, { message: /no node could start it in time; the last that tried had no instance ready/ }), {
    code: 'NO_CAPACITY'
  })
  t.is(there.receipts.length, 0)
})

test('a call that may have started at once is lost with the peer', async (t) => {
  const { answer, there, gate, network } = await sent(t)
  t.false(gate.closed)
  network.leave(there.id)
  await t.throwsAsync(answer, { message: /it was started, so it is not tried again/ })
})

test('a peer whose caller went away is not let start', async (t) => {
  const { caller, gate, network } = await sent(t)
  gate.waits()
  await settle()
  network.leave(caller.id)
  await settle()
  t.false(await new Promise((resolve) => gate.ask(resolve)))
  t.true(gate.closed)
})

test('an instance is not kept for a caller that does not answer', async (t) => {
  const { nodes, stop, network, clock, order } = await cluster([1])
  t.teardown(stop)
  const [worker] = nodes as [Node]
  const silent = network.join('silent')
  const { target } = order()
  const header = ['00000000-0000-4000-8000-000000000000', 1, false, target.record.name, target.version.revisionId, 60_000]
  const heard: unknown[] = []
  const whole = [...header, false, undefined, 'arn', target.version.version, false]
  silent.requestStreamed(
    'n0',
    MESSAGE.INVOKE,
    whole,
    new Uint8Array(0),
    (part) => heard.push(part),
    () => undefined
  )
  await settle()
  const gate = worker.instances.running[0]?.invocation.gate as StartGate
  gate.waits()
  gate.waits()
  const answer = new Promise((resolve) => gate.ask(resolve))
  await settle()
  t.deepEqual(heard, ['waits', 'starts'])
  await clock.advance(START_ANSWER_MS_MAX)
  t.false(await answer)
})

function send(request: IncomingRequest, parts: readonly string[]): void {
  for (const part of parts) request.part(part)
}

/** What a peer of bad will may send ahead of its answer. */
const HOSTILE: readonly [title: string, behave: (request: IncomingRequest) => void][] = [
  ['says that it starts what it never said waited', (request) => request.part('starts')],
  ['sends parts of an answer that was not asked for in parts', (request) => request.part([200, []])],
  ['sends bytes', (request) => request.part(undefined, new Uint8Array(9))],
  ['asks twice', (request) => send(request, ['waits', 'starts', 'starts'])],
  ['waits again after it was let start', (request) => send(request, ['waits', 'starts', 'waits'])]
]

for (const [title, behave] of HOSTILE) {
  test(`a peer that ${title} costs its caller one call, told as one that was started`, async (t) => {
    const { nodes, order, stop } = await cluster([0, 1])
    t.teardown(stop)
    const [caller, peer] = nodes as [Node, Node]
    const seen: string[] = []
    peer.mesh.handle(MESSAGE.INVOKE, (_, request) => {
      seen.push('asked')
      request.onCancel(() => seen.push('withdrawn'))
      behave(request)
    })
    await t.throwsAsync(caller.service.invoke(order()), { message: /it was started, so it is not tried again/ })
    await settle()
    t.deepEqual(seen, ['asked', 'withdrawn'])
    t.is(caller.service.inFlight, 0)
  })
}
