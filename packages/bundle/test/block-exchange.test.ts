import { type BlockStore, type FetchBlock, LIMITS, MESSAGE, type Mesh, PeerlessError } from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, settle, VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { cidOf, createBlockExchange } from '../src/index.ts'

/** A store in memory, with a record of what was read. */
class MemoryStore implements BlockStore {
  readonly blocks = new Map<string, Uint8Array>()
  reads = 0
  writes = 0

  has(cid: string): boolean {
    return this.blocks.has(cid)
  }

  async read(cid: string): Promise<Uint8Array | undefined> {
    this.reads += 1
    return this.blocks.get(cid)
  }

  async write(bytes: Uint8Array): Promise<string> {
    this.writes += 1
    const cid = await cidOf(bytes)
    this.blocks.set(cid, bytes)
    return cid
  }

  async remove(cid: string): Promise<void> {
    this.blocks.delete(cid)
  }
}

interface Node {
  mesh: Mesh
  store: MemoryStore
  logger: MemoryLogger
  fetch: FetchBlock
}

function kit(seed = 1) {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const network = new MemoryNetwork(random)
  const node = (peerId: string): Node => {
    const mesh = network.join(peerId)
    const store = new MemoryStore()
    const logger = new MemoryLogger()
    return { mesh, store, logger, ...createBlockExchange({ mesh, store, clock, random, logger }) }
  }
  return { clock, network, node, random }
}

/** Lets time pass in small steps, so that what a timer begins is answered before the next one. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= STEP_MS) await clock.advance(Math.min(STEP_MS, left))
  await settle()
}
const STEP_MS = 100

function blockOf(bytes: number, seed = 1): Uint8Array {
  const block = new Uint8Array(bytes)
  let state = seed
  for (let index = 0; index < bytes; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    block[index] = state >>> 24
  }
  return block
}

/** A member that answers as a test says, not as the package does. */
function answerWith(mesh: Mesh, stat: () => unknown, chunk: (offset: number) => Uint8Array | PeerlessError): { chunks: number } {
  const seen = { chunks: 0 }
  mesh.handle(MESSAGE.BLOCK_STAT, (_, request) => request.reply({ bytes: stat() }))
  mesh.handle(MESSAGE.BLOCK_CHUNK, (_, request) => {
    seen.chunks += 1
    const answer = chunk((request.header as { offset: number }).offset)
    if (answer instanceof PeerlessError) request.fail(answer)
    else request.reply(undefined, answer)
  })
  return seen
}

const chunkOf = (block: Uint8Array) => (offset: number) => block.subarray(offset, offset + LIMITS.chunkBytesMax)
// Small enough to be hashed at once: the thread pool knows nothing of the virtual clock.
const BYTES = 3 * LIMITS.chunkBytesMax + 123
const TIMEOUT = { timeoutMs: 30_000 }

test('a block of any size comes from the peer that has it, and stays', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.nat(10),
        fc.constantFrom(LIMITS.chunkBytesMax - 1, LIMITS.chunkBytesMax, LIMITS.chunkBytesMax + 1, 40 * LIMITS.chunkBytesMax)
      ),
      async (bytes) => {
        const { node } = kit()
        const [a, b] = [node('a'), node('b')]
        node('c')
        const block = blockOf(bytes)
        const cid = await b.store.write(block)
        t.true(Buffer.from(block).equals(await a.fetch(cid, { bytes, ...TIMEOUT })))
        t.true(a.store.has(cid))
        t.is(b.store.reads, 1, 'the file is read once for all chunks')
      }
    ),
    { seed: 31, numRuns: 12 }
  )
})

test('a block that is here is asked of nobody', async (t) => {
  const { node } = kit()
  const a = node('a')
  const cid = await a.store.write(blockOf(10))
  t.is((await a.fetch(cid, { bytes: 10, ...TIMEOUT })).length, 10)
})

test('those who ask for one block at the same time share its transfer', async (t) => {
  const { node, network } = kit()
  const a = node('a')
  const block = blockOf(BYTES)
  const seen = answerWith(network.join('b'), () => BYTES, chunkOf(block))
  const cid = await cidOf(block)
  await Promise.all(Array.from({ length: 20 }, () => a.fetch(cid, { bytes: BYTES, ...TIMEOUT })))
  t.is(seen.chunks, 4)
  t.is(a.store.writes, 1)
})

