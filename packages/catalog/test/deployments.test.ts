import { createHash } from 'node:crypto'
import { buildBundle, cidOf, createBlockExchange, createBlockStore, listZip } from '@peerless/bundle'
import { type BlockStore, type ErrorCode, type FunctionSettings, LIMITS, PeerlessError, settingsOf } from '@peerless/interface'
import { MemoryLogger, SeededRandom } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { strToU8, zipSync } from 'fflate'
import { ACCOUNT_DEPLOYMENTS_IN_WORK_MAX } from '../src/constants.ts'
import { createDeployments, type DeploymentsOptions } from '../src/index.ts'
import { TestMesh, type TestNode, temporaryDirectory } from './_kit.ts'

const SOURCE = 'export const handler = async () => 1; export const other = async () => 2'

function zipOf(source = SOURCE, file = 'index.mjs'): Uint8Array {
  return zipSync({ [file]: strToU8(source) }, { mtime: new Date('2026-01-01') })
}

interface Scene {
  readonly mesh: TestMesh
  readonly node: TestNode
  readonly store: BlockStore
  readonly deployments: ReturnType<typeof createDeployments>
  readonly builds: string[]
}

/** Deployments over a real catalog, block store and bundler. */
async function scene(t: ExecutionContext, change: Partial<DeploymentsOptions> = {}): Promise<Scene> {
  const mesh = new TestMesh(t)
  const node = await mesh.node(1)
  return { mesh, node, ...(await deploymentsAt(t, mesh, node, change)) }
}

async function deploymentsAt(t: ExecutionContext, mesh: TestMesh, node: TestNode, change: Partial<DeploymentsOptions> = {}) {
  const builds: string[] = []
  const store = await createBlockStore({ directory: await temporaryDirectory(t), logger: node.logger })
  const deployments = createDeployments({
    catalog: node.catalog,
    store,
    fetch: () => Promise.reject(new PeerlessError('NOT_REPLICATED', 'no peer has it')),
    build: ({ zip, handler, layers }) => {
      builds.push(handler)
      return buildBundle({ zip, handler, layers, builtinsSupported: [] })
    },
    checkZip: async (zip) => {
      await listZip(zip)
    },
    clock: mesh.clock,
    random: new SeededRandom(node.number),
    logger: node.logger,
    ...change
  })
  return { store, deployments, builds }
}

const order = (settings: FunctionSettings = {}, name = 'hello') => ({ name, account: 'acme', zip: zipOf(), settings })

test('a created function has the defaults, the hashes and its blocks on disk', async (t) => {
  const { mesh, node, store, deployments } = await scene(t)
  const record = await deployments.create(order())
  t.like(record, { name: 'hello', account: 'acme', createdAt: mesh.clock.now(), lastVersion: undefined })
  const { code, revisionId, ...latest } = record.latest
  t.deepEqual(latest, {
    version: '$LATEST',
    handler: 'index.handler',
    runtime: 'nodejs22.x',
    role: 'arn:aws:iam::000000000000:role/peerless',
    description: '',
    memoryMb: 128,
    timeoutSeconds: 3,
    environment: {},
    modifiedAt: mesh.clock.now()
  })
  t.regex(revisionId, /^[0-9a-f-]{36}$/)
  t.is(code.zipCid, await cidOf(zipOf()))
  t.is(code.zipBytes, zipOf().length)
  t.is(code.zipSha256, createHash('sha256').update(zipOf()).digest('base64'))
  t.deepEqual(new Uint8Array((await store.read(code.zipCid)) ?? []), zipOf())
  t.is((await store.read(code.bundleCid))?.length, code.bundleBytes)
  t.deepEqual(node.catalog.get('function', 'hello'), record)
  t.deepEqual(new Uint8Array(await deployments.zipOf(record.latest.code)), zipOf())
})

test('a name that is taken is a CONFLICT, also when both come at once', async (t) => {
  const { node, deployments } = await scene(t)
  const results = await Promise.allSettled([deployments.create(order()), deployments.create(order({ memoryMb: 256 }))])
  t.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected']
  )
  await t.throwsAsync(deployments.create(order()), { code: 'CONFLICT', message: 'Function already exist: hello' })
  t.is(node.catalog.get('function', 'hello')?.latest.memoryMb, 128)
})

