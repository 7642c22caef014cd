import { ROLE, zipOf } from '../_functions.ts'

export type Input = Record<string, unknown>
/** An operation of the Lambda API and its input; `got` has the answers to what was asked before. */
export type Step = readonly [operation: string, input: (got: (operation: string) => Record<string, unknown>) => Input]

const ARN = 'arn:aws:lambda:us-east-1:000000000000'
const code = (result: number) => zipOf(`export const handler = async (event) => event ?? ${result}`)

/** A life of one function with all that hangs on it, each operation with an answer that is no error. */
export function scriptOf(name: string): Step[] {
  const of = { FunctionName: name }
  const live = { ...of, Qualifier: 'live' }
  const alias = { ...of, Name: 'live' }
  const layer = { LayerName: `${name}-layer` }
  const first = { ...layer, VersionNumber: 1 }
  const Resource = `${ARN}:function:${name}`
  const same = (input: Input) => () => input
  return [
    ['GetAccountSettings', same({})],
    [
      'PublishLayerVersion',
      same({ ...layer, Content: { ZipFile: zipOf('module.exports = 1', 'nodejs/node_modules/one/index.js') } })
    ],
    ['GetLayerVersion', same(first)],
    ['GetLayerVersionByArn', (got) => ({ Arn: got('PublishLayerVersion').LayerVersionArn })],
    ['ListLayers', same({})],
    ['ListLayerVersions', same(layer)],
    ['AddLayerVersionPermission', same({ ...first, StatementId: 's', Action: 'lambda:GetLayerVersion', Principal: '*' })],
    ['GetLayerVersionPolicy', same(first)],
    ['RemoveLayerVersionPermission', same({ ...first, StatementId: 's' })],
    [
      'CreateFunction',
      (got) => ({
        ...of,
        Role: ROLE,
        Runtime: 'nodejs18.x',
        Handler: 'index.handler',
        Code: { ZipFile: code(1) },
        Layers: [got('PublishLayerVersion').LayerVersionArn],
        Tags: { made: 'by a client' }
      })
    ],
    ['GetFunction', same(of)],
    ['GetFunctionConfiguration', same(of)],
    ['ListFunctions', same({ MaxItems: 10 })],
    [
      'UpdateFunctionConfiguration',
      same({ ...of, Description: 'a b', MemorySize: 256, Environment: { Variables: { KEY: 'a=b c' } } })
    ],
    ['UpdateFunctionCode', same({ ...of, ZipFile: code(2) })],
    ['PublishVersion', same({ ...of, Description: 'first' })],
    ['ListVersionsByFunction', same(of)],
    ['CreateAlias', same({ ...alias, FunctionVersion: '1' })],
    ['GetAlias', same(alias)],
    ['UpdateAlias', same({ ...alias, Description: 'moved' })],
    ['ListAliases', same({ ...of, FunctionVersion: '1' })],
    ['Invoke', same({ ...live, LogType: 'Tail', Payload: Buffer.from('{"a":1}') })],
    ['Invoke', same({ ...of, InvocationType: 'DryRun' })],
    ['Invoke', same({ ...of, InvocationType: 'Event', Payload: Buffer.from('{"a":2}') })],
    ['InvokeAsync', same({ ...of, InvokeArgs: Buffer.from('{"a":3}') })],
    ['PutFunctionConcurrency', same({ ...of, ReservedConcurrentExecutions: 2 })],
    ['GetFunctionConcurrency', same(of)],
    ['PutProvisionedConcurrencyConfig', same({ ...live, ProvisionedConcurrentExecutions: 1 })],
    ['GetProvisionedConcurrencyConfig', same(live)],
    ['ListProvisionedConcurrencyConfigs', same(of)],
    ['DeleteProvisionedConcurrencyConfig', same(live)],
    ['DeleteFunctionConcurrency', same(of)],
    ['PutFunctionEventInvokeConfig', same({ ...of, MaximumRetryAttempts: 1 })],
    ['UpdateFunctionEventInvokeConfig', same({ ...of, MaximumEventAgeInSeconds: 60 })],
    ['GetFunctionEventInvokeConfig', same(of)],
    ['ListFunctionEventInvokeConfigs', same(of)],
    ['DeleteFunctionEventInvokeConfig', same(of)],
    ['CreateFunctionUrlConfig', same({ ...live, AuthType: 'NONE', Cors: { AllowOrigins: ['https://a.example'], MaxAge: 5 } })],
    ['GetFunctionUrlConfig', same(live)],
    ['UpdateFunctionUrlConfig', same({ ...live, AuthType: 'AWS_IAM' })],
    ['ListFunctionUrlConfigs', same(of)],
    ['DeleteFunctionUrlConfig', same(live)],
    ['AddPermission', same({ ...of, StatementId: 'p', Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com' })],
    ['GetPolicy', same(of)],
    ['RemovePermission', same({ ...of, StatementId: 'p' })],
    ['TagResource', same({ Resource, Tags: { a: '1', b: 'c d' } })],
    ['ListTags', same({ Resource })],
    ['UntagResource', same({ Resource, TagKeys: ['a', 'b'] })],
    ['CreateEventSourceMapping', same({ ...of, EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q', Enabled: false })],
    ['GetEventSourceMapping', (got) => ({ UUID: got('CreateEventSourceMapping').UUID })],
    ['UpdateEventSourceMapping', (got) => ({ UUID: got('CreateEventSourceMapping').UUID, BatchSize: 5 })],
    ['ListEventSourceMappings', same(of)],
    ['DeleteEventSourceMapping', (got) => ({ UUID: got('CreateEventSourceMapping').UUID })],
    ['PutRuntimeManagementConfig', same({ ...of, UpdateRuntimeOn: 'FunctionUpdate' })],
    ['GetRuntimeManagementConfig', same(of)],
    ['PutFunctionRecursionConfig', same({ ...of, RecursiveLoop: 'Allow' })],
    ['GetFunctionRecursionConfig', same(of)],
    [
      'CreateCodeSigningConfig',
      same({
        AllowedPublishers: {
          SigningProfileVersionArns: ['arn:aws:signer:us-east-1:000000000000:/signing-profiles/any/aaaaaaaaaa']
        }
      })
    ],
    ['GetCodeSigningConfig', (got) => signing(got)],
    ['UpdateCodeSigningConfig', (got) => ({ ...signing(got), Description: 'other' })],
    ['ListCodeSigningConfigs', same({})],
    ['PutFunctionCodeSigningConfig', (got) => ({ ...of, ...signing(got) })],
    ['GetFunctionCodeSigningConfig', same(of)],
    ['ListFunctionsByCodeSigningConfig', (got) => signing(got)],
    ['DeleteFunctionCodeSigningConfig', same(of)],
    ['DeleteCodeSigningConfig', (got) => signing(got)],
    ['DeleteAlias', same(alias)],
    ['DeleteLayerVersion', same(first)],
    ['DeleteFunction', same(of)]
  ]
}

function signing(got: (operation: string) => Record<string, unknown>): Input {
  const { CodeSigningConfig } = got('CreateCodeSigningConfig') as { CodeSigningConfig?: Input }
  return { CodeSigningConfigArn: CodeSigningConfig?.CodeSigningConfigArn }
}
