import type { Clock } from '@peerless/interface'
import { SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { Admission } from '../src/admission.ts'
import { EntryTable } from '../src/entry-table.ts'
import { COUNTER_MAX, compareTimes, HybridClock, type HybridTime } from '../src/hybrid-time.ts'
import { createKeyVault } from '../src/key-vault.ts'
import { forged, functionRecord, MESH_SECRET, signer } from './_kit.ts'

const RUNS = { seed: 2_026, numRuns: 60 }
const MESH = 'm'
const authors = [signer(1), signer(2)]
const START = 1_767_225_600_000

/** A replica without disk and network. */
function replica() {
  const table = new EntryTable()
  const admission = new Admission({
    meshId: MESH,
    isMember: () => true,
    vault: createKeyVault(MESH_SECRET, new SeededRandom(1)),
    clock: new VirtualClock(START),
    table,
    current: (key) => table.get(key)
  })
  const take = (bytes: Uint8Array) => {
    const entry = admission.admit(bytes)
    if (entry !== undefined) table.set(entry)
    return entry
  }
  return { table, take }
}

interface Write {
  author: number
  name: string
  ms: number
  counter: number
  /** Memory of the function; 0 is a removal. */
  memoryMb: number
}

// Few names, times and authors, so that ties of every degree happen.
const write: fc.Arbitrary<Write> = fc.record({
  author: fc.nat({ max: 1 }),
  name: fc.constantFrom('a', 'b'),
  ms: fc.integer({ min: START - 1, max: START }),
  counter: fc.nat({ max: 1 }),
  memoryMb: fc.constantFrom(0, 128, 256, 512)
})

function bytesOf(one: Write): Uint8Array {
  const stored = one.memoryMb === 0 ? null : functionRecord(one.name, { memoryMb: one.memoryMb })
  const author = authors[one.author] as (typeof authors)[number]
  return forged(author, MESH, { kind: 'function', name: one.name, time: { ms: one.ms, counter: one.counter }, stored })
}

test('replicas that took the same entries in any order, some of them twice, hold the same', (t) => {
  const cases = fc.array(write, { minLength: 1, maxLength: 16 }).chain((writes) => {
    const indexes = writes.map((_, index) => index)
    return fc.tuple(
      fc.constant(writes),
      fc.shuffledSubarray(indexes, { minLength: indexes.length }),
      fc.shuffledSubarray([...indexes, ...indexes], { minLength: indexes.length * 2 })
    )
  })
  fc.assert(
    fc.property(cases, ([writes, once, twice]) => {
      const encoded = writes.map(bytesOf)
      const [left, right] = [replica(), replica()]
      for (const index of once) left.take(encoded[index] as Uint8Array)
      for (const index of twice) right.take(encoded[index] as Uint8Array)
      t.deepEqual(left.table.root(), right.table.root())
      t.deepEqual(left.table.list('function'), right.table.list('function'))
    }),
    RUNS
  )
  t.pass()
})

test('the latest time wins, and among equal times the highest author', (t) => {
  fc.assert(
    fc.property(fc.array(write, { minLength: 1, maxLength: 12 }), (writes) => {
      const { table, take } = replica()
      for (const one of writes) take(bytesOf(one))
      for (const name of new Set(writes.map((one) => one.name))) {
        const mine = writes.filter((one) => one.name === name)
        const best = mine.reduce((a, b) => (rank(b) > rank(a) ? b : a))
        const entry = table.get(`function/${name}`)
        t.deepEqual([entry?.time.ms, entry?.time.counter, entry?.author], [best.ms, best.counter, authors[best.author]?.peerId])
      }
    }),
    RUNS
  )
  t.pass()
})

/** Text that sorts as the rule says; written apart from the code under test. */
function rank(one: Write): string {
  return `${String(one.ms).padStart(16, '0')} ${one.counter} ${authors[one.author]?.peerId}`
}

test('an entry taken twice is news once', (t) => {
  const { take } = replica()
  const bytes = bytesOf({ author: 0, name: 'a', ms: START, counter: 0, memoryMb: 128 })
  t.truthy(take(bytes))
  t.is(take(bytes), undefined)
})

test('digests differ when one bucket differs, and agree again when the entry is gone', (t) => {
  const { table, take } = replica()
  take(bytesOf({ author: 0, name: 'a', ms: START, counter: 0, memoryMb: 128 }))
  const before = table.root()
  const entry = take(bytesOf({ author: 0, name: 'b', ms: START, counter: 0, memoryMb: 128 }))
  t.notDeepEqual(table.root(), before)
  if (entry !== undefined) table.delete(entry)
  t.deepEqual(table.root(), before)
})

test('hybrid times always rise, whatever the wall clock does within the bound of drift', (t) => {
  const steps = fc.array(fc.integer({ min: -100_000, max: 100_000 }), { maxLength: 50 })
  fc.assert(
    fc.property(steps, (moves) => {
      let now = START
      const clock = new HybridClock(wallClock(() => now))
      let last: HybridTime = clock.next(undefined)
      for (const move of moves) {
        now = Math.max(START, Math.min(START + 100_000, now + move))
        const next = clock.next(undefined)
        t.true(compareTimes(next, last) > 0)
        last = next
      }
    }),
    RUNS
  )
  t.pass()
})

test('a full counter carries into the milliseconds', (t) => {
  const clock = new HybridClock(wallClock(() => START))
  t.deepEqual(clock.next({ ms: START, counter: COUNTER_MAX }), { ms: START + 1, counter: 0 })
})

test('what lies too far ahead does not drag the clock along', (t) => {
  const clock = new HybridClock(wallClock(() => START))
  clock.observe({ ms: START + 86_400_000, counter: 0 })
  t.deepEqual(clock.next(undefined), { ms: START, counter: 0 })
})

function wallClock(now: () => number): Clock {
  const still = new VirtualClock(START)
  return {
    now,
    monotonic: () => still.monotonic(),
    after: (delayMs, run) => still.after(delayMs, run),
    every: (periodMs, run) => still.every(periodMs, run)
  }
}