test('a name that another node took while this one was building is a CONFLICT', async (t) => {
  const { node, deployments } = await scene(t, {
    build: async ({ zip, handler }) => {
      const other = await deploymentsAt(t, new TestMesh(t), node)
      await other.deployments.create(order({ memoryMb: 512 }))
      return await buildBundle({ zip, handler, builtinsSupported: [] })
    }
  })
  await t.throwsAsync(deployments.create(order()), { code: 'CONFLICT' })
  t.is(node.catalog.get('function', 'hello')?.latest.memoryMb, 512)
})

test('new code makes a new revision, keeps the settings, and the same code again is fine', async (t) => {
  const { mesh, deployments } = await scene(t)
  const first = await deployments.create(order({ memoryMb: 256, environment: { LEVEL: '1' } }))
  await mesh.advance(1_000)
  const second = await deployments.updateCode({ name: 'hello', zip: zipOf('export const handler = () => 3') })
  t.not(second.latest.revisionId, first.latest.revisionId)
  t.not(second.latest.code.bundleCid, first.latest.code.bundleCid)
  t.like(second.latest, { memoryMb: 256, environment: { LEVEL: '1' }, modifiedAt: first.latest.modifiedAt + 1_000 })
  t.is(second.createdAt, first.createdAt)
  const back = await deployments.updateCode({ name: 'hello', zip: zipOf() })
  t.deepEqual(back.latest.code, first.latest.code)
  t.not(back.latest.revisionId, first.latest.revisionId)
})

test('a dry run checks and tells all, and changes nothing', async (t) => {
  const { node, store, deployments } = await scene(t)
  const before = await deployments.create(order())
  const zip = zipOf('export const handler = () => 4')
  const dry = await deployments.updateCode({ name: 'hello', zip, dryRun: true })
  t.is(dry.latest.code.zipCid, await cidOf(zip))
  t.deepEqual(node.catalog.get('function', 'hello'), before)
  t.false(store.has(dry.latest.code.zipCid))
  t.false(store.has(dry.latest.code.bundleCid))
  const broken = deployments.updateCode({ name: 'hello', zip: zipOf('export const handler = ('), dryRun: true })
  await t.throwsAsync(broken, { code: 'INVALID_SOURCE' })
})

test('a revision id that is not the current one refuses code and configuration', async (t) => {
  const { node, deployments } = await scene(t)
  const first = await deployments.create(order())
  const { revisionId } = first.latest
  const second = await deployments.updateConfiguration({ name: 'hello', settings: { memoryMb: 256 }, revisionId })
  const stale = {
    code: 'PRECONDITION_FAILED',
    message: /does not match the latest Revision Id/
  }
  await t.throwsAsync(deployments.updateCode({ name: 'hello', zip: zipOf(), revisionId }), stale)
  await t.throwsAsync(deployments.updateConfiguration({ name: 'hello', settings: {}, revisionId }), stale)
  t.deepEqual(node.catalog.get('function', 'hello'), second)
})

test('a change at another node during a build is kept, unless the build was made of it or the caller named a revision', async (t) => {
  let handler = 'index.handler'
  const { node, deployments } = await scene(t, {
    build: async (order) => {
      const now = node.catalog.get('function', 'hello')
      if (now !== undefined) {
        const latest = { ...now.latest, handler, memoryMb: 1_024, revisionId: '00000000-0000-4000-8000-000000000000' }
        await node.catalog.put('function', 'hello', { ...now, latest })
      }
      return await buildBundle({ ...order, builtinsSupported: [] })
    }
  })
  const { latest } = await deployments.create(order())
  const named = deployments.updateCode({ name: 'hello', zip: zipOf(), revisionId: latest.revisionId })
  await t.throwsAsync(named, { code: 'PRECONDITION_FAILED' })
  const code = zipOf('export const handler = async () => 3, other = handler')
  const changed = await deployments.updateCode({ name: 'hello', zip: code })
  t.is(changed.latest.memoryMb, 1_024)
  t.is(changed.latest.code.zipCid, await cidOf(code))
  handler = 'index.other'
  await t.throwsAsync(deployments.updateCode({ name: 'hello', zip: zipOf() }), { code: 'CONFLICT' })
  t.is(node.catalog.get('function', 'hello')?.latest.code.zipCid, await cidOf(code))
})

