import { MESSAGE, type Mesh, type Receipt, TARIFF_DEFAULT, TOPIC } from '@peerless/interface'
import { realClock } from '@peerless/testing'
import { encode, type Signer, signerOf } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { offerReplyOf } from '../src/messages.ts'
import { type Forged, forge, payloadOf } from './_forge.ts'
import { eventually, type Fleet, fleet, linesOf, receiptOf, sumOf, type TestNode } from './_nodes.ts'

interface Scene extends Fleet {
  victim: TestNode
  witness: TestNode
  mallory: Signer
  mesh: Mesh
  /** The victim's boot. */
  boot: Uint8Array
  /** A receipt that the victim saw, executed by mallory. */
  seen(parts?: Partial<Receipt>): Receipt
  statement(receipts: Receipt[], parts?: Partial<Parameters<typeof forge>[3]>): Forged
  offer(...statements: Forged[]): Promise<ReturnType<typeof offerReplyOf>>
}

/** Two honest nodes, and a member of the mesh that follows no rule. */
async function scene(t: ExecutionContext, settings: Parameters<typeof fleet>[2] = {}): Promise<Scene> {
  const nodes = await fleet(t, 2, settings)
  const [victim, witness] = nodes.nodes as [TestNode, TestNode]
  const mallory = signerOf(nodes.random.bytes(32))
  const mesh = nodes.network.join(mallory.peerId)
  const hello = await mesh.call(victim.signer.peerId, MESSAGE.LEDGER_HEADS, [new Uint8Array(16).fill(7), 0])
  const boot = (hello.header as Uint8Array[])[0] as Uint8Array
  return {
    ...nodes,
    victim,
    witness,
    mallory,
    mesh,
    boot,
    seen: (parts = {}) => {
      const receipt = receiptOf({ caller: victim.signer.peerId, executor: mallory.peerId, ...parts }, nodes.random)
      victim.ledger.record(receipt)
      return receipt
    },
    statement: (receipts, parts = {}) => forge(mallory, nodes.network.meshId, receipts, { callerBoot: boot, ...parts }),
    offer: async (...statements) => {
      const reply = await mesh.call(victim.signer.peerId, MESSAGE.LEDGER_OFFER, [], payloadOf(...statements))
      return offerReplyOf(reply.header)
    }
  }
}

async function nothingCounted(t: ExecutionContext, { victim }: Scene): Promise<void> {
  t.deepEqual(await linesOf(victim.ledger), [])
  t.deepEqual(await victim.ledger.balances(), [])
}

/** One statement that says more than happened: refused, logged, nothing counted. */
const refused = test.macro(async (t: ExecutionContext, reason: string, make: (scene: Scene) => Forged | Promise<Forged>) => {
  const all = await scene(t)
  const reply = await all.offer(await make(all))
  t.is(reply.refused?.reason, reason as 'unseen', reply.refused?.message)
  t.deepEqual(reply.accepted, [])
  t.true(all.victim.logger.lines.some((line) => line.level === 'warn' && line.message.includes('refused')))
  await nothingCounted(t, all)
  t.true((await all.victim.ledger.verify()).ok || reason === 'fork')
})

test('a statement that says what the caller saw is accepted and reaches a third node', async (t) => {
  const all = await scene(t)
  const first = all.statement([all.seen(), all.seen()])
  const second = all.statement([all.seen()], { before: first })
  const reply = await all.offer(first, second)
  t.is(reply.accepted.length, 2, reply.refused?.message)
  await eventually(async () => (await all.witness.ledger.stats()).receipts === 3, 'the witness has it')
  t.deepEqual(await all.witness.ledger.balances(), await all.victim.ledger.balances())
  // Asked again, as after a lost answer: the same signatures, nothing new.
  t.deepEqual((await all.offer(first, second)).accepted, reply.accepted)
  t.is((await linesOf(all.victim.ledger)).length, 3)
})

