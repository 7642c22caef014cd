import test from 'ava'
import { start } from './_instances.ts'

/** Of one kind, in one executor. */
const SPARES_MAX = 2
/** So many more calls that some isolates are made for their call. */
const AT_ONCE = 8

/** All that a function can see of how its isolate was made: every global with its descriptor, and what has a beginning. */
const LOOK = `
const atFirst = []
for (const name of Reflect.ownKeys(globalThis)) {
  const { value, get, enumerable, configurable, writable } = Reflect.getOwnPropertyDescriptor(globalThis, name)
  atFirst.push([String(name), typeof value, typeof get, enumerable, configurable, writable])
}
const age = Date.now() - performance.timeOrigin
const timer = setTimeout(() => undefined, 1)
const order = Number(timer)
clearTimeout(timer)
const look = async (context) => {
  await new Promise((resolve) => setTimeout(resolve, 300))
  const parts = [URL.name, Response.name, new Request('http://a.test/b').url, new Error('x').stack.split('\\n').length]
  return {
    atFirst, order, young: age < 1_000, sinceNow: performance.now() < 5_000, up: process.uptime() < 5,
    environment: { ...process.env, AWS_LAMBDA_LOG_STREAM_NAME: '', _X_AMZN_TRACE_ID: '' }, name: context.functionName, attempt: context.peerless.attempt, parts
  }
}
`

const same = test.macro(
  async (t, source: string, answer: (json: unknown) => unknown, builtins: string[] = [], more: object = {}) => {
    const { define } = await start(t, { slots: AT_ONCE, executorsPerAccountMax: 1 })
    const environment = { COLOUR: 'blue' }
    // The kind of isolate that was asked for last waits.
    await define('exports.handler = async () => 1', { name: 'before', builtins }).result()
    const fn = define(source, { name: 'looks', environment, builtins })
    const results = await Promise.all(Array.from({ length: AT_ONCE }, () => fn.result()))
    t.true(new Set(results.map(({ ran }) => ran.usage.instance)).size > SPARES_MAX)
    const first = answer(results[0]?.json) as Record<string, unknown>
    t.like(first, { order: 1, young: true, sinceNow: true, up: true, name: 'looks', attempt: 1, ...more })
    for (const { json } of results) t.deepEqual(answer(json), first)
  }
)

test.serial(
  'a handler sees the same, whether its isolate was prepared ahead or not',
  same,
  `${LOOK.replaceAll('Response', 'globalThis["Resp" + "onse"]').replaceAll('new Request(', 'new globalThis["Req" + "uest"](')}
   exports.handler = async (event, context) => look(context)`,
  (json) => json
)

test.serial(
  'a fetch handler sees the same, whether its isolate was prepared ahead or not',
  same,
  `${LOOK} exports.default = { fetch: async (request, env, ctx) => Response.json(await look(ctx.lambda)) }`,
  (json) => json
)

/** What modules have of their own, how they look from outside, and what they know of the function. */
const MODULES = `
const [buffer, events, stream, util, fs, os, timers] = ['buffer', 'events', 'stream', 'util', 'fs', 'os', 'timers'].map(require)
const names = [buffer, events, stream, util, process].map((module) => Object.getOwnPropertyNames(module).sort().join())
const modules = () => ({
  names, colour: process.env.COLOUR, same: require('process') === process, memory: os.totalmem(), argv: process.argv, listeners: process.eventNames(),
  home: os.homedir(), files: fs.readdirSync('/tmp'), inspected: util.inspect({ process: typeof process, error: new RangeError('a').name }),
  text: Buffer.from('aGk=', 'base64').toString(), own: [Buffer === buffer.Buffer, stream.Readable.prototype instanceof events], debug: util.debuglog('x').enabled
})`

for (const [what, builtins, expected, more] of [
  ['node: modules', ['buffer', 'stream'], { text: 'hi', colour: 'blue' }, 'const store = () => undefined'],
  [
    'node: modules and a store that follows its calls',
    ['async_hooks', 'stream'],
    { text: 'hi', stored: { mine: 1 } },
    `const storage = new (require('async_hooks').AsyncLocalStorage)()
     const store = () => storage.run({ mine: 1 }, () =>
       new Promise((resolve) => stream.Readable.from(['a']).on('data', () => setImmediate(() => Promise.resolve().then(() => resolve(storage.getStore()))))))`
  ]
] as const) {
  test.serial(
    `a handler sees the same of ${what}, whether its isolate was prepared ahead or not`,
    same,
    `${LOOK} ${MODULES}; ${more}
     exports.handler = (event, context) => Promise.resolve(store()).then((stored) => look(context).then((seen) => ({ ...seen, ...modules(), stored })))`,
    (json) => json,
    [...builtins],
    expected
  )
}

test.serial('NODE_DEBUG is read by modules that were not loaded before the function was known', async (t) => {
  const { define } = await start(t)
  await define('exports.handler = async () => 1', { name: 'before', builtins: ['util'] }).result()
  const fn = define("exports.handler = async () => require('util').debuglog('mine').enabled", {
    builtins: ['util'],
    environment: { NODE_DEBUG: 'mine' }
  })
  t.true((await fn.result()).json)
})

test.serial('what was rehearsed before an instance was anybody’s leaves nothing for its first call', async (t) => {
  const { define } = await start(t)
  const fn = define(`
    let calls = 0
    exports.handler = async (event, context) => ({ calls: ++calls, event, id: context.awsRequestId, limit: context.memoryLimitInMB })`)
  const { json } = await fn.result({ a: 1 }, { requestId: '00000000-0000-4000-8000-00000000000a' })
  t.deepEqual(json, { calls: 1, event: { a: 1 }, id: '00000000-0000-4000-8000-00000000000a', limit: '128' })
})