test('a configuration changes what is given and leaves the rest; only a new handler builds again', async (t) => {
  const { deployments, builds } = await scene(t)
  const first = await deployments.create(order({ description: 'one', environment: { AB: '1', CD: '2' }, urlAuth: 'NONE' }))
  const settings = { memoryMb: 512, timeoutSeconds: 9, environment: { EF: '3' }, handler: 'index.handler' }
  const second = await deployments.updateConfiguration({ name: 'hello', settings })
  t.like(second.latest, { description: 'one', memoryMb: 512, timeoutSeconds: 9, code: first.latest.code })
  t.deepEqual(second.latest.environment, { EF: '3' })
  t.is(settingsOf(second, undefined).url?.auth, 'NONE')
  t.deepEqual(builds, ['index.handler'])
  const third = await deployments.updateConfiguration({ name: 'hello', settings: { handler: 'index.other' } })
  t.deepEqual(builds, ['index.handler', 'index.other'])
  t.not(third.latest.code.bundleCid, second.latest.code.bundleCid)
  t.is(third.latest.code.zipCid, second.latest.code.zipCid)
  const missing = deployments.updateConfiguration({ name: 'hello', settings: { handler: 'index.missing' } })
  await t.throwsAsync(missing, { code: 'HANDLER_NOT_FOUND' })
})

test('a function URL comes and goes without a new revision', async (t) => {
  const { deployments } = await scene(t)
  const first = await deployments.create(order())
  const open = await deployments.updateConfiguration({ name: 'hello', settings: { urlAuth: 'AWS_IAM' } })
  t.is(settingsOf(open, undefined).url?.auth, 'AWS_IAM')
  t.deepEqual(open.latest, first.latest)
  const closed = await deployments.updateConfiguration({ name: 'hello', settings: { urlAuth: null } })
  t.is(settingsOf(closed, undefined).url, undefined)
})

test('a removed function is gone, can be made again, and what is not there is NOT_FOUND', async (t) => {
  const { node, deployments } = await scene(t)
  await deployments.create(order())
  await deployments.remove('hello')
  t.is(node.catalog.get('function', 'hello'), undefined)
  const none = { code: 'NOT_FOUND', message: /Function not found: hello/ }
  await t.throwsAsync(deployments.remove('hello'), none)
  await t.throwsAsync(deployments.updateCode({ name: 'hello', zip: zipOf() }), none)
  await t.throwsAsync(deployments.updateConfiguration({ name: 'hello', settings: {} }), none)
  t.truthy(await deployments.create(order()))
})

test('another node changes the handler with the zip it pulls from the first', async (t) => {
  const mesh = new TestMesh(t)
  const exchange = async (number: number) => {
    const node = await mesh.node(number, { start: false })
    const store = await createBlockStore({ directory: await temporaryDirectory(t), logger: new MemoryLogger() })
    const parts = { store, clock: mesh.clock, random: new SeededRandom(number), logger: node.logger }
    const { fetch } = createBlockExchange({ ...parts, mesh: mesh.meshOf(node) })
    node.catalog.start()
    return await deploymentsAt(t, mesh, node, { store, fetch })
  }
  const [a, b] = [await exchange(1), await exchange(2)]
  await mesh.settle()
  await a.deployments.create(order())
  await mesh.settle()
  const changed = await b.deployments.updateConfiguration({ name: 'hello', settings: { handler: 'index.other' } })
  t.is(changed.latest.handler, 'index.other')
  t.deepEqual(new Uint8Array(await b.deployments.zipOf(changed.latest.code)), zipOf())
})

