import { type IncomingRequest, MESSAGE, type Mesh } from '@peerless/interface'
import { encode } from '@peerless/wire'
import test from 'ava'
import { LOG_NODE_MS_MAX, WAITING_PER_FUNCTION_MAX } from '../src/constants.ts'
import { PeerCalls } from '../src/peer-calls.ts'
import { cluster, type Node, RECORD, settle } from './_cluster.ts'

test('a call runs here, is answered with its charge and leaves one receipt', async (t) => {
  const { nodes, order, stop } = await cluster([2])
  t.teardown(stop)
  const [node] = nodes as [Node]
  const answer = node.service.invoke(order())
  await settle()
  node.instances.finish({}, 150)
  const { outcome, charge } = await answer
  t.is(Buffer.from(outcome.payload).toString(), '{"a":1}')
  t.deepEqual(charge, { billedMs: 200, charge: 2 * 128 + 10 })
  t.is(node.receipts.length, 1)
  t.like(node.receipts[0], { caller: 'n0', executor: 'n0', account: 'ada', durationUs: 150_000, charge: 266 })
  t.is(node.service.inFlight, 0)
})

test('a gateway without slots forwards, and both sides hold the same receipt', async (t) => {
  const { nodes, order, stop, clock } = await cluster([0, 2])
  t.teardown(stop)
  const [gateway, worker] = nodes as [Node, Node]
  const answer = gateway.service.invoke(order({ kind: 'http' }))
  await settle()
  await clock.advance(7)
  worker.instances.finish({ http: { statusCode: 201, headers: ['x-a', 'b'] }, logTail: 'tail' }, 5)
  const { outcome } = await answer
  t.deepEqual(outcome.http, { statusCode: 201, headers: ['x-a', 'b'] })
  t.is(outcome.usage.node, 'n1')
  t.is(outcome.logTail, 'tail')
  t.is(gateway.receipts.length, 1)
  t.deepEqual(gateway.receipts, worker.receipts)
})

test('a peer whose log never ends is read as far as one can be, and no further', async (t) => {
  const { network, nodes, stop } = await cluster([1])
  t.teardown(stop)
  const [node] = nodes as [Node]
  const line = { time: 1, level: 'info', message: 'm', function: 'hello', version: '1', requestId: 'r', instance: 'i', node: 'x' }
  let pages = 0
  network.join('endless').handle(MESSAGE.LOGS_READ, (_, request) => {
    pages++
    request.reply([pages, true], encode(new Array(2_000).fill(line)))
  })
  const lines: unknown[] = []
  const filter = { account: 'a', function: 'hello', sinceMs: 0, follow: false, signal: new AbortController().signal }
  for await (const one of node.service.logs.read(filter)) lines.push(one)
  t.is(pages, 6)
  t.is(lines.length, 12_000)
})

test('a peer that gives a line of its log at a time, each at the last moment, does not keep the others’ from being read', async (t) => {
  const { network, nodes, stop, clock } = await cluster([1])
  t.teardown(stop)
  const [node] = nodes as [Node]
  const line = { time: 1, level: 'info', message: 'm', function: 'hello', version: '1', requestId: 'r', instance: 'i', node: 'x' }
  let pages = 0
  network.join('dripping').handle(MESSAGE.LOGS_READ, (_, request) => {
    pages++
    clock.after(1_500, () => request.reply([pages, true], encode([line])))
  })
  const filter = { account: 'a', function: 'hello', sinceMs: 0, follow: false, signal: new AbortController().signal }
  let lines = 0
  let over = false
  const read = (async () => {
    for await (const _ of node.service.logs.read(filter)) lines++
    over = true
  })()
  for (let ms = 0; ms < LOG_NODE_MS_MAX + 5_000; ms += 100) {
    await clock.advance(100)
    await settle()
  }
  t.true(over)
  await read
  t.is(lines, pages)
  for (const cursor of [Number.NaN, -1, 1e300]) {
    network.join(`cursor ${cursor}`).handle(MESSAGE.LOGS_READ, (_, request) => request.reply([cursor, false], encode([line])))
  }
  network.leave('dripping')
  await settle()
  for await (const _ of node.service.logs.read(filter)) t.fail('a page whose cursor is no place')
})