test('a caller that accepts with rubbish, or with nothing, is not offered to without end', async (t) => {
  for (const accepted of [[new Uint8Array(64).fill(1)], []]) {
    const all = await scene(t)
    let offers = 0
    all.mesh.handle(MESSAGE.LEDGER_OFFER, (_, request) => {
      offers++
      request.reply([accepted, null, 0, new Uint8Array(16).fill(7)])
    })
    all.victim.ledger.record(receiptOf({ caller: all.mallory.peerId, executor: all.victim.signer.peerId }, all.random))
    await all.victim.ledger.flush()
    t.true(offers >= 1 && offers <= 8, `${offers} offers`)
    await nothingCounted(t, all)
  }
})

test('an inflated duration is refused', refused, 'differs', (all) =>
  all.statement([{ ...all.seen({ durationUs: 90_000 }), durationUs: 190_000 }])
)
test('a time that makes a receipt old is refused', refused, 'differs', (all) => {
  const seen = all.seen()
  return all.statement([{ ...seen, time: seen.time - 2 * 86_400_000 }])
})
test('more memory than was declared is refused', refused, 'differs', (all) => all.statement([{ ...all.seen(), memoryMb: 1_024 }]))
test('another account than the one that called is refused', refused, 'differs', (all) =>
  all.statement([{ ...all.seen(), account: 'bob' }])
)
test('another function is refused', refused, 'differs', (all) => all.statement([{ ...all.seen(), functionName: 'dear' }]))
test('a request twice in one statement is refused', refused, 'differs', (all) => {
  const receipt = all.seen()
  return all.statement([receipt, receipt])
})
test('a request that never was is refused', refused, 'unseen', (all) =>
  all.statement([receiptOf({ caller: all.victim.signer.peerId, executor: all.mallory.peerId }, all.random)])
)
test('another attempt of a request that was is refused', refused, 'unseen', (all) =>
  all.statement([{ ...all.seen(), attempt: 2 }])
)
test('a forged signature is refused', refused, 'malformed', (all) => {
  const statement = all.statement([all.seen()])
  return { ...statement, executorSignature: all.victim.signer.sign(statement.body) }
})
test('a statement of another mesh is refused', refused, 'malformed', (all) =>
  forge(all.mallory, 'other-mesh', [all.seen()], { callerBoot: all.boot })
)
test('an altered subtotal is refused', refused, 'malformed', (all) =>
  all.statement([all.seen()], { totals: [{ account: 'ada', subtotal: 99n, cumulative: 99n }] })
)
test('a running total that jumps is refused', refused, 'malformed', (all) => {
  const receipt = all.seen()
  const right = all.statement([receipt])
  const subtotal = right.decoded.totals[0]?.subtotal ?? 0n
  return all.statement([receipt], { totals: [{ account: 'ada', subtotal, cumulative: subtotal + 1n }] })
})
test('an account with a total and without a receipt is refused', refused, 'malformed', (all) => {
  const receipt = all.seen()
  const right = all.statement([receipt])
  return all.statement([receipt], { totals: [...right.decoded.totals, { account: 'zoe', subtotal: 5n, cumulative: 5n }] })
})
test('another tariff is refused', refused, 'tariff', (all) =>
  all.statement([all.seen()], { tariff: { ...TARIFF_DEFAULT, incrementMs: 200 } })
)
test('a lane of an earlier start of the caller is refused', refused, 'boot', (all) =>
  all.statement([all.seen()], { callerBoot: new Uint8Array(16).fill(1) })
)
test('a number without the ones before it is refused', refused, 'chain', (all) => {
  const first = all.statement([all.seen()])
  return all.statement([all.seen()], { before: first })
})
test('a self-attested statement is not for others to sign', refused, 'malformed', (all) =>
  all.statement([{ ...all.seen(), caller: all.mallory.peerId }], { caller: all.mallory.peerId })
)

test('a request that was paid is not paid again, in the same lane or another', async (t) => {
  const all = await scene(t)
  const receipt = all.seen()
  const first = all.statement([receipt])
  t.is((await all.offer(first)).accepted.length, 1)
  t.is((await all.offer(all.statement([receipt], { before: first }))).refused?.reason, 'unseen')
  t.is((await all.offer(all.statement([receipt], { epoch: 1 }))).refused?.reason, 'unseen')
  const twice = all.seen()
  const together = await all.offer(all.statement([twice], { epoch: 2 }), all.statement([twice], { epoch: 3 }))
  t.is(together.accepted.length, 1)
  t.is(together.refused?.reason, 'differs')
  t.is((await linesOf(all.victim.ledger)).length, 2)
})

