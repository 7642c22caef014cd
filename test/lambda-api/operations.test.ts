import * as sdk from '@aws-sdk/client-lambda'
import test from 'ava'
import { zipSync } from 'fflate'
import { type Daemon, eventually, meshOf, up } from '../_daemon.ts'
import { ROLE, zipOf } from '../_functions.ts'
import { type Api, apiOf } from './_api.ts'
import { ARN } from './_calls.ts'
import { bucketServer } from './_s3.ts'

const ECHO = zipOf('export const handler = async (event, context) => ({ event, version: context.functionVersion })')
const create = (FunctionName: string, change: object = {}) => ({
  FunctionName,
  Role: ROLE,
  Runtime: 'nodejs22.x',
  Handler: 'index.handler',
  Code: { ZipFile: ECHO },
  ...change
})
const files = (entries: Record<string, string>) =>
  zipSync(Object.fromEntries(Object.entries(entries).map(([name, text]) => [name, Buffer.from(text)])))

/** What has been asked of the SDK in this file; the last test compares it with what there is. */
const ASKED = new Set<string>()

async function connect(daemon: Daemon, options?: Parameters<typeof apiOf>[1]): Promise<Api> {
  const api = await apiOf(daemon, options)
  const noted = <Result>(send: (operation: string, input?: object) => Promise<Result>) => {
    return (operation: string, input?: object) => {
      ASKED.add(operation)
      return send(operation, input)
    }
  }
  return { client: api.client, call: noted(api.call), good: noted(api.good) }
}

let daemon: Daemon
let api: Api
let s3: { url: string; signed: string[] }
const endings: (() => unknown)[] = []
test.before(async () => {
  const ending = { teardown: (end: () => unknown) => endings.unshift(end) }
  s3 = await bucketServer(ending, new Map([['/bucket/folder/code (1).zip', ECHO]]))
  process.env.AWS_ACCESS_KEY_ID = 'bucket-key'
  process.env.AWS_SECRET_ACCESS_KEY = 'bucket-secret'
  daemon = await up(ending, { args: ['--s3-endpoint', s3.url] })
  api = await connect(daemon)
})
test.after.always(async () => {
  for (const end of endings) await end()
})

test.serial('a function is created, waited for, read, changed, listed and deleted', async (t) => {
  const created = await api.good(
    'CreateFunction',
    create('life', { Tags: { team: 'one' }, Environment: { Variables: { AB: '1' } } })
  )
  t.like(created.json, {
    FunctionArn: `${ARN}:function:life`,
    State: 'Pending',
    StateReasonCode: 'Creating',
    Version: '$LATEST',
    PackageType: 'Zip',
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/life' }
  })
  const waiter = { client: api.client, maxWaitTime: 10 }
  const named = { FunctionName: 'life' }
  for (const wait of [sdk.waitUntilFunctionActive, sdk.waitUntilFunctionActiveV2, sdk.waitUntilFunctionExists])
    t.is(String((await wait(waiter, named)).state), 'SUCCESS')
  const updated = await api.good('UpdateFunctionConfiguration', {
    ...named,
    MemorySize: 256,
    RevisionId: created.json.RevisionId
  })
  t.like(updated.json, { MemorySize: 256, LastUpdateStatus: 'InProgress', State: 'Active' })
  for (const wait of [sdk.waitUntilFunctionUpdated, sdk.waitUntilFunctionUpdatedV2])
    t.is(String((await wait(waiter, named)).state), 'SUCCESS')
  t.is((await api.call('UpdateFunctionConfiguration', { ...named, RevisionId: created.json.RevisionId })).status, 412)
  const dry = await api.good('UpdateFunctionCode', { ...named, ZipFile: zipOf('export const handler = () => 2'), DryRun: true })
  t.not(dry.json.CodeSha256, created.json.CodeSha256)
  t.is((await api.good('GetFunctionConfiguration', named)).json.CodeSha256, created.json.CodeSha256)
  await api.good('UpdateFunctionCode', { ...named, ZipFile: zipOf('export const handler = () => 2'), Architectures: ['arm64'] })
  const got = (await api.good('GetFunction', named)).json
  t.like(got.Configuration, { State: 'Active', LastUpdateStatus: 'Successful', Architectures: ['arm64'], MemorySize: 256 })
  t.deepEqual(got.Tags, { team: 'one' })
  t.true(got.Code.Location.startsWith(daemon.http))
  t.is((await api.good('ListFunctions')).json.Functions[0].FunctionArn, `${ARN}:function:life`)
  t.is((await api.good('DeleteFunction', named)).status, 204)
  t.is((await api.call('GetFunction', named)).status, 404)
})

