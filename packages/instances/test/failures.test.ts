import test from 'ava'
import { share, start } from './_instances.ts'

const GOOD = 'exports.handler = async () => "good"'

test.serial('what a handler throws becomes the error JSON of Lambda', async (t) => {
  const { define, instances } = await share()
  const fn = define('class Odd extends Error { name = "Odd" }; exports.handler = async () => { throw new Odd("no luck") }')
  const { ran, json } = await fn.result()
  t.is(ran.status, 'error')
  const error = json as { errorType: string; errorMessage: string; trace: string[] }
  t.is(error.errorType, 'Odd')
  t.is(error.errorMessage, 'no luck')
  t.true(error.trace.some((line) => line.includes('/var/task/')))
  t.true(instances.hasIdle(fn.version.revisionId), 'the instance goes on')
})

const errors = test.macro(async (t, source: string, status: string, errorType: string, message: RegExp) => {
  const { define, instances } = await share()
  const fn = define(source)
  const { ran, json } = await fn.result({})
  t.is(ran.status, status as never)
  t.is((json as { errorType: string }).errorType, errorType)
  t.regex((json as { errorMessage: string }).errorMessage, message)
  t.is(instances.busy, 0)
  t.is((await define(GOOD).result()).json, 'good', 'and the node goes on')
})

test.serial('a thrown string', errors, 'exports.handler = async () => { throw "text" }', 'error', 'string', /^text$/)
test.serial('a synchronous throw', errors, 'exports.handler = () => { throw new TypeError("t") }', 'error', 'TypeError', /^t$/)
test.serial(
  'an error through the callback',
  errors,
  'exports.handler = (e, c, done) => done(new Error("cb"))',
  'error',
  'Error',
  /^cb$/
)
test.serial(
  'a throw in a timer',
  errors,
  'exports.handler = () => new Promise(() => setTimeout(() => { throw new RangeError("late") }, 5))',
  'error',
  'RangeError',
  /^late$/
)
test.serial(
  'a result that is no JSON',
  errors,
  'exports.handler = async () => { const a = {}; a.a = a; return a }',
  'error',
  'TypeError',
  /circular/i
)
test.serial(
  'a rejection that nobody handles',
  errors,
  'exports.handler = () => { Promise.reject(new Error("lonely")); return new Promise(() => {}) }',
  'error',
  'Runtime.UnhandledPromiseRejection',
  /lonely/
)
test.serial(
  'an error that cannot be looked at',
  errors,
  'exports.handler = async () => { throw { toString() { throw 1 } } }',
  'error',
  'Error',
  /cannot be shown/
)
test.serial(
  'a missing handler',
  errors,
  'exports.other = 1',
  'error',
  'Runtime.HandlerNotFound',
  /handler is undefined or not exported/
)
test.serial('an error at load', errors, 'throw new Error("at load")', 'error', 'Error', /^at load$/)
test.serial('a rejection at load', errors, 'module.exports = Promise.reject(new Error("tla"))', 'error', 'Error', /^tla$/)
test.serial('a script that does not parse', errors, 'const = 1', 'error', 'Runtime.UserCodeSyntaxError', /Unexpected token/)
test.serial(
  'a module that is not there',
  errors,
  'require("node:child_process")',
  'error',
  'Error',
  /Cannot find module 'node:child_process'/
)
test.serial(
  'process.exit',
  errors,
  'exports.handler = async () => { process.exit(3) }',
  'exit',
  'Runtime.ExitError',
  /exit status 3$/
)
test.serial(
  'process.exit(0)',
  errors,
  'exports.handler = async () => { process.exit() }',
  'exit',
  'Runtime.ExitError',
  /without providing a reason$/
)
test.serial('process.exit at load', errors, 'process.exit(1)', 'exit', 'Runtime.ExitError', /exit status 1$/)

test.serial('a payload that is no JSON', async (t) => {
  const { define } = await start(t)
  const { ran, json } = await define(GOOD).result({}, { payload: Buffer.from('{oops') })
  t.is(ran.status, 'error')
  t.is((json as { errorType: string }).errorType, 'Runtime.UnmarshalError')
})