test('three calls at once on nodes of one slot run on three nodes', async (t) => {
  const { nodes, order, stop } = await cluster([1, 1, 1])
  t.teardown(stop)
  const [first] = nodes as [Node]
  const answers = [1, 2, 3].map(() => first.service.invoke(order()))
  await settle()
  for (const node of nodes) node.instances.finish()
  const ran = (await Promise.all(answers)).map(({ outcome }) => outcome.usage.node)
  t.deepEqual(ran.toSorted(), ['n0', 'n1', 'n2'])
})

test('a call refused by a peer is tried elsewhere; nothing ran twice', async (t) => {
  const { nodes, order, stop } = await cluster([0, 1, 1])
  t.teardown(stop)
  const [gateway, b, c] = nodes as [Node, Node, Node]
  // Both look free to the gateway, but one of them has filled up since its last beacon.
  b.instances.slots = 0
  const answer = gateway.service.invoke(order())
  await settle()
  c.instances.finish()
  t.is((await answer).outcome.usage.node, 'n2')
  t.is(b.receipts.length, 0)
  t.is(c.receipts.length, 1)
})

test('without room a call waits, goes on when a slot is free, and is refused after its time', async (t) => {
  const { nodes, order, stop, clock } = await cluster([1])
  t.teardown(stop)
  const [node] = nodes as [Node]
  const first = node.service.invoke(order())
  const second = node.service.invoke(order())
  const third = node.service.invoke(order())
  third.catch(() => undefined)
  await settle()
  t.is(node.service.waiting, 2)
  node.instances.finish()
  await first
  t.is(node.service.waiting, 1)
  await clock.advance(10_100)
  t.like(await t.throwsAsync(third), { code: 'NO_CAPACITY' })
  node.instances.finish()
  await second
  t.is(node.receipts.length, 2)
})

test('a call that was taken before its node drains is still run there when a place is free', async (t) => {
  const { nodes, order, stop } = await cluster([1])
  t.teardown(stop)
  const [node] = nodes as [Node]
  const first = node.service.invoke(order())
  const second = node.service.invoke(order())
  await settle()
  node.service.drain()
  t.like(await t.throwsAsync(node.service.invoke(order())), { code: 'UNAVAILABLE' })
  node.instances.finish()
  await first
  t.is(node.instances.busy, 1)
  node.instances.finish()
  t.is((await second).outcome.status, 'ok')
})

test('an invocation that wants no answer is not begun', (t) => {
  const handlers: Parameters<Mesh['handle']>[1][] = []
  const parts = { mesh: { handle: (_: number, handler: (typeof handlers)[0]) => handlers.push(handler) } }
  new PeerCalls(
    parts as unknown as ConstructorParameters<typeof PeerCalls>[0],
    () => t.fail(),
    () => true
  ).start()
  const header = ['00000000-0000-4000-8000-000000000000', 1, false, 'hello', 'rev-1', 1_000, false, null, 'arn']
  const request = { type: MESSAGE.INVOKE, header, payload: new Uint8Array(0), notification: true } as IncomingRequest
  t.like(
    t.throws(() => handlers[0]?.('n1', request)),
    { code: 'MALFORMED' }
  )
})

test('a full queue refuses at once', async (t) => {
  const { nodes, order, stop } = await cluster([0])
  const [node] = nodes as [Node]
  const waiting = Array.from({ length: WAITING_PER_FUNCTION_MAX }, () =>
    node.service.invoke(order()).catch((error) => error.code)
  )
  const error = await t.throwsAsync(node.service.invoke(order()))
  t.like(error, { code: 'NO_CAPACITY' })
  t.regex(error?.message ?? '', /500 calls of 'hello' wait already/)
  stop()
  t.deepEqual(new Set(await Promise.all(waiting)), new Set(['UNAVAILABLE']))
  t.is(node.service.inFlight, 0)
})

