import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  DeleteFunctionUrlConfigCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  GetFunctionUrlConfigCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  paginateListFunctions,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  UpdateFunctionUrlConfigCommand,
  waitUntilFunctionActiveV2
} from '@aws-sdk/client-lambda'
import type { AccessKey } from '@peerless/interface'
import { PeerlessError } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { type Fixture, LIMITS, ran, recordOf, start, ZIP } from './_ports.ts'

/** The real client of the JavaScript SDK, version 3, with only an endpoint and keys set. */
async function connected(t: ExecutionContext, keyOf: (node: Fixture) => AccessKey = (node) => node.deployer) {
  const node = await start(t, { real: true })
  const { accessKeyId, secretAccessKey } = keyOf(node)
  const client = new LambdaClient({
    endpoint: node.url,
    region: 'eu-central-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1
  })
  t.teardown(() => client.destroy())
  return { node, client }
}

const ROLE = 'arn:aws:iam::000000000000:role/lambda'
const CREATE = {
  FunctionName: 'made',
  Role: ROLE,
  Handler: 'index.handler',
  Runtime: 'nodejs22.x' as const,
  Code: { ZipFile: ZIP }
}

/** The error of a call, as the SDK names it. */
async function errorOf(promise: Promise<unknown>): Promise<{ name: string; message: string; status: number | undefined }> {
  try {
    await promise
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
    return { name, message, status: $metadata?.httpStatusCode }
  }
  throw new Error('it did not fail')
}

test('a function lives: create, wait, get, update, invoke, delete', async (t) => {
  const { node, client } = await connected(t)
  const created = await client.send(
    new CreateFunctionCommand({
      ...CREATE,
      MemorySize: 256,
      Timeout: 10,
      Description: 'd',
      Environment: { Variables: { KEY: 'ä' } }
    })
  )
  t.is(created.$metadata.httpStatusCode, 201)
  t.is(created.FunctionArn, 'arn:aws:lambda:us-east-1:000000000000:function:made')
  t.is(created.MemorySize, 256)
  t.is(created.CodeSize, ZIP.length)
  t.is(node.catalog.get('function', 'made')?.account, 'team')
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 5 }, { FunctionName: 'made' })

  const got = await client.send(new GetFunctionCommand({ FunctionName: 'made' }))
  t.is(got.Configuration?.Environment?.Variables?.KEY, 'ä')
  const download = await fetch(got.Code?.Location ?? '')
  t.deepEqual(Buffer.from(await download.arrayBuffer()), ZIP)

  const configured = await client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: 'made', Timeout: 20, RevisionId: created.RevisionId })
  )
  t.is(configured.Timeout, 20)
  t.is(configured.MemorySize, 256)
  const stale = new UpdateFunctionConfigurationCommand({ FunctionName: 'made', Timeout: 9, RevisionId: created.RevisionId })
  t.like(await errorOf(client.send(stale)), { name: 'PreconditionFailedException', status: 412 })

  const zip = Buffer.concat([ZIP, Buffer.from('2')])
  const dry = await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'made', ZipFile: zip, DryRun: true }))
  t.not(dry.CodeSha256, created.CodeSha256)
  t.is(node.catalog.get('function', 'made')?.latest.code.zipSha256, created.CodeSha256)
  const updated = await client.send(new UpdateFunctionCodeCommand({ FunctionName: 'made', ZipFile: zip }))
  t.is(updated.CodeSha256, dry.CodeSha256)
  t.is((await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'made' }))).RevisionId, updated.RevisionId)

  const invoked = await client.send(new InvokeCommand({ FunctionName: 'made', Payload: '{"name":"Ada"}' }))
  t.is(invoked.StatusCode, 200)
  t.is(invoked.ExecutedVersion, '$LATEST')
  t.is(invoked.FunctionError, undefined)
  t.is(Buffer.from(invoked.Payload ?? []).toString(), '{"name":"Ada"}')

  t.is((await client.send(new DeleteFunctionCommand({ FunctionName: 'made' }))).$metadata.httpStatusCode, 204)
  const gone = await errorOf(client.send(new GetFunctionCommand({ FunctionName: 'made' })))
  t.deepEqual(gone, {
    name: 'ResourceNotFoundException',
    message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:made',
    status: 404
  })
})

test('FunctionConfiguration has the fields of Lambda, and lists leave out what lists leave out', async (t) => {
  const { client } = await connected(t)
  const { $metadata, ...shown } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: 'hello' }))
  t.is($metadata.httpStatusCode, 200)
  t.deepEqual(shown as unknown, {
    FunctionName: 'hello',
    FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:hello',
    Runtime: 'nodejs26.x',
    Role: 'arn:aws:iam::000000000000:role/any',
    Handler: 'index.handler',
    CodeSize: 3,
    Description: '',
    Timeout: 3,
    MemorySize: 128,
    LastModified: '2023-11-14T22:13:20.000+0000',
    CodeSha256: recordOf('hello').latest.code.zipSha256,
    Version: '$LATEST',
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: 'revision-of-hello',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: ['x86_64'],
    EphemeralStorage: { Size: 512 },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    RuntimeVersionConfig: { RuntimeVersionArn: `arn:aws:lambda:us-east-1::runtime:${hash('sha256', 'peerless nodejs26.x')}` },
    LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/hello' }
  })
  const listed = (await client.send(new ListFunctionsCommand({}))).Functions?.[0]
  t.is(listed?.FunctionArn, 'arn:aws:lambda:us-east-1:000000000000:function:hello')
  t.is(listed?.State, undefined)
})

