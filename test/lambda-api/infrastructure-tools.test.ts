import type { AddPermissionRequest } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, up } from '../_daemon.ts'
import { ROLE, zipOf } from '../_functions.ts'
import { type Answer, type Api, apiOf } from './_api.ts'

/*
 * Terraform, OpenTofu and Pulumi cannot be had here: what follows are the calls of their AWS provider (resources lambda_function, lambda_alias, lambda_permission and
 * lambda_event_source_mapping), in its order, with its waits, and read as it reads. What it reads must be what it wrote, and stay so: else each plan has changes.
 */

const FUNCTION = 'planned'
const name = { FunctionName: FUNCTION }

const start = async (daemon: Daemon): Promise<Api> => await apiOf(daemon)
const waited = (ask: () => Promise<Answer>, holds: (answer: Answer) => boolean) => eventually(ask, holds)
const updated = (api: Api) =>
  waited(
    () => api.good('GetFunction', name),
    ({ json }) => json.Configuration.LastUpdateStatus === 'Successful'
  )

/** Of `aws_lambda_function`, but what changes by itself. */
async function state(api: Api): Promise<Record<string, unknown>> {
  const { Configuration, Code, Concurrency, Tags } = (await api.good('GetFunction', name)).json
  // All versions in one page where that is possible; the last is the newest.
  const { Versions } = (await api.good('ListVersionsByFunction', { ...name, MaxItems: 10_000 })).json
  const { CodeSigningConfigArn } = (await api.good('GetFunctionCodeSigningConfig', name)).json
  const { FunctionArn, Version } = Versions.at(-1)
  const { RevisionId: _revision, LastModified: _time, RuntimeVersionConfig: _runtime, ...configuration } = Configuration
  return { ...configuration, ImageUri: Code.ImageUri, Concurrency, Tags, CodeSigningConfigArn, latest: { FunctionArn, Version } }
}