test('a build that hangs ends with its deadline and frees the name', async (t) => {
  let hang = true
  const { mesh, deployments } = await scene(t, {
    build: ({ zip, handler }) => (hang ? new Promise(() => undefined) : buildBundle({ zip, handler, builtinsSupported: [] }))
  })
  const hung = t.throwsAsync(deployments.create(order()), { code: 'DEADLINE_EXCEEDED', message: /longer than 60000 ms/ })
  hang = false
  const waiting = deployments.create(order({ memoryMb: 256 }))
  await mesh.advance(60_001)
  await hung
  t.is((await waiting).latest.memoryMb, 256)
})

test('of many deployments at once some wait, and more than fit in memory or find room in time are THROTTLED', async (t) => {
  const { mesh, deployments } = await scene(t, { build: () => new Promise(() => undefined) })
  const create = (index: number) => {
    const account = index % 2 === 0 ? 'even' : 'odd'
    return deployments.create({ ...order({}, `f-${index}`), account }).catch((error) => error.code)
  }
  const results = Array.from({ length: 16 + 256 + 1 }, (_, index) => create(index))
  t.is(await results.at(-1), 'THROTTLED')
  await mesh.advance(30_001)
  t.deepEqual(new Set(await Promise.all(results.slice(16))), new Set(['THROTTLED']))
  await mesh.advance(30_000)
  t.deepEqual(new Set(await Promise.all(results.slice(0, 16))), new Set(['DEADLINE_EXCEEDED']))
})

test('a script deploys a hundred functions at once', async (t) => {
  const { deployments, builds } = await scene(t)
  const names = Array.from({ length: 100 }, (_, index) => `f-${index}`)
  const records = await Promise.all(names.map((name) => deployments.create(order({}, name))))
  t.deepEqual(
    records.map(({ name }) => name),
    names
  )
  t.is(builds.length, 100)
})

test('zips that wait are bounded by their bytes', async (t) => {
  const { mesh, deployments } = await scene(t, { build: () => new Promise(() => undefined) })
  const zip = new Uint8Array(40 * 1_048_576)
  const all = Array.from({ length: 16 }, (_, index) =>
    deployments.create({ ...order({}, `f-${index}`), zip }).catch((error) => error.message)
  )
  t.regex(
    await (all.at(-1) as Promise<string>),
    /^12 deployments of account '.+' are in work at this node, at most 12 and 3 wait; try again/
  )
  await mesh.advance(60_001)
  await Promise.all(all)
})

test('changes that are made in a moment are not counted as deployments, and none undoes another', async (t) => {
  const { deployments } = await scene(t)
  await deployments.create(order({}, 'f'))
  const names = Array.from({ length: 50 }, (_, index) => `tag-${index}`)
  const give = (name: string) => deployments.change('f', (record) => ({ ...record, tags: { ...record.tags, [name]: '' } }))
  const changed = await Promise.all(names.map(give))
  t.deepEqual(Object.keys(changed.at(-1)?.tags ?? {}).sort(), [...names].sort())
  const many = await Promise.allSettled(Array.from({ length: 500 }, () => deployments.change('f', (record) => record)))
  const refused = many.flatMap((one) => (one.status === 'rejected' ? [one.reason.message] : []))
  t.is(refused.length, 500 - 384)
  t.regex(refused[0], /^384 changes of account '.+' are in work at this node, at most 384/)
})

test('an account whose builds never end keeps no other from deploying', async (t) => {
  const { mesh, deployments } = await scene(t, {
    build: ({ zip, handler }) =>
      handler === 'index.handler' ? new Promise(() => undefined) : buildBundle({ zip, handler, builtinsSupported: [] })
  })
  const slow = Array.from({ length: 20 }, (_, index) => deployments.create(order({}, `f-${index}`)).catch((error) => error.code))
  const other = await deployments.create({ ...order({ handler: 'index.other' }, 'theirs'), account: 'other' })
  t.is(other.account, 'other')
  t.is((await deployments.updateConfiguration({ name: 'theirs', settings: { memoryMb: 256 } })).latest.memoryMb, 256)
  await mesh.advance(60_001)
  t.deepEqual(new Set(await Promise.all(slow.slice(0, 12))), new Set(['DEADLINE_EXCEEDED']))
  t.deepEqual(new Set(await Promise.all(slow.slice(12))), new Set(['THROTTLED']))
  await t.throwsAsync(deployments.create(order({ handler: 'index.missing' }, 'again')), { code: 'HANDLER_NOT_FOUND' })
})