test.serial('versions are numbered, immutable and kept apart; aliases split calls by weight', async (t) => {
  const named = { FunctionName: 'versions' }
  const first = (await api.good('CreateFunction', create('versions', { Publish: true }))).json
  t.is(first.Version, '1')
  t.is(
    String(
      (await sdk.waitUntilPublishedVersionActive({ client: api.client, maxWaitTime: 10 }, { ...named, Qualifier: '1' })).state
    ),
    'SUCCESS'
  )
  t.is((await api.good('PublishVersion', named)).json.Version, '1', 'nothing changed since')
  await api.good('UpdateFunctionCode', { ...named, ZipFile: zipOf('export const handler = async () => "second"') })
  const second = (await api.good('PublishVersion', { ...named, Description: 'two' })).json
  t.like(second, { Version: '2', Description: 'two', FunctionArn: `${ARN}:function:versions:2` })
  const invoke = (Qualifier: string) => api.good('Invoke', { ...named, Qualifier, Payload: '{"a":1}' })
  t.deepEqual((await invoke('1')).json, { event: { a: 1 }, version: '1' })
  t.is((await invoke('2')).text, '"second"')
  const listed = (await api.good('ListVersionsByFunction', named)).json.Versions
  t.deepEqual(
    listed.map(({ Version }: { Version: string }) => Version),
    ['$LATEST', '1', '2']
  )

  const alias = { ...named, Name: 'live' }
  await api.good('CreateAlias', { ...alias, FunctionVersion: '1' })
  t.is((await invoke('live')).headers.get('x-amz-executed-version'), '1')
  await api.good('UpdateAlias', { ...alias, RoutingConfig: { AdditionalVersionWeights: { 2: 0.5 } } })
  t.deepEqual((await api.good('GetAlias', alias)).json.RoutingConfig, { AdditionalVersionWeights: { 2: 0.5 } })
  const versions = new Set<string | null>()
  for (let call = 0; call < 40; call++) versions.add((await invoke('live')).headers.get('x-amz-executed-version'))
  t.deepEqual([...versions].sort(), ['1', '2'], 'one of 2^39 runs sees only one of them')
  // What is changed has to go with what is left as it was.
  const once = await api.call('UpdateAlias', { ...alias, FunctionVersion: '2' })
  t.regex(once.json.message, /Function version 2 is already included in routing configuration/)
  const unpublished = await api.call('UpdateAlias', { ...alias, FunctionVersion: '$LATEST' })
  t.regex(unpublished.json.message, /\$LATEST is not supported for an alias pointing to more than 1 version/)
  await api.good('UpdateAlias', { ...alias, FunctionVersion: '2', RoutingConfig: { AdditionalVersionWeights: {} } })
  const cleared = (await api.good('GetAlias', alias)).json
  t.false('RoutingConfig' in cleared)
  t.is((await api.good('Invoke', { FunctionName: `${ARN}:function:versions:live` })).headers.get('x-amz-executed-version'), '2')
  t.is((await api.good('ListAliases', { ...named, FunctionVersion: '2' })).json.Aliases.length, 1)
  t.is((await api.call('DeleteFunction', { ...named, Qualifier: '2' })).status, 409)
  t.is((await daemon.cli('invoke', 'versions:1', '--data', '1')).stdout.trim(), '{"event":1,"version":"1"}')
  await api.good('DeleteAlias', alias)
  await api.good('DeleteFunction', { ...named, Qualifier: '2' })
  t.is((await api.call('Invoke', { ...named, Qualifier: '2' })).status, 404)
  await api.good('UpdateFunctionConfiguration', { ...named, MemorySize: 256 })
  t.is((await api.good('PublishVersion', named)).json.Version, '3', 'numbers are never used again')
})

