import test from 'ava'
import { type Bench, type Defined, start } from './_instances.ts'

const GOOD = 'exports.handler = async (e) => { if (e && e.wait) await new Promise((r) => setTimeout(r, e.wait)); return "good" }'
/** Multiplying large integers is one long step for V8: no interrupt, no termination. */
const STUCK = 'exports.handler = async (e) => { if (e.hang) { let b = 3n ** 100000n; for (;;) b *= b } return 1 }'
const LOOP = 'exports.handler = async (e) => { if (e.hang) for (;;); return 1 }'

const executorOf = ({ instances }: Bench, { version }: Defined) => [
  ...new Set(instances.list().flatMap(({ revisionId, executor }) => (revisionId === version.revisionId ? [executor] : [])))
]

async function prove(fn: Defined): Promise<void> {
  for (let call = 0; call < 100; call++) await fn.result({})
}

test.serial('functions that never ran have processes of their own, and share one when they are proven', async (t) => {
  const bench = await start(t, { executorsPerAccountMax: 1 })
  const first = bench.define(GOOD)
  const second = bench.define(GOOD)
  await first.result({})
  await second.result({})
  t.notDeepEqual(executorOf(bench, first), executorOf(bench, second))
  await prove(first)
  const home = executorOf(bench, first)
  await prove(second)
  await second.result({})
  t.deepEqual(executorOf(bench, first), home, 'an account with one function pays for no second process')
  t.deepEqual(executorOf(bench, second), home)
})

test.serial('a function that made a process end runs in one of its own from then on', async (t) => {
  const bench = await start(t, { executorsPerAccountMax: 1, slots: 16 })
  const good = bench.define(GOOD)
  const bad = bench.define(STUCK, { timeoutSeconds: 1, memoryMb: 1024 })
  await prove(good)
  await prove(bad)
  await bad.result({})
  t.deepEqual(executorOf(bench, bad), executorOf(bench, good))
  t.is((await bad.result({ hang: true })).ran.status, 'timeout')
  while (!bench.logger.lines.some(({ message }) => message === 'a revision goes into quarantine')) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  await good.result({})
  await prove(bad)
  t.notDeepEqual(executorOf(bench, bad), executorOf(bench, good))
})

test.serial('calls do not wait behind a neighbour that holds the thread: they go elsewhere, once', async (t) => {
  const bench = await start(t, { executorsPerAccountMax: 1, slots: 64 })
  const good = bench.define('let runs = 0; exports.handler = async () => ++runs')
  const bad = bench.define(LOOP, { timeoutSeconds: 1 })
  await prove(good)
  await prove(bad)
  await bad.result({})
  t.deepEqual(executorOf(bench, bad), executorOf(bench, good))
  const hanging = bad.result({ hang: true })
  const results = await Promise.all([good.result({}), good.result({}), good.result({})])
  t.true(bench.instances.busy > 0, 'the neighbour still hangs')
  for (const { ran } of results) t.is(ran.status, 'ok')
  t.is((await hanging).ran.status, 'timeout')
})

test.serial('memory beyond the limits ends the process within a second or so, and the node goes on', async (t) => {
  const bench = await start(t)
  const good = bench.define(GOOD)
  await prove(good)
  const bad = bench.define(
    'exports.handler = async () => { const kept = []; for (;;) kept.push(new WebAssembly.Table({ initial: 10_000_000, element: "externref" })) }',
    { timeoutSeconds: 10 }
  )
  const [{ ran, json }, neighbour] = await Promise.all([bad.result({}), good.result({ wait: 1_000 })])
  t.is(ran.status, 'exit')
  t.is((json as { errorType: string }).errorType, 'Runtime.OutOfMemory')
  t.is(neighbour.ran.status, 'ok')
})

test.serial('where unproven code ended badly, no other code is put', async (t) => {
  const bench = await start(t, { executorsPerAccountMax: 1 })
  const bad = bench.define(LOOP, { timeoutSeconds: 1 })
  await bad.result({})
  const [tainted] = executorOf(bench, bad)
  t.is((await bad.result({ hang: true })).ran.status, 'timeout')
  const next = bench.define(GOOD)
  await next.result({})
  t.false(executorOf(bench, next).includes(tainted as number))
})

test.serial('calls of unproven code do not wait for a process to start while it has one', async (t) => {
  const bench = await start(t)
  const fn = bench.define(GOOD)
  // The next spare process is started only after a pause.
  await Promise.all([1, 2, 3, 4].map(() => fn.result({ wait: 150 })))
  t.true(bench.instances.list().length > 1)
  t.is(executorOf(bench, fn).length, 1)
})
