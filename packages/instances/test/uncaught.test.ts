import test from 'ava'
import { share } from './_instances.ts'

/** What the handler's listeners saw, as the handler answers it; a second call must find the same instance. */
const sees = test.macro(async (t, listen: string, cause: string, expected: unknown) => {
  const { define } = await share()
  const fn = define(`const seen = []; const calls = { count: 0 }
${listen}
exports.handler = async (event) => {
  calls.count++
  if (event.cause) { ${cause}; await new Promise((r) => setTimeout(r, 20)) }
  return { seen, calls: calls.count }
}`)
  t.deepEqual((await fn.result({ cause: true })).json, { seen: expected, calls: 1 })
  t.deepEqual((await fn.result({})).json, { seen: expected, calls: 2 }, 'the instance goes on')
})

const REJECT = 'const error = new RangeError("lonely"); calls.error = error; Promise.reject(error)'
const SHOW =
  'seen.push(event.type, event.reason === calls.error, event.reason.message, event.promise instanceof Promise, event instanceof PromiseRejectionEvent)'

test.serial('onunhandledrejection', sees, `onunhandledrejection = (event) => { ${SHOW}; event.preventDefault() }`, REJECT, [
  'unhandledrejection',
  true,
  'lonely',
  true,
  true
])
test.serial(
  'addEventListener of unhandledrejection',
  sees,
  `addEventListener('unhandledrejection', function (event) { ${SHOW}; seen.push(this === globalThis, event.target === globalThis); event.preventDefault() })`,
  REJECT,
  ['unhandledrejection', true, 'lonely', true, true, true, true]
)
test.serial(
  'process.on of unhandledRejection',
  sees,
  "process.on('unhandledRejection', (reason, promise) => { seen.push(reason === calls.error, promise instanceof Promise) })",
  REJECT,
  [true, true]
)
test.serial(
  'a reason that is no error',
  sees,
  "process.on('unhandledRejection', (reason) => { seen.push(reason) })",
  'Promise.reject("text")',
  ['text']
)
test.serial(
  'a reason whose stack was read before is a copy',
  sees,
  "process.on('unhandledRejection', (reason) => { seen.push(reason === calls.error, reason instanceof TypeError, reason.message, reason.stack.includes('TypeError: copied')) })",
  'const error = new TypeError("copied"); calls.error = error; void error.stack; Promise.reject(error)',
  [false, true, 'copied', true]
)
test.serial(
  'an error of an async function',
  sees,
  `onunhandledrejection = (event) => { ${SHOW}; event.preventDefault() }`,
  'void (async () => { await null; calls.error = new Error("deep"); throw calls.error })()',
  ['unhandledrejection', true, 'deep', true, true]
)
test.serial(
  'onerror',
  sees,
  'onerror = (message, file, line, column, error) => { seen.push(message, error === calls.error); return true }',
  'setTimeout(() => { calls.error = new Error("late"); throw calls.error })',
  ['Uncaught Error: late', true]
)
test.serial(
  'addEventListener of error',
  sees,
  "addEventListener('error', (event) => { seen.push(event.message, event instanceof ErrorEvent); event.preventDefault() })",
  'setTimeout(() => { throw "text" })',
  ['Uncaught text', true]
)
test.serial(
  'process.on of uncaughtException',
  sees,
  "process.once('uncaughtException', (error, origin) => { seen.push(error.message, origin) })",
  'setTimeout(() => { throw new Error("once") })',
  ['once', 'uncaughtException']
)
const SEE_UNCAUGHT = "process.on('uncaughtException', (error, origin) => { seen.push(error.message, origin) })"
test.serial(
  'process.on of uncaughtException hears of ticks after promises, and the other ticks run',
  sees,
  SEE_UNCAUGHT,
  'await null; process.nextTick(() => { throw new Error("tick") }); process.nextTick(() => { seen.push("next"); throw new Error("another") })',
  ['tick', 'uncaughtException', 'next', 'another', 'uncaughtException']
)
test.serial(
  'process.on of uncaughtException hears of callbacks of fs',
  sees,
  SEE_UNCAUGHT,
  "require('fs').stat('/tmp', () => { throw new Error('stat') }); require('fs').readFile('/nope', () => { throw new Error('read') })",
  ['stat', 'uncaughtException', 'read', 'uncaughtException']
)
test.serial(
  'process.on of uncaughtException hears of microtasks',
  sees,
  SEE_UNCAUGHT,
  'queueMicrotask(() => { throw new Error("microtask") })',
  ['microtask', 'uncaughtException']
)
test.serial(
  'process.on of uncaughtException hears of subscribers of a channel',
  sees,
  SEE_UNCAUGHT,
  "const { channel } = require('diagnostics_channel'); channel('mine').subscribe(() => { throw new Error('subscriber') }); channel('mine').publish(1)",
  ['subscriber', 'uncaughtException']
)
test.serial(
  'reportError',
  sees,
  "addEventListener('error', (event) => { seen.push(event.error); event.preventDefault() })",
  'reportError(7)',
  [7]
)
test.serial(
  'a listener that throws is not asked again',
  sees,
  "addEventListener('error', (event) => { seen.push(event.error); event.preventDefault(); throw new Error('in the listener') })",
  'reportError(8)',
  [8]
)
test.serial(
  'events of its own',
  sees,
  "addEventListener('mine', (event) => seen.push(event.detail), { once: true })",
  "dispatchEvent(new CustomEvent('mine', { detail: 3 })); dispatchEvent(new CustomEvent('mine', { detail: 4 }))",
  [3]
)