test.serial('code comes from a bucket, signed; layers are found by imports', async (t) => {
  const bucket = { S3Bucket: 'bucket', S3Key: 'folder/code (1).zip' }
  await api.good('CreateFunction', create('from-bucket', { Code: bucket }))
  t.deepEqual((await api.good('Invoke', { FunctionName: 'from-bucket', Payload: '7' })).json, { event: 7, version: '$LATEST' })
  t.deepEqual(s3.signed, ['/bucket/folder/code (1).zip'])

  const layer = { LayerName: 'greetings' }
  const content = files({
    'nodejs/node_modules/greet/package.json': '{"name":"greet","main":"main.js"}',
    'nodejs/node_modules/greet/main.js': 'module.exports = (name) => "hello " + name',
    'data/other.mjs': 'export const other = "from /opt"'
  })
  const published = (
    await api.good('PublishLayerVersion', { ...layer, Content: { ZipFile: content }, CompatibleRuntimes: ['nodejs22.x'] })
  ).json
  t.like(published, { Version: 1, LayerVersionArn: `${ARN}:layer:greetings:1` })
  t.is(Buffer.from(await (await fetch(published.Content.Location)).arrayBuffer()).length, content.length)
  const source =
    "import greet from 'greet'; import { other } from '/opt/data/other.mjs'; export const handler = async () => [greet('Ada'), other]"
  await api.good('CreateFunction', create('layered', { Code: { ZipFile: zipOf(source) }, Layers: [published.LayerVersionArn] }))
  t.deepEqual((await api.good('Invoke', { FunctionName: 'layered' })).json, ['hello Ada', 'from /opt'])
  t.like((await api.good('GetFunctionConfiguration', { FunctionName: 'layered' })).json.Layers[0], {
    Arn: `${ARN}:layer:greetings:1`
  })
  await api.good('AddLayerVersionPermission', {
    ...layer,
    VersionNumber: 1,
    StatementId: 's',
    Action: 'lambda:GetLayerVersion',
    Principal: '*'
  })
  t.regex((await api.good('GetLayerVersionPolicy', { ...layer, VersionNumber: 1 })).json.Policy, /"Sid":"s"/)
  await api.good('RemoveLayerVersionPermission', { ...layer, VersionNumber: 1, StatementId: 's' })
  t.is((await api.good('GetLayerVersion', { ...layer, VersionNumber: 1 })).json.Version, 1)
  t.is((await api.good('GetLayerVersionByArn', { Arn: published.LayerVersionArn })).json.Version, 1)
  t.is((await api.good('ListLayers', { CompatibleRuntime: 'nodejs22.x' })).json.Layers.length, 1)
  t.is((await api.good('ListLayers', { CompatibleRuntime: 'python3.12' })).json.Layers.length, 0)
  await api.good('DeleteLayerVersion', { ...layer, VersionNumber: 1 })
  // As at AWS, the function keeps what it has, also when it is built again; others cannot have it any more.
  await api.good('UpdateFunctionCode', { FunctionName: 'layered', ZipFile: zipOf(source.replace('Ada', 'Eve')) })
  t.deepEqual((await api.good('Invoke', { FunctionName: 'layered' })).json, ['hello Eve', 'from /opt'])
  const late = await api.call('CreateFunction', create('late', { Layers: [published.LayerVersionArn] }))
  t.is(late.json.message, `Layer version ${published.LayerVersionArn} does not exist.`)
  t.is((await api.good('ListLayerVersions', layer)).json.LayerVersions.length, 0)
  t.is((await api.good('PublishLayerVersion', { ...layer, Content: { ZipFile: content } })).json.Version, 2)
})

