import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createBlockStore, readZip } from '@peerless/bundle'
import { MemoryLogger } from '@peerless/testing'
import test from 'ava'
import { NodeClient } from '../src/client.ts'
import { putFunction } from '../src/deployment.ts'
import { cidOf } from '../src/lambda.ts'
import { fakeLambda } from './_fake-lambda.ts'
import { KEY, REGION, startFakeNode, temporaryFolder } from './_fake-node.ts'
import { runCommand } from './_host.ts'

const SOURCE = `export const handler = async (event: { name: string }) => 'Hello ' + event.name`

test('a TypeScript file is bundled, created under its name and awaited', async (t) => {
  const lambda = fakeLambda('greet')
  const node = await startFakeNode(t, lambda.routes)
  const cwd = await temporaryFolder(t)
  await writeFile(join(cwd, 'greet.ts'), SOURCE)
  const { code, stdout, stderr } = await runCommand(
    [
      'deploy',
      'greet.ts',
      '--memory',
      '256',
      '--timeout',
      '9',
      '--env',
      'AA=1',
      '--env',
      'BB=x=y',
      '--json',
      '--data',
      node.data
    ],
    { cwd }
  )
  t.is(code, 0, stderr)
  const { ms, ...facts } = JSON.parse(stdout)
  t.true(Number.isInteger(ms) && ms >= 0)
  t.deepEqual(facts, {
    name: 'greet',
    version: '$LATEST',
    cid: lambda.configuration.PeerlessCid,
    bytes: lambda.zip.length,
    url: null
  })
  const { Role, Runtime, ...settings } = (lambda.changes[0] as { create: Record<string, unknown> }).create
  t.regex(String(Role), /^arn:aws:iam::\d{12}:role\/.+/)
  t.regex(String(Runtime), /^nodejs/)
  t.deepEqual(settings, {
    FunctionName: 'greet',
    Handler: 'index.handler',
    MemorySize: 256,
    Timeout: 9,
    Environment: { Variables: { AA: '1', BB: 'x=y' } }
  })
  t.true((await readZip(lambda.zip)).length > 0)
  t.true(node.received.every((call) => call.signed))
})

test('a second deployment sends only what changed', async (t) => {
  const lambda = fakeLambda('greet')
  const node = await startFakeNode(t, lambda.routes)
  const cwd = await temporaryFolder(t)
  const deploy = async (...flags: string[]) => {
    lambda.changes.length = 0
    const { code, stderr } = await runCommand(['deploy', 'greet.ts', '--data', node.data, ...flags], { cwd })
    t.is(code, 0, stderr)
    return [...lambda.changes]
  }
  await writeFile(join(cwd, 'greet.ts'), SOURCE)
  await deploy('--memory', '256', '--env', 'AA=1', '--env', 'BB=2')
  t.deepEqual(await deploy(), [], 'nothing changed')
  t.deepEqual(await deploy('--memory', '256', '--env', 'BB=2', '--env', 'AA=1'), [], 'the same settings in another order')
  t.deepEqual(await deploy('--memory', '512'), [{ MemorySize: 512 }])
  t.deepEqual(await deploy('--env', 'AA=1'), [{ Environment: { Variables: { AA: '1' } } }])
  await writeFile(join(cwd, 'greet.ts'), SOURCE.replace('Hello', 'Goodbye'))
  t.deepEqual(await deploy(), ['code'])
  t.deepEqual(await deploy('--timeout', '5'), [{ Timeout: 5 }])
})