const timeouts = test.macro(async (t, source: string) => {
  const { define, instances } = await start(t)
  const fn = define(source, { timeoutSeconds: 1 })
  const requestId = '00000000-0000-4000-8000-000000000001'
  const { ran, json } = await fn.result({ hang: true }, { requestId })
  t.is(ran.status, 'timeout')
  t.deepEqual(json, {
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${requestId} Error: Task timed out after 1.00 seconds`
  })
  t.true(ran.usage.durationMs >= 990 && ran.usage.durationMs < 2_000, `${ran.usage.durationMs} ms`)
  t.false(instances.hasIdle(fn.version.revisionId), 'the instance is not used again')
  t.is((await define(GOOD).result()).json, 'good')
})

test.serial('while (true) times out', timeouts, 'exports.handler = async () => { while (true); }')
test.serial('a promise that never settles times out', timeouts, 'exports.handler = () => new Promise(() => {})')
test.serial('a loop after an await times out', timeouts, 'exports.handler = async () => { await 0; while (true); }')
test.serial(
  'a loop of microtasks times out',
  timeouts,
  'exports.handler = () => new Promise(() => { const f = () => { Promise.resolve().then(f) }; f() })'
)
test.serial(
  'a loop in a timer times out',
  timeouts,
  'exports.handler = () => new Promise(() => setTimeout(() => { while (true); }, 10))'
)
test.serial('timers for ever time out', timeouts, 'exports.handler = () => new Promise(() => setInterval(() => {}, 1))')

const lateTimeouts = test.macro(async (t, body: string) => {
  const { define } = await start(t)
  const fn = define(`exports.handler = async (event) => { if (event.hang) { ${body} } return 1 }`, { timeoutSeconds: 1 })
  for (let call = 0; call < 8; call++) await fn.result({})
  const { ran } = await fn.result({ hang: true })
  t.is(ran.status, 'timeout')
  t.true(ran.usage.durationMs < 2_000)
  t.is((await fn.result({})).json, 1)
})

test.serial('a proven version that hangs times out too', lateTimeouts, 'while (true);')
test.serial('a proven version that hangs after an await', lateTimeouts, 'await 0; while (true);')
test.serial(
  'a proven version that hangs in microtasks',
  lateTimeouts,
  'await new Promise(() => { const f = () => { Promise.resolve().then(f) }; f() })'
)
test.serial('a proven version that waits for nothing', lateTimeouts, 'await new Promise(() => {})')

test.serial('code that V8 cannot interrupt is ended from outside, and neighbours notice nothing', async (t) => {
  const { define, logger } = await start(t, { executorsPerAccountMax: 1 })
  // Multiplying large integers is one long step for V8: no interrupt, no termination.
  const stuck = define('exports.handler = async (e) => { if (e.hang) { let b = 3n ** 100000n; for (;;) b *= b } return 1 }', {
    timeoutSeconds: 1,
    memoryMb: 1024
  })
  const waiting = define('exports.handler = async (e) => new Promise((r) => setTimeout(r, e.wait))', { timeoutSeconds: 20 })
  await waiting.result({ wait: 1 })
  for (let call = 0; call < 8; call++) await stuck.result({})
  const neighbour = waiting.call({ wait: 2_000 })
  const startedAt = performance.now()
  const { ran } = await stuck.result({ hang: true })
  t.is(ran.status, 'timeout')
  t.true(performance.now() - startedAt < 2_500)
  t.like(await neighbour, { status: 'ok' })
  while (!logger.lines.some(({ message }) => message === 'killed an executor'))
    await new Promise((resolve) => setImmediate(resolve))
  t.true(logger.lines.some(({ message }) => message === 'a revision goes into quarantine'))
  t.is((await define(GOOD).result()).json, 'good')
})

test.serial('a heap that runs full ends the instance, not the node', async (t) => {
  const { define, instances } = await start(t)
  const fn = define('exports.handler = async () => { const a = []; for (;;) a.push(new Array(1000).fill({})) }', {
    timeoutSeconds: 20
  })
  const { ran, json } = await fn.result({}, { requestId: 'r-1' })
  t.is(ran.status, 'exit')
  t.is((json as { errorType: string }).errorType, 'Runtime.OutOfMemory')
  t.false(instances.hasIdle(fn.version.revisionId))
  t.is((await define(GOOD).result()).json, 'good')
})

test.serial('a bundle that cannot be read is a refusal', async (t) => {
  const { define, instances } = await start(t, { loadBundle: () => Promise.reject(new Error('gone')) })
  const outcome = await define(GOOD).call()
  t.like(outcome, { status: 'refused', code: 'UNAVAILABLE', message: 'the bundle could not be read: gone' })
  t.is(instances.busy, 0)
  t.deepEqual(instances.list(), [])
})
