import { chargeOf, MESSAGE, type Mesh, TARIFF_DEFAULT } from '@peerless/interface'
import { SeededRandom, VirtualClock } from '@peerless/testing'
import { signerOf } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { createLedger } from '../src/index.ts'
import { sha256 } from '../src/merkle.ts'
import { Recorder } from '../src/recorder.ts'
import { hexOf, readStatements } from '../src/statement.ts'
import { call, eventually, type Fleet, FUZZ_SEED, fleet, linesOf, receiptOf, sumOf, type TestNode } from './_nodes.ts'

for (const worker of [false, true]) {
  const where = worker ? 'in a worker thread' : 'in this thread'

  test(`calls between three nodes end as the same lines and balances on every node, ${where}`, async (t) => {
    const { nodes, random } = await fleet(t, 3, { worker })
    const sent = new Map<string, number>()
    for (let index = 0; index < 900; index++) {
      const receipt = call(nodes[index % 3] as (typeof nodes)[0], nodes[((index * 7) % 5) % 3] as (typeof nodes)[0], random, {
        account: index % 2 === 0 ? 'ada' : 'bob'
      })
      sent.set(receipt.requestId, receipt.charge)
    }
    for (const node of nodes) await node.ledger.flush()
    for (const node of nodes) {
      await eventually(async () => (await node.ledger.stats()).receipts === 900, 'all receipts on every node')
    }
    const [first] = nodes
    const balances = await first?.ledger.balances()
    for (const node of nodes) {
      t.deepEqual(await node.ledger.balances(), balances)
      t.is(sumOf(await node.ledger.balances()), 0n)
      const lines = await linesOf(node.ledger)
      t.is(lines.length, 900)
      t.true(lines.every((line) => sent.get(line.requestId) === line.charge))
      t.true(lines.every((line, index) => index === 0 || (lines[index - 1]?.time ?? 0) <= line.time))
      t.deepEqual(await node.ledger.verify(), {
        ok: true,
        lanes: (await node.ledger.stats()).lanes,
        statements: (await node.ledger.stats()).shown,
        receipts: 900,
        repeated: 0,
        pruned: 0,
        itemisedFrom: 0,
        failure: undefined
      })
    }
    const paid = (await linesOf((first as (typeof nodes)[0]).ledger, { account: 'ada' })).reduce(
      (sum, line) => sum + line.charge,
      0
    )
    t.is(balances?.find(({ account }) => account === 'ada')?.balance, `${-paid}`)
  })
}

for (const worker of [false, true]) {
  test(`who has settled finds what it called, though no batch has ended by its time, ${worker ? 'in a worker thread' : 'in this thread'}`, async (t) => {
    const { nodes, random, network } = await fleet(t, 3, { worker, batchMsMax: 60_000 })
    const [caller, executor, third] = nodes as [TestNode, TestNode, TestNode]
    const shown = async (id: string) => (await linesOf(caller.ledger)).some(({ requestId }) => requestId === id)
    const first = call(caller, executor, random)
    // Each must have told the other when it started.
    const settledAndShown = async () => {
      await caller.ledger.settled()
      return await shown(first.requestId)
    }
    await eventually(settledAndShown, 'the first call')
    for (let round = 0; round < 3; round++) {
      const ids = [call(caller, executor, random), call(caller, third, random), call(caller, caller, random)].map(
        ({ requestId }) => requestId
      )
      await Promise.all([caller.ledger.settled(), caller.ledger.settled()])
      t.deepEqual(await Promise.all(ids.map(shown)), [true, true, true])
      t.is(sumOf(await caller.ledger.balances()), 0n)
    }
    // One that is gone can't claim: it is not waited for.
    const lost = call(caller, third, random)
    network.leave(third.signer.peerId)
    await caller.ledger.settled()
    t.false(await shown(lost.requestId))
  })
}

