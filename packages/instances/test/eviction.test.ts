import { SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { type Candidate, chooseEviction, type Holder, worthMs } from '../src/eviction.ts'

const SEED = 20_261_129
const candidate = fc.record({
  process: fc.integer({ min: 1, max: 5 }),
  startMs: fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined }),
  ageMs: fc.integer({ min: 0, max: 10_000_000 }),
  idleMs: fc.integer({ min: 0, max: 10_000_000 }),
  calls: fc.integer({ min: 0, max: 10_000 }),
  heapMb: fc.integer({ min: 0, max: 200 }),
  kept: fc.boolean()
})
const candidates = fc.array(candidate, { maxLength: 30 }).map((all) => all.map((one, id): Candidate => ({ ...one, id })))
const holders = fc
  .array(fc.record({ ownMb: fc.integer({ min: 0, max: 400 }), inUse: fc.boolean() }), { minLength: 5, maxLength: 5 })
  .map((all) => all.map((one, index): Holder => ({ ...one, process: index + 1 })))

/** What is left of the candidates. */
function left(all: readonly Candidate[], { processes, instances }: ReturnType<typeof chooseEviction>): Candidate[] {
  return all.filter(({ id, process }) => !processes.includes(process) && !instances.includes(id))
}

test('enough is given up, or all that can be; nothing that is in use; what is kept warm only when all else is gone', (t) => {
  fc.assert(
    fc.property(candidates, holders, fc.integer({ min: 1, max: 1_000 }), (all, processes, needMb) => {
      const eviction = chooseEviction(all, processes, needMb)
      const rest = left(all, eviction)
      t.true(eviction.freedMb >= needMb || rest.length === 0)
      for (const { process, inUse } of processes) if (inUse) t.false(eviction.processes.includes(process))
      const keptGone = all.filter(({ kept }) => kept).length - rest.filter(({ kept }) => kept).length
      if (keptGone > 0) t.true(rest.every(({ kept }) => kept))
    }),
    { seed: SEED }
  )
})

test('what is asked for more, or starts longer, is worth more; what has been idle longer is worth less', (t) => {
  fc.assert(
    fc.property(candidate, fc.integer({ min: 1, max: 1_000 }), (one, more) => {
      const base: Candidate = { ...one, id: 0 }
      const worth = worthMs(base)
      t.true(worth >= 0 && worth <= (one.startMs ?? 50))
      t.true(worthMs({ ...base, calls: one.calls + more }) >= worth)
      t.true(worthMs({ ...base, startMs: (one.startMs ?? 50) + more }) >= worth)
      t.true(worthMs({ ...base, idleMs: one.idleMs + more }) <= worth)
    }),
    { seed: SEED }
  )
})

test('a process in which all is idle ends as a whole rather than bit by bit', (t) => {
  const one = (id: number, process: number): Candidate => ({
    id,
    process,
    startMs: 10,
    ageMs: 100_000,
    idleMs: 50_000,
    calls: 1,
    heapMb: 2,
    kept: false
  })
  const all = [one(1, 1), one(2, 1), one(3, 2), one(4, 2)]
  const processes = [
    { process: 1, ownMb: 50, inUse: false },
    { process: 2, ownMb: 50, inUse: true }
  ]
  t.deepEqual(chooseEviction(all, processes, 10), { processes: [1], instances: [], freedMb: 50 })
  t.deepEqual(chooseEviction(all, processes, 53), { processes: [1], instances: [3, 4], freedMb: 54 })
})

/**
 * Functions of unequal popularity and start time on a node with room for a fifth of them, in virtual time: what starts have cost in all when room is made
 * by `choose`.
 */
async function costMs(choose: (all: readonly Candidate[]) => number): Promise<number> {
  const clock = new VirtualClock()
  const random = new SeededRandom(21)
  const functions = Array.from({ length: 100 }, (_, rank) => ({
    weight: 1 / (rank + 1),
    startMs: 20 + 1_000 * random.next() ** 4
  }))
  const total = functions.reduce((sum, { weight }) => sum + weight, 0)
  const there = new Map<number, { startedAt: number; usedAt: number; calls: number }>()
  let cost = 0
  for (let call = 0; call < 20_000; call++) {
    await clock.advance(-Math.log(1 - random.next()) * 500)
    let at = random.next() * total
    const id = Math.max(
      0,
      functions.findIndex(({ weight }) => (at -= weight) <= 0)
    )
    const now = clock.monotonic()
    const instance = there.get(id)
    if (instance !== undefined) {
      instance.usedAt = now
      instance.calls++
      continue
    }
    cost += (functions[id] as { startMs: number }).startMs
    if (there.size >= 20) {
      const all = [...there].map(([known, { startedAt, usedAt, calls }]): Candidate => {
        const { startMs } = functions[known] as { startMs: number }
        return { id: known, process: 1, startMs, ageMs: now - startedAt, idleMs: now - usedAt, calls, heapMb: 2, kept: false }
      })
      there.delete(choose(all))
    }
    there.set(id, { startedAt: now, usedAt: now, calls: 1 })
  }
  return cost
}

test('starts cost less over time than when the longest idle goes first', async (t) => {
  const ours = await costMs((all) => chooseEviction(all, [], 1).instances[0] as number)
  const longestIdle = await costMs((all) => all.reduce((a, b) => (a.idleMs >= b.idleMs ? a : b)).id)
  t.log(`${Math.round(ours / 1_000)} s against ${Math.round(longestIdle / 1_000)} s of starts`)
  t.true(ours < 0.8 * longestIdle, `${ours} ms against ${longestIdle} ms`)
})