test('two statements of one number are kept as proof, spread, shown by verify, and end the trust', async (t) => {
  const all = await scene(t)
  const [one, two] = [all.seen(), all.seen()]
  const first = all.statement([one])
  t.is((await all.offer(first)).accepted.length, 1)
  const reply = await all.offer(all.statement([two]))
  t.is(reply.refused?.reason, 'fork')
  const next = await all.offer(all.statement([two], { before: first }))
  t.is(next.refused?.reason, 'fork')
  for (const node of [all.victim, all.witness]) {
    await eventually(async () => (await node.ledger.stats()).forks === 1, 'the proof arrives')
    const verification = await node.ledger.verify()
    t.false(verification.ok)
    t.regex(verification.failure ?? '', /statement 1: its executor signed two different statements/)
    t.is(sumOf(await node.ledger.balances()), 0n)
    t.is((await linesOf(node.ledger)).length, 1)
  }
})

test('a doubly signed fork counts the same on nodes that learn of it in different order', async (t) => {
  const all = await scene(t)
  const friend = signerOf(all.random.bytes(32))
  const receipts = Array.from({ length: 3 }, () => receiptOf({ caller: friend.peerId, executor: all.mallory.peerId }, all.random))
  const parts = { callerBoot: new Uint8Array(16), acceptedBy: friend }
  const make = (receipt: Receipt, before?: Forged) =>
    forge(all.mallory, all.network.meshId, [receipt], before === undefined ? parts : { ...parts, before })
  const [a, b, c] = receipts as [Receipt, Receipt, Receipt]
  const a1 = make(a)
  const b1 = make(b)
  const b2 = make(c, b1)
  serve(
    all,
    new Map([
      [all.victim.signer.peerId, [a1, b1, b2]],
      [all.witness.signer.peerId, [b1, b2, a1]]
    ])
  )
  for (const node of [all.victim, all.witness]) {
    await eventually(async () => (await node.ledger.stats()).shown === 3, 'all three')
    t.deepEqual(
      (await linesOf(node.ledger)).map((line) => line.requestId).sort(),
      [b.requestId, c.requestId].sort(),
      'the longer branch counts'
    )
    t.false((await node.ledger.verify()).ok)
  }
  t.deepEqual(await all.victim.ledger.balances(), await all.witness.ledger.balances())
})

test('a caller that signs the other branch later is trusted no more either, without a restart', async (t) => {
  const all = await scene(t)
  const friend = signerOf(all.random.bytes(32))
  const make = () => {
    const receipt = receiptOf({ caller: friend.peerId, executor: all.mallory.peerId }, all.random)
    return forge(all.mallory, all.network.meshId, [receipt], { callerBoot: new Uint8Array(16), acceptedBy: friend })
  }
  const [first, second] = [make(), make()]
  const unsigned = { ...second, callerSignature: undefined }
  const feeds = new Map([[all.victim.signer.peerId, [first, unsigned]]])
  serve(all, feeds)
  await eventually(async () => (await all.victim.ledger.stats()).forks === 1, 'the proof')
  t.is((await all.victim.ledger.stats()).frozen, 1)
  feeds.set(all.victim.signer.peerId, [first, unsigned, second])
  all.mesh.publish(TOPIC.LEDGER, new Uint8Array(0))
  await eventually(async () => (await all.victim.ledger.stats()).frozen === 2, 'executor and caller')
  t.is(sumOf(await all.victim.ledger.balances()), 0n)
})

