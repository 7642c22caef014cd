import type { Clock } from '@peerless/interface'
import { realClock, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { start } from './_instances.ts'
import { pidOfExecutors } from './_processes.ts'

const GOOD = 'exports.handler = async () => "good"'

/** Time that a test moves; `monotonic` and timers with it. */
async function virtual(t: Parameters<typeof start>[0]) {
  const clock = new VirtualClock(Date.now())
  return { clock, bench: await start(t, { clock: clock as Clock, idleMs: 60_000 }) }
}

test.serial('idle instances are taken away after their time, and the next call is cold', async (t) => {
  const { clock, bench } = await virtual(t)
  const fn = bench.define(GOOD)
  await fn.result()
  await clock.advance(50_000)
  t.false((await fn.result()).ran.usage.cold, 'used again in time')
  await clock.advance(50_000)
  t.true(bench.instances.hasIdle(fn.version.revisionId), 'its time counts from the last use')
  await clock.advance(61_000)
  t.false(bench.instances.hasIdle(fn.version.revisionId))
  t.deepEqual(bench.instances.list(), [])
  t.true((await fn.result({}, { deadline: clock.now() + 10_000 })).ran.usage.cold)
})

test.serial('a retired revision loses its idle instances at once and its busy ones after their call', async (t) => {
  const { define, instances } = await start(t)
  const fn = define('exports.handler = (e) => new Promise((r) => setTimeout(r, e.wait ?? 0, "old"))')
  await fn.result({})
  const last = fn.result({ wait: 50 })
  instances.retire(fn.version.revisionId)
  t.is((await last).json, 'old')
  t.deepEqual(instances.list(), [])
  t.true((await fn.result({})).ran.usage.cold)
})

test.serial('accounts never share a process', async (t) => {
  const { define, instances } = await start(t, { slots: 32 })
  const wait = 'exports.handler = () => new Promise((r) => setTimeout(r, 30))'
  const [a, b] = [define(wait, { account: 'a', name: 'of-a' }), define(wait, { account: 'b', name: 'of-b' })]
  await Promise.all([1, 2, 3, 4, 5].flatMap(() => [a.result({}), b.result({})]))
  const executorsOf = (name: string) => new Set(instances.list().flatMap((one) => (one.function === name ? [one.executor] : [])))
  t.true(executorsOf('of-a').size > 0)
  t.true(executorsOf('of-b').size > 0)
  t.is(executorsOf('of-a').intersection(executorsOf('of-b')).size, 0)
})

test.serial('executors are confined, and it is they who say so', async (t) => {
  const { define, instances } = await start(t)
  await define(GOOD).result()
  await instances.probe()
  const layers = new Map(instances.isolation().map(({ layer, active, detail }) => [layer, { active, detail }]))
  t.true(layers.get('executor')?.active, layers.get('executor')?.detail)
  t.true(layers.get('isolate')?.active)
  t.regex(layers.get('isolate')?.detail ?? '', /isolated-vm 7\./)
  // Whatever this machine offers: what is used and what is not is said, with the reason.
  for (const layer of ['user', 'resource limits', 'namespaces', 'file system', 'control groups', 'seccomp']) {
    t.regex(layers.get(layer)?.detail ?? '', /\S/, layer)
  }
})

test.serial('draining lets calls end and starts nothing more', async (t) => {
  const { define, instances } = await start(t)
  const fn = define('exports.handler = () => new Promise((r) => setTimeout(r, 150, "end"))')
  const last = fn.result()
  const drained = instances.drain(10_000)
  const refused = await fn.call()
  t.is(refused.status === 'refused' && refused.code, 'UNAVAILABLE')
  t.true(await drained)
  t.is((await last).json, 'end')
})

test.serial('a drain that takes too long says so', async (t) => {
  const { define, instances } = await start(t)
  const call = define('exports.handler = () => new Promise(() => {})', { timeoutSeconds: 1 }).result()
  t.false(await instances.drain(50))
  t.is((await call).ran.status, 'timeout')
})

test.serial('stopping ends every process, and calls under way are told', async (t) => {
  const { define, instances } = await start(t)
  const fn = define('exports.handler = (e) => new Promise((r) => setTimeout(r, e.wait))', { timeoutSeconds: 20 })
  await fn.result({ wait: 1 })
  const before = pidOfExecutors()
  const call = fn.call({ wait: 10_000 })
  await instances.stop()
  t.is((await call).status, 'lost')
  t.true(before.length > 0)
  t.deepEqual(
    pidOfExecutors().filter((pid) => before.includes(pid)),
    []
  )
})

test.serial('for a call whose deadline has passed nothing is started', async (t) => {
  const { define, instances } = await start(t)
  const fn = define('exports.handler = async () => 1')
  t.like(await fn.call({}, { deadline: realClock.now() - 1 }), { status: 'refused', code: 'BUSY' })
  t.deepEqual(instances.list(), [])
  t.is(instances.busy, 0)
})

test.serial('a call whose deadline passed during the launch is not run', async (t) => {
  const { define, instances } = await start(t)
  const fn = define('for (const end = Date.now() + 200; Date.now() < end; ); let n = 0; exports.handler = async () => ++n')
  const outcome = await fn.call({}, { deadline: realClock.now() + 100 })
  t.like(outcome, { status: 'refused', code: 'BUSY' })
  t.is((await fn.result()).json, 1)
  t.is(instances.busy, 0)
})

test.serial('an executor that holds more memory than its functions may is ended', async (t) => {
  const { define, logger } = await start(t, { executorsPerAccountMax: 1 })
  // Text outside the heap: hashing asks the executor to hold copies, which no isolate limit counts.
  const fn = define(
    `const keep = []; exports.handler = async () => { for (;;) { keep.push(new TextEncoder().encode('x'.repeat(4e6))); await new Promise((r) => setTimeout(r, 1)) } }`,
    { timeoutSeconds: 30 }
  )
  const { ran, json } = await fn.result()
  t.is(ran.status, 'exit')
  t.is((json as { errorType: string }).errorType, 'Runtime.OutOfMemory')
  t.is((await define(GOOD).result()).json, 'good')
  t.pass(logger.lines.map(({ message }) => message).join())
})
