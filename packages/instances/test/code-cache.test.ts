import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSandbox } from '@peerless/sandbox'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import { encode } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { CODE_CACHE_BYTES_MAX, CodeCacheStore } from '../src/code-cache-store.ts'
import { CodeCompiler } from '../src/code-compiler.ts'
import { findConfinement } from '../src/confinement.ts'
import { start } from './_instances.ts'
import { pidOfExecutors } from './_processes.ts'

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'peerless-test-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

async function opened(directory: string, tag = 'v8'): Promise<{ store: CodeCacheStore; logger: MemoryLogger }> {
  const logger = new MemoryLogger()
  return { store: await CodeCacheStore.open({ directory, logger, tag }), logger }
}

test('a code cache is there after a restart, for its account alone', async (t) => {
  const directory = await folder(t)
  const bytes = randomBytes(1_000)
  const { store } = await opened(directory)
  await store.write('acme', 'cid-1', bytes)
  const { store: again } = await opened(directory)
  t.true(again.has('acme', 'cid-1'))
  t.deepEqual(Buffer.from((await again.read('acme', 'cid-1')) ?? []), bytes)
  t.is(await again.read('other', 'cid-1'), undefined)
  t.is(await again.read('acme', 'cid-2'), undefined)
})

test('what was made under another V8, or not to its end, goes when the node starts', async (t) => {
  const directory = await folder(t)
  const { store } = await opened(directory, 'old')
  await store.write('acme', 'cid-1', randomBytes(10))
  await writeFile(join(directory, 'left.new'), 'x')
  const { store: other } = await opened(directory, 'new')
  t.is(await other.read('acme', 'cid-1'), undefined)
  t.is(other.bytes, 0)
  t.deepEqual(await readdir(directory), [])
})

test('a file that was changed is refused and removed, wherever it was changed', async (t) => {
  const directory = await folder(t)
  for (const at of [0, 31, 32, 500, 1_031]) {
    const { store, logger } = await opened(directory)
    await store.write('acme', 'cid-1', randomBytes(1_000))
    const [name = ''] = await readdir(directory)
    const file = await readFile(join(directory, name))
    file[at] = (file[at] ?? 0) ^ 1
    await writeFile(join(directory, name), file)
    t.is(await store.read('acme', 'cid-1'), undefined)
    t.true(logger.lines.some(({ message }) => message.includes('corrupt')))
    t.deepEqual(await readdir(directory), [])
    t.is(store.bytes, 0)
  }
})

test('a file that is cut short, empty or gone is no cache', async (t) => {
  const directory = await folder(t)
  for (const spoil of [
    (path: string) => writeFile(path, randomBytes(40)),
    (path: string) => writeFile(path, ''),
    (path: string) => rm(path)
  ]) {
    const { store } = await opened(directory)
    await store.write('acme', 'cid-1', randomBytes(1_000))
    const [name = ''] = await readdir(directory)
    await spoil(join(directory, name))
    t.is(await store.read('acme', 'cid-1'), undefined)
    t.false(store.has('acme', 'cid-1'))
  }
})

test('a whole file in the place of another account’s is refused', async (t) => {
  const directory = await folder(t)
  const { store } = await opened(directory)
  await store.write('evil', 'cid-1', randomBytes(1_000))
  const [evil = ''] = await readdir(directory)
  await store.write('acme', 'cid-1', randomBytes(1_000))
  const acme = (await readdir(directory)).find((name) => name !== evil) ?? ''
  await rename(join(directory, evil), join(directory, acme))
  t.is(await store.read('acme', 'cid-1'), undefined)
})

