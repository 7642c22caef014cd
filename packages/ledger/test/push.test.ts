import { MESSAGE, type Mesh, TOPIC } from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, VirtualClock } from '@peerless/testing'
import { type Signer, signedBytes, signerOf } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { LEDGER_LIMITS } from '../src/limits.ts'
import { sha256 } from '../src/merkle.ts'
import { hexOf, KIND_ACCEPTANCE, readStatements, type SignedStatement } from '../src/statement.ts'
import { StatementPush } from '../src/statement-push.ts'
import { LedgerStore } from '../src/store.ts'
import { type Forged, forge, payloadOf } from './_forge.ts'
import { call, eventually, type Fleet, FUZZ_SEED, fleet, linesOf, receiptOf, type TestNode } from './_nodes.ts'

/** A member that keeps what it is sent. */
interface Watcher {
  readonly mesh: Mesh
  /** Hashes of statements, each as often as it came. */
  readonly pushed: string[]
}

interface Scene extends Fleet {
  readonly clock: VirtualClock
  readonly victim: TestNode
  readonly mallory: Signer
  readonly mesh: Mesh
  readonly watcher: Watcher
  /** One receipt between mallory and an accomplice that signs everything. */
  statement(parts?: Partial<Parameters<typeof forge>[3]>): Forged
  push(...statements: Forged[]): Promise<unknown>
}

/** Honest nodes, one that only listens, and a member that follows no rule. */
async function scene(t: ExecutionContext, count: number): Promise<Scene> {
  const clock = new VirtualClock()
  const all = await fleet(t, count, { clock })
  const { network, random } = all
  const [victim] = all.nodes as [TestNode]
  const join = () => {
    const signer = signerOf(random.bytes(32))
    const mesh = network.join(signer.peerId)
    mesh.handle(MESSAGE.LEDGER_HEADS, (_from, request) =>
      request.reply([new Uint8Array(16).fill(7), 'none', 0, new Uint8Array(32), 0, 0, 0], new Uint8Array(0))
    )
    return { signer, mesh }
  }
  const watcher: Watcher = { mesh: join().mesh, pushed: [] }
  watcher.mesh.handle(MESSAGE.LEDGER_PUSH, (_from, request) => {
    watcher.pushed.push(...readStatements(Uint8Array.from(request.payload), 512).map(({ body }) => hexOf(sha256(body))))
    request.reply([])
  })
  const { signer: mallory, mesh } = join()
  mesh.handle(MESSAGE.LEDGER_PUSH, (_from, request) => request.reply([]))
  const friend = signerOf(random.bytes(32))
  return {
    ...all,
    clock,
    victim,
    mallory,
    mesh,
    watcher,
    statement: (parts = {}) => {
      const receipt = receiptOf({ caller: friend.peerId, executor: mallory.peerId }, random)
      return forge(mallory, network.meshId, [receipt], { callerBoot: new Uint8Array(16), acceptedBy: friend, ...parts })
    },
    push: (...statements) => mesh.call(victim.signer.peerId, MESSAGE.LEDGER_PUSH, [], payloadOf(...statements))
  }
}

function half(statement: Forged): Forged {
  return { ...statement, callerSignature: undefined }
}

test('of a node that signs many numbers many times all are told at once, and once', async (t) => {
  const all = await scene(t, 3)
  const { victim, nodes, clock, watcher, statement } = all
  const forks = Array.from({ length: 20 }, (_, epoch) => [
    statement({ epoch }),
    ...Array.from({ length: 5 }, () => half(statement({ epoch })))
  ])
  const first = forks.map(([one]) => one as Forged)
  await all.push(...first)
  await all.push(...forks.flat())
  t.is((await victim.ledger.stats()).shown, 120)
  t.is((await victim.ledger.stats()).forks, 20)
  for (let waited = 0; waited < 20_000; waited += 50) await clock.advance(50)
  for (const { ledger } of nodes) {
    await eventually(async () => (await ledger.stats()).shown === 120, 'the proof of each')
    t.like(await ledger.stats(), { forks: 20, frozen: 1 })
    t.false((await ledger.verify()).ok)
  }
  t.deepEqual([...new Set(watcher.pushed)].length, 2, 'one proof')
  t.true(watcher.pushed.length <= 2 * nodes.length, `${watcher.pushed.length} statements sent to each`)
})