test('a peer that dies with the call is not tried again and the caller is told', async (t) => {
  const { nodes, order, stop, network } = await cluster([0, 1, 1])
  t.teardown(stop)
  const [gateway, b, c] = nodes as [Node, Node, Node]
  const answer = gateway.service.invoke(order())
  await settle()
  const runs = [b, c].find((node) => node.instances.busy === 1) as Node
  network.leave(runs.id)
  t.like(await t.throwsAsync(answer), { code: 'CONNECTION_LOST' })
  t.is(b.instances.busy + c.instances.busy, 1)
  t.is(gateway.receipts.length, 0)
  t.is(gateway.service.inFlight, 0)
})

test('a peer that never answers is given up after the deadline', async (t) => {
  const { nodes, order, stop, clock } = await cluster([0, 1])
  t.teardown(stop)
  const [gateway] = nodes as [Node]
  const answer = gateway.service.invoke(order())
  answer.catch(() => undefined)
  await clock.advance(13_000)
  t.is(gateway.service.inFlight, 1)
  await clock.advance(2_000)
  t.like(await t.throwsAsync(answer), { code: 'DEADLINE_EXCEEDED' })
})

test('a revision that a peer does not know is refused there and runs elsewhere', async (t) => {
  const { nodes, order, stop, target } = await cluster([0, 1, 1], (node) => (node === 1 ? undefined : RECORD))
  t.teardown(stop)
  const [gateway, , c] = nodes as [Node, Node, Node]
  const answer = gateway.service.invoke(order({ target }))
  await settle()
  c.instances.finish()
  t.is((await answer).outcome.usage.node, 'n2')
})

test('a peer that could not run a revision is not asked for it by every call', async (t) => {
  const { nodes, order, stop, clock } = await cluster([0, 1, 1])
  t.teardown(stop)
  const [gateway, b, c] = nodes as [Node, Node, Node]
  let asked = 0
  b.instances.start = (_, done) => {
    asked++
    done({ status: 'refused', code: 'UNAVAILABLE', message: 'the bundle could not be read', retryAfterMs: 0 })
  }
  const calls = async (count: number) => {
    for (let turn = 0; turn < count; turn++) {
      const answer = gateway.service.invoke(order())
      await settle()
      c.instances.finish()
      t.is((await answer).outcome.usage.node, 'n2')
    }
  }
  // It is the one that says it has the most.
  b.instances.idle = () => new Map([[RECORD.latest.revisionId, 9]])
  b.instances.hasIdle = () => true
  await clock.advance(600)
  await calls(10)
  t.is(asked, 1)
  await clock.advance(1_100)
  await calls(10)
  t.is(asked, 2, 'it may have recovered')
})

for (const code of ['UNAVAILABLE', 'NOT_REPLICATED'] as const)
  test(`a call that no node can start (${code}) is refused with the reason, not for want of room`, async (t) => {
    const { nodes, order, stop, clock } = await cluster([1])
    t.teardown(stop)
    const [node] = nodes as [Node]
    node.instances.start = (_, done) =>
      done({ status: 'refused', code, message: 'its code is nowhere to be had', retryAfterMs: 0 })
    const answer = t.throwsAsync(node.service.invoke(order()), {
      message: /no node could start it .*: its code is nowhere to be had/
    })
    await settle()
    await clock.advance(11_000)
    t.like(await answer, { code: 'NO_CAPACITY' })
  })