test.serial('records and dead letters go to functions that the account may invoke, whoever sets them', async (t) => {
  for (const name of ['target', 'elsewhere']) await api.good('CreateFunction', create(name, {}))
  const key = JSON.parse((await daemon.cli('keys', 'create', '--role', 'deployer', '--account', 'visitors', '--json')).stdout)
  const visitor = await connect(daemon, { key })
  const target = `${ARN}:function:target`
  const deadLetters = { DeadLetterConfig: { TargetArn: target } }
  const destination = { FunctionName: 'visiting', DestinationConfig: { OnSuccess: { Destination: target } } }
  t.is((await visitor.call('CreateFunction', create('visiting', deadLetters))).status, 400)
  await visitor.good('CreateFunction', create('visiting', {}))
  for (const [who, operation, input] of [
    [visitor, 'PutFunctionEventInvokeConfig', destination],
    [visitor, 'UpdateFunctionConfiguration', { FunctionName: 'visiting', ...deadLetters }],
    // Records come in the name of the function's account, not of whoever set the destination.
    [api, 'PutFunctionEventInvokeConfig', destination]
  ] as const) {
    const refused = await who.call(operation, input)
    t.is(refused.status, 400, operation)
    t.regex(refused.json.message, /account 'visitors' may not invoke function 'target'/)
  }
  const permission = { FunctionName: 'target', StatementId: 'v', Action: 'lambda:InvokeFunction', Principal: 'visitors' }
  await api.good('AddPermission', permission)
  await visitor.good('PutFunctionEventInvokeConfig', destination)
  await visitor.good('UpdateFunctionConfiguration', { FunctionName: 'visiting', ...deadLetters })
  await api.good('PutFunctionEventInvokeConfig', {
    FunctionName: 'target',
    DestinationConfig: { OnFailure: { Destination: `${ARN}:function:elsewhere` } }
  })
})

test.serial('a layer is for functions of its account, and for those of others where its policy says so', async (t) => {
  const layer = { LayerName: 'private' }
  const content = files({ 'nodejs/node_modules/private/index.js': 'module.exports = "secret"' })
  const { LayerVersionArn } = (await api.good('PublishLayerVersion', { ...layer, Content: { ZipFile: content } })).json
  const key = JSON.parse((await daemon.cli('keys', 'create', '--role', 'deployer', '--account', 'lodgers', '--json')).stdout)
  const lodger = await connect(daemon, { key })
  const source = 'import text from "private"; export const handler = async () => text'
  const lodging = create('lodging', { Code: { ZipFile: zipOf(source) }, Layers: [LayerVersionArn] })
  t.is((await lodger.call('GetLayerVersion', { ...layer, VersionNumber: 1 })).status, 403)
  t.is((await lodger.call('CreateFunction', lodging)).status, 403)
  await lodger.good('CreateFunction', create('empty'))
  t.is((await lodger.call('UpdateFunctionConfiguration', { FunctionName: 'empty', Layers: [LayerVersionArn] })).status, 403)
  const permission = { ...layer, VersionNumber: 1, StatementId: 'l', Action: 'lambda:GetLayerVersion', Principal: '*' }
  await api.good('AddLayerVersionPermission', permission)
  await lodger.good('CreateFunction', lodging)
  t.is((await lodger.good('Invoke', { FunctionName: 'lodging' })).json, 'secret')
})