const refused = test.macro({
  exec: async (t: ExecutionContext, change: Record<string, unknown>, code: ErrorCode, message: RegExp) => {
    const { node, deployments, builds } = await scene(t)
    await t.throwsAsync(deployments.create({ ...order(), ...change } as never), { code, message })
    t.deepEqual(node.catalog.list('function'), [])
    t.true(builds.length <= 1)
  },
  title: (provided) => `refused: ${provided}`
})

test('a name with a slash', refused, { name: '../x' }, 'INVALID_ARGUMENT', /function name '..\/x' must have 1 to 64/)
test('a name of 65 characters', refused, { name: 'x'.repeat(65) }, 'INVALID_ARGUMENT', /function name/)
test('no name', refused, { name: undefined }, 'INVALID_ARGUMENT', /function name 'undefined'/)
test('an account that is none', refused, { account: 'a b' }, 'INVALID_ARGUMENT', /account 'a b' must have 1 to 64/)
test('settings out of bounds', refused, { settings: { memoryMb: 64 } }, 'INVALID_ARGUMENT', /memory size '64'/)
test('an empty zip', refused, { zip: new Uint8Array(0) }, 'INVALID_ZIP', /the zip is empty/)
test('no zip', refused, { zip: 'UEs=' }, 'INVALID_ZIP', /the zip is empty/)
test(
  'a zip above 50 MB',
  refused,
  { zip: new Uint8Array(LIMITS.zipBytesMax + 1) },
  'TOO_LARGE',
  /52428801 bytes, at most 52428800/
)
test('a zip that is none', refused, { zip: Buffer.from('garbage') }, 'INVALID_ZIP', /./)
test('a syntax error', refused, { zip: zipOf('export const handler = (') }, 'INVALID_SOURCE', /index\.mjs:1/)
test('a zip without the handler', refused, { zip: zipOf(SOURCE, 'main.mjs') }, 'HANDLER_NOT_FOUND', /index/)

test('what the log says of a deployment holds no value of its environment', async (t) => {
  const { node, deployments } = await scene(t)
  await deployments.create(order({ environment: { TOKEN: 'sentinel-value' } }))
  t.true(node.logger.lines.some((line) => line.message === 'function deployed'))
  t.false(JSON.stringify(node.logger.lines).includes('sentinel-value'))
})

/** Two nodes with deployments of their own. */
async function pair(t: ExecutionContext, build?: DeploymentsOptions['build']) {
  const mesh = new TestMesh(t)
  const nodes = [await mesh.node(1), await mesh.node(2)] as const
  await mesh.settle()
  const change = build === undefined ? {} : { build }
  const both = [await deploymentsAt(t, mesh, nodes[0], change), await deploymentsAt(t, mesh, nodes[1], change)] as const
  const everywhere = async () => {
    await mesh.advance(10_000)
    t.deepEqual(nodes[0].catalog.get('function', 'hello'), nodes[1].catalog.get('function', 'hello'))
    return nodes[0].catalog.get('function', 'hello')
  }
  return { mesh, a: both[0].deployments, b: both[1].deployments, everywhere }
}

test('of two nodes that make one function at once, one is told that there is one', async (t) => {
  const { mesh, a, b, everywhere } = await pair(t)
  const results = await Promise.allSettled([a.create(order({ memoryMb: 256 })), b.create(order({ memoryMb: 512 }))])
  await mesh.settle()
  const made = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.latest.memoryMb] : []))
  t.is(made.length, 1)
  t.like(
    results.find(({ status }) => status === 'rejected'),
    { reason: { code: 'CONFLICT', message: 'Function already exist: hello' } }
  )
  t.is((await everywhere())?.latest.memoryMb, made[0])
})