/** Mallory serves these as her feed, to each in another order, and says so by gossip. */
function serve(all: Scene, feeds: Map<string, Forged[]>, pulled: () => void = () => undefined, pruned = 0): void {
  all.mesh.handle(MESSAGE.LEDGER_HEADS, (peer, request) => {
    const [, after] = request.header as [Uint8Array, number]
    const feed = feeds.get(peer) ?? []
    const heads = feed.map((one, index) => {
      const head = Buffer.alloc(39)
      head.writeUIntLE(index + 1, 0, 6)
      head[6] = 1
      head.set(one.hash, 7)
      return head
    })
    const header = [new Uint8Array(16).fill(7), 'mallory', feed.length, new Uint8Array(32), pruned, pruned, feed.length]
    request.reply(header, Buffer.concat(heads.slice(after)))
  })
  all.mesh.handle(MESSAGE.LEDGER_PULL, (peer, request) => {
    const asked = Buffer.from(request.payload).toString('hex')
    const wanted = (feeds.get(peer) ?? []).filter((one) => asked.includes(Buffer.from(one.hash).toString('hex')))
    request.reply([], payloadOf(...wanted))
    pulled()
  })
  all.mesh.publish(TOPIC.LEDGER, new Uint8Array(0))
}

test('what is served with a wrong signature, sum or a stranger’s name is not stored, and the rest is', async (t) => {
  const all = await scene(t)
  const friend = signerOf(all.random.bytes(32))
  const fresh = () => receiptOf({ caller: friend.peerId, executor: all.mallory.peerId }, all.random)
  const make = (epoch: number, parts = {}) =>
    forge(all.mallory, all.network.meshId, [fresh()], { callerBoot: new Uint8Array(16), acceptedBy: friend, epoch, ...parts })
  const good = make(0)
  const unsigned = { ...make(1), callerSignature: undefined }
  const forgedAcceptance = { ...make(2), callerSignature: all.mallory.sign(good.body) }
  const wrongSum = make(3, { totals: [{ account: 'ada', subtotal: 1n, cumulative: 1n }] })
  const orphan = make(4, { before: make(4) })
  const last = make(5)
  const pile = [unsigned, forgedAcceptance, good, wrongSum, orphan, last]
  serve(all, new Map([[all.victim.signer.peerId, pile]]))
  await eventually(async () => (await all.victim.ledger.stats()).shown === 2, 'the two good ones')
  // The same, unasked, to one that nothing is shown.
  await all.mesh.call(all.witness.signer.peerId, MESSAGE.LEDGER_PUSH, [], payloadOf(...pile))
  t.is((await all.witness.ledger.stats()).shown, 2)
  t.true((await all.witness.ledger.verify()).ok)
  t.deepEqual((await linesOf(all.victim.ledger)).map((line) => line.requestId).length, 2)
  t.true((await all.victim.ledger.verify()).ok)
  t.true(all.victim.logger.lines.some((line) => line.message.includes('does not hold')))
})

test('a statement that comes before the one it follows is held back and taken with the next round', async (t) => {
  const all = await scene(t)
  const friend = signerOf(all.random.bytes(32))
  const make = (parts: Partial<Parameters<typeof forge>[3]> = {}) => {
    const receipt = receiptOf({ caller: friend.peerId, executor: all.mallory.peerId }, all.random)
    return forge(all.mallory, all.network.meshId, [receipt], { callerBoot: new Uint8Array(16), acceptedBy: friend, ...parts })
  }
  const parent = make()
  const child = make({ before: parent })
  serve(all, new Map([[all.victim.signer.peerId, [child, parent]]]))
  await eventually(async () => (await all.victim.ledger.stats()).shown === 1, 'the parent')
  all.mesh.publish(TOPIC.LEDGER, new Uint8Array(0))
  await eventually(async () => (await all.victim.ledger.stats()).shown === 2, 'the child')
  t.false(all.victim.logger.lines.some((line) => line.message.includes('does not hold')))
  t.true((await all.victim.ledger.verify()).ok)
})