test('a block that comes later to a peer is found then', async (t) => {
  const { node, clock } = kit()
  const [a, b] = [node('a'), node('b')]
  const block = blockOf(BYTES)
  const fetched = a.fetch(await cidOf(block), { bytes: BYTES, ...TIMEOUT })
  await pass(clock, 1_000)
  await b.store.write(block)
  await pass(clock, 2_000)
  t.is((await fetched).length, BYTES)
})

test('a peer that comes later is asked at once, without a pause', async (t) => {
  const { node, clock, network } = kit()
  const a = node('a')
  const b = node('b')
  const block = blockOf(BYTES)
  const cid = await b.store.write(block)
  network.partition(['a'], ['b'])
  const fetched = a.fetch(cid, { bytes: BYTES, ...TIMEOUT })
  await pass(clock, 20_000)
  network.heal()
  t.is((await fetched).length, BYTES)
})

test('nobody has it: the error says so when the time is over, and not before', async (t) => {
  const { node, clock } = kit()
  const a = node('a')
  node('b')
  const cid = await cidOf(blockOf(5))
  let ended = false
  const fetched = a.fetch(cid, { bytes: 5, timeoutMs: 3_000 }).finally(() => {
    ended = true
  })
  const failed = t.throwsAsync(fetched, {
    code: 'NOT_REPLICATED',
    message: /came from none of 1 connected peers within 3000 ms; last: b: block bafkrei\w+ is not here/
  })
  await pass(clock, 2_999)
  t.false(ended)
  await pass(clock, 1)
  await failed
  await pass(clock, 60_000)
  t.is(clock.pending, 0, 'no timer goes on when nobody waits')
})

test('one who gives up does not end it for the others; the last one does', async (t) => {
  const { node, clock, network } = kit()
  const a = node('a')
  const b = node('b')
  const block = blockOf(BYTES)
  const cid = await cidOf(block)
  const short = t.throwsAsync(a.fetch(cid, { bytes: BYTES, timeoutMs: 1_000 }), { code: 'NOT_REPLICATED' })
  const long = a.fetch(cid, { bytes: BYTES, timeoutMs: 10_000 })
  await pass(clock, 1_500)
  await short
  await b.store.write(block)
  await pass(clock, 3_000)
  t.is((await long).length, BYTES)
  network.leave('b')
  await t.notThrowsAsync(a.fetch(cid, { bytes: BYTES, timeoutMs: 1_000 }))
})

test('asking again after giving up begins anew', async (t) => {
  const { node, clock } = kit()
  const [a, b] = [node('a'), node('b')]
  const block = blockOf(BYTES)
  const cid = await cidOf(block)
  const first = t.throwsAsync(a.fetch(cid, { bytes: BYTES, timeoutMs: 100 }), { code: 'NOT_REPLICATED' })
  await pass(clock, 100)
  await first
  await b.store.write(block)
  t.is((await a.fetch(cid, { bytes: BYTES, ...TIMEOUT })).length, BYTES)
})

test('a peer with wrong bytes is told of, not asked for that block again, and the block comes from another', async (t) => {
  for (let seed = 1; seed <= 8; seed++) {
    const { node, network, clock } = kit(seed)
    const a = node('a')
    const block = blockOf(BYTES)
    const cid = await cidOf(block)
    const seen = answerWith(
      network.join('liar'),
      () => BYTES,
      (offset) => chunkOf(blockOf(BYTES, 99))(offset)
    )
    const fetched = a.fetch(cid, { bytes: BYTES, timeoutMs: 60_000 })
    await pass(clock, 10_000)
    t.is(seen.chunks, 4)
    t.true(a.logger.lines.some(({ level, fields }) => level === 'warn' && fields.peerId === 'liar'))
    t.false(a.store.has(cid))
    await node('honest').store.write(block)
    await pass(clock, 3_000)
    t.true(Buffer.from(block).equals(await fetched))
    t.is(seen.chunks, 4)
  }
})

