import * as sdk from '@aws-sdk/client-lambda'
import test from 'ava'
import { up } from '../_daemon.ts'
import { ROLE, zipOf } from '../_functions.ts'
import { type Api, apiOf } from './_api.ts'
import { ARN } from './_calls.ts'

/** Items of each kind, and of each page: three pages, the last one not full. */
const COUNT = 5
const PAGE_SIZE = 2
const ZIP = zipOf('export const handler = async () => 1')
const FIVE = Array.from({ length: COUNT }, (_, index) => index)
const OF = { FunctionName: 'paged-0' }
const DURABLE = `${ARN}:function:paged-0:1/durable-execution/a/b`

/** What a paginator is asked, and under which member its pages have their items: all of them, once each. Or the status of what no mesh has. */
type Row = readonly [input: object, member: string, count: number] | readonly [input: object, status: 404]

const table = (signing: string): Record<string, Row> => ({
  ListAliases: [OF, 'Aliases', COUNT],
  ListCapacityProviders: [{}, 'CapacityProviders', 0],
  ListCodeSigningConfigs: [{}, 'CodeSigningConfigs', COUNT],
  ListDurableExecutionsByFunction: [OF, 'DurableExecutions', 0],
  ListEventSourceMappings: [OF, 'EventSourceMappings', COUNT],
  ListFunctionEventInvokeConfigs: [OF, 'FunctionEventInvokeConfigs', COUNT],
  ListFunctions: [{}, 'Functions', COUNT],
  ListFunctionsByCodeSigningConfig: [{ CodeSigningConfigArn: signing }, 'FunctionArns', COUNT],
  ListFunctionUrlConfigs: [OF, 'FunctionUrlConfigs', COUNT],
  ListFunctionVersionsByCapacityProvider: [{ CapacityProviderName: 'none' }, 404],
  ListLayers: [{}, 'Layers', COUNT],
  ListLayerVersions: [{ LayerName: 'layer-0' }, 'LayerVersions', COUNT],
  ListProvisionedConcurrencyConfigs: [OF, 'ProvisionedConcurrencyConfigs', COUNT],
  // $LATEST is one of them.
  ListVersionsByFunction: [OF, 'Versions', COUNT + 1],
  GetDurableExecutionHistory: [{ DurableExecutionArn: DURABLE }, 404],
  GetDurableExecutionState: [{ DurableExecutionArn: DURABLE, CheckpointToken: 'aaaa' }, 404]
})

test('every paginator of the SDK sees every item once, page by page', async (t) => {
  const daemon = await up(t, { args: ['--slots', '0'] })
  const api = await apiOf(daemon)
  const rows = Object.entries(table(await fill(api)))
  const known = Object.keys(sdk).flatMap((name) => (name.startsWith('paginate') ? [name.slice('paginate'.length)] : []))
  t.deepEqual(rows.map(([name]) => name).toSorted(), known.toSorted(), 'the SDK has these')
  for (const [name, [input, member, count]] of rows) {
    const paginate = (
      sdk as unknown as Record<string, (config: object, input: object) => AsyncIterable<Record<string, unknown>>>
    )[`paginate${name}`]
    // A copy: the SDK leaves its marker in what it is given.
    const pages = paginate?.({ client: api.client, pageSize: PAGE_SIZE }, { ...input }) as AsyncIterable<Record<string, unknown>>
    if (member === 404) {
      const error = await t.throwsAsync(async () => {
        for await (const page of pages) t.fail(`${name}: ${JSON.stringify(page)}`)
      })
      t.is((error as sdk.LambdaServiceException).$metadata.httpStatusCode, 404, name)
      continue
    }
    const sizes: number[] = []
    const items: string[] = []
    for await (const page of pages) {
      const list = page[member] as unknown[]
      sizes.push(list.length)
      items.push(...list.map((item) => JSON.stringify(item)))
    }
    t.is(items.length, count, name)
    t.is(new Set(items).size, count, `${name}: none twice`)
    t.true(
      sizes.every((size, index) => size === PAGE_SIZE || index === sizes.length - 1),
      `${name}: pages of ${sizes}`
    )
  }
  t.log(`${rows.length} paginators`)
})