test.serial('a policy lets keys of other accounts invoke, and nothing else', async (t) => {
  const named = { FunctionName: 'shared' }
  await api.good('CreateFunction', create('shared', { Publish: true }))
  await api.good('CreateAlias', { ...named, Name: 'live', FunctionVersion: '1' })
  const key = JSON.parse((await daemon.cli('keys', 'create', '--role', 'deployer', '--account', 'guests', '--json')).stdout)
  const guest = await connect(daemon, { key })
  t.is((await guest.call('Invoke', named)).status, 403)
  const permission = { ...named, StatementId: 'guests', Action: 'lambda:InvokeFunction', Principal: 'guests' }
  const statement = JSON.parse((await api.good('AddPermission', permission)).json.Statement)
  t.like(statement, {
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::000000000000:user/guests' },
    Resource: `${ARN}:function:shared`
  })
  t.is((await guest.call('Invoke', named)).status, 200)
  t.is((await guest.call('Invoke', { ...named, Qualifier: 'live' })).status, 403, 'a policy is of one qualifier')
  t.is((await guest.call('GetFunction', named)).status, 403)
  t.is((await guest.call('ListFunctions')).json.Functions.length, 0)
  const { Policy, RevisionId } = (await api.good('GetPolicy', named)).json
  t.is(JSON.parse(Policy).Statement.length, 1)
  t.is((await api.call('RemovePermission', { ...named, StatementId: 'guests', RevisionId: 'other' })).status, 412)
  await api.good('RemovePermission', { ...named, StatementId: 'guests', RevisionId })
  t.is((await guest.call('Invoke', named)).status, 403)

  const whole = { ResourceArn: `${ARN}:function:shared` }
  const put = (...statements: object[]) => ({
    ...whole,
    Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements })
  })
  const open = { Sid: 'open', Effect: 'Allow', Principal: '*', Action: ['lambda:Invoke*', 'lambda:GetFunction'] }
  const closed = { Sid: 'closed', Effect: 'Deny', Principal: { AWS: 'guests' }, Action: 'lambda:InvokeFunction' }
  t.is((await api.call('GetResourcePolicy', whole)).status, 404)
  const first = (await api.good('PutResourcePolicy', put(open))).json
  t.deepEqual(JSON.parse(first.Policy).Statement, [{ ...open, Resource: whole.ResourceArn }])
  t.is((await guest.call('Invoke', named)).status, 200)
  t.is((await api.call('PutResourcePolicy', { ...put(closed), RevisionId: crypto.randomUUID() })).status, 412)
  const second = (await api.good('PutResourcePolicy', { ...put(open, closed), RevisionId: first.RevisionId })).json
  t.is((await guest.call('Invoke', named)).status, 403, 'a denial holds against what allows')
  t.deepEqual((await api.good('GetResourcePolicy', whole)).json, second)
  t.is((await api.good('GetPolicy', named)).json.Policy, second.Policy)
  const unknown = await api.call(
    'PutResourcePolicy',
    put({ ...open, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } })
  )
  t.is(unknown.status, 400)
  t.regex(unknown.json.message ?? unknown.json.Message, /IpAddress/)
  await api.good('DeleteResourcePolicy', { ...whole, RevisionId: second.RevisionId })
  t.is((await api.call('DeleteResourcePolicy', whole)).status, 404)
  t.is((await guest.call('Invoke', named)).status, 403)
})

test.serial('reserved concurrency is enforced and given back', async (t) => {
  const named = { FunctionName: 'narrow' }
  const slow = zipOf('export const handler = (ms) => new Promise((resolve) => setTimeout(() => resolve(ms), ms))')
  await api.good('CreateFunction', create('narrow', { Code: { ZipFile: slow } }))
  await api.good('PutFunctionConcurrency', { ...named, ReservedConcurrentExecutions: 1 })
  t.is((await api.good('GetFunctionConcurrency', named)).json.ReservedConcurrentExecutions, 1)
  t.is((await api.good('GetFunction', named)).json.Concurrency.ReservedConcurrentExecutions, 1)
  const other = await connect(daemon)
  const both = await Promise.all([api, other].map((one) => one.call('Invoke', { ...named, Payload: '1000' })))
  t.deepEqual(both.map(({ status }) => status).sort(), [200, 429])
  const throttled = both.find(({ status }) => status === 429)
  t.is(throttled?.json.Reason, 'ReservedFunctionConcurrentInvocationLimitExceeded')
  t.truthy(throttled?.headers.get('retry-after'))
  t.is((await api.call('Invoke', { ...named, Payload: '1' })).status, 200)
  await api.good('DeleteFunctionConcurrency', named)
  const free = await Promise.all([api, other].map((one) => one.call('Invoke', { ...named, Payload: '300' })))
  t.deepEqual(
    free.map(({ status }) => status),
    [200, 200]
  )
})