test('balances of a time are what its lines come to', async (t) => {
  const { nodes, random } = await fleet(t, 2)
  const [caller, executor] = nodes as [TestNode, TestNode]
  const start = Date.now() - 10_000
  const ids = Array.from({ length: 40 }, (_, index) =>
    call(caller, index % 3 === 0 ? caller : executor, random, {
      time: start + index * 100,
      account: index % 2 === 0 ? 'ada' : 'bob'
    })
  )
  await eventually(async () => (await caller.ledger.stats()).receipts === ids.length, 'all receipts')
  for (const during of [
    { from: start + 1_000 },
    { to: start + 2_000 },
    { from: start + 500, to: start + 1_500 },
    { from: start + 90_000 }
  ]) {
    const expected = new Map<string, number>()
    const add = (account: string, units: number) => expected.set(account, (expected.get(account) ?? 0) + units)
    for (const { account, charge, executor: by } of await linesOf(caller.ledger, during)) {
      add(account, -charge)
      add(by === caller.signer.peerId ? 'operator-1' : 'operator-2', charge)
    }
    const balances = await caller.ledger.balances(during)
    const accounts = [...expected.keys()].sort()
    t.deepEqual(
      balances,
      accounts.map((account) => ({ account, balance: String(expected.get(account)) }))
    )
    t.is(sumOf(balances), 0n)
  }
  t.is((await caller.ledger.balances()).length, 4)
})

test('a node alone attests itself, and its lines say so', async (t) => {
  const { nodes, random } = await fleet(t, 1)
  const [node] = nodes as [(typeof nodes)[0]]
  const receipt = call(node, node, random, { durationUs: 250_001, ...chargeOf(250.001, 128, TARIFF_DEFAULT) })
  const lines = await linesOf(node.ledger)
  t.like(lines[0], {
    requestId: receipt.requestId,
    attempt: 1,
    function: 'hello',
    version: '$LATEST',
    durationMs: 250.001,
    billedMs: 300,
    charge: 3 * 128 + 10,
    selfAttested: true,
    status: 'ok',
    cold: false
  })
  t.deepEqual(await node.ledger.balances(), [
    { account: 'ada', balance: '-394' },
    { account: 'operator-1', balance: '394' }
  ])
})

test('options that break a bound are refused with value and rule', async (t) => {
  const { nodes, network, random } = await fleet(t, 1)
  const [node] = nodes as [(typeof nodes)[0]]
  const base = {
    directory: node.directory,
    signer: node.signer,
    mesh: network.join(node.signer.peerId),
    operatorAccount: 'operator',
    tariff: TARIFF_DEFAULT,
    clock: (await import('@peerless/testing')).realClock,
    random,
    logger: node.logger
  }
  const cases = [
    { ...base, operatorAccount: 'no spaces' },
    { ...base, tariff: { ...TARIFF_DEFAULT, incrementMs: 0 } },
    { ...base, tariff: { ...TARIFF_DEFAULT, unitsPerRequest: 0.5 } },
    { ...base, tariff: { ...TARIFF_DEFAULT, unitsPerIncrementMb: 4_000_000_000 } },
    { ...base, batchReceiptsMax: 9_000 },
    { ...base, batchMsMax: 0 },
    { ...base, keepMs: 3_600_000 },
    { ...base, keepMs: Number.NaN }
  ]
  for (const options of cases) t.like(await t.throwsAsync(createLedger(options)), { code: 'INVALID_ARGUMENT' })
})

/** A member that notes what it is sent. */
function watcherOf({ network, random }: Fleet): { mesh: Mesh; pushed: string[]; asked: () => number } {
  const mesh = network.join(signerOf(random.bytes(32)).peerId)
  const pushed: string[] = []
  let asked = 0
  mesh.handle(MESSAGE.LEDGER_PUSH, (from, request) => {
    pushed.push(...readStatements(Uint8Array.from(request.payload), 512).map(({ body }) => `${from} ${hexOf(sha256(body))}`))
    request.reply([])
  })
  mesh.handle(MESSAGE.LEDGER_HEADS, (_from, request) => {
    asked++
    request.reply([new Uint8Array(16), 'watcher', 0, new Uint8Array(32), 0, 0, 0], new Uint8Array(0))
  })
  return { mesh, pushed, asked: () => asked }
}

