import { randomUUID } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { type Bench, type Defined, start } from './_instances.ts'

const SOURCE = `let n = 0
  exports.handler = async (event, context) => {
    n++
    if (event.wait) await new Promise((r) => setTimeout(r, event.wait))
    if (event.hang) while (true);
    if (event.exit) process.exit(1)
    return { n, i: event.i, caller: context.peerless.caller }
  }`

interface Answer {
  n: number
  i: number
  caller: string
}

/** Until its calls are known to answer without waiting. */
async function prove(fn: Defined): Promise<void> {
  for (let call = 0; call < 30; call++) await fn.result({ i: call })
}

async function burst(fn: Defined, count: number, eventOf: (i: number) => object = () => ({})) {
  return await Promise.all(
    Array.from({ length: count }, (_, i) => fn.result({ i, ...eventOf(i) }, { caller: `peer-${i % 3}`, requestId: randomUUID() }))
  )
}

/** Instances that ran calls: on a machine that stalls another may have been started ahead of them. */
function spread(bench: Bench): number {
  return bench.instances.list().filter(({ calls }) => calls > 0).length
}

test.serial('calls that answer without waiting share an instance per executor, and each gets its own answer', async (t) => {
  const bench = await start(t, { slots: 64, executorsPerAccountMax: 1 })
  const fn = bench.define(SOURCE)
  await prove(fn)
  const results = await burst(fn, 30)
  for (const [i, { json, ran }] of results.entries()) {
    t.is(ran.status, 'ok')
    t.like(json as Answer, { i, caller: `peer-${i % 3}` })
  }
  t.is(spread(bench), 1)
  t.deepEqual(
    results.map(({ json }) => (json as Answer).n),
    Array.from({ length: 30 }, (_, i) => 31 + i)
  )
  t.is(bench.instances.busy, 0)
  t.is(bench.instances.idle().get(fn.version.revisionId), 1)
})

test.serial(
  'where more come than are stacked at first, one instance is started for one executor more, and the others wait',
  async (t) => {
    const bench = await start(t, { slots: 64, executorsPerAccountMax: 2 })
    const fn = bench.define(SOURCE)
    await prove(fn)
    const before = spread(bench)
    const results = await burst(fn, 30)
    t.true(results.every(({ ran }) => ran.status === 'ok'))
    t.true(spread(bench) <= before + 2, `${spread(bench)} instances for calls that one serves in a moment`)
  }
)

test.serial('when such a version begins to wait, what was stacked behind it runs elsewhere, once', async (t) => {
  const bench = await start(t, { slots: 64, executorsPerAccountMax: 1 })
  const fn = bench.define(SOURCE)
  await prove(fn)
  const results = await burst(fn, 12, (i) => (i === 0 ? { wait: 300 } : {}))
  for (const [i, { json, ran }] of results.entries()) {
    t.is(ran.status, 'ok')
    t.like(json as Answer, { i, caller: `peer-${i % 3}` })
  }
  const [first, ...rest] = results
  t.true((first?.ran.usage.durationMs ?? 0) >= 290)
  t.true(rest.every(({ ran }) => ran.usage.durationMs < 290))
  const runs = bench.instances.list().reduce((sum, { calls }) => sum + calls, 0)
  t.true(runs >= 42)
  t.true(await bench.instances.drain(30_000), 'no slot is lost')
})

test.serial('a call that hangs on a stack times out alone; those behind it run in another instance', async (t) => {
  const bench = await start(t, { slots: 64, executorsPerAccountMax: 1 })
  const fn = bench.define(SOURCE, { timeoutSeconds: 1 })
  await prove(fn)
  const results = await burst(fn, 6, (i) => (i === 2 ? { hang: true } : {}))
  t.deepEqual(
    results.map(({ ran }) => ran.status),
    ['ok', 'ok', 'timeout', 'ok', 'ok', 'ok']
  )
  t.true(await bench.instances.drain(30_000), 'no slot is lost')
})

test.serial('a call that exits on a stack ends its instance; those behind it run in another', async (t) => {
  const bench = await start(t, { slots: 64, executorsPerAccountMax: 1 })
  const fn = bench.define(SOURCE)
  await prove(fn)
  const results = await burst(fn, 8, (i) => (i === 3 ? { exit: true } : {}))
  t.deepEqual(
    results.map(({ ran }) => ran.status),
    ['ok', 'ok', 'ok', 'exit', 'ok', 'ok', 'ok', 'ok']
  )
})

test.serial('stacked calls count against the slots', async (t) => {
  const bench = await start(t, { slots: 3, executorsPerAccountMax: 1 })
  const fn = bench.define(SOURCE)
  await prove(fn)
  const outcomes = await Promise.all([0, 1, 2, 3, 4].map((i) => fn.call({ i })))
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['ok', 'ok', 'ok', 'refused', 'refused']
  )
})

test.serial('any mix of bursts ends with one right answer per call and no slot lost', async (t) => {
  const bench = await start(t, { slots: 64 })
  const fn = bench.define(SOURCE, { timeoutSeconds: 20 })
  await prove(fn)
  const step = fc.record({ count: fc.integer({ min: 1, max: 40 }), waiters: fc.integer({ min: 0, max: 3 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      for (const { count, waiters } of steps) {
        const results = await burst(fn, count, (i) => (i < waiters ? { wait: 5 } : {}))
        results.forEach(({ json }, i) => {
          t.like(json as Answer, { i, caller: `peer-${i % 3}` })
        })
      }
    }),
    { seed: 20_261_124, numRuns: 12 }
  )
  t.true(await bench.instances.drain(30_000), 'no slot is lost')
})