test.serial('what is set for a qualifier is stored, given back, listed and taken away', async (t) => {
  const named = { FunctionName: 'settings' }
  await api.good('CreateFunction', create('settings', { Publish: true }))
  const one = { ...named, Qualifier: '1' }
  const put = await api.good('PutProvisionedConcurrencyConfig', { ...one, ProvisionedConcurrentExecutions: 2 })
  t.like(put.json, { Status: 'IN_PROGRESS', RequestedProvisionedConcurrentExecutions: 2 })
  t.is(put.status, 202)
  interface Shown {
    node: { instances: { function: string; version: string; state: string; calls: number }[] }
  }
  const instances = async () => {
    const { node } = JSON.parse((await daemon.cli('top', '--json')).stdout.split('\n')[0] ?? '') as Shown
    return node.instances.filter((instance) => instance.function === 'settings' && instance.state === 'idle')
  }
  const warm = await eventually(instances, ({ length }) => length === 2, 15_000)
  t.true(warm.every(({ version, calls }) => version === '1' && calls === 0))
  const ready = { Status: 'READY', AvailableProvisionedConcurrentExecutions: 2 }
  t.like((await api.good('GetProvisionedConcurrencyConfig', one)).json, ready)
  t.is((await api.good('Invoke', { ...one, Payload: '1' })).headers.get('x-peerless-cold'), null, 'the first call finds it warm')
  t.is((await api.good('ListProvisionedConcurrencyConfigs', named)).json.ProvisionedConcurrencyConfigs.length, 1)
  await api.good('DeleteProvisionedConcurrencyConfig', one)

  const Cors = { AllowOrigins: ['https://example.com'], AllowMethods: ['GET'], MaxAge: 60, AllowCredentials: true }
  await api.good('CreateAlias', { ...named, Name: 'live', FunctionVersion: '1' })
  const url = await api.good('CreateFunctionUrlConfig', { ...named, Qualifier: 'live', AuthType: 'NONE', Cors })
  t.is(url.status, 201)
  t.deepEqual(url.json.Cors, Cors)
  t.is((await fetch(url.json.FunctionUrl)).status, 200)
  t.is((await api.good('UpdateFunctionUrlConfig', { ...named, Qualifier: 'live', AuthType: 'AWS_IAM' })).json.AuthType, 'AWS_IAM')
  t.is((await fetch(url.json.FunctionUrl)).status, 403)
  t.is((await api.good('GetFunctionUrlConfig', { ...named, Qualifier: 'live' })).json.InvokeMode, 'BUFFERED')
  t.is((await api.good('ListFunctionUrlConfigs', named)).json.FunctionUrlConfigs.length, 1)
  await api.good('DeleteFunctionUrlConfig', { ...named, Qualifier: 'live' })

  const event = await api.good('PutFunctionEventInvokeConfig', { ...named, MaximumRetryAttempts: 1 })
  t.like(event.json, { FunctionArn: `${ARN}:function:settings:$LATEST`, MaximumRetryAttempts: 1 })
  const merged = await api.good('UpdateFunctionEventInvokeConfig', { ...named, MaximumEventAgeInSeconds: 60 })
  t.like(merged.json, { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 })
  t.like((await api.good('GetFunctionEventInvokeConfig', named)).json, { MaximumEventAgeInSeconds: 60 })
  t.is((await api.good('ListFunctionEventInvokeConfigs', named)).json.FunctionEventInvokeConfigs.length, 1)
  await api.good('DeleteFunctionEventInvokeConfig', named)

  t.is((await api.good('GetFunctionRecursionConfig', named)).json.RecursiveLoop, 'Terminate')
  t.is((await api.good('PutFunctionRecursionConfig', { ...named, RecursiveLoop: 'Allow' })).json.RecursiveLoop, 'Allow')
  t.is((await api.good('GetRuntimeManagementConfig', named)).json.UpdateRuntimeOn, 'Auto')
  await api.good('PutRuntimeManagementConfig', { ...named, UpdateRuntimeOn: 'FunctionUpdate' })
  await api.good('PutFunctionScalingConfig', {
    ...one,
    FunctionScalingConfig: { MinExecutionEnvironments: 1, MaxExecutionEnvironments: 2 }
  })
  t.like((await api.good('GetFunctionScalingConfig', one)).json.AppliedFunctionScalingConfig, { MinExecutionEnvironments: 1 })

  const Resource = `${ARN}:function:settings`
  await api.good('TagResource', { Resource, Tags: { a: '1', 'b c': '2' } })
  await api.good('UntagResource', { Resource, TagKeys: ['a'] })
  t.deepEqual((await api.good('ListTags', { Resource })).json.Tags, { 'b c': '2' })

  const signing = {
    AllowedPublishers: { SigningProfileVersionArns: ['arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/v'] }
  }
  const csc = (await api.good('CreateCodeSigningConfig', signing)).json.CodeSigningConfig
  const config = { CodeSigningConfigArn: csc.CodeSigningConfigArn }
  await api.good('PutFunctionCodeSigningConfig', { ...named, ...config })
  t.is((await api.good('GetFunctionCodeSigningConfig', named)).json.CodeSigningConfigArn, csc.CodeSigningConfigArn)
  t.is((await api.good('ListFunctionsByCodeSigningConfig', config)).json.FunctionArns.length, 1)
  await api.good('UpdateCodeSigningConfig', { ...config, CodeSigningPolicies: { UntrustedArtifactOnDeployment: 'Enforce' } })
  const refused = await api.call('UpdateFunctionCode', { ...named, ZipFile: ECHO })
  t.is(refused.headers.get('x-amzn-errortype'), 'CodeVerificationFailedException')
  t.is((await api.call('DeleteCodeSigningConfig', config)).status, 409)
  await api.good('DeleteFunctionCodeSigningConfig', named)
  t.is((await api.good('GetCodeSigningConfig', config)).json.CodeSigningConfig.CodeSigningConfigId, csc.CodeSigningConfigId)
  t.is((await api.good('ListCodeSigningConfigs')).json.CodeSigningConfigs.length, 1)
  await api.good('DeleteCodeSigningConfig', config)

  const account = (await api.good('GetAccountSettings')).json
  t.true(account.AccountUsage.FunctionCount > 0 && account.AccountLimit.ConcurrentExecutions >= 1_000)
})