test('all caches together have a bound, and the one that was used longest ago goes first', async (t) => {
  const directory = await folder(t)
  // Each file has a hash of 32 bytes before it.
  const store = await CodeCacheStore.open({ directory, logger: new MemoryLogger(), tag: 'v8', bytesMax: 7 * 132 })
  for (let index = 0; index < 7; index++) await store.write('acme', `${index}`, randomBytes(100))
  await store.read('acme', '0')
  for (let index = 7; index < 9; index++) await store.write('acme', `${index}`, randomBytes(100))
  const kept = Array.from({ length: 9 }, (_, index) => index).filter((index) => store.has('acme', `${index}`))
  t.deepEqual(kept, [0, 3, 4, 5, 6, 7, 8])
  t.is(store.bytes, 7 * 132)
  t.is((await readdir(directory)).length, 7)
  await store.write('acme', 'large', new Uint8Array(CODE_CACHE_BYTES_MAX + 1))
  t.false(store.has('acme', 'large'))
})

/** Some 150 kB of functions. */
const LARGE = Array.from(
  { length: 2_000 },
  (_, index) => `function f${index}(a) { return a.map((x) => x * ${index}).join("${index}") }`
)
const SOURCE = `${LARGE.join('\n')}\nexports.all = [${LARGE.map((_, index) => `f${index}`).join(', ')}]\nexports.handler = async (event) => f7([event.n])`