/** What takes an item away that a page of this list showed. */
const DELETIONS: Record<string, (item: Record<string, unknown>) => [operation: string, input: object]> = {
  ListEventSourceMappings: ({ UUID }) => ['DeleteEventSourceMapping', { UUID }],
  ListFunctionEventInvokeConfigs: ({ FunctionArn }) => ['DeleteFunctionEventInvokeConfig', qualified(FunctionArn)],
  ListFunctionUrlConfigs: ({ FunctionArn }) => ['DeleteFunctionUrlConfig', qualified(FunctionArn)],
  ListLayerVersions: ({ Version }) => ['DeleteLayerVersion', { LayerName: 'layer-0', VersionNumber: Version }],
  ListProvisionedConcurrencyConfigs: ({ FunctionArn }) => ['DeleteProvisionedConcurrencyConfig', qualified(FunctionArn)],
  // Last of all: with an alias and a function goes what is set for them.
  ListAliases: ({ Name }) => ['DeleteAlias', { ...OF, Name }],
  ListFunctions: ({ FunctionName }) => ['DeleteFunction', { FunctionName }]
}
const qualified = (arn: unknown) => ({ ...OF, Qualifier: String(arn).split(':').at(-1) })

test('whoever deletes what a page shows before asking for the next one misses nothing', async (t) => {
  const daemon = await up(t, { args: ['--slots', '0'] })
  const api = await apiOf(daemon)
  const rows = table(await fill(api))
  for (const [list, deletion] of Object.entries(DELETIONS)) {
    const [input, member] = rows[list] as readonly [object, string, number]
    for (let Marker: string | undefined, first = true; first || Marker !== undefined; first = false) {
      const page = await api.good(list, { ...input, MaxItems: PAGE_SIZE, Marker })
      for (const item of page.json[member]) await api.good(...deletion(item))
      Marker = page.json.NextMarker
    }
    t.deepEqual((await api.good(list, input)).json[member], [], list)
  }
})

/** @returns the ARN of the signing configuration that all functions have */
async function fill(api: Api): Promise<string> {
  const arns: string[] = []
  for (const index of FIVE) {
    const profile = `arn:aws:signer:us-east-1:000000000000:/signing-profiles/p${index}/v`
    const made = await api.good('CreateCodeSigningConfig', { AllowedPublishers: { SigningProfileVersionArns: [profile] } })
    arns.push(made.json.CodeSigningConfig.CodeSigningConfigArn)
  }
  const signing = String(arns[0])
  for (const index of FIVE) {
    const create = { FunctionName: `paged-${index}`, Role: ROLE, Runtime: 'nodejs22.x', Handler: 'index.handler' }
    await api.good('CreateFunction', { ...create, Code: { ZipFile: ZIP }, CodeSigningConfigArn: signing })
    await api.good('PublishLayerVersion', { LayerName: `layer-${index}`, Content: { ZipFile: zipOf(`${index}`) } })
    if (index > 0) await api.good('PublishLayerVersion', { LayerName: 'layer-0', Content: { ZipFile: zipOf(`0 ${index}`) } })
  }
  for (const index of FIVE) {
    const Name = `alias-${index}`
    const FunctionVersion = String(index + 1)
    await api.good('UpdateFunctionConfiguration', { ...OF, Description: Name })
    await api.good('PublishVersion', OF)
    await api.good('CreateAlias', { ...OF, Name, FunctionVersion })
    const named = { ...OF, Qualifier: Name }
    await api.good('PutFunctionEventInvokeConfig', { ...named, MaximumRetryAttempts: 1 })
    await api.good('CreateFunctionUrlConfig', { ...named, AuthType: 'NONE' })
    await api.good('PutProvisionedConcurrencyConfig', { ...named, ProvisionedConcurrentExecutions: 1 })
    const EventSourceArn = `arn:aws:sqs:us-east-1:000000000000:queue-${index}`
    await api.good('CreateEventSourceMapping', { ...OF, EventSourceArn, Enabled: false })
  }
  return signing
}