test.serial('an event source mapping lives from Creating to Deleting', async (t) => {
  const EventSourceArn = 'arn:aws:sqs:us-east-1:000000000000:queue'
  const made = await api.good('CreateEventSourceMapping', { FunctionName: 'settings', EventSourceArn, Tags: { a: 'b' } })
  t.is(made.status, 202)
  t.like(made.json, { State: 'Creating', BatchSize: 10, FunctionArn: `${ARN}:function:settings` })
  const { UUID, EventSourceMappingArn: Resource } = made.json
  t.is((await api.good('GetEventSourceMapping', { UUID })).json.State, 'Enabled')
  t.deepEqual((await api.good('ListTags', { Resource })).json.Tags, { a: 'b' })
  t.is((await api.call('CreateEventSourceMapping', { FunctionName: 'settings', EventSourceArn })).status, 409)
  const changed = await api.good('UpdateEventSourceMapping', { UUID, Enabled: false, BatchSize: 5 })
  t.like(changed.json, { State: 'Disabling', BatchSize: 5 })
  t.is((await api.good('GetEventSourceMapping', { UUID })).json.State, 'Disabled')
  t.is((await api.good('ListEventSourceMappings', { FunctionName: 'settings' })).json.EventSourceMappings.length, 1)
  t.is((await api.good('ListEventSourceMappings', { EventSourceArn: `${EventSourceArn}2` })).json.EventSourceMappings.length, 0)
  t.is((await api.good('DeleteEventSourceMapping', { UUID })).json.State, 'Deleting')
  t.is((await api.call('GetEventSourceMapping', { UUID })).status, 404)
})

test.serial('paginators of the SDK see every item once', async (t) => {
  for (let index = 0; index < 5; index++)
    await api.good('CreateAlias', { FunctionName: 'settings', Name: `page-${index}`, FunctionVersion: '1' })
  const config = { client: api.client, pageSize: 2 }
  const names: (string | undefined)[] = []
  for await (const page of sdk.paginateListAliases(config, { FunctionName: 'settings' }))
    names.push(...(page.Aliases ?? []).map(({ Name }) => Name))
  t.deepEqual(names, ['live', 'page-0', 'page-1', 'page-2', 'page-3', 'page-4'])
  const functions: (string | undefined)[] = []
  for await (const page of sdk.paginateListFunctions(config, {}))
    functions.push(...(page.Functions ?? []).map((one) => one.FunctionName))
  t.is(new Set(functions).size, functions.length)
  t.true(functions.length >= 5)
})