test('a claim of more time than passed is cut to what was observed', async (t) => {
  const { nodes, order, stop, clock } = await cluster([0, 1])
  t.teardown(stop)
  const [gateway, liar] = nodes as [Node, Node]
  const answer = gateway.service.invoke(order())
  await settle()
  await clock.advance(50)
  liar.instances.finish({}, 60_000)
  const { charge } = await answer
  t.is(charge.billedMs, 200)
  t.not(gateway.receipts[0]?.charge, liar.receipts[0]?.charge)
  t.true(gateway.logger.lines.some((line) => line.message === 'a peer claims more time than passed'))
})

test('a receipt of another day is kept with the time of the node that called', async (t) => {
  for (const [offMs, kept] of [
    [3_600_000, true],
    [-2 * 86_400_000, false]
  ] as const) {
    const { nodes, order, stop, clock } = await cluster([0, 1], undefined, (node) => (node === 1 ? offMs : 0))
    t.teardown(stop)
    const [gateway, other] = nodes as [Node, Node]
    const answer = gateway.service.invoke(order())
    await settle()
    await clock.advance(50)
    other.instances.finish({}, 10)
    await answer
    t.is(other.receipts[0]?.time, clock.now() + offMs)
    t.is(gateway.receipts[0]?.time, clock.now() + (kept ? offMs : 0))
    t.is(gateway.receipts[0]?.durationUs, other.receipts[0]?.durationUs)
    t.is(
      gateway.logger.lines.some((line) => line.message === 'a peer claims another day'),
      !kept
    )
  }
})

test('a draining node takes nothing new, from clients or peers', async (t) => {
  const { nodes, order, stop } = await cluster([1, 1])
  t.teardown(stop)
  const [a, b] = nodes as [Node, Node]
  b.service.drain()
  await settle()
  t.like(await t.throwsAsync(b.service.invoke(order())), { code: 'UNAVAILABLE' })
  const first = a.service.invoke(order())
  const second = a.service.invoke(order())
  await settle()
  t.is(b.instances.busy, 0)
  a.instances.finish()
  await first
  await settle()
  a.instances.finish()
  t.is((await second).outcome.usage.node, 'n0')
})

test('malformed invocations of a peer start nothing and are answered MALFORMED', async (t) => {
  const { nodes, stop } = await cluster([1, 1])
  t.teardown(stop)
  const [a, b] = nodes as [Node, Node]
  const id = '00000000-0000-4000-8000-000000000000'
  const headers = [
    undefined,
    7,
    [],
    [id],
    ['x', 1, false, 'hello', 'rev-1', 100, false, null, 'arn'],
    [id, 0, false, 'hello', 'rev-1', 100, false, null, 'arn'],
    [id, 1, false, 'hello', 'rev-1', -1, false, null, 'arn'],
    [id, 1, false, 'x'.repeat(65), 'rev-1', 1, false, null, 'arn']
  ]
  for (const header of headers) {
    t.like(await t.throwsAsync(a.mesh.call(b.id, MESSAGE.INVOKE, header)), { code: 'MALFORMED' })
  }
  t.is(b.instances.busy, 0)
})

test('logs of all nodes come in time order, named by the node that sent them', async (t) => {
  const { nodes, stop, clock } = await cluster([1, 1])
  t.teardown(stop)
  const [a, b] = nodes as [Node, Node]
  const line = (time: number, message: string) => ({
    time,
    level: 'info' as const,
    message,
    function: 'hello',
    version: '$LATEST',
    requestId: 'r',
    instance: 'i',
    node: 'forged'
  })
  const now = clock.now()
  a.service.appendLog('a', line(now + 2, 'second'))
  b.service.appendLog('a', line(now + 1, 'first'))
  b.service.appendLog('a', line(now - 100_000, 'too old'))
  const seen: string[] = []
  for await (const one of a.service.logs.read({
    account: 'a',
    function: 'hello',
    sinceMs: now,
    follow: false,
    signal: new AbortController().signal
  })) {
    seen.push(`${one.message}@${one.node}`)
  }
  t.deepEqual(seen, ['first@n1', 'second@forged'])
})