test('what infrastructure tools write they read back, after a create, an update and a publish, until all is destroyed', async (t) => {
  const api = await start(await up(t))
  const { LayerVersionArn, LayerArn } = (
    await api.good('PublishLayerVersion', {
      LayerName: 'planned',
      Description: '',
      LicenseInfo: '',
      Content: { ZipFile: zipOf('export default 1', 'nodejs/node_modules/one/index.mjs') }
    })
  ).json
  // The provider names a layer by its ARN.
  t.is((await api.good('GetLayerVersion', { LayerName: LayerArn, VersionNumber: 1 })).json.LayerVersionArn, LayerVersionArn)
  const written = {
    Role: ROLE,
    Handler: 'index.handler',
    Runtime: 'nodejs22.x',
    Description: '',
    MemorySize: 128,
    Timeout: 3,
    PackageType: 'Zip',
    Environment: { Variables: { STAGE: 'dev' } },
    TracingConfig: { Mode: 'Active' },
    EphemeralStorage: { Size: 1_024 }
  }
  const nowhere = { Ipv6AllowedForDualStack: false, SecurityGroupIds: [], SubnetIds: [] }
  const Tags = { Owner: 'me', 'with space': 'é/+' }
  await api.good('CreateFunction', {
    ...name,
    ...written,
    Code: { ZipFile: zipOf('export const handler = async () => 1') },
    Layers: [LayerVersionArn],
    LoggingConfig: { LogFormat: 'JSON' },
    VpcConfig: nowhere,
    Publish: true,
    Tags
  })
  await waited(
    () => api.good('GetFunction', name),
    ({ json }) => json.Configuration.State === 'Active'
  )
  await api.good('PutFunctionConcurrency', { ...name, ReservedConcurrentExecutions: 5 })
  const first = await state(api)
  t.like(first, { ...written, Tags, Architectures: ['x86_64'], Concurrency: { ReservedConcurrentExecutions: 5 } })
  t.like(first, { LoggingConfig: { LogFormat: 'JSON', LogGroup: `/aws/lambda/${FUNCTION}` }, Layers: [{ Arn: LayerVersionArn }] })
  t.like(first, { latest: { FunctionArn: `${first.FunctionArn}:1`, Version: '1' } })
  for (const absent of [
    'VpcConfig',
    'DeadLetterConfig',
    'KMSKeyArn',
    'FileSystemConfigs',
    'ImageConfigResponse',
    'DurableConfig'
  ])
    t.is(first[absent], undefined, absent)
  t.deepEqual(await state(api), first)

  // What is no longer in the plan is written empty.
  const Resource = first.FunctionArn
  await api.good('UntagResource', { Resource, TagKeys: ['Owner'] })
  await api.good('TagResource', { Resource, Tags: { Owner: 'us' } })
  const empty = { Environment: { Variables: {} }, Layers: [], LoggingConfig: { LogFormat: 'Text' }, FileSystemConfigs: [] }
  const cleared = { DeadLetterConfig: { TargetArn: '' }, KMSKeyArn: '', ImageConfig: {}, SnapStart: { ApplyOn: 'None' } }
  await api.good('UpdateFunctionConfiguration', { ...name, ...empty, ...cleared, Timeout: 9, VpcConfig: nowhere })
  await updated(api)
  const ZipFile = zipOf('export const handler = async () => 2')
  await api.good('UpdateFunctionCode', { ...name, ZipFile, Architectures: ['arm64'] })
  await updated(api)
  await api.good('DeleteFunctionConcurrency', name)
  const published = (await api.good('PublishVersion', name)).json
  // The version is named twice, in the ARN and beside it; one that says no status counts as not done.
  const version = { FunctionName: published.FunctionArn, Qualifier: published.Version }
  await waited(
    () => api.good('GetFunctionConfiguration', version),
    ({ json }) => json.LastUpdateStatus === 'Successful'
  )
  const second = await state(api)
  t.like(second, { Timeout: 9, Architectures: ['arm64'], Tags: { ...Tags, Owner: 'us' }, latest: { Version: '2' } })
  t.is(second.Concurrency, undefined)
  for (const absent of ['Layers', 'DeadLetterConfig', 'KMSKeyArn', 'VpcConfig']) t.is(second[absent], undefined, absent)
  t.deepEqual((second.Environment as typeof empty.Environment | undefined)?.Variables ?? {}, {})
  t.deepEqual(await state(api), second)

  const alias = { ...name, Name: 'live', FunctionVersion: '1', Description: '' }
  const aliasState = async () => (await api.good('GetAlias', { FunctionName: Resource, Name: 'live' })).json
  await api.good('CreateAlias', { ...alias, RoutingConfig: {} })
  t.like(await aliasState(), { FunctionVersion: '1', Description: '', RoutingConfig: undefined })
  await api.good('UpdateAlias', { ...alias, RoutingConfig: { AdditionalVersionWeights: { 2: 0.5 } } })
  t.deepEqual((await aliasState()).RoutingConfig, { AdditionalVersionWeights: { 2: 0.5 } })
  await api.good('UpdateAlias', { ...alias, FunctionVersion: '2', RoutingConfig: {} })
  t.like(await aliasState(), { FunctionVersion: '2', RoutingConfig: undefined })

  await api.good('DeleteAlias', alias)
  await api.good('DeleteFunction', name)
  t.is((await api.call('GetFunction', name)).headers.get('x-amzn-errortype'), 'ResourceNotFoundException')
})

const INVOKE = 'lambda:InvokeFunction'
const PERMISSIONS: Partial<AddPermissionRequest>[] = [
  { Action: INVOKE, Principal: 's3.amazonaws.com', SourceArn: 'arn:aws:s3:::bucket', SourceAccount: '000000000000' },
  {
    Action: INVOKE,
    Principal: 'events.amazonaws.com',
    SourceArn: 'arn:aws:events:us-east-1:000000000000:rule/x',
    Qualifier: '1'
  },
  { Action: INVOKE, Principal: 'alexa-appkit.amazon.com', EventSourceToken: 'amzn1.ask.skill.x' },
  { Action: INVOKE, Principal: '*', PrincipalOrgID: 'o-abcdefghij' },
  { Action: INVOKE, Principal: 'arn:aws:iam::000000000000:role/x' },
  { Action: 'lambda:InvokeFunctionUrl', Principal: '*', FunctionUrlAuthType: 'NONE' },
  { Action: INVOKE, Principal: '*', InvokedViaFunctionUrl: true }
]