test.serial('Invoke: dry run, log tail, client context, events, errors; streams', async (t) => {
  const named = { FunctionName: 'settings' }
  t.is((await api.good('Invoke', { ...named, InvocationType: 'DryRun' })).status, 204)
  const context = Buffer.from('{"custom":{"a":1}}').toString('base64')
  const tailed = await api.good('Invoke', { ...named, LogType: 'Tail', ClientContext: context, Payload: '1' })
  const log = Buffer.from(tailed.headers.get('x-amz-log-result') ?? '', 'base64').toString()
  t.regex(
    log,
    /^START RequestId: \S+ Version: \$LATEST\n(.*\n)*END RequestId: \S+\nREPORT RequestId: \S+\tDuration: .* ms\tBilled Duration: /
  )
  t.is((await api.good('Invoke', { ...named, InvocationType: 'Event', Payload: '1' })).status, 202)
  t.is((await api.call('Invoke', { ...named, InvocationType: 'Event', Payload: `"${'x'.repeat(1_048_576)}"` })).status, 413)
  t.is((await api.good('InvokeAsync', { ...named, InvokeArgs: Buffer.from('1') })).status, 202)
  t.is((await api.good('InvokeWithResponseStream', { ...named, Payload: '1' })).status, 200)
})

test.serial('what no mesh has is refused or empty, never half done', async (t) => {
  const CapacityProviderName = 'p'
  const VpcConfig = { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] }
  const PermissionsConfig = { CapacityProviderOperatorRoleArn: ROLE }
  t.is((await api.call('CreateCapacityProvider', { CapacityProviderName, VpcConfig, PermissionsConfig })).status, 400)
  for (const operation of ['Get', 'Delete', 'Update'].map((verb) => `${verb}CapacityProvider`))
    t.is((await api.call(operation, { CapacityProviderName })).status, 404)
  t.deepEqual((await api.good('ListCapacityProviders')).json, { CapacityProviders: [] })
  t.is((await api.call('ListFunctionVersionsByCapacityProvider', { CapacityProviderName })).status, 404)
  const DurableExecutionArn = `${ARN}:function:settings:1/durable-execution/a/b`
  for (const operation of ['GetDurableExecution', 'GetDurableExecutionHistory', 'StopDurableExecution'])
    t.is((await api.call(operation, { DurableExecutionArn })).status, 404, operation)
  t.is((await api.call('GetDurableExecutionState', { DurableExecutionArn, CheckpointToken: 'aaaa' })).status, 404)
  t.is((await api.call('CheckpointDurableExecution', { DurableExecutionArn, CheckpointToken: 'aaaa' })).status, 404)
  t.deepEqual((await api.good('ListDurableExecutionsByFunction', { FunctionName: 'settings' })).json, { DurableExecutions: [] })
  for (const verb of ['Success', 'Failure', 'Heartbeat']) {
    const answer = await api.call(`SendDurableExecutionCallback${verb}`, { CallbackId: 'aaaa' })
    t.is(answer.headers.get('x-amzn-errortype'), 'CallbackTimeoutException', verb)
  }
})

test.serial('every operation of the SDK was asked', (t) => {
  const known = Object.keys(sdk)
    .filter((name) => /^[A-Z]\w+Command$/.test(name) && name !== '$Command')
    .map((name) => name.slice(0, -'Command'.length))
  const missed = known.filter((name) => !ASKED.has(name))
  t.log(`${ASKED.size} operations asked of ${known.length} in the SDK`)
  t.deepEqual(missed, [])
})

test.serial('a change at one node is seen and invoked at every other, and at its own at once', async (t) => {
  const [a, b] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const [here, there] = [await connect(a), await connect(b)]
  await here.good('CreateFunction', create('both', { Publish: true }))
  await here.good('CreateAlias', { FunctionName: 'both', Name: 'live', FunctionVersion: '1' })
  t.is((await here.good('GetAlias', { FunctionName: 'both', Name: 'live' })).json.FunctionVersion, '1')
  const seen = await eventually(
    () => there.call('Invoke', { FunctionName: 'both:live', Payload: '5' }),
    ({ status }) => status === 200,
    5_000
  )
  t.deepEqual(seen.json, { event: 5, version: '1' })
  await there.good('UpdateFunctionConfiguration', { FunctionName: 'both', Description: 'changed there' })
  await eventually(
    () => here.good('GetFunctionConfiguration', { FunctionName: 'both' }),
    ({ json }) => json.Description === 'changed there',
    5_000
  )
})