test('what two nodes change in one function at once is all there, and versions have numbers of their own', async (t) => {
  const { mesh, a, b, everywhere } = await pair(t)
  await a.create(order())
  await mesh.settle()
  const code = zipOf('export const handler = async () => 7')
  await Promise.all([
    a.updateConfiguration({ name: 'hello', settings: { memoryMb: 512 } }),
    b.updateCode({ name: 'hello', zip: code }),
    b.updateConfiguration({ name: 'hello', settings: { timeoutSeconds: 9 } }),
    a.change('hello', (record) => ({ ...record, tags: { ...record.tags, by: 'a' } })),
    b.change('hello', (record) => ({ ...record, tags: { ...record.tags, also: 'b' } }))
  ])
  const record = await everywhere()
  t.like(record?.latest, { memoryMb: 512, timeoutSeconds: 9 })
  t.is(record?.latest.code.zipCid, await cidOf(code))
  t.deepEqual(record?.tags, { by: 'a', also: 'b' })
  // Nothing has changed between them: they are one version, as at one node.
  for (const number of ['1', '2']) {
    if (number === '2') await b.updateConfiguration({ name: 'hello', settings: { memoryMb: 1_024 } })
    const published = await Promise.all([a.publish({ name: 'hello' }), b.publish({ name: 'hello' })])
    t.deepEqual(
      published.map(({ version }) => version.version),
      [number, number]
    )
    t.is(published[0].version.revisionId, published[1].version.revisionId)
  }
  t.is((await everywhere())?.lastVersion, 2)
})

test('a build is not put on a function of that name that another account has made meanwhile', async (t) => {
  const slow = Promise.withResolvers<void>()
  let builds = 0
  const { mesh, a, b, everywhere } = await pair(t, async ({ zip, handler, layers }) => {
    if (++builds === 2) await slow.promise
    return await buildBundle({ zip, handler, layers, builtinsSupported: [] })
  })
  await a.create(order())
  await mesh.settle()
  const late = a.updateCode({ name: 'hello', zip: zipOf('export const handler = async () => "theirs"') })
  await b.remove('hello')
  await b.create({ ...order(), account: 'other' })
  await mesh.settle()
  const refused = t.throwsAsync(late, { code: 'CONFLICT', message: /was removed and made anew meanwhile/ })
  slow.resolve()
  await refused
  t.is((await everywhere())?.latest.code.zipCid, await cidOf(zipOf()))
})

test('what waited for its turn is not done to a function of that name that another account has made meanwhile', async (t) => {
  const slow = Promise.withResolvers<void>()
  const { node, deployments } = await scene(t, {
    build: async ({ zip, handler, layers }) => {
      if (handler === 'index.other') await slow.promise
      return await buildBundle({ zip, handler, layers, builtinsSupported: [] })
    }
  })
  const owner = () => node.catalog.get('function', 'hello')
  await deployments.create(order())
  // All that one account may have in work, so that the next has to wait.
  const held = Array.from({ length: ACCOUNT_DEPLOYMENTS_IN_WORK_MAX }, (_, index) =>
    deployments.create(order({ handler: 'index.other' }, `slow-${index}`))
  )
  const source = 'export const handler = async () => "not theirs"'
  const late = [
    deployments.updateCode({ name: 'hello', zip: zipOf(source) }),
    deployments.updateConfiguration({ name: 'hello', settings: { description: 'not theirs' } })
  ]
  const refused = late.map((one) => t.throwsAsync(one, { code: 'CONFLICT', message: /was removed and made anew meanwhile/ }))
  await deployments.remove('hello')
  await deployments.create({ ...order(), account: 'other' })
  const before = owner()
  slow.resolve()
  await Promise.all([...refused, ...held])
  t.deepEqual(owner(), before)

  // Behind a removal and the creation that follows it.
  const [, , changed] = await Promise.allSettled([
    deployments.remove('hello'),
    deployments.create({ ...order(), account: 'third' }),
    deployments.change('hello', (record) => ({ ...record, reservedConcurrency: 1 }))
  ])
  t.is(changed.status, 'rejected')
  t.like(owner(), { account: 'third', reservedConcurrency: undefined })
})
