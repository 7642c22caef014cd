import { chargeOf, TARIFF_DEFAULT } from '@peerless/interface'
import { SeededRandom } from '@peerless/testing'
import { signerOf } from '@peerless/wire'
import test from 'ava'
import fc from 'fast-check'
import { checkStatement, headOf, type LaneHead } from '../src/check.ts'
import { balancesOf, mergeHeads } from '../src/fold.ts'
import { leafHash, merkleRoot, sha256 } from '../src/merkle.ts'
import { RowBuffer, readRow, unitsOf } from '../src/receipt-row.ts'
import { decodeBody, readStatements, tariffProblem } from '../src/statement.ts'
import { forge, payloadOf } from './_forge.ts'
import { FUZZ_SEED, receiptOf, sumOf } from './_nodes.ts'

const run = { seed: FUZZ_SEED, numRuns: 300 }

/** Few lanes, numbers, totals and hashes, so that ties at every place of the order come up. */
const heads = fc
  .array(
    fc.record({
      lane: fc.constantFrom('a', 'b', 'c'),
      seq: fc.integer({ min: 1, max: 3 }),
      hash: fc.constantFrom('0', '1', '2'),
      payee: fc.constantFrom('x', 'y'),
      totals: fc.uniqueArray(fc.tuple(fc.constantFrom('x', 'y', 'z'), fc.bigInt({ min: 0n, max: 3n })), {
        selector: ([account]) => account
      })
    }),
    { maxLength: 8 }
  )
  .map((list) => {
    // A hash stands for one content, as SHA-256 makes sure of.
    const byName = new Map<string, LaneHead>()
    let all = new Map<string, LaneHead>()
    for (const { totals, ...head } of list) {
      const total = totals.reduce((sum, [, amount]) => sum + amount, 0n)
      const name = `${head.lane} ${head.seq} ${total} ${head.hash}`
      const whole = byName.get(name) ?? canonical(head.lane, head.seq, head.hash, total)
      byName.set(name, whole)
      all = mergeHeads(all, new Map([[head.lane, whole]]))
    }
    return all
  })

function canonical(lane: string, seq: number, hash: string, total: bigint): LaneHead {
  return { lane, seq, hash, payee: `p${hash}`, receipts: seq, total, totals: new Map([[`q${hash}`, total]]) }
}

test('merging is idempotent, commutative and associative', (t) => {
  fc.assert(
    fc.property(heads, (a) => assertSame(mergeHeads(a, a), a)),
    run
  )
  fc.assert(
    fc.property(heads, heads, (a, b) => assertSame(mergeHeads(a, b), mergeHeads(b, a))),
    run
  )
  fc.assert(
    fc.property(heads, heads, heads, (a, b, c) => assertSame(mergeHeads(mergeHeads(a, b), c), mergeHeads(a, mergeHeads(b, c)))),
    run
  )
  t.pass()
})

function assertSame(a: ReadonlyMap<string, LaneHead>, b: ReadonlyMap<string, LaneHead>): boolean {
  return a.size === b.size && [...a].every(([lane, head]) => b.get(lane) === head || b.get(lane)?.hash === head.hash)
}

test('balances sum to zero whatever the lanes say, and a payee that pays itself stays at zero', (t) => {
  const any = fc.array(
    fc.record({
      payee: fc.constantFrom('x', 'y', 'z'),
      totals: fc.dictionary(fc.constantFrom('x', 'y', 'z', 'w'), fc.bigInt({ min: 0n, max: 2n ** 60n }))
    })
  )
  fc.assert(
    fc.property(any, (list) => {
      const lanes = list.map(({ payee, totals }, index) => {
        const map = new Map(Object.entries(totals))
        const total = [...map.values()].reduce((sum, amount) => sum + amount, 0n)
        return { lane: `${index}`, seq: 1, hash: '', payee, receipts: 1, totals: map, total }
      })
      return sumOf(balancesOf(lanes)) === 0n
    }),
    run
  )
  const own = { lane: 'l', seq: 1, hash: '', payee: 'x', receipts: 1, totals: new Map([['x', 5n]]), total: 5n }
  t.deepEqual(balancesOf([own]), [{ account: 'x', balance: '0' }])
})

test('a row is charged as the receipt was, and reads back as it was written', (t) => {
  const random = new SeededRandom(FUZZ_SEED)
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xff_ff_ff_ff }),
      fc.integer({ min: 1, max: 10_240 }),
      fc.constantFrom('ok', 'error', 'timeout', 'exit') as fc.Arbitrary<'ok'>,
      fc.boolean(),
      fc.integer({ min: 1, max: 255 }),
      fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      (durationUs, memoryMb, status, cold, attempt, time) => {
        const receipt = receiptOf({ caller: 'a', executor: 'b', durationUs, memoryMb, status, cold, attempt, time }, random)
        const buffer = new RowBuffer(4)
        if (buffer.append(receipt) !== 'ok') return false
        const row = readRow(Buffer.from(buffer.take().rows), 0)
        const { charge } = chargeOf(durationUs / 1_000, memoryMb, TARIFF_DEFAULT)
        t.deepEqual(row, { requestId: receipt.requestId, attempt, time, kind: 0, durationUs, memoryMb, cold, status })
        return charge === unitsOf(durationUs, memoryMb, TARIFF_DEFAULT)
      }
    ),
    run
  )
})

