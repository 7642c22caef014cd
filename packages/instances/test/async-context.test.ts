import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBundle, packSource } from '@peerless/bundle'
import { BUILTINS_SUPPORTED } from '@peerless/sandbox'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { start } from './_instances.ts'

/** Runs programs of nested stores and of every way to hand a callback on; tells which store each numbered place saw. */
const SOURCE = `import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
const one = new AsyncLocalStorage(), two = new AsyncLocalStorage()
async function* items() { yield 1; await null; yield 2 }
export const handler = async ({ programs }) => await Promise.all(programs.map(async (program) => {
  const seen = {}
  let place = 0
  const number = (ops) => ops.map(([kind, a, b]) => [kind, a, Array.isArray(b) ? number(b) : b, place++])
  const run = async (ops) => {
    for (const [kind, value, inner, id] of ops) {
      const look = (suffix) => { seen[id + suffix] = [one.getStore(), two.getStore()] }
      look('before')
      if (kind === 'one') await one.run(value, () => run(inner))
      else if (kind === 'two') await two.run(value, () => run(inner))
      else if (kind === 'exit') await one.exit(() => run(inner))
      else if (kind === 'enter') await one.run(0, async () => { one.enterWith(value); await null; await run(inner) })
      else if (kind === 'timer') await new Promise((done) => setTimeout(() => { look('in'); run(inner).then(done) }, value))
      else if (kind === 'tick') await new Promise((done) => process.nextTick(() => { look('in'); run(inner).then(done) }))
      else if (kind === 'micro') await new Promise((done) => queueMicrotask(() => { look('in'); run(inner).then(done) }))
      else if (kind === 'sleep') { await sleep(value); await run(inner) }
      else if (kind === 'thenable') { await { then: (done) => { look('in'); done() } }; await run(inner) }
      else if (kind === 'iterate') { for await (const _ of items()) look('in' + _); await run(inner) }
      else if (kind === 'stream') { for await (const _ of Readable.from(items())) look('in' + _); await run(inner) }
      else if (kind === 'both') await Promise.all([one.run(value, () => run(inner)), two.run(value, () => run(inner))])
      else if (kind === 'bind') { const bound = AsyncResource.bind(() => look('in')); await one.run('other', async () => { await null; bound() }); await run(inner) }
      else if (kind === 'throw') { try { await one.run(value, async () => { await null; throw new Error('x') }) } catch { look('caught') } await run(inner) }
      look('after')
    }
  }
  await run(number(program))
  return [seen, one.getStore() ?? null]
}))
`
const KINDS = [
  'one',
  'two',
  'exit',
  'enter',
  'timer',
  'tick',
  'micro',
  'sleep',
  'thenable',
  'iterate',
  'stream',
  'both',
  'bind',
  'throw'
]

const { program } = fc.letrec((tie) => ({
  program: fc.array(tie('op'), { maxLength: 3 }),
  op: fc.tuple(
    fc.constantFrom(...KINDS),
    fc.integer({ min: 1, max: 4 }),
    fc.oneof({ depthSize: 'small' }, fc.constant([]), tie('program'))
  )
}))

/** Every form of async function, asked what it is as packages do, and told by what it does. */
const FORMS = `import { AsyncLocalStorage } from 'node:async_hooks'
import { types } from 'node:util'
const store = new AsyncLocalStorage()
async function declared(a) { await null; return [a, store.getStore()] }
const object = { async method(a) { await null; return [a, this === object, store.getStore()] }, async 'a b'() { await null }, async ['c' + 1]() { await null },
  arrow: async (a, { b = declared } = {}) => { await null; return [a, typeof b] }, plain() { return [] } }
class Shape {
  static async made(...all) { await null; return all }
  async #hidden(a = 1) { await null; return a }
  async open() { return await this.#hidden() }
  field = async () => { if (this.open) { return await this.open() } }
  get async() { return [] }
}
const expression = async function (a) { await null; throw new RangeError(a) }
const asks = (fn) => [fn[Symbol.toStringTag], fn.constructor.name, Object.prototype.toString.call(fn), types.isAsyncFunction(fn), fn.name, fn.length]
export const handler = async () => await store.run('kept', async () => {
  const shape = new Shape()
  const all = [declared, object.method, object['a b'], object.c1, object.arrow, object.plain, Shape.made, shape.open, shape.field, expression, async () => {}, async (a) => await a]
  const generators = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype)
  return [Object.getOwnPropertyNames(generators), all.map(asks), await declared(1), await object.method(2), await object.arrow(3), await Shape.made(4, 5), await shape.field(), await expression(6).catch((e) => [e.name, e.message]), store.getStore()]
})
`

/** The module as Node runs it, and deployed. */
async function bothWays(t: ExecutionContext, source: string) {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-context-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'index.mjs')
  await writeFile(path, source)
  const { handler } = (await import(path)) as { handler: (event?: object) => Promise<unknown> }
  const packed = await packSource({ path })
  const { bytes } = await buildBundle({ zip: packed.zip, handler: packed.handler, builtinsSupported: BUILTINS_SUPPORTED })
  const { define } = await start(t, { loadBundle: async () => bytes })
  return { handler, fn: define('', { timeoutSeconds: 30 }) }
}

test.serial('functions are async for who asks, though the store is carried through them', async (t) => {
  const { handler, fn } = await bothWays(t, FORMS)
  t.deepEqual((await fn.result()).json, JSON.parse(JSON.stringify(await handler())))
})

test.serial('stores of AsyncLocalStorage are where Node has them', async (t) => {
  const { handler, fn } = await bothWays(t, SOURCE)
  const programs = fc.sample(program, { seed: 20_260, numRuns: 150 })
  const expected = JSON.parse(JSON.stringify(await handler({ programs }))) as unknown[]
  const { json } = await fn.result({ programs })
  const there = json as unknown[]
  for (const [index, one] of expected.entries()) t.deepEqual(there[index], one, JSON.stringify(programs[index]))
})