test('lists come in pages, each function once, only of the own account', async (t) => {
  const { node, client } = await connected(t)
  for (let index = 0; index < 7; index++) {
    const name = `f-${index}`
    await node.catalog.put('function', name, recordOf(name, { account: index === 3 ? 'other' : 'team' }))
  }
  const names: (string | undefined)[] = []
  for await (const page of paginateListFunctions({ client, pageSize: 2 }, {})) {
    t.true((page.Functions?.length ?? 0) <= 2)
    names.push(...(page.Functions ?? []).map((one) => one.FunctionName))
  }
  t.deepEqual(names, ['f-0', 'f-1', 'f-2', 'f-4', 'f-5', 'f-6', 'hello'])
})

test('function URLs are configured', async (t) => {
  const { node, client } = await connected(t)
  const name = { FunctionName: 'hello' }
  t.is(
    (await errorOf(client.send(new CreateFunctionUrlConfigCommand({ ...name, AuthType: 'NONE' })))).name,
    'ResourceConflictException'
  )
  const got = await client.send(new GetFunctionUrlConfigCommand(name))
  t.is(got.AuthType, 'NONE')
  t.is((await fetch(got.FunctionUrl ?? '')).status, 200)
  t.is((await client.send(new UpdateFunctionUrlConfigCommand({ ...name, AuthType: 'AWS_IAM' }))).AuthType, 'AWS_IAM')
  t.is((await fetch(got.FunctionUrl ?? '')).status, 403)
  t.is((await client.send(new DeleteFunctionUrlConfigCommand(name))).$metadata.httpStatusCode, 204)
  t.is((await errorOf(client.send(new GetFunctionUrlConfigCommand(name)))).name, 'ResourceNotFoundException')
  t.is(node.catalog.get('function', 'hello')?.qualifiers?.$LATEST?.url, undefined)
  t.is((await client.send(new CreateFunctionUrlConfigCommand({ ...name, AuthType: 'NONE' }))).$metadata.httpStatusCode, 201)
})

