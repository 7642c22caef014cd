import { LIMITS } from '@peerless/interface'
import test from 'ava'
import { share, start } from './_instances.ts'

test.serial('a handler gets the event and the context and answers with JSON', async (t) => {
  const { define } = await share()
  const fn = define(
    'exports.handler = async (event, context) => ({ event, context, left: context.getRemainingTimeInMillis() })',
    {
      name: 'greeter',
      environment: { COLOUR: 'blue' },
      timeoutSeconds: 3
    }
  )
  const { ran, json } = await fn.result({ name: 'Ada' }, { attempt: 2, caller: 'peer-7', clientContext: '{"custom":{"a":1}}' })
  t.is(ran.status, 'ok')
  t.true(ran.usage.cold)
  t.true((ran.usage.initMs ?? 0) > 0)
  t.true(ran.usage.durationMs > 0)
  const { event, context, left } = json as { event: unknown; context: Record<string, unknown>; left: number }
  t.deepEqual(event, { name: 'Ada' })
  t.true(left > 2_000 && left <= 3_000)
  t.like(context, {
    functionName: 'greeter',
    functionVersion: '$LATEST',
    memoryLimitInMB: '128',
    logGroupName: '/aws/lambda/greeter',
    clientContext: { custom: { a: 1 } },
    peerless: { node: 'node-1', attempt: 2, caller: 'peer-7' },
    invokedFunctionArn: 'arn:aws:lambda:eu-test-1:000000000000:function:greeter',
    callbackWaitsForEmptyEventLoop: true
  })
})

test.serial('what the next call brings anew replaces what the instance knew', async (t) => {
  const { define } = await share()
  const fn = define('exports.handler = async (event, context) => [context.peerless, context.clientContext ?? null]')
  t.deepEqual((await fn.result({}, { clientContext: '{"a":1}' })).json, [
    { node: 'node-1', attempt: 1, caller: 'node-0' },
    { a: 1 }
  ])
  t.deepEqual((await fn.result({}, { caller: 'peer-2' })).json, [{ node: 'node-1', attempt: 1, caller: 'peer-2' }, null])
  t.deepEqual((await fn.result({}, { caller: 'peer-2' })).json, [{ node: 'node-1', attempt: 1, caller: 'peer-2' }, null])
})

const forms = test.macro(async (t, source: string, expected: unknown) => {
  const { define } = await share()
  const { ran, json } = await define(source).result({ n: 20 })
  t.is(ran.status, 'ok')
  t.deepEqual(json, expected)
})

test.serial('a synchronous handler', forms, 'exports.handler = (event) => event.n + 1', 21)
test.serial(
  'a handler that answers through the callback',
  forms,
  'exports.handler = (e, c, done) => setTimeout(() => done(null, e.n + 2), 5)',
  22
)
test.serial('a handler that returns a thenable', forms, 'exports.handler = () => ({ then: (resolve) => resolve(23) })', 23)
test.serial('a handler that returns nothing answers null', forms, 'exports.handler = async () => {}', null)
test.serial('a default export that is the CommonJS exports', forms, 'module.exports = { default: { handler: () => 24 } }', 24)
test.serial('exports that are a promise', forms, 'module.exports = Promise.resolve({ handler: () => 25 })', 25)
test.serial(
  'exports behind a timer at top level',
  forms,
  'module.exports = new Promise((r) => setTimeout(() => r({ handler: () => 26 }), 20))',
  26
)
test.serial(
  'a fetch handler gets an event as a POST',
  forms,
  'exports.default = { fetch: async (r) => Response.json([r.method, await r.json()]) }',
  ['POST', { n: 20 }]
)

test.serial('no payload is an empty event', async (t) => {
  const { define } = await share()
  t.deepEqual((await define('exports.handler = async (event) => event').result()).json, {})
})

test.serial('a warm call uses the idle instance, and cold is only the first', async (t) => {
  const { define, instances, loads } = await start(t)
  const fn = define('let n = 0; exports.handler = async () => ++n')
  for (let call = 1; call <= 12; call++) {
    const { ran, json } = await fn.result()
    t.is(json, call)
    t.is(ran.usage.cold, call === 1)
    t.is(ran.usage.initMs === undefined, call > 1)
  }
  t.is(loads(), 1)
  t.true(instances.hasIdle(fn.version.revisionId))
  t.deepEqual([...instances.idle()], [[fn.version.revisionId, 1]])
  t.is(instances.busy, 0)
  t.true(instances.latencyMs() > 0)
  const [status] = instances.list()
  t.like(status, { function: 'fn', version: '$LATEST', state: 'idle', calls: 12, errors: 0 })
  t.true((status?.cpuMs ?? 0) > 0)
  t.true((status?.startedAt ?? 0) <= (status?.lastUsedAt ?? 0))
})