test('who says that it has pruned the future is believed of what is older than a day, and no more', async (t) => {
  const all = await scene(t)
  const friend = signerOf(all.random.bytes(32))
  const make = (ago: number, epoch: number) => {
    const time = realClock.now() - ago
    const one = () => receiptOf({ caller: friend.peerId, executor: all.mallory.peerId, time }, all.random)
    const parts = { callerBoot: new Uint8Array(16), acceptedBy: friend, epoch }
    return forge(all.mallory, all.network.meshId, [one()], {
      ...parts,
      before: forge(all.mallory, all.network.meshId, [one()], parts)
    })
  }
  // Both follow one that nobody shows.
  const [young, old] = [make(3_600_000, 0), make(2 * 86_400_000, 1)]
  serve(all, new Map([[all.victim.signer.peerId, [young, old]]]), undefined, 2 ** 47)
  await eventually(async () => (await all.victim.ledger.stats()).shown === 1, 'the old one')
  const { itemisedFrom } = await all.victim.ledger.stats()
  t.true(itemisedFrom > 0 && itemisedFrom <= realClock.now() - 1.9 * 86_400_000, 'no more than it takes')
  t.is(sumOf(await all.victim.ledger.balances()), 0n)
  t.like(await all.victim.ledger.verify(), { ok: true, statements: 1, pruned: 1 })
})

test('statements of a node that is no member wait until it is one', async (t) => {
  const members = new Set<string>()
  const all = await scene(t, { isMember: (peer) => members.has(peer) })
  const friend = signerOf(all.random.bytes(32))
  const receipt = receiptOf({ caller: friend.peerId, executor: all.mallory.peerId }, all.random)
  const statement = forge(all.mallory, all.network.meshId, [receipt], { callerBoot: new Uint8Array(16), acceptedBy: friend })
  let pulls = 0
  serve(all, new Map([[all.victim.signer.peerId, [statement]]]), () => pulls++)
  await eventually(async () => pulls > 0, 'it is asked for')
  members.add(friend.peerId)
  all.mesh.publish(TOPIC.LEDGER, new Uint8Array(0))
  await eventually(async () => pulls > 1, 'and again')
  t.is((await all.victim.ledger.stats()).shown, 0)
  members.add(all.mallory.peerId)
  all.mesh.publish(TOPIC.LEDGER, new Uint8Array(0))
  await eventually(async () => (await all.victim.ledger.stats()).shown === 1, 'now both are members')
  t.is((await linesOf(all.victim.ledger)).length, 1)
})

test('a request that two accomplices charge twice is shown by verify', async (t) => {
  const all = await scene(t)
  const friend = signerOf(all.random.bytes(32))
  const receipt = receiptOf({ caller: friend.peerId, executor: all.mallory.peerId }, all.random)
  const make = (epoch: number) =>
    forge(all.mallory, all.network.meshId, [receipt], { callerBoot: new Uint8Array(16), acceptedBy: friend, epoch })
  serve(all, new Map([[all.victim.signer.peerId, [make(0), make(1)]]]))
  await eventually(async () => (await all.victim.ledger.stats()).shown === 2, 'both')
  const verification = await all.victim.ledger.verify()
  t.false(verification.ok)
  t.true(verification.failure?.includes(`request ${receipt.requestId} attempt 1 is charged twice`), verification.failure)
})

test('what two callers ran, each in its part of a mesh that was in two, is counted by verify and no failure', async (t) => {
  const all = await scene(t)
  const request = all.random.uuid()
  const made = [signerOf(all.random.bytes(32)), signerOf(all.random.bytes(32))].map((caller) => {
    const receipt = { ...receiptOf({ caller: caller.peerId, executor: all.mallory.peerId }, all.random), requestId: request }
    return forge(all.mallory, all.network.meshId, [receipt], { callerBoot: new Uint8Array(16), acceptedBy: caller })
  })
  serve(all, new Map([[all.victim.signer.peerId, made]]))
  await eventually(async () => (await all.victim.ledger.stats()).shown === 2, 'both')
  t.like(await all.victim.ledger.verify(), { ok: true, receipts: 2, repeated: 1, failure: undefined })
})