test('--url makes a URL that anyone can call, and later deployments print it', async (t) => {
  const lambda = fakeLambda('app')
  const node = await startFakeNode(t, lambda.routes)
  const folder = join(await temporaryFolder(t), 'app')
  await mkdir(folder)
  await writeFile(join(folder, 'index.mjs'), 'export default { fetch: () => new Response("hi") }')
  const urlOf = async (...flags: string[]) => {
    const { code, stdout, stderr } = await runCommand(['deploy', folder, '--json', '--data', node.data, ...flags])
    t.is(code, 0, stderr)
    return JSON.parse(stdout).url
  }
  t.is(await urlOf('--url'), 'http://127.0.0.1/fn/app/')
  t.is(await urlOf(), 'http://127.0.0.1/fn/app/')
  t.is(await urlOf('--url'), 'http://127.0.0.1/fn/app/')
  const posts = node.received.filter(({ method, path }) => method === 'POST' && path.endsWith('/url'))
  t.deepEqual(
    posts.map(({ body }) => body.toString()),
    ['{"AuthType":"NONE"}']
  )
})

test('without a CID from the node it is that of the zip, as the block store names it', async (t) => {
  const store = await createBlockStore({ directory: await temporaryFolder(t), logger: new MemoryLogger() })
  for (const text of ['', 'a', 'PK and more']) {
    const bytes = Buffer.from(text)
    t.is(cidOf({ CodeSha256: createHash('sha256').update(bytes).digest('base64') }), await store.write(bytes))
  }
  t.is(cidOf({ PeerlessCid: 'bafy', CodeSha256: 'x' }), 'bafy')
  t.is(cidOf({ CodeSha256: 'short' }), undefined)
})

test('for people it prints name, version, CID, size and time', async (t) => {
  const lambda = fakeLambda('greet')
  const node = await startFakeNode(t, lambda.routes)
  const cwd = await temporaryFolder(t)
  await writeFile(join(cwd, 'greet.ts'), SOURCE)
  const { stdout } = await runCommand(['deploy', 'greet.ts', '--data', node.data], { cwd })
  t.regex(stdout, /^name +greet\nversion +\$LATEST\ncid +cid-\w+\nsize +.*B \(\d+ bytes\)\ntime +[\d,]+ ms\n$/)
})

test('a syntax error is told with file and line, and nothing is uploaded', async (t) => {
  const lambda = fakeLambda('broken')
  const node = await startFakeNode(t, lambda.routes)
  const cwd = await temporaryFolder(t)
  await writeFile(join(cwd, 'broken.ts'), 'export const ok = 1\nexport const handler = (')
  const { code, stdout, stderr } = await runCommand(['deploy', 'broken.ts', '--data', node.data], { cwd })
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /broken\.ts:2:/)
  t.is(lambda.changes.length, 0)
})

test('a path where nothing is, is told before anything is asked of the node', async (t) => {
  const node = await startFakeNode(t, {})
  const { code, stderr } = await runCommand(['deploy', 'nowhere.ts', '--data', node.data])
  t.is(code, 1)
  t.true(stderr.includes("'nowhere.ts'"), stderr)
  t.is(node.received.length, 0)
})

test('a refusal by the node and a deployment that fails there end with 1 and the reason', async (t) => {
  const cwd = await temporaryFolder(t)
  await writeFile(join(cwd, 'greet.ts'), SOURCE)
  const refusing = await startFakeNode(t, fakeLambda('greet', () => 'zip is bad').routes)
  const refused = await runCommand(['deploy', 'greet.ts', '--data', refusing.data], { cwd })
  t.is(refused.code, 1)
  t.true(refused.stderr.includes('zip is bad (InvalidParameterValueException)'), refused.stderr)
  const failing = await startFakeNode(t, {
    ...fakeLambda('greet').routes,
    'GET /2015-03-31/functions/greet/configuration': { json: { State: 'Failed', StateReason: 'no room' } }
  })
  const failed = await runCommand(['deploy', 'greet.ts', '--data', failing.data], { cwd })
  t.is(failed.code, 1)
  t.true(failed.stderr.includes('no room'))
})

/** Code and handler as a node checks them: the zip is the text of the one handler that it has. */
const HANDLERS = (zip: Buffer, handler: unknown) =>
  zip.toString().split(',').includes(String(handler)) ? undefined : 'handler not found'