test('a statement is sent to every peer by the node that made it, once, and nobody asks for it', async (t) => {
  const clock = new VirtualClock()
  const all = await fleet(t, 3, { clock })
  const watcher = watcherOf(all)
  const [first, second] = all.nodes as [TestNode, TestNode]
  await eventually(async () => watcher.asked() === 3, 'each asks a new peer')
  for (let index = 0; index < 20; index++) call(first, second, all.random)
  call(first, first, all.random)
  await clock.advance(20)
  await second.ledger.flush()
  await first.ledger.flush()
  await clock.advance(100)
  for (const node of all.nodes) await eventually(async () => (await node.ledger.stats()).receipts === 21, 'everywhere')
  await eventually(async () => watcher.pushed.length >= 2, 'the watcher is told too')
  t.deepEqual([...watcher.pushed.map((one) => one.split(' ')[0])].sort(), [first.signer.peerId, second.signer.peerId].sort())
  t.is(watcher.asked(), 3)
})

/** A recorder alone; `posted` says when it closed a batch. */
function recording(t: ExecutionContext, nodes: number) {
  const clock = new VirtualClock()
  const posted: number[] = []
  const self = signerOf(new Uint8Array(32).fill(1)).peerId
  const recorder = new Recorder({
    self,
    tariff: TARIFF_DEFAULT,
    clock,
    batchReceiptsMax: 256,
    batchMsMax: 100,
    nodes: () => nodes,
    post: () => posted.push(clock.monotonic()),
    lost: () => t.fail(),
    mischarged: () => t.fail()
  })
  return { clock, random: new SeededRandom(FUZZ_SEED), self, posted, recorder }
}

test('a batch stays open the longer the more callers and nodes there are, and not for ever', async (t) => {
  const { clock, random, self, posted, recorder } = recording(t, 20)
  const callers = Array.from({ length: 40 }, () => signerOf(random.bytes(32)).peerId)
  const rounds = async (count: number) => {
    for (const caller of callers.slice(0, count)) recorder.record(receiptOf({ caller, executor: self }, random, clock))
    const from = clock.monotonic()
    posted.length = 0
    for (let waited = 0; posted.length === 0 && waited < 3_000; waited += 10) await clock.advance(10)
    return (posted[0] ?? Number.NaN) - from
  }
  t.is(await rounds(1), 100)
  t.is(await rounds(40), 100, 'of the forty it does not know yet')
  t.is(await rounds(40), 40 * 20 * 2)
  t.is(await rounds(1), 40 * 20 * 2)
  t.is(await rounds(1), 100)
})

test('where few receipts come all the time, a batch stays open for a second, but no longer than for a hundred of them', async (t) => {
  const { clock, random, self, posted, recorder } = recording(t, 1)
  const record = (count: number) => {
    for (let index = 0; index < count; index++) recorder.record(receiptOf({ caller: self, executor: self }, random, clock))
  }
  /** Ten a second. @returns batches */
  const lightly = async (seconds: number) => {
    posted.length = 0
    for (let index = 0; index < seconds * 10; index++) {
      record(1)
      await clock.advance(100)
    }
    return posted.length
  }
  t.is(await lightly(1), 10, 'at first as ever')
  await lightly(90)
  const steady = await lightly(60)
  t.true(steady >= 54 && steady <= 62, `${steady} in 60 s`)
  posted.length = 0
  record(100)
  t.is(posted.length, 1, 'not all of them wait for their second')
  t.is(await lightly(1), 10, 'then it begins anew')
  await lightly(100)
  await clock.advance(5_000)
  t.is(await lightly(1), 10, 'after a pause as well')
})