test('Invoke by name, partial ARN and full ARN, with a qualifier', async (t) => {
  const { node, client } = await connected(t, (one) => one.invoker)
  for (const FunctionName of [
    'hello',
    'hello:$LATEST',
    'function:hello',
    '000000000000:function:hello',
    'arn:aws:lambda:us-east-1:000000000000:function:hello',
    'arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST'
  ]) {
    t.is((await client.send(new InvokeCommand({ FunctionName }))).StatusCode, 200, FunctionName)
  }
  t.is((await client.send(new InvokeCommand({ FunctionName: 'hello', Qualifier: '$LATEST' }))).StatusCode, 200)
  t.like(node.orders.at(-1), { kind: 'event', invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST' })
  t.is(node.orders[0]?.payload.length, 0)
  const missing = await errorOf(client.send(new InvokeCommand({ FunctionName: 'hello', Qualifier: '3' })))
  t.is(missing.message, 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:hello:3')
})

test('Invoke gives function errors, log tail and client context their places', async (t) => {
  const { node, client } = await connected(t)
  node.behave(() => ran('{"errorType":"Error","errorMessage":"no"}', { status: 'error', logTail: `${'x'.repeat(5_000)}END` }))
  const context = JSON.stringify({ client: { name: 'ä' } })
  const answer = await client.send(
    new InvokeCommand({ FunctionName: 'hello', LogType: 'Tail', ClientContext: Buffer.from(context).toString('base64') })
  )
  t.is(answer.FunctionError, 'Unhandled')
  t.is(answer.StatusCode, 200)
  const tail = Buffer.from(answer.LogResult ?? '', 'base64')
  t.is(tail.length, LIMITS.logTailBytesMax)
  t.true(tail.toString().endsWith('xEND'))
  t.like(node.orders[0], { logTail: true, clientContext: context })
})

test('DryRun checks and runs nothing; Event says that it is not there yet', async (t) => {
  const { node, client } = await connected(t)
  t.is((await client.send(new InvokeCommand({ FunctionName: 'hello', InvocationType: 'DryRun' }))).StatusCode, 204)
  const event = await errorOf(client.send(new InvokeCommand({ FunctionName: 'hello', InvocationType: 'Event' })))
  t.like(event, { name: 'InvalidParameterValueException', status: 400 })
  t.is(node.orders.length, 0)
})

const REFUSALS: [code: ConstructorParameters<typeof PeerlessError>[0], name: string, status: number][] = [
  ['THROTTLED', 'TooManyRequestsException', 429],
  ['NO_CAPACITY', 'ServiceUnavailableException', 503],
  ['NOT_REPLICATED', 'ServiceUnavailableException', 503],
  ['BUDGET_SPENT', 'BudgetSpentException', 402],
  ['CONNECTION_LOST', 'ServiceException', 502],
  ['DEADLINE_EXCEEDED', 'ServiceException', 504],
  ['MALFORMED', 'ServiceException', 500]
]
for (const [code, name, status] of REFUSALS) {
  test(`Invoke: ${code} is ${status} ${name} to the SDK`, async (t) => {
    const { node, client } = await connected(t)
    node.behave(() => Promise.reject(new PeerlessError(code, 'why', { detail: { retryAfterMs: 4_000 } })))
    t.deepEqual(await errorOf(client.send(new InvokeCommand({ FunctionName: 'hello' }))), { name, status, message: 'why' })
  })
}

test('a payload that is too large or no JSON is refused before anything runs', async (t) => {
  const { node, client } = await connected(t)
  const invoke = (Payload: Uint8Array | string) => errorOf(client.send(new InvokeCommand({ FunctionName: 'hello', Payload })))
  t.like(await invoke(Buffer.alloc(LIMITS.payloadBytesMax + 1, ' ')), { name: 'RequestTooLargeException', status: 413 })
  for (const payload of ['{', "{'a':1}", '{"a":1} x', '\u0000', Buffer.from([0x22, 0xff, 0x22])]) {
    const error = await invoke(payload)
    t.like(error, { name: 'InvalidRequestContentException', status: 400 })
    t.regex(error.message, /^Could not parse request body into json: /)
  }
  t.is(node.orders.length, 0)
})

test('roles hold for the SDK', async (t) => {
  const denied = { name: 'AccessDeniedException', status: 403 }
  const invoker = await connected(t, (node) => node.invoker)
  t.like(await errorOf(invoker.client.send(new GetFunctionCommand({ FunctionName: 'hello' }))), denied)
  t.like(await errorOf(invoker.client.send(new ListFunctionsCommand({}))), denied)
  t.like(await errorOf(invoker.client.send(new CreateFunctionCommand(CREATE))), denied)
  const stranger = await connected(t, (node) => node.stranger)
  for (const command of [
    new GetFunctionCommand({ FunctionName: 'hello' }),
    new DeleteFunctionCommand({ FunctionName: 'hello' }),
    new UpdateFunctionCodeCommand({ FunctionName: 'hello', ZipFile: ZIP }),
    new InvokeCommand({ FunctionName: 'hello' })
  ]) {
    t.like(await errorOf(stranger.client.send(command as GetFunctionCommand)), denied)
  }
  t.like(await errorOf(stranger.client.send(new CreateFunctionCommand({ ...CREATE, FunctionName: 'hello' }))), {
    name: 'ResourceConflictException',
    status: 409
  })
  const admin = await connected(t, (node) => node.admin)
  t.is((await admin.client.send(new InvokeCommand({ FunctionName: 'hello' }))).StatusCode, 200)
  t.is((await admin.client.send(new GetFunctionCommand({ FunctionName: 'hello' }))).$metadata.httpStatusCode, 200)
})

test('the AWS command line works with an endpoint and keys', async (t) => {
  const run = promisify(execFile)
  try {
    await run('aws', ['--version'])
  } catch {
    // A machine without the AWS CLI has nothing to try here; the SDK tests cover the same operations.
    t.pass('no aws on PATH')
    return
  }
  const node = await start(t, { real: true })
  const folder = await mkdtemp(join(tmpdir(), 'peerless-gateway-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const aws = async (...args: string[]) => {
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      AWS_ACCESS_KEY_ID: node.deployer.accessKeyId,
      AWS_SECRET_ACCESS_KEY: node.deployer.secretAccessKey,
      AWS_DEFAULT_REGION: 'us-east-1',
      PYENV_VERSION: process.env.PYENV_VERSION ?? '',
      PYENV_ROOT: process.env.PYENV_ROOT ?? ''
    }
    const all = ['--endpoint-url', node.url, 'lambda', ...args]
    return await run('aws', all, { env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')) })
  }
  const zip = join(folder, 'f.zip')
  // The smallest zip that the client itself takes for one: an empty one.
  await writeFile(zip, Buffer.concat([Buffer.from('PK\u0005\u0006'), Buffer.alloc(18)]))
  await aws(
    'create-function',
    '--function-name',
    'cli',
    '--role',
    ROLE,
    '--handler',
    'a.b',
    '--runtime',
    'nodejs22.x',
    '--zip-file',
    `fileb://${zip}`
  )
  const out = join(folder, 'out')
  const payload = join(folder, 'in.json')
  await writeFile(payload, '{"a":"ä b"}')
  const { stdout } = await aws('invoke', '--function-name', 'cli', '--payload', `fileb://${payload}`, out)
  t.is(JSON.parse(stdout).StatusCode, 200)
  t.is(node.orders.length, 1)
  t.is(Buffer.from(node.orders[0]?.payload ?? []).toString(), '{"a":"ä b"}')
  t.is(JSON.parse((await aws('list-functions')).stdout).Functions.length, 2)
  await aws('delete-function', '--function-name', 'cli')
  t.is(node.catalog.get('function', 'cli'), undefined)
})