test('of one peer one push is looked at at a time, and none that is larger than nodes send', async (t) => {
  const all = await scene(t, 1)
  const sent = await Promise.allSettled([0, 1, 2, 3].map((epoch) => all.push(all.statement({ epoch }))))
  t.deepEqual(
    sent.map((one) => (one.status === 'fulfilled' ? 'taken' : (one.reason as { code: string }).code)),
    ['taken', 'BUSY', 'BUSY', 'BUSY']
  )
  t.deepEqual(
    all.victim.logger.lines.filter(({ level }) => level === 'warn'),
    []
  )
  await all.push(all.statement({ epoch: 1 }))
  t.is((await all.victim.ledger.stats()).shown, 2)
  const heavy = { ...all.statement({ epoch: 2 }), rows: new Uint8Array(8_192 * 32) }
  t.like(await t.throwsAsync(all.push(...Array.from({ length: 9 }, () => heavy))), { code: 'MALFORMED' })
})

test('what does not hold is logged once a message', async (t) => {
  const all = await scene(t, 1)
  const wrong = Array.from({ length: 100 }, (_, epoch) => ({ ...all.statement({ epoch }), callerSignature: new Uint8Array(64) }))
  await all.push(...wrong)
  await all.victim.ledger.verify()
  const lines = all.victim.logger.lines.filter(({ message }) => message.includes('does not hold'))
  t.is(lines.length, 1)
  t.like(lines[0], { fields: { statements: 100 } })
})

test('a peer that says without end that it has something is asked at most every 50 ms', async (t) => {
  const all = await scene(t, 1)
  let asked = 0
  all.mesh.handle(MESSAGE.LEDGER_HEADS, (_from, request) => {
    asked++
    request.reply([new Uint8Array(16).fill(7), 'none', 0, new Uint8Array(32), 0, 0, 0], new Uint8Array(0))
  })
  const orphan = all.statement({ before: all.statement() })
  for (let round = 0; round < 200; round++) {
    all.mesh.publish(TOPIC.LEDGER, new Uint8Array(0))
    await all.push(orphan)
    await all.clock.advance(1)
  }
  t.true(asked >= 3 && asked <= 5, `asked ${asked} times in 200 ms`)
})

test('a node that stops has sent what it made last, and one that takes nothing holds it up for a second', async (t) => {
  const all = await scene(t, 2)
  const [leaving, staying] = all.nodes as [TestNode, TestNode]
  call(leaving, leaving, all.random)
  call(staying, leaving, all.random)
  await leaving.ledger.stop()
  all.network.leave(leaving.signer.peerId)
  t.is((await staying.ledger.stats()).receipts, 2)
  t.is(all.watcher.pushed.length, 2)
  all.mesh.handle(MESSAGE.LEDGER_PUSH, () => undefined)
  call(staying, staying, all.random)
  const stopping = staying.ledger.stop()
  await eventually(async () => all.watcher.pushed.length === 3, 'the others get it')
  await all.clock.advance(1_000)
  await stopping
})

test('a statement is sent after those that were made before it, also when they are read in many pieces', async (t) => {
  const { mesh, clock, watcher, statement } = await scene(t, 1)
  const made = Array.from({ length: 4 }, (_, epoch) => statement({ epoch }))
  const reads: { hashes: Uint8Array[]; answer: (bytes: Uint8Array) => void }[] = []
  const push = new StatementPush({
    mesh,
    clock,
    logger: new MemoryLogger(),
    directPeersMax: 63,
    read: (hashes) => new Promise((answer) => reads.push({ hashes, answer })),
    call: (peer, ...message) => mesh.call(peer, ...message)
  })
  t.teardown(() => push.stop())
  for (const one of made.slice(0, 2)) push.made(one.hash)
  await clock.advance(50)
  for (const one of made.slice(2)) push.made(one.hash)
  await clock.advance(50)
  // The core gives one at a time.
  for (let read = reads.shift(); read !== undefined; read = reads.shift()) {
    const [first] = read.hashes
    read.answer(payloadOf(made.find(({ hash }) => hash === first) as Forged))
    await clock.advance(0)
  }
  t.deepEqual(
    watcher.pushed,
    made.map(({ hash }) => hexOf(hash))
  )
})

test('a node alone reads nothing from its disk to send it', async (t) => {
  const clock = new VirtualClock()
  const network = new MemoryNetwork(new SeededRandom(FUZZ_SEED))
  let reads = 0
  const push = new StatementPush({
    mesh: network.join('alone'),
    clock,
    logger: new MemoryLogger(),
    directPeersMax: 63,
    read: async () => {
      reads++
      return new Uint8Array(0)
    },
    call: () => Promise.reject(new Error('there is nothing to send'))
  })
  t.teardown(() => push.stop())
  push.made(new Uint8Array(32))
  await clock.advance(50)
  t.is(reads, 0)
  network.join('other')
  push.made(new Uint8Array(32))
  await clock.advance(50)
  t.is(reads, 1)
})