const moves = test.macro({
  exec: async (
    t,
    first: [zip: string, handler: string],
    second: [zip: string, handler: string],
    expected: unknown[] | RegExp
  ) => {
    const lambda = fakeLambda('f', HANDLERS)
    const node = await startFakeNode(t, lambda.routes)
    const client = await NodeClient.open({ origin: node.origin, ...KEY, region: REGION, source: { kind: 'url' } }, () => 0)
    t.teardown(() => client.close())
    const put = ([zip, handler]: [string, string]) =>
      putFunction(
        client,
        {
          name: 'f',
          zip: Buffer.from(zip),
          handler,
          runtime: 'r',
          memoryMb: undefined,
          timeoutSeconds: undefined,
          environment: undefined
        },
        () => 0
      )
    await put(first)
    lambda.changes.length = 0
    if (expected instanceof RegExp) {
      const error = await t.throwsAsync(put(second), { message: /handler not found/ })
      t.regex((error as Error & { next: string }).next, expected)
    } else {
      await put(second)
      t.deepEqual(lambda.changes, expected)
      t.is(lambda.configuration.Handler, second[1])
      t.is(lambda.zip.toString(), second[0])
    }
  },
  title: (title = '') => `code and handler change together: ${title}`
})
test('the new code still has the old handler', moves, ['a', 'a'], ['a,b', 'b'], ['code', { Handler: 'b' }])
test('the old code has the new handler already', moves, ['a,b', 'a'], ['b', 'b'], ['code', { Handler: 'b' }, 'code'])
test('neither, and the error says what to do', moves, ['a', 'a'], ['b', 'b'], /peerless rm f/)

test('--watch deploys again on every change until it is interrupted, and outlives a syntax error', async (t) => {
  const lambda = fakeLambda('greet')
  const node = await startFakeNode(t, lambda.routes)
  const cwd = await temporaryFolder(t)
  const file = join(cwd, 'greet.ts')
  await writeFile(file, SOURCE)
  const controller = new AbortController()
  const steps = ['export const handler = (', SOURCE.replace('Hello', 'Again')]
  const { code, stdout, stderr } = await runCommand(['deploy', 'greet.ts', '--watch', '--json', '--data', node.data], {
    cwd,
    interrupt: controller.signal,
    // Each time it waits again, the next change.
    onStderr: (text) => {
      if (!text.includes('watching')) return
      const step = steps.shift()
      if (step === undefined) controller.abort()
      else void writeFile(file, step)
    }
  })
  t.is(code, 0, stderr)
  t.is(stdout.trim().split('\n').length, 2)
  t.regex(stderr, /greet\.ts:1:/)
  t.deepEqual(lambda.changes.slice(1), ['code'])
})

test('where another deployment was first with function and URL, this one goes on as if both had been there', async (t) => {
  const lambda = fakeLambda('greet')
  const conflict = {
    status: 409,
    headers: { 'x-amzn-errortype': 'ResourceConflictException' },
    json: { Message: 'Function already exist: greet' }
  }
  const makes = ['POST /2015-03-31/functions', 'POST /2021-10-31/functions/greet/url']
  for (const path of makes) {
    const make = lambda.routes[path]
    if (typeof make !== 'function') throw new Error(`${path} makes nothing`)
    // The other one's request is served just before.
    lambda.routes[path] = (call) => {
      make(call)
      return conflict
    }
  }
  lambda.routes['PUT /2021-10-31/functions/greet/url'] = { json: { FunctionUrl: 'http://127.0.0.1/fn/greet/', AuthType: 'NONE' } }
  const node = await startFakeNode(t, lambda.routes)
  const cwd = await temporaryFolder(t)
  await writeFile(join(cwd, 'greet.ts'), SOURCE)
  const { code, stdout, stderr } = await runCommand(['deploy', 'greet.ts', '--url', '--json', '--data', node.data], { cwd })
  t.is(code, 0, stderr)
  t.like(JSON.parse(stdout), { name: 'greet', url: 'http://127.0.0.1/fn/greet/' })
})
