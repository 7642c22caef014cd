import test from 'ava'
import { share } from './_instances.ts'

/** A handler's answer, or its error as [type, message]. */
const answers = test.macro(async (t, source: string, expected: unknown) => {
  const { define, instances } = await share()
  const { ran, json } = await define(source, { timeoutSeconds: 1 }).result(
    { n: 20 },
    { requestId: '00000000-0000-4000-8000-000000000001' }
  )
  if (ran.status === 'ok') t.deepEqual(json, expected)
  else {
    const { errorType, errorMessage } = json as { errorType: string; errorMessage: string }
    t.deepEqual([errorType, errorMessage], expected)
  }
  t.is(instances.busy, 0)
})

const LATER = 'new Promise((r) => setTimeout(r, 5))'

test.serial(
  'context.succeed answers',
  answers,
  'exports.handler = function (event, context) { context.succeed({ n: event.n }) }',
  {
    n: 20
  }
)
test.serial(
  'context.done answers later',
  answers,
  'exports.handler = (e, c) => { setTimeout(() => c.done(null, e.n + 1), 5) }',
  21
)
test.serial(
  'context.done is handed on as a callback',
  answers,
  'exports.handler = (e, c) => { setTimeout(c.done, 5, null, "on") }',
  'on'
)
test.serial('context.done with an error fails', answers, 'exports.handler = (e, c) => { c.done(new TypeError("no")) }', [
  'TypeError',
  'no'
])
test.serial('context.fail fails', answers, 'exports.handler = (e, c) => { setTimeout(() => c.fail(new RangeError("far")), 1) }', [
  'RangeError',
  'far'
])
test.serial('context.fail without an error fails all the same', answers, 'exports.handler = (e, c) => { c.fail() }', [
  'string',
  'handled'
])
test.serial(
  'the first answer holds',
  answers,
  'exports.handler = (e, c) => { c.succeed(1); c.fail(new Error("late")); c.succeed(2) }',
  1
)
const DECIDED = 'the first answer holds while it waits: '
test.serial(
  `${DECIDED}a second callback`,
  answers,
  'exports.handler = (e, c, done) => { done(null, 1); done(new Error("late")) }',
  1
)
test.serial(`${DECIDED}the context`, answers, 'exports.handler = (e, c, done) => { done(null, 1); c.fail(new Error("late")) }', 1)
test.serial(`${DECIDED}a throw`, answers, 'exports.handler = (e, c, done) => { done(null, 1); throw new Error("late") }', 1)
test.serial(`${DECIDED}a promise`, answers, 'exports.handler = async (e, c, done) => { done(null, 1); return 2 }', 1)
test.serial(
  `${DECIDED}a rejection`,
  answers,
  'exports.handler = async (e, c, done) => { done(null, 1); throw new Error("late") }',
  1
)
test.serial(
  'what nobody caught ends a call whose answer waits',
  answers,
  'exports.handler = (e, c, done) => { done(null, 1); setTimeout(() => { throw new RangeError("uncaught") }, 1) }',
  ['RangeError', 'uncaught']
)
test.serial(
  'context.succeed does not wait for what is pending',
  answers,
  'exports.handler = (e, c) => { setInterval(() => {}, 10); c.succeed("now") }',
  'now'
)
test.serial(
  'context.succeed from a promise of a handler without a result',
  answers,
  `exports.handler = (e, c) => { (async () => { await ${LATER}; c.succeed(7) })() }`,
  7
)
test.serial(
  'a handler that takes the context and returns nothing answers null',
  answers,
  'exports.handler = (event, context) => {}',
  null
)
test.serial('a context that was taken apart', answers, 'exports.handler = (e, { succeed }) => { succeed("apart") }', 'apart')

test.serial(
  'a callback waits until nothing is pending',
  answers,
  'const seen = []; exports.handler = (e, c, done) => { done(null, seen); setTimeout(() => seen.push(1), 5); setTimeout(() => seen.push(2), 20) }',
  [1, 2]
)
test.serial(
  'a callback does not wait if the handler says so',
  answers,
  'const seen = []; exports.handler = (e, c, done) => { c.callbackWaitsForEmptyEventLoop = false; setTimeout(() => seen.push(1), 5); done(null, seen) }',
  []
)
test.serial(
  'a callback does not wait for timers that were taken out',
  answers,
  'exports.handler = (e, c, done) => { setInterval(() => {}, 5).unref(); done(null, "free") }',
  'free'
)
test.serial(
  'a callback waits for what might be work of the executor',
  answers,
  'const seen = []; exports.handler = (e, c, done) => { crypto.subtle.digest("SHA-256", new Uint8Array(1)).then(() => seen.push("digest")); done(null, seen) }',
  ['digest']
)
test.serial(
  'a callback waits for longer work of the executor',
  answers,
  'const seen = []; exports.handler = (e, c, done) => { crypto.subtle.digest("SHA-256", new Uint8Array(5000)).then(() => seen.push("digest")); done(null, seen) }',
  ['digest']
)
test.serial(
  'an error through the callback waits for nothing',
  answers,
  'exports.handler = (e, c, done) => { setInterval(() => {}, 5); done(new Error("at once")) }',
  ['Error', 'at once']
)
test.serial(
  'an interval that nobody ends lets a callback time out, as on Lambda',
  answers,
  'exports.handler = (e, c, done) => { setInterval(() => {}, 50); done(null, 1) }',
  ['Sandbox.Timedout', 'RequestId: 00000000-0000-4000-8000-000000000001 Error: Task timed out after 1.00 seconds']
)
test.serial(
  'a callback that is never called answers null when nothing is pending',
  answers,
  'exports.handler = (e, c, done) => { setTimeout(() => {}, 5) }',
  null
)
test.serial(
  'a callback from a chain of promises',
  answers,
  'exports.handler = (e, c, done) => { (async () => { for (let i = 0; i < 500; i++) await null; done(null, "chained") })() }',
  'chained'
)
test.serial(
  'a callback from process.nextTick',
  answers,
  'exports.handler = (e, c, done) => { process.nextTick(done, null, "tick") }',
  'tick'
)

test.serial('what is left of one call does not answer the next', async (t) => {
  const { define } = await share()
  const fn = define(`let kept; exports.handler = (event, context, done) => {
    if (event.first) { kept = { done, succeed: context.succeed }; context.callbackWaitsForEmptyEventLoop = false; done(null, 'first'); return }
    kept.succeed('stolen'); kept.done(null, 'stolen')
    setTimeout(() => done(null, 'second'), 5)
  }`)
  t.is((await fn.result({ first: true })).json, 'first')
  t.is((await fn.result({})).json, 'second')
})

test.serial('an http call is answered through the context, too', async (t) => {
  const { define } = await share()
  const fn = define('exports.handler = (e, c) => { setTimeout(() => c.succeed({ statusCode: 201, body: "made" }), 2) }')
  t.like(await fn.call({}, { kind: 'http' }), { status: 'ok', http: { statusCode: 201 } })
})