test('malformed requests and gossip are answered with an error and change nothing', async (t) => {
  const all = await scene(t)
  const peer = all.victim.signer.peerId
  const cases: [number, unknown, Uint8Array][] = [
    [MESSAGE.LEDGER_OFFER, [], new Uint8Array([1, 2, 3])],
    [MESSAGE.LEDGER_OFFER, [], Buffer.from('ffffffff00', 'hex')],
    [MESSAGE.LEDGER_HEADS, undefined, new Uint8Array(0)],
    [MESSAGE.LEDGER_HEADS, [new Uint8Array(3), 0], new Uint8Array(0)],
    [MESSAGE.LEDGER_HEADS, [new Uint8Array(16), -1], new Uint8Array(0)],
    [MESSAGE.LEDGER_HEADS, [new Uint8Array(16), 'x'], new Uint8Array(0)],
    [MESSAGE.LEDGER_PUSH, [], new Uint8Array([1, 2, 3])],
    [MESSAGE.LEDGER_PUSH, [], Buffer.from('ffffffff00', 'hex')],
    [MESSAGE.LEDGER_PULL, [], new Uint8Array(31)],
    [MESSAGE.LEDGER_PULL, [], new Uint8Array(32 * 513)]
  ]
  for (const [type, header, payload] of cases) {
    t.like(await t.throwsAsync(all.mesh.call(peer, type, header, payload)), { code: 'MALFORMED' }, `${type}`)
  }
  for (const gossip of [
    new Uint8Array([255]),
    encode('x'),
    encode(['UPPER', 1]),
    encode(['a', -1]),
    Buffer.from('ffffffff00', 'hex')
  ]) {
    all.mesh.publish(TOPIC.LEDGER, gossip)
  }
  await eventually(
    async () => all.victim.logger.lines.filter((line) => line.message.includes('gossip was refused')).length === 5,
    'gossip'
  )
  t.is((await all.mesh.call(peer, MESSAGE.LEDGER_PULL, [], new Uint8Array(32))).payload.length, 0)
  await nothingCounted(t, all)
})

test('a flood of tiny statements is slowed down, not signed', async (t) => {
  const all = await scene(t)
  const statements: Forged[] = []
  for (let index = 0; index < 60; index++) {
    const before = statements.at(-1)
    statements.push(all.statement([all.seen()], before === undefined ? {} : { before }))
  }
  const reply = await all.offer(...statements)
  t.true(reply.accepted.length >= 40 && reply.accepted.length < 60, `${reply.accepted.length}`)
  t.true(reply.retryAfterMs > 0)
  t.is(reply.refused, undefined)
  await eventually(async () => (await all.offer(...statements)).accepted.length === 60, 'the rest is signed later')
})

test('a caller that answers with rubbish gains nothing, and an honest answer later still counts', async (t) => {
  const all = await scene(t)
  let honest = false
  const friend = all.mallory
  all.mesh.handle(MESSAGE.LEDGER_OFFER, (_, request) => {
    if (!honest) request.reply([[new Uint8Array(64)], null, 0, new Uint8Array(16).fill(7)])
    else request.fail(Object.assign(new Error('later')) as never)
  })
  const receipt = receiptOf({ caller: friend.peerId, executor: all.victim.signer.peerId }, all.random)
  all.victim.ledger.record(receipt)
  await eventually(
    async () => all.victim.logger.lines.some((line) => line.message.includes('does not verify')),
    'the false signature is noticed'
  )
  honest = true
  t.deepEqual(await linesOf(all.victim.ledger), [])
  t.is((await all.victim.ledger.stats()).pendingCallers, 1)
  t.true((await all.victim.ledger.verify()).ok)
})

test('receipts that the caller disputes are left out, the others are paid in a new lane', async (t) => {
  const all = await fleet(t, 2)
  const [caller, executor] = all.nodes as [TestNode, TestNode]
  const agreed = Array.from({ length: 5 }, () =>
    receiptOf({ caller: caller.signer.peerId, executor: executor.signer.peerId }, all.random)
  )
  const disputed = receiptOf({ caller: caller.signer.peerId, executor: executor.signer.peerId, durationUs: 5_000 }, all.random)
  for (const receipt of agreed) caller.ledger.record(receipt)
  caller.ledger.record({ ...disputed, durationUs: 4_000 })
  for (const receipt of [...agreed, disputed]) executor.ledger.record(receipt)
  for (const node of [executor, caller]) {
    await eventually(async () => (await node.ledger.stats()).receipts === 5, 'the agreed ones')
    t.false((await linesOf(node.ledger)).some((line) => line.requestId === disputed.requestId))
    t.true((await node.ledger.verify()).ok)
  }
})