test('a receipt that breaks a bound is refused and leaves no trace in the batch', (t) => {
  const random = new SeededRandom(FUZZ_SEED)
  const good = receiptOf({ caller: 'a', executor: 'b' }, random)
  const buffer = new RowBuffer(4)
  const bad = [
    { requestId: 'no uuid' },
    { requestId: good.requestId.toUpperCase() },
    { requestId: good.requestId.replace('-', '0') },
    { attempt: 0 },
    { attempt: 256 },
    { attempt: 1.5 },
    { durationUs: -1 },
    { durationUs: 2 ** 32 },
    { durationUs: 0.5 },
    { durationUs: Number.NaN },
    { memoryMb: 0 },
    { memoryMb: 65_536 },
    { time: -1 },
    { time: 2 ** 48 },
    { status: 'lost' as 'ok' },
    { account: 'with space' },
    { functionName: 'x'.repeat(65) },
    { version: '' }
  ]
  for (const parts of bad) t.is(buffer.append({ ...good, ...parts }), 'refused', JSON.stringify(parts))
  t.is(buffer.count, 0)
  t.is(buffer.append(good), 'ok')
})

test('a batch is full at its rows, its kinds and its span of time', (t) => {
  const random = new SeededRandom(FUZZ_SEED)
  const at = (parts: object) => receiptOf({ caller: 'a', executor: 'b', ...parts }, random)
  const two = new RowBuffer(2)
  t.deepEqual([two.append(at({})), two.append(at({})), two.append(at({}))], ['ok', 'ok', 'full'])
  const late = new RowBuffer(2)
  t.deepEqual(
    [late.append(at({ time: 1_000 })), late.append(at({ time: 601_001 })), late.append(at({ time: 601_000 }))],
    ['ok', 'full', 'ok']
  )
  const kinds = new RowBuffer(2_000)
  for (let index = 0; index < 1_024; index++) t.is(kinds.append(at({ functionName: `f${index}` })), 'ok')
  t.deepEqual([kinds.append(at({ functionName: 'more' })), kinds.append(at({ functionName: 'f5' }))], ['full', 'ok'])
})

test('the root is that of RFC 6962 over pages of 16 receipts', (t) => {
  /** MTH as section 2.1 writes it. */
  const reference = (leaves: Uint8Array[]): Uint8Array => {
    if (leaves.length === 1) return leafHash(leaves[0] as Uint8Array)
    let split = 1
    while (split * 2 < leaves.length) split *= 2
    return sha256(Buffer.concat([Buffer.from([1]), reference(leaves.slice(0, split)), reference(leaves.slice(split))]))
  }
  for (const count of [1, 15, 16, 17, 32, 33, 48, 80, 100, 256, 257]) {
    const rows = Buffer.from(new SeededRandom(count).bytes(count * 32))
    const pages = Array.from({ length: Math.ceil(count / 16) }, (_, page) => rows.subarray(page * 512, (page + 1) * 512))
    t.deepEqual(Buffer.from(merkleRoot(rows)), Buffer.from(reference(pages)), `${count} receipts`)
  }
})

test('any byte of a statement changed makes it fail; any bytes at all are refused as MALFORMED', (t) => {
  const random = new SeededRandom(FUZZ_SEED)
  const executor = signerOf(random.bytes(32))
  const caller = signerOf(random.bytes(32))
  const receipts = Array.from({ length: 20 }, () => receiptOf({ caller: caller.peerId, executor: executor.peerId }, random))
  const statement = forge(executor, 'm', receipts, { callerBoot: random.bytes(16), acceptedBy: caller })
  const checked = checkStatement('m', statement)
  t.is(headOf(checked.hash, checked.lane, checked.decoded).receipts, 20)
  for (const part of ['body', 'rows', 'executorSignature', 'callerSignature'] as const) {
    const bytes = statement[part] as Uint8Array
    for (let index = 0; index < bytes.length; index++) {
      const changed = Uint8Array.from(bytes)
      changed[index] = (changed[index] as number) ^ (1 << (index % 8))
      t.throws(() => checkStatement('m', { ...statement, [part]: changed }), { code: 'MALFORMED' }, `${part} ${index}`)
    }
  }
  t.throws(() => checkStatement('other mesh', statement), { message: /executor's signature/ })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(500), (bytes, at) => {
      const spliced = Uint8Array.from(Buffer.concat([payloadOf(statement).subarray(0, at), bytes]))
      for (const read of [() => decodeBody(spliced), () => readStatements(spliced, 4).map((one) => decodeBody(one.body))]) {
        try {
          read()
        } catch (error) {
          if ((error as { code?: string }).code !== 'MALFORMED') throw error
        }
      }
    }),
    run
  )
})

test('prices that could leave the safe integers are refused', (t) => {
  t.is(tariffProblem(TARIFF_DEFAULT), undefined)
  t.is(tariffProblem({ incrementMs: 1, unitsPerIncrementMb: 1_000, unitsPerRequest: 10 }), undefined)
  t.regex(tariffProblem({ incrementMs: 1, unitsPerIncrementMb: 100_000, unitsPerRequest: 10 }) ?? '', /above 2\^53/)
})