async function untilFiles(path: string, count: number): Promise<string[]> {
  for (;;) {
    const names = (await readdir(path)).filter((name) => !name.endsWith('.new'))
    if (names.length === count) return names
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test.serial('the code cache of a version is made before its first call, which is given it', async (t) => {
  const directory = await folder(t)
  const { define, instances, logger } = await start(t, { directory })
  const fn = define(SOURCE)
  instances.expect(fn.version, 'acme')
  const [name = ''] = await untilFiles(join(directory, 'code-cache'), 1)
  t.true((await readFile(join(directory, 'code-cache', name))).length > 10_000)
  t.is((await fn.result({ n: 3 })).json, '21')
  t.false(logger.lines.some(({ message }) => message.includes('code cache')))
})

test.serial('what V8 does not take is compiled as if there were none, and made anew', async (t) => {
  const directory = await folder(t)
  const before = await start(t, { directory })
  before.instances.expect(before.define(SOURCE, { cid: 'cid-1' }).version, 'acme')
  const caches = join(directory, 'code-cache')
  const [name = ''] = await untilFiles(caches, 1)
  // Its process makes another after an evaluation, and ends: the spare executor is left.
  while (pidOfExecutors().length > 1) await new Promise((resolve) => setImmediate(resolve))
  await before.instances.stop()
  const path = join(caches, name)
  const whole = await readFile(path)
  const spoilt = whole.subarray(32).map((byte, index) => (index < 64 ? byte ^ 0x55 : byte))
  // What a V8 with other flags would have left there, whole.
  await writeFile(path, sealed(name, spoilt))
  // A node that starts anew has none in memory.
  const { define, logger } = await start(t, { directory })
  const fn = define(SOURCE, { cid: 'cid-1' })
  t.is((await fn.result({ n: 3 })).json, '21')
  t.true(logger.lines.some(({ message }) => message === 'V8 refused a code cache'))
  while ((await readFile(path).catch(() => Buffer.of())).length !== whole.length)
    await new Promise((resolve) => setImmediate(resolve))
  t.is((await fn.result({ n: 4 })).json, '28')
})

/** A file as the store writes it under that name. */
function sealed(name: string, bytes: Uint8Array): Buffer {
  const digest = createHash('sha256').update(bytes).digest()
  return Buffer.concat([createHash('sha256').update(name).update(digest).digest(), bytes])
}

test.serial(
  'caches are made in a process that is for one account and runs no function, and ends when nothing is to be done',
  async (t) => {
    const code = await buildSandbox()
    const clock = new VirtualClock()
    const confinement = await findConfinement(process.execPath, code.addonPath, [])
    const machine = { confinement, groups: undefined, layers: [] }
    const compiler = new CodeCompiler({ code, machine, clock, logger: new MemoryLogger() })
    t.teardown(() => compiler.stop())
    const bundle = encode({
      format: 1,
      script: `(() => { const exports = {}; ${SOURCE}; return exports })()`,
      builtins: [],
      handlerExport: 'handler'
    })
    const compile = (account: string, cid: string) =>
      new Promise<Uint8Array>((resolve) =>
        compiler.add({
          account,
          cid,
          bundle: async () => bundle,
          made: async () => undefined,
          order: undefined,
          done: async (cache) => resolve(cache)
        })
      )
    t.true((await compile('acme', 'a')).length > 10_000)
    const first = pidOfExecutors()
    t.is(first.length, 1)
    await compile('acme', 'b')
    t.deepEqual(pidOfExecutors(), first)
    await compile('other', 'a')
    // Its end was ordered before the other's beginning, and is not waited for.
    while (pidOfExecutors().includes(first[0] ?? 0)) await new Promise((resolve) => setImmediate(resolve))
    t.is(pidOfExecutors().length, 1)
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(2_000)
    while (pidOfExecutors().length > 0) await new Promise((resolve) => setImmediate(resolve))
  }
)

test.serial('a version whose first call came before is given its cache from the next process on', async (t) => {
  const directory = await folder(t)
  const { define } = await start(t, { directory })
  const fn = define(SOURCE)
  t.is((await fn.result({ n: 1 })).json, '7')
  await untilFiles(join(directory, 'code-cache'), 1)
  t.pass()
})

/** Line by line: those of a bundle of `define` begin one below. */
const SOURCE_MAP = JSON.stringify({
  version: 3,
  sources: ['src/large.ts'],
  names: [],
  mappings: `;AAAA${';AACA'.repeat(5_000)}`,
  padding: 'x'.repeat(600_000)
})

test.serial('the code cache of a bundle that is not very large waits in memory, as the bundle does', async (t) => {
  const directory = await folder(t)
  const { define, instances, loads } = await start(t, { directory })
  const fn = define(SOURCE)
  instances.expect(fn.version, 'acme')
  const caches = join(directory, 'code-cache')
  const [name = ''] = await untilFiles(caches, 1)
  while (pidOfExecutors().length > 1) await new Promise((resolve) => setImmediate(resolve))
  const path = join(caches, name)
  await writeFile(path, 'spoilt')
  t.is((await fn.result({ n: 3 })).json, '21')
  t.is(loads(), 1)
  // What lies on the disk was not looked at: it would have been refused and made anew.
  t.is(await readFile(path, 'utf8'), 'spoilt')
})

test.serial('errors of a large bundle name the lines of its sources, at its start, in a call, and in what it logs', async (t) => {
  const { define, lines } = await start(t)
  const code = `${LARGE.join('\n')}\nexports.handler = async ({ log }) => { const error = new Error('here'); if (log) console.log(error.stack); else throw error }`
  const line = new RegExp(`/var/task/src/large\\.ts:${LARGE.length + 1}:`)
  const failing = define(code, { sourceMap: SOURCE_MAP })
  t.regex(JSON.stringify((await failing.result({})).json), line)
  const logging = define(code, { sourceMap: SOURCE_MAP })
  await logging.result({ log: true })
  t.regex(lines.map(({ message }) => message).join('\n'), line)
  const broken = define(`${LARGE.join('\n')}\nthrow new Error('at once')`, { sourceMap: SOURCE_MAP })
  t.regex(JSON.stringify((await broken.result({})).json), line)
})

test.serial('code that V8 cannot compile has no cache, and says why when it is called', async (t) => {
  const directory = await folder(t)
  const { define, instances, logger } = await start(t, { directory })
  const fn = define(`${SOURCE}\n)(`)
  instances.expect(fn.version, 'acme')
  while (!logger.lines.some(({ message }) => message === 'a code cache could not be made'))
    await new Promise((resolve) => setImmediate(resolve))
  t.regex(JSON.stringify((await fn.result({ n: 1 })).json), /SyntaxError/)
})