test('each kind of permission is found in the policy as it was written', async (t) => {
  const api = await start(await up(t, { args: ['--slots', '0'] }))
  const ZipFile = zipOf('export const handler = async () => 1')
  const code = { Role: ROLE, Handler: 'index.handler', Runtime: 'nodejs22.x', Code: { ZipFile }, Publish: true }
  await api.good('CreateFunction', { ...name, ...code })
  for (const [index, written] of PERMISSIONS.entries()) {
    const StatementId = `s${index}`
    const place = { ...name, ...(written.Qualifier === undefined ? {} : { Qualifier: written.Qualifier }) }
    await api.good('AddPermission', { ...place, ...written, StatementId })
    const policy = JSON.parse((await api.good('GetPolicy', place)).json.Policy)
    const {
      Action,
      Principal,
      Resource,
      Condition = {}
    } = policy.Statement.find(({ Sid }: { Sid: string }) => Sid === StatementId)
    const { StringEquals: equals = {}, ArnLike: like = {}, Bool: bool = {} } = Condition
    const read = {
      Action,
      Principal: typeof Principal === 'string' ? Principal : (Principal.AWS ?? Principal.Service),
      SourceArn: like['AWS:SourceArn'],
      SourceAccount: equals['AWS:SourceAccount'],
      PrincipalOrgID: equals['aws:PrincipalOrgID'],
      EventSourceToken: equals['lambda:EventSourceToken'],
      FunctionUrlAuthType: equals['lambda:FunctionUrlAuthType'],
      InvokedViaFunctionUrl: bool['lambda:InvokedViaFunctionUrl'] === 'true' || undefined,
      Qualifier: Resource.split(':')[7]
    }
    t.deepEqual(JSON.parse(JSON.stringify(read)), written)
    await api.good('RemovePermission', { ...place, StatementId })
  }
  t.is((await api.call('GetPolicy', name)).headers.get('x-amzn-errortype'), 'ResourceNotFoundException')
})

test('an event source mapping comes to rest, has tags by its ARN, and loses what is written empty', async (t) => {
  const api = await start(await up(t, { args: ['--slots', '0'] }))
  const ZipFile = zipOf('export const handler = async () => 1')
  await api.good('CreateFunction', { ...name, Role: ROLE, Handler: 'index.handler', Runtime: 'nodejs22.x', Code: { ZipFile } })
  const { UUID } = (
    await api.good('CreateEventSourceMapping', {
      ...name,
      EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q',
      ScalingConfig: { MaximumConcurrency: 5 },
      FilterCriteria: { Filters: [{ Pattern: '{"a":["b"]}' }] },
      Tags: { a: 'b' }
    })
  ).json
  const atRest = async () =>
    (
      await waited(
        () => api.good('GetEventSourceMapping', { UUID }),
        ({ json }) => /^(En|Dis)abled$/.test(json.State)
      )
    ).json
  const { EventSourceMappingArn, State } = await atRest()
  t.is(State, 'Enabled')
  t.deepEqual((await api.good('ListTags', { Resource: EventSourceMappingArn })).json.Tags, { a: 'b' })
  await api.good('UpdateEventSourceMapping', { UUID, FilterCriteria: {}, ScalingConfig: {}, Enabled: false })
  t.like(await atRest(), { State: 'Disabled', FilterCriteria: undefined, ScalingConfig: undefined, BatchSize: 10 })
  await api.good('DeleteEventSourceMapping', { UUID })
  await waited(
    () => api.call('GetEventSourceMapping', { UUID }),
    ({ status }) => status === 404
  )
})