test('a liar and an honest peer together: the block comes, whoever is asked first', async (t) => {
  for (let seed = 1; seed <= 24; seed++) {
    const { node, network, clock } = kit(seed)
    const a = node('a')
    const block = blockOf(BYTES)
    // Gives half, then fails: its wrong chunks are mixed with those of the next.
    const seen = answerWith(
      network.join('liar'),
      () => BYTES,
      (offset) => (offset < BYTES / 2 ? chunkOf(blockOf(BYTES, 99))(offset) : new PeerlessError('BUSY', 'later'))
    )
    const cid = await node('honest').store.write(block)
    const fetched = a.fetch(cid, { bytes: BYTES, timeoutMs: 60_000 })
    await pass(clock, 30_000)
    t.true(Buffer.from(block).equals(await fetched), `seed ${seed}`)
    t.true(seen.chunks <= 8, `seed ${seed}: after one mixture nothing is mixed again, yet the liar gave ${seen.chunks} chunks`)
  }
})

for (const [what, stat] of Object.entries({ huge: 2 ** 40, 'too small': 1, negative: -1, text: 'x', nothing: undefined })) {
  test(`a peer whose stat is ${what} is refused before a chunk is asked for`, async (t) => {
    const { node, network, clock } = kit()
    const a = node('a')
    const seen = answerWith(network.join('b'), () => stat, chunkOf(blockOf(BYTES)))
    const failed = t.throwsAsync(a.fetch(await cidOf(blockOf(BYTES)), { bytes: BYTES, timeoutMs: 5_000 }), {
      code: 'NOT_REPLICATED',
      message: new RegExp(`last: b: it says the block has ${stat} bytes, expected ${BYTES}`)
    })
    await pass(clock, 5_000)
    await failed
    t.is(seen.chunks, 0)
  })
}

for (const [what, change] of Object.entries({ short: -1, long: 1 })) {
  test(`a chunk that is too ${what} is refused`, async (t) => {
    const { node, network, clock } = kit()
    const a = node('a')
    answerWith(
      network.join('b'),
      () => BYTES,
      (offset) => new Uint8Array(chunkOf(blockOf(BYTES))(offset).length + change)
    )
    const failed = t.throwsAsync(a.fetch(await cidOf(blockOf(BYTES)), { bytes: BYTES, timeoutMs: 5_000 }), {
      message: /chunk at \d+ has \d+ bytes, expected \d+/
    })
    await pass(clock, 5_000)
    await failed
  })
}

test('a peer lost in the middle: another goes on where it stopped', async (t) => {
  for (let seed = 1; seed <= 6; seed++) {
    const { node, network, clock } = kit(seed)
    const a = node('a')
    const bytes = 60 * LIMITS.chunkBytesMax
    const block = blockOf(bytes)
    const cid = await cidOf(block)
    const first = network.join('first')
    const early = answerWith(
      first,
      () => bytes,
      (offset) => {
        if (offset >= 30 * LIMITS.chunkBytesMax) network.leave('first')
        return chunkOf(block)(offset)
      }
    )
    const fetched = a.fetch(cid, { bytes, timeoutMs: 60_000 })
    await pass(clock, 0)
    await settle()
    const second = answerWith(network.join('second'), () => bytes, chunkOf(block))
    await pass(clock, 5_000)
    t.true(Buffer.from(block).equals(await fetched))
    t.true(early.chunks >= 30)
    t.true(second.chunks <= 45, `${second.chunks} of 60 chunks were asked again`)
  }
})

test('peers that never answer hold it up for a moment only', async (t) => {
  const { node, network, clock } = kit(3)
  const a = node('a')
  for (const peerId of ['mute1', 'mute2', 'mute3', 'mute4']) {
    const mesh = network.join(peerId)
    mesh.handle(MESSAGE.BLOCK_STAT, () => undefined)
  }
  const deaf = network.join('deaf')
  deaf.handle(MESSAGE.BLOCK_STAT, (_, request) => request.reply({ bytes: BYTES }))
  deaf.handle(MESSAGE.BLOCK_CHUNK, () => undefined)
  const cid = await node('good').store.write(blockOf(BYTES))
  const fetched = a.fetch(cid, { bytes: BYTES, timeoutMs: 20_000 })
  await pass(clock, 12_000)
  t.is((await fetched).length, BYTES)
})