test.serial('calls at once start an instance each and share one reading of the bundle', async (t) => {
  const { define, instances, loads } = await start(t)
  const fn = define('exports.handler = async (event) => { await new Promise((r) => setTimeout(r, 60)); return event.n }')
  const calls = Promise.all([0, 1, 2, 3].map((n) => fn.result({ n })))
  t.is(instances.busy, 4)
  t.is(instances.launching(fn.version.revisionId), 4)
  const results = await calls
  t.deepEqual(
    results.map(({ json }) => json),
    [0, 1, 2, 3]
  )
  t.is(loads(), 1)
  // A call whose instance starts late may have run in one that came free before; the start goes on.
  t.true(await instances.drain(30_000))
  t.is(instances.list().length, 4)
})

test.serial('waiting in one instance does not hold up another', async (t) => {
  const { define } = await share()
  const slow = define('exports.handler = () => new Promise((r) => setTimeout(r, 400, "slow"))')
  const quick = define('exports.handler = async () => "quick"')
  await quick.result()
  const order: unknown[] = []
  const waiting = slow.result().then(({ json }) => order.push(json))
  for (let call = 0; call < 10; call++) order.push((await quick.result()).json)
  await waiting
  t.deepEqual(order, [...Array(10).fill('quick'), 'slow'])
})

test.serial('when all slots are busy the answer is BUSY at once, and nothing starts', async (t) => {
  const { define, instances } = await start(t, { slots: 1 })
  const fn = define('let n = 0; exports.handler = () => new Promise((r) => setTimeout(r, 100, ++n))')
  const first = fn.result()
  const refused = await fn.call()
  t.is(refused.status, 'refused')
  t.is(refused.status === 'refused' && refused.code, 'BUSY')
  t.is((await first).json, 1)
  t.is((await fn.result()).json, 2)
  t.is(instances.list().length, 1)
})

test.serial('a node without slots is always BUSY and starts no process', async (t) => {
  const { define, instances } = await start(t, { slots: 0 })
  const outcome = await define('exports.handler = () => 1').call()
  t.is(outcome.status === 'refused' && outcome.code, 'BUSY')
  await instances.probe()
  t.deepEqual(instances.list(), [])
})

test.serial('after enough short calls a version is entered synchronously, and answers the same', async (t) => {
  const { define } = await share()
  const fn = define(`exports.handler = async (event) => {
    await new Promise((r) => setTimeout(r, event.wait))
    return event.text + crypto.randomUUID().length + new URL('/x', 'http://h').href
  }`)
  for (let call = 0; call < 20; call++) {
    t.is((await fn.result({ wait: call % 3, text: 'ü' })).json, 'ü36http://h/x')
  }
})

test.serial('six megabytes go in and out unharmed', async (t) => {
  const { define } = await share()
  const fn = define('exports.handler = async (event) => event', { memoryMb: 512 })
  const text = 'añ€😀'.repeat(520_000)
  t.true(Buffer.byteLength(JSON.stringify({ text })) < LIMITS.payloadBytesMax)
  for (let call = 0; call < 2; call++) {
    const { ran, json } = await fn.result({ text })
    t.is(ran.status, 'ok')
    t.is((json as { text: string }).text, text)
  }
})

test.serial('an answer above the limit becomes the error that Lambda gives', async (t) => {
  const { define } = await share()
  const fn = define(`exports.handler = async () => 'x'.repeat(${LIMITS.payloadBytesMax})`)
  const { ran, json } = await fn.result()
  t.is(ran.status, 'error')
  t.deepEqual(json, {
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).'
  })
  t.is((await define('exports.handler = () => 1').result()).json, 1)
})

test.serial('timers that are left over wait for the next call', async (t) => {
  const { define } = await share()
  const fn = define(`let fired = 0
    exports.handler = async (event) => {
      if (event.plant) setTimeout(() => fired++, 30)
      else await new Promise((r) => setTimeout(r, 60))
      return fired
    }`)
  t.is((await fn.result({ plant: true })).json, 0)
  await define('exports.handler = () => new Promise((r) => setTimeout(r, 100))').result()
  t.is((await fn.result({ plant: true })).json, 0, 'frozen in between')
  t.is((await fn.result({})).json, 2, 'and fired during a call')
})

test.serial('a timer works after an earlier call cleared its own', async (t) => {
  const { define } = await share()
  const fn = define(`exports.handler = () => new Promise((resolve) => {
    const interval = setInterval(() => { clearInterval(interval); resolve('ticked') }, 1)
  })`)
  for (let call = 0; call < 3; call++) t.is((await fn.result({})).json, 'ticked')
})
