import { join } from 'node:path'
import { lineageMark, RECURSIVE_ERROR } from '@peerless/interface'
import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { ROLE, zipOf } from '../_functions.ts'
import { settled } from '../async/_async.ts'
import { apiOf } from './_api.ts'

const ROOT = 'Root=1-6955b900-0123456789abcdef01234567'
const CHAINS_MS_MAX = 300_000
const STOPPED = { name: RECURSIVE_ERROR.errorType, message: RECURSIVE_ERROR.errorMessage }

test.serial(
  'a chain that calls itself through the API is stopped after 16 calls of one function, unless it may go on',
  async (t) => {
    t.timeout(CHAINS_MS_MAX, 'sixteen calls that wait for each other take sixteen instances')
    const daemons = (await meshOf(t, 2, ['--allow-egress', '127.0.0.0/8'])) as [Daemon, Daemon]
    const [a, b] = daemons
    const api = await apiOf(a)
    for (const [name, file] of Object.entries({ ping: 'calls-signed', pong: 'calls-signed', sdk: 'calls-by-sdk' })) {
      const path = join(import.meta.dirname, 'handlers', `${file}.mjs`)
      const deployed = await a.cli('deploy', path, '--name', name, '--timeout', '120', '--memory', '256')
      t.is(deployed.code, 0, deployed.stderr)
      await known(b, name)
    }
    const { accessKeyId, secretAccessKey } = await a.keys()
    const order = { keys: { accessKeyId, secretAccessKey }, depth: 0 }
    const both = { ...order, names: ['ping', 'pong'], endpoints: [b.http, a.http] }
    const self = { ...order, names: ['ping'], endpoints: [b.http, a.http] }
    const run = async (name: string, event: object, trace?: string) => (await ask(a, name, 'Invoke', trace, event)).json

    const marks = ['ping', 'pong'].map((name) => `${lineageMark(name)}:8`)
    const half = await run('ping', both, `${ROOT};Lineage=${marks.join('|')}`)
    t.deepEqual(half, { depth: 15, ...STOPPED }, 'two functions, at two nodes in turn, from the 9th call of each on')
    t.deepEqual(await run('ping', self), { depth: 15, ...STOPPED }, 'one function')
    const late = `${ROOT};Lineage=${lineageMark('sdk')}:13`
    t.deepEqual(await run('sdk', { ...self, names: ['sdk'] }, late), { depth: 2, ...STOPPED }, "AWS's SDK, from the 14th call on")

    // Asynchronously every call is accepted, and the one too many is not run.
    t.deepEqual(await run('ping', { ...self, type: 'Event' }), { depth: 0 })
    const letters = await eventually(
      async () => JSON.parse((await a.cli('dead-letters', 'list', '--json')).stdout) as { id: string }[],
      (list) => list.length > 0,
      30_000
    )
    t.like(letters[0], { function: 'ping', condition: 'RecursiveInvocation', attempts: 0, result: RECURSIVE_ERROR })

    await api.good('PutFunctionRecursionConfig', { FunctionName: 'ping', RecursiveLoop: 'Allow' })
    const there = await apiOf(b)
    await eventually(
      () => there.good('GetFunctionRecursionConfig', { FunctionName: 'ping' }),
      ({ json }) => json.RecursiveLoop === 'Allow'
    )
    t.deepEqual(await run('ping', { ...self, depthMax: 20 }), { depth: 20 })
  }
)

test.serial('a function finds its trace where AWS has it, and what a client sends is continued', async (t) => {
  const [a, b] = (await meshOf(t, 2, [])) as [Daemon, Daemon]
  const api = await apiOf(a)
  const source = 'export const handler = async () => process.env._X_AMZN_TRACE_ID'
  await api.good('CreateFunction', {
    FunctionName: 'traced',
    Role: ROLE,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: zipOf(source) }
  })
  await known(b, 'traced')
  const mark = lineageMark('traced')
  const first = await ask(a, 'traced', 'Invoke', undefined)
  const hex = String(first.headers.get('x-amzn-requestid')).replaceAll('-', '')
  t.is(first.json, `Root=1-${hex.slice(0, 8)}-${hex.slice(8)};Parent=${hex.slice(16)};Sampled=0;Lineage=${mark}:1`)
  const before = `${ROOT};Parent=0123456789abcdef;Sampled=1;Lineage=0badcafe:3|${mark}:15`
  for (const daemon of [a, b, a])
    t.regex(
      (await ask(daemon, 'traced', 'Invoke', before)).json,
      new RegExp(`^${ROOT};Parent=.*;Lineage=0badcafe:3\\|${mark}:16$`)
    )
  t.regex(
    (await ask(b, 'traced', 'Invoke', undefined)).json,
    new RegExp(`Lineage=${mark}:1$`),
    'an instance forgets the chain before'
  )

  const once = before.replace(':15', ':16')
  for (const operation of ['Invoke', 'InvokeWithResponseStream']) {
    const refused = await ask(b, 'traced', operation, once)
    t.is(refused.status, 400, operation)
    t.is(refused.headers.get('x-amzn-errortype'), 'RecursiveInvocationException')
    t.deepEqual(refused.json, { Message: RECURSIVE_ERROR.errorMessage, Type: 'User' })
  }
  for (const operation of ['Invoke', 'InvokeAsync']) {
    const accepted = await ask(b, 'traced', operation, once, {}, { InvocationType: 'Event' })
    t.is(accepted.status, 202, operation)
    t.like(await settled(b, String(accepted.headers.get('x-amzn-requestid'))), {
      status: 'failed',
      condition: 'RecursiveInvocation'
    })
  }
  for (const nonsense of ['Root=1-1-1', 'Lineage=', `Lineage=${mark}:99`, `${ROOT};Lineage=x:y|${'f'.repeat(4_000)}:99`])
    t.is((await ask(a, 'traced', 'Invoke', nonsense)).status, 200, nonsense.slice(0, 40))
})

/** With the trace that a client sends. */
async function ask(daemon: Daemon, name: string, operation: string, trace?: string, event: object = {}, input: object = {}) {
  const { client, call } = await apiOf(daemon)
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      if (trace !== undefined) headers['x-amzn-trace-id'] = trace
      return next(args)
    },
    { step: 'build' }
  )
  return await call(operation, { FunctionName: name, Payload: JSON.stringify(event), InvokeArgs: '{}', ...input })
}

/** The other node has heard of it. */
async function known(daemon: Daemon, name: string): Promise<void> {
  const api = await apiOf(daemon)
  await eventually(
    () => api.call('GetFunction', { FunctionName: name }),
    ({ status }) => status === 200
  )
}