/** Nobody dealt with it: the call ends as it would without listeners. */
const fails = test.macro(async (t, listen: string, cause: string, errorType: string, message: RegExp) => {
  const { define } = await share()
  const fn = define(`${listen}; exports.handler = (event) => { ${cause}; return new Promise(() => {}) }`)
  const { ran, json } = await fn.result({})
  t.is(ran.status, 'error')
  t.is((json as { errorType: string }).errorType, errorType)
  t.regex((json as { errorMessage: string }).errorMessage, message)
})
const REJECTION = 'Runtime.UnhandledPromiseRejection'

test.serial(
  'a listener that does not prevent it',
  fails,
  'onunhandledrejection = () => {}',
  'Promise.reject(new Error("still"))',
  REJECTION,
  /still/
)
test.serial(
  'a listener that was taken away',
  fails,
  "const f = () => {}; process.on('unhandledRejection', f); process.off('unhandledRejection', f)",
  'Promise.reject(new Error("still"))',
  REJECTION,
  /still/
)
test.serial(
  'a tick after a promise',
  fails,
  '',
  'Promise.resolve().then(() => process.nextTick(() => { throw new RangeError("ticked") }))',
  'RangeError',
  /ticked/
)
test.serial(
  'a listener that throws',
  fails,
  "process.on('unhandledRejection', () => { throw new TypeError('in it') })",
  'Promise.reject(new Error("first"))',
  'TypeError',
  /in it/
)
test.serial(
  'a listener that rejects',
  fails,
  "process.on('unhandledRejection', () => { Promise.reject(new Error('again')) })",
  'Promise.reject(new Error("first"))',
  REJECTION,
  /first/
)
test.serial(
  'onerror that returns nothing',
  fails,
  'onerror = () => {}',
  'setTimeout(() => { throw new Error("out") })',
  'Error',
  /^out$/
)

test.serial('attributes hold what was set, and null', async (t) => {
  const { define } = await share()
  const fn =
    define(`exports.handler = () => { const f = () => {}; const before = onerror; onerror = f; const after = onerror === f; onerror = 3
    return [before, after, onerror, onrejectionhandled, Object.keys(globalThis).filter((name) => name.startsWith('on'))] }`)
  t.deepEqual((await fn.result()).json, [null, true, null, null, []])
})
