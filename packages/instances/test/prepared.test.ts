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

const same = test.macro(async (t, source: string, answer: (json: unknown) => unknown) => {
  const { define } = await start(t, { slots: AT_ONCE, executorsPerAccountMax: 1 })
  const fn = define(source, { name: 'looks', environment: { COLOUR: 'blue' } })
  const results = await Promise.all(Array.from({ length: AT_ONCE }, () => fn.result()))
  t.true(new Set(results.map(({ ran }) => ran.usage.instance)).size > SPARES_MAX)
  const first = answer(results[0]?.json) as Record<string, unknown>
  t.like(first, { order: 1, young: true, sinceNow: true, up: true, name: 'looks', attempt: 1 })
  for (const { json } of results) t.deepEqual(answer(json), first)
})

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

test.serial('what was rehearsed before an instance was anybody’s leaves nothing for its first call', async (t) => {
  const { define } = await start(t)
  const fn = define(`
    let calls = 0
    exports.handler = async (event, context) => ({ calls: ++calls, event, id: context.awsRequestId, limit: context.memoryLimitInMB })`)
  const { json } = await fn.result({ a: 1 }, { requestId: '00000000-0000-4000-8000-00000000000a' })
  t.deepEqual(json, { calls: 1, event: { a: 1 }, id: '00000000-0000-4000-8000-00000000000a', limit: '128' })
})