test('a caller that stops waits for executors whose batches stay open for two seconds', async (t) => {
  const clock = new VirtualClock()
  const all = await fleet(t, 2, { clock, batchMsMax: 100 })
  const [caller, executor] = all.nodes as [TestNode, TestNode]
  const others = Array.from({ length: 40 }, () => all.network.join(signerOf(all.random.bytes(32)).peerId).peerId)
  const busy = () => {
    for (const other of others) {
      executor.ledger.record(receiptOf({ caller: other, executor: executor.signer.peerId }, all.random, clock))
    }
  }
  busy()
  await clock.advance(100)
  busy()
  const receipt = call(caller, executor, all.random)
  const from = clock.monotonic()
  let stopped = false
  const stopping = caller.ledger.stop().then(() => {
    stopped = true
  })
  while (!stopped) await clock.advance(25)
  await stopping
  t.true(clock.monotonic() - from >= 2_000, `${clock.monotonic() - from} ms`)
  t.true((await linesOf(executor.ledger)).some(({ requestId }) => requestId === receipt.requestId))
})

test('a fork that both ends signed is told of to all as well', async (t) => {
  const all = await scene(t, 1)
  const [one, other] = [all.statement(), all.statement()]
  await all.push(one)
  await all.push(other)
  t.like(await all.victim.ledger.stats(), { forks: 1, frozen: 2 })
  await all.clock.advance(50)
  await eventually(async () => all.watcher.pushed.length === 2, 'the proof')
  t.deepEqual(
    all.watcher.pushed,
    [one, other].map(({ hash }) => hexOf(hash))
  )
})

test('a statement whose acceptance comes by another way than the answer to its offer is sent to all', async (t) => {
  const all = await scene(t, 1)
  const { victim, mallory, mesh, clock, random, watcher, network } = all
  const offered: SignedStatement[] = []
  mesh.handle(MESSAGE.LEDGER_OFFER, (_from, request) => {
    offered.push(...readStatements(Uint8Array.from(request.payload), 64))
  })
  await eventually(async () => {
    // Its boot is known when it was asked for what it has.
    victim.ledger.record(receiptOf({ caller: mallory.peerId, executor: victim.signer.peerId }, random, clock))
    await clock.advance(100)
    return offered.length > 0
  }, 'an offer')
  const [statement] = offered as [SignedStatement]
  const callerSignature = mallory.sign(signedBytes(network.meshId, KIND_ACCEPTANCE, statement.body))
  await mesh.call(victim.signer.peerId, MESSAGE.LEDGER_PUSH, [], payloadOf({ ...statement, callerSignature }))
  t.is((await victim.ledger.stats()).shown, 1)
  await clock.advance(100)
  await eventually(async () => watcher.pushed.length === 1, 'it is sent')
})

for (const frozenMs of [1_500, 20_000]) {
  test(`a peer that stood still for ${frozenMs / 1_000} s while more was made than waits for it has all in the end`, async (t) => {
    const clock = new VirtualClock()
    const all = await fleet(t, 3, { clock })
    const [maker, other, frozen] = all.nodes as [TestNode, TestNode, TestNode]
    await clock.advance(100)
    all.network.freeze(frozen.signer.peerId, () => 0)
    const made = 3 * LEDGER_LIMITS.pushesQueuedMax
    for (let count = 0; count < made; count++) {
      call(maker, maker, all.random)
      await clock.advance(frozenMs / made)
    }
    await clock.advance(100)
    await eventually(async () => (await other.ledger.stats()).receipts === made, 'the one that did not stand still has all')
    all.network.thaw(frozen.signer.peerId)
    for (let waited = 0; waited < 12_000; waited += 50) await clock.advance(50)
    await eventually(async () => (await frozen.ledger.stats()).receipts === made, 'the other one too')
    t.deepEqual(await linesOf(frozen.ledger), await linesOf(maker.ledger))
  })
}

test.serial('of statements that are here nothing large is read from the disk when they come again', async (t) => {
  const all = await scene(t, 1)
  const statements = Array.from({ length: 10 }, (_, epoch) => all.statement({ epoch }))
  await all.push(...statements)
  const find = LedgerStore.prototype.find
  let reads = 0
  LedgerStore.prototype.find = function (hash) {
    reads++
    return find.call(this, hash)
  }
  t.teardown(() => {
    LedgerStore.prototype.find = find
  })
  await all.push(...statements, ...statements.map(half))
  t.is(reads, 0)
  t.is((await all.victim.ledger.stats()).shown, 10)
})
