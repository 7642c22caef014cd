import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock, FunctionVersion } from '@peerless/interface'
import { buildSandbox } from '@peerless/sandbox'
import { MemoryLogger, realClock, VirtualClock } from '@peerless/testing'
import { encode } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { CodeCompiler } from '../src/code-compiler.ts'
import { findConfinement } from '../src/confinement.ts'
import { evaluationOrder } from '../src/load-order.ts'
import { innermostOf, residentMb } from '../src/memory-watch.ts'
import { start } from './_instances.ts'
import { pidOfExecutors } from './_processes.ts'

/** Some 150 kB of functions, each of which runs when the bundle is evaluated. */
const RUNS = Array.from(
  { length: 1_500 },
  (_, index) =>
    `function f${index}(a) { const doubled = a.map((x) => x * ${index}); return doubled.join("${index}") }; f${index}([1])`
).join('\n')

const turn = () => new Promise((resolve) => setImmediate(resolve))

interface Made<Time extends Clock> {
  /** Caches by bundle, in the order in which they were made. */
  caches: Map<string, Uint8Array[]>
  logger: MemoryLogger
  clock: Time
  /** Resolves when the first cache of the bundle is there. */
  add(name: string, source: string, account?: string, memoryMb?: number): Promise<void>
}

async function compiler<Time extends Clock>(t: ExecutionContext, clock: Time): Promise<Made<Time>> {
  const code = await buildSandbox()
  const logger = new MemoryLogger()
  const confinement = await findConfinement(process.execPath, code.addonPath, [])
  const made = new CodeCompiler({ code, machine: { confinement, groups: undefined, layers: [] }, clock, logger })
  t.teardown(() => made.stop())
  const caches = new Map<string, Uint8Array[]>()
  const add: Made<Time>['add'] = (name, source, account = 'acme', memoryMb = 128) => {
    const script = `(() => { const exports = {};\n${source}\nreturn exports })()`
    const bundle = encode({ format: 1, script, builtins: [], handlerExport: 'handler' })
    const version = {
      version: '$LATEST',
      revisionId: randomUUID(),
      runtime: 'nodejs22.x',
      handler: 'index.handler',
      memoryMb,
      environment: {},
      code: { bundleCid: name }
    } as unknown as FunctionVersion
    const order = evaluationOrder(version, { nodeId: 'node-1', region: 'eu-test-1' })
    return new Promise((resolve) => {
      const done = async (cache: Uint8Array) => {
        caches.set(name, [...(caches.get(name) ?? []), cache])
        resolve()
      }
      made.add({ account, cid: name, bundle: async () => bundle, made: async () => caches.get(name)?.at(-1), order, done })
    })
  }
  return { caches, logger, clock, add }
}

/** How often a bundle was given up that was being evaluated. */
function givenUp({ logger }: Made<Clock>): number {
  return logger.lines.filter(({ message }) => message === 'a bundle was not evaluated ahead of its first call').length
}

test.serial(
  'a cache that was made after an evaluation has the functions that ran then, and is made in a process for that bundle alone',
  async (t) => {
    const made = await compiler(t, new VirtualClock())
    await made.add('a', `${RUNS}\nexports.handler = async () => f7([3])`)
    const [before] = pidOfExecutors()
    while ((made.caches.get('a') ?? []).length < 2) await turn()
    const [plain, evaluated] = made.caches.get('a') as [Uint8Array, Uint8Array]
    t.true(evaluated.length > plain.length * 1.3, `${plain.length} and ${evaluated.length} bytes`)
    while (pidOfExecutors().length > 0) await turn()
    await made.add('b', `${RUNS}\nexports.handler = async () => f8([3])`)
    t.not(pidOfExecutors()[0], before)
  }
)

test.serial('what runs in an evaluation reaches nobody', async (t) => {
  let asked = 0
  const server = createServer((_, response) => {
    asked++
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const directory = await mkdtemp(join(tmpdir(), 'peerless-test-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const { define, instances, logger, lines } = await start(t, { directory })
  const fn = define(`${RUNS}\nconsole.log('evaluated'); void fetch(${JSON.stringify(url)}).catch(() => undefined)
    exports.handler = async () => f2([21])`)
  instances.expect(fn.version, 'acme')
  const made = async () => (await readdir(join(directory, 'code-cache'))).some((name) => !name.endsWith('.new'))
  while (!(await made())) await turn()
  // The process that made both has ended, and the spare executor is left.
  while (pidOfExecutors().length > 1) await turn()
  t.deepEqual(lines, [])
  t.is(asked, 0)
  t.is((await fn.result({})).json, '42')
  t.deepEqual(
    logger.lines.filter(({ level }) => level === 'error' || level === 'warn'),
    []
  )
})

for (const [what, code] of [
  ['throws', "throw new Error('no configuration')"],
  ['waits for ever', 'exports.handler = new Promise(() => undefined)'],
  ['computes for ever', 'for (;;);']
] as const) {
  test.serial(`a bundle that ${what} when it is evaluated has what ran until then in its cache`, async (t) => {
    const made = await compiler(t, new VirtualClock())
    await made.add('a', `${RUNS}\n${code}`)
    while ((made.caches.get('a') ?? []).length < 2) await turn()
    const [plain, evaluated] = made.caches.get('a') as [Uint8Array, Uint8Array]
    t.true(evaluated.length > plain.length * 1.3, `${plain.length} and ${evaluated.length} bytes`)
    t.is(givenUp(made), 0)
  })
}

test.serial(
  'code that does not come back from its evaluation is ended, has the cache of its text, and keeps its account from more for a while',
  async (t) => {
    const made = await compiler(t, new VirtualClock())
    const endless = `${RUNS}\nconst again = () => Promise.resolve().then(again); again()`
    await made.add('endless', endless)
    while (givenUp(made) === 0) {
      // So long does its process live at most.
      await made.clock.advance(100)
      await turn()
    }
    t.is((made.caches.get('endless') ?? []).length, 1)
    while (pidOfExecutors().length > 0) await turn()
    await made.add('good', RUNS)
    await made.add('of another', RUNS, 'other')
    while ((made.caches.get('of another') ?? []).length < 2) await turn()
    t.is((made.caches.get('good') ?? []).length, 1)
    await made.clock.advance(60_000)
    await made.add('later', RUNS)
    while ((made.caches.get('later') ?? []).length < 2) await turn()
    t.is(givenUp(made), 1)
  }
)

test.serial('code that takes what memory it can get is ended while it is evaluated', async (t) => {
  const made = await compiler(t, realClock)
  // Near the limit V8 gets another gigabyte until the next collection.
  await made.add('hungry', `${RUNS}\nconst held = []; for (;;) held.push(new Array(1_000_000).fill(held))`)
  let most = 0
  // It is the last that its process makes, whichever way that ends.
  while (pidOfExecutors().length > 0) {
    await turn()
    for (const pid of pidOfExecutors()) most = Math.max(most, (await residentMb(innermostOf(pid) as number)) ?? 0)
  }
  t.true(most < 700, `${most} MB`)
})

test.serial('a process that holds more than the function’s memory and what an executor takes is ended', async (t) => {
  const made = await compiler(t, realClock)
  // So little that what every process takes is more.
  await made.add('a', `${RUNS}\nconst until = Date.now() + 900; while (Date.now() < until);`, 'acme', -150)
  while (givenUp(made) === 0 && (made.caches.get('a') ?? []).length < 2) await turn()
  t.is((made.caches.get('a') ?? []).length, 1)
})