test('a partition delays it, and it comes after healing', async (t) => {
  const { node, network, clock } = kit()
  const [a, b] = [node('a'), node('b')]
  const c = node('c')
  const block = blockOf(BYTES)
  const cid = await b.store.write(block)
  network.partition(['a', 'c'], ['b'])
  const fetched = Promise.all([a, c].map((one) => one.fetch(cid, { bytes: BYTES, timeoutMs: 20_000 })))
  await pass(clock, 5_000)
  t.false(a.store.has(cid))
  network.heal()
  await pass(clock, 2_500)
  t.deepEqual(
    (await fetched).map(({ length }) => length),
    [BYTES, BYTES]
  )
})

/** Answers chunks one after the other, each after so long, whether anybody still waits for it or not: a line with a queue in front of it. */
function slowLine(mesh: Mesh, clock: VirtualClock, block: Uint8Array, chunkMs: number): { queued: number; queuedMax: number } {
  const line = { queued: 0, queuedMax: 0 }
  let freeAt = 0
  mesh.handle(MESSAGE.BLOCK_STAT, (_, request) => request.reply({ bytes: block.length }))
  mesh.handle(MESSAGE.BLOCK_CHUNK, (_, request) => {
    line.queued++
    line.queuedMax = Math.max(line.queuedMax, line.queued)
    freeAt = Math.max(freeAt, clock.monotonic()) + chunkMs
    clock.after(freeAt - clock.monotonic(), () => {
      line.queued--
      request.reply(undefined, chunkOf(block)((request.header as { offset: number }).offset) as Uint8Array)
    })
  })
  return line
}

test('over a slow line a block comes as fast as the line carries it, and no queue grows there', async (t) => {
  const { node, network, clock } = kit()
  const block = blockOf(20 * LIMITS.chunkBytesMax)
  const line = slowLine(network.join('far'), clock, block, 2_000)
  const fetched = node('a').fetch(await cidOf(block), { bytes: block.length, timeoutMs: 60_000 })
  await pass(clock, 41_000)
  t.is((await fetched).length, block.length)
  t.is(line.queuedMax, 2)
})

test('over a quick line as many chunks are under way as fill it', async (t) => {
  const { node, network, clock } = kit()
  const block = blockOf(60 * LIMITS.chunkBytesMax)
  const line = slowLine(network.join('near'), clock, block, 1)
  const fetched = node('a').fetch(await cidOf(block), { bytes: block.length, ...TIMEOUT })
  await pass(clock, 1_000)
  t.is((await fetched).length, block.length)
  t.is(line.queuedMax, 16)
})

test('a peer that gives a chunk now and then is left for one that gives more, for calls and in the background', async (t) => {
  for (const background of [false, true]) {
    for (let seed = 1; seed <= 4; seed++) {
      const { clock, network, node } = kit(seed)
      const [a, honest] = [node('a'), node('honest')]
      const block = blockOf(20 * LIMITS.chunkBytesMax, 6)
      const cid = await honest.store.write(block)
      const mesh = network.join('dripping')
      mesh.handle(MESSAGE.BLOCK_STAT, (_, request) => request.reply({ bytes: block.length }))
      let free = 0
      mesh.handle(MESSAGE.BLOCK_CHUNK, (_, request) => {
        free = Math.max(free, clock.monotonic()) + 4_000
        clock.after(free - clock.monotonic(), () => request.reply(undefined, new Uint8Array(LIMITS.chunkBytesMax)))
      })
      await settle()
      const fetched = a.fetch(cid, { bytes: block.length, timeoutMs: 10_000, background })
      await pass(clock, 9_000)
      t.true(Buffer.from(block).equals(await fetched))
    }
  }
})

test('in the background the time counts from the last chunk', async (t) => {
  const { node, network, clock } = kit()
  const block = blockOf(6 * LIMITS.chunkBytesMax)
  slowLine(network.join('far'), clock, block, 2_000)
  const cid = await cidOf(block)
  const fetched = node('a').fetch(cid, { bytes: block.length, timeoutMs: 5_000, background: true })
  await pass(clock, 12_100)
  t.is((await fetched).length, block.length)

  network.join('mute').handle(MESSAGE.BLOCK_STAT, () => undefined)
  const other = blockOf(7)
  const failed = t.throwsAsync(node('b').fetch(await cidOf(other), { bytes: 7, timeoutMs: 5_000, background: true }), {
    message: /within 5000 ms/
  })
  await pass(clock, 5_000)
  await failed
})

test('in the background a block that no connected peer has is given up at once', async (t) => {
  const { node, clock } = kit()
  const [a, b] = [node('a'), node('b')]
  const block = blockOf(BYTES)
  const cid = await cidOf(block)
  const order = { bytes: BYTES, timeoutMs: 60_000, background: true }
  await t.throwsAsync(a.fetch(cid, order), { code: 'NOT_REPLICATED', message: /1 connected peers and none of them has it/ })
  // Who waits for it shares the transfer, and goes on waiting.
  const waited = a.fetch(cid, { bytes: BYTES, ...TIMEOUT })
  await t.throwsAsync(a.fetch(cid, order), { code: 'NOT_REPLICATED' })
  await b.store.write(block)
  await pass(clock, 2_000)
  t.is((await waited).length, BYTES)
})

test('requests for blocks that are malformed, absent or beyond the end fail with a reason', async (t) => {
  const { node, network } = kit()
  const b = node('b')
  const probe = network.join('probe')
  const cid = await b.store.write(blockOf(10))
  const cases: [number, unknown, string][] = [
    [MESSAGE.BLOCK_STAT, undefined, 'MALFORMED'],
    [MESSAGE.BLOCK_STAT, { cid: '../../etc/passwd' }, 'MALFORMED'],
    [MESSAGE.BLOCK_STAT, { cid: await cidOf(blockOf(3)) }, 'NOT_REPLICATED'],
    [MESSAGE.BLOCK_CHUNK, { cid, offset: 10 }, 'INVALID_ARGUMENT'],
    [MESSAGE.BLOCK_CHUNK, { cid, offset: -1 }, 'MALFORMED'],
    [MESSAGE.BLOCK_CHUNK, { cid, offset: 0.5 }, 'MALFORMED'],
    [MESSAGE.BLOCK_CHUNK, { cid, offset: 'x' }, 'MALFORMED'],
    [MESSAGE.BLOCK_CHUNK, { cid }, 'INVALID_ARGUMENT']
  ]
  for (const [type, header, code] of cases) {
    await t.throwsAsync(probe.call('b', type, header), { code }, JSON.stringify(header))
  }
  t.deepEqual((await probe.call('b', MESSAGE.BLOCK_STAT, { cid })).header, { bytes: 10 })
})

test('what is served is kept for a while, then let go', async (t) => {
  const { node, network, clock } = kit()
  const b = node('b')
  const probe = network.join('probe')
  const cid = await b.store.write(blockOf(10))
  await probe.call('b', MESSAGE.BLOCK_STAT, { cid })
  await pass(clock, 5_000)
  await probe.call('b', MESSAGE.BLOCK_STAT, { cid })
  t.is(b.store.reads, 1)
  await pass(clock, 30_000)
  t.is(clock.pending, 0)
  await probe.call('b', MESSAGE.BLOCK_STAT, { cid })
  t.is(b.store.reads, 2)
})

test('a corrupt block here is pulled again', async (t) => {
  const { node } = kit()
  const [a, b] = [node('a'), node('b')]
  const cid = await b.store.write(blockOf(10))
  a.store.read = async () => {
    throw new PeerlessError('CORRUPT', 'set aside')
  }
  t.is((await a.fetch(cid, { bytes: 10, ...TIMEOUT })).length, 10)
})

test('orders that can not be are refused', async (t) => {
  const { node } = kit()
  const a = node('a')
  const cid = await cidOf(blockOf(1))
  await t.throwsAsync(a.fetch('nope', { bytes: 1, ...TIMEOUT }), { code: 'INVALID_ARGUMENT', message: /'nope' is not a CIDv1/ })
  for (const bytes of [-1, 0.5, Number.NaN, 67_108_865]) {
    await t.throwsAsync(a.fetch(cid, { bytes, ...TIMEOUT }), { code: 'INVALID_ARGUMENT' }, String(bytes))
  }
})
