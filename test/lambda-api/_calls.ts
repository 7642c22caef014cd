import { Buffer } from 'node:buffer'
import { ROLE, zipOf } from '../_functions.ts'

/** One call: operation of the SDK and its input. */
export type Call = readonly [operation: string, input: object]

export const ARN = 'arn:aws:lambda:us-east-1:000000000000'
const FUNCTION = 'recorded'
const OF = { FunctionName: FUNCTION }
const NOBODY = { FunctionName: 'doesnotexist' }
const ZIP = zipOf('export const handler = async (event) => event')
const CSC = `${ARN}:code-signing-config:csc-aaaaaaaaaaaaaaaaa`
const UUID = '00000000-0000-4000-8000-000000000000'
const create = (change: object): Call => [
  'CreateFunction',
  { FunctionName: 'made', Role: ROLE, Runtime: 'nodejs22.x', Handler: 'index.handler', Code: { ZipFile: ZIP }, ...change }
]
const DEPRECATED = ['dotnetcore3.1', 'go1.x', 'java8', 'nodejs12.x', 'nodejs14.x', 'provided', 'python3.7', 'ruby2.7']
const tags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, 'v']))
const foreign = (kind: string) => `${ARN}:${kind}`

/** What is set up and then asked wrongly, in order. Together their answers must show every error that AWS was recorded to give. */
export const CALLS: readonly Call[] = [
  create({ FunctionName: FUNCTION }),
  create({ FunctionName: 'other' }),
  // Functions, names and regions.
  create({ Runtime: 'non-existent-runtime' }),
  create({ Runtime: 'PYTHON3.9' }),
  ...DEPRECATED.map((Runtime) => create({ Runtime })),
  create({ Code: { ZipFile: Buffer.from('this is not a zipfile, just a random string') } }),
  create({ Role: 'r1' }),
  create({ Architectures: ['x86_64', 'arm64'] }),
  create({ Architectures: ['X86_64'] }),
  create({ FunctionName: 'a'.repeat(65) }),
  create({ FunctionName: `${ARN}:function:${'a'.repeat(120)}` }),
  create({ FunctionName: 'invalid:function:name' }),
  create({ SnapStart: { ApplyOn: 'invalidOption' } }),
  create({ VpcConfig: { SubnetIds: [], SecurityGroupIds: ['sg-1'] } }),
  create({ VpcConfig: { SubnetIds: [], SecurityGroupIds: ['bad_group!'] } }),
  create({ VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: [] } }),
  create({ VpcConfig: { SubnetIds: ['bad_subnet!'], SecurityGroupIds: [] } }),
  create({ Code: { S3Bucket: 'missing', S3Key: 'code.zip' } }),
  create({ Code: { S3Bucket: 'bucket', S3Key: 'missing.zip' } }),
  create({ Environment: { Variables: { SMALL_VAR: 'ok', LARGE_VAR: 'x'.repeat(4_096) } } }),
  create({ Environment: { Variables: { LARGE_VAR: 'x'.repeat(4_096) } } }),
  create({ CodeSigningConfigArn: CSC }),
  ['GetFunction', { FunctionName: 'doesnotexist' }],
  ['GetFunction', { FunctionName: FUNCTION, Qualifier: '1221' }],
  ['GetFunction', { FunctionName: 'some-function', Qualifier: '$LATEST' }],
  ['GetFunction', { FunctionName: 'arn:aws:lambda:ap-southeast-1:000000000000:function:recorded' }],
  ['GetFunction', { FunctionName: 'arn:aws:lambda:us-east-1:999999999999:function:recorded' }],
  ['Invoke', { FunctionName: 'arn:aws:lambda:us-east-1:123400000000@function:myfn' }],
  ['Invoke', { FunctionName: FUNCTION, Payload: Buffer.from('6e87729ee9b5d749ee9b6d74', 'hex') }],
  ['Invoke', { FunctionName: FUNCTION, Payload: Buffer.from('99eb2c6a07a17a5968', 'hex') }],
  ['Invoke', { FunctionName: FUNCTION, Qualifier: 'non-existent-alias' }],
  ['DeleteFunction', { FunctionName: `${FUNCTION}:1`, Qualifier: '2' }],
  ['DeleteFunction', { FunctionName: FUNCTION, Qualifier: '$LATEST' }],
  ['DeleteFunction', NOBODY],
  ['ListFunctions', { FunctionVersion: 'invalid' }],
  ['UpdateFunctionCode', { FunctionName: FUNCTION, ImageUri: 'image' }],
  // Versions and aliases.
  ['PublishVersion', { FunctionName: FUNCTION, CodeSha256: 'somenonexistentsha256' }],
  ['PublishVersion', { FunctionName: FUNCTION, CodeSha256: 'a'.repeat(64) }],
  ['PublishVersion', { FunctionName: FUNCTION, RevisionId: UUID }],
  ['PublishVersion', OF],
  ['UpdateFunctionConfiguration', { FunctionName: FUNCTION, MemorySize: 256 }],
  ['PublishVersion', OF],
  ['CreateAlias', { ...OF, Name: 'custom', FunctionVersion: '1' }],
  ['CreateAlias', { ...OF, Name: 'custom', FunctionVersion: '1' }],
  ['CreateAlias', { ...OF, Name: '2024', FunctionVersion: '1' }],
  ['CreateAlias', { ...OF, Name: 'new', FunctionVersion: '10' }],
  ['CreateAlias', { FunctionName: `${FUNCTION}-unknown`, Name: 'new', FunctionVersion: '1' }],
  ...[
    { FunctionVersion: '1', weights: { '1': 0.8, '2': 0.2 } },
    { FunctionVersion: '1', weights: { '1': 0.5 } },
    { FunctionVersion: '1', weights: { '2': 2 } },
    { FunctionVersion: '1', weights: { '2': -1 } },
    { FunctionVersion: '1', weights: { $LATEST: 0.5 } },
    { FunctionVersion: '$LATEST', weights: { '1': 0.5 } }
  ].map(
    ({ FunctionVersion, weights }): Call => [
      'CreateAlias',
      { ...OF, Name: 'new', FunctionVersion, RoutingConfig: { AdditionalVersionWeights: weights } }
    ]
  ),
  ['GetAlias', { ...OF, Name: 'non-existent' }],
  ['GetFunction', { ...OF, Qualifier: 'aliasdoesnotexist' }],
  ['UpdateAlias', { ...OF, Name: 'non-existent' }],
  ['UpdateAlias', { ...OF, Name: 'custom', RevisionId: UUID }],
  // Concurrency.
  ['PutFunctionConcurrency', { FunctionName: `${FUNCTION}:1`, ReservedConcurrentExecutions: 1 }],
  ['PutFunctionConcurrency', { ...NOBODY, ReservedConcurrentExecutions: 1 }],
  ['PutFunctionConcurrency', { ...OF, ReservedConcurrentExecutions: 999_999 }],
  ['PutFunctionConcurrency', { ...OF, ReservedConcurrentExecutions: 0 }],
  ['Invoke', OF],
  ['PutFunctionConcurrency', { ...OF, ReservedConcurrentExecutions: 3 }],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: '1', ProvisionedConcurrentExecutions: 4 }],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: '1', ProvisionedConcurrentExecutions: 2 }],
  ['PutFunctionConcurrency', { ...OF, ReservedConcurrentExecutions: 1 }],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: 'custom', ProvisionedConcurrentExecutions: 1 }],
  ['DeleteProvisionedConcurrencyConfig', { ...OF, Qualifier: '1' }],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: 'custom', ProvisionedConcurrentExecutions: 1 }],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: '1', ProvisionedConcurrentExecutions: 1 }],
  ['DeleteProvisionedConcurrencyConfig', { ...OF, Qualifier: 'custom' }],
  ['DeleteFunctionConcurrency', OF],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: '1', ProvisionedConcurrentExecutions: 999_999 }],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: '1', ProvisionedConcurrentExecutions: 990 }],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: '1', ProvisionedConcurrentExecutions: 0 }],
  ['PutProvisionedConcurrencyConfig', { ...OF, Qualifier: '$LATEST', ProvisionedConcurrentExecutions: 1 }],
  ['GetProvisionedConcurrencyConfig', { ...OF, Qualifier: '$LATEST' }],
  ['GetProvisionedConcurrencyConfig', { ...OF, Qualifier: '1' }],
  ['GetProvisionedConcurrencyConfig', { ...NOBODY, Qualifier: 'noalias' }],
  ['GetProvisionedConcurrencyConfig', { ...OF, Qualifier: 'noalias' }],
  ['GetProvisionedConcurrencyConfig', { ...NOBODY, Qualifier: '1' }],
  ['GetProvisionedConcurrencyConfig', { ...OF, Qualifier: 'doesnotexist' }],
  // Asynchronous invocation.
  ['PutFunctionEventInvokeConfig', OF],
  ['PutFunctionEventInvokeConfig', { ...NOBODY, MaximumRetryAttempts: 1 }],
  ...[
    [`${ARN}:function:doesnotexist`, 'OnSuccess'],
    [`${ARN}:function:${FUNCTION}`, 'OnSuccess'],
    [`arn:aws:iam:us-east-1:000000000000:function:${FUNCTION}`, 'OnSuccess'],
    [`arn:aws:_-/!lambda:us-east-1:000000000000:function:${FUNCTION}`, 'OnFailure']
  ].map(
    ([Destination, side = '']): Call => [
      'PutFunctionEventInvokeConfig',
      { ...OF, DestinationConfig: { [side]: { Destination } } }
    ]
  ),
  ['GetFunctionEventInvokeConfig', OF],
  ['GetFunctionEventInvokeConfig', NOBODY],
  ['GetFunctionEventInvokeConfig', { ...OF, Qualifier: 'doesnotexist' }],
  ['GetFunctionEventInvokeConfig', { ...OF, Qualifier: 'eventinvokealias' }],
  ['GetFunctionEventInvokeConfig', { ...OF, Qualifier: '1' }],
  ['GetFunctionEventInvokeConfig', { ...OF, Qualifier: '1221' }],
  // Function URLs.
  ['GetFunctionUrlConfig', OF],
  ['CreateFunctionUrlConfig', { ...OF, AuthType: 'NONE', InvokeMode: 'UNKNOWN' }],
  ['CreateFunctionUrlConfig', { ...OF, AuthType: 'NONE' }],
  ['CreateFunctionUrlConfig', { ...OF, AuthType: 'NONE' }],
  ...['1', '2', '$LATEST'].map((Qualifier): Call => ['CreateFunctionUrlConfig', { ...OF, Qualifier, AuthType: 'NONE' }]),
  ['ListFunctionUrlConfigs', NOBODY],
  // Permissions.
  ...[
    { Qualifier: '$LATEST' },
    { Principal: 'invalid.nonaws.com' },
    { Qualifier: 'alias-doesnotexist' },
    { Qualifier: '42' },
    { Qualifier: 'valid-with-$-but-doesnotexist' },
    { Qualifier: 'invalid-qualifier-with-?-char' },
    { StatementId: 'example.com' },
    { StatementId: 's3' },
    { StatementId: 's3' },
    { StatementId: 's4', RevisionId: UUID }
  ].map(
    (change): Call => [
      'AddPermission',
      { ...OF, StatementId: 'sid', Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com', ...change }
    ]
  ),
  ['RemovePermission', { ...OF, StatementId: 'non-existent' }],
  ['RemovePermission', { FunctionName: 'other', StatementId: 's3' }],
  ['RemovePermission', { ...NOBODY, StatementId: 's3' }],
  ['GetPolicy', { FunctionName: 'other' }],
  // Layers.
  ['PublishLayerVersion', { LayerName: 'layer', Content: { ZipFile: ZIP } }],
  ['PublishLayerVersion', { LayerName: 'layer', Content: { ZipFile: ZIP } }],
  [
    'PublishLayerVersion',
    {
      LayerName: 'layer',
      Content: { ZipFile: ZIP },
      CompatibleRuntimes: ['invalidruntime'],
      CompatibleArchitectures: ['invalidarch']
    }
  ],
  [
    'PublishLayerVersion',
    {
      LayerName: 'layer',
      Content: { ZipFile: ZIP },
      CompatibleRuntimes: ['invalidruntime', 'invalidruntime2', 'nodejs20.x'],
      CompatibleArchitectures: ['invalidarch', 'x86_64']
    }
  ],
  ['ListLayers', { CompatibleRuntime: 'runtimedoesnotexist' }],
  ['ListLayers', { CompatibleArchitecture: 'archdoesnotexist' }],
  ['GetLayerVersion', { LayerName: 'layer', VersionNumber: 0 }],
  ['GetLayerVersion', { LayerName: 'layer', VersionNumber: 9 }],
  ['GetLayerVersionByArn', { Arn: `${ARN}:layer:layer` }],
  create({ Layers: [`${ARN}:layer:layer:1`, `${ARN}:layer:layer:2`] }),
  create({ Layers: [`${ARN}:layer:layer:1`, `${ARN}:layer:layer:1`] }),
  create({ Layers: [`${ARN}:layer:doesnotexist:1`] }),
  create({ Layers: [`${ARN}:layer:layer:9`] }),
  create({ Layers: ['arn:aws:lambda:eu-west-1:000000000000:layer:layer:1'] }),
  create({ Layers: [`${ARN}:layer:layer`] }),
  create({ Layers: [1, 2, 3, 4, 5, 6].map((number) => `${ARN}:layer:l${number}:1`) }),
  ...[
    { StatementId: 's1' },
    { StatementId: 's1' },
    { StatementId: 's2', RevisionId: UUID },
    { LayerName: 'layer-doesnotexist' },
    { VersionNumber: 3 },
    { Action: '*' }
  ].map(
    (change): Call => [
      'AddLayerVersionPermission',
      { LayerName: 'layer', VersionNumber: 1, StatementId: 's', Action: 'lambda:GetLayerVersion', Principal: '*', ...change }
    ]
  ),
  ['GetLayerVersionPolicy', { LayerName: 'layer', VersionNumber: 2 }],
  ['DeleteLayerVersion', { LayerName: 'layer', VersionNumber: 2 }],
  ['GetLayerVersionPolicy', { LayerName: 'layer', VersionNumber: 2 }],
  ['RemoveLayerVersionPermission', { LayerName: 'layer', VersionNumber: 1, StatementId: 'doesnotexist' }],
  // Event source mappings.
  ...[
    { EventSourceArn: undefined },
    { FunctionName: 'doesnotexist' },
    { DestinationConfig: { OnSuccess: { Destination: `${ARN}:function:x` } } },
    { EventSourceArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s' },
    { EventSourceArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s', StartingPosition: 'invalid' },
    {
      EventSourceArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s',
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: new Date(0)
    }
  ].map(
    (change): Call => [
      'CreateEventSourceMapping',
      { ...OF, EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:queue', ...change }
    ]
  ),
  ...[['kafka:1000'], ['kafka:1000', 'kafka:2000']].flatMap((servers): Call[] => {
    const input = {
      ...OF,
      Topics: ['topic'],
      SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: servers } },
      SourceAccessConfigurations: [{ Type: 'BASIC_AUTH', URI: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:s' }]
    }
    const { SourceAccessConfigurations: _none, ...bare } = input
    return [
      ['CreateEventSourceMapping', bare],
      ['CreateEventSourceMapping', input],
      ['CreateEventSourceMapping', input]
    ]
  }),
  // Code signing, recursion, tags.
  ['PutFunctionCodeSigningConfig', { ...OF, CodeSigningConfigArn: CSC }],
  ['GetCodeSigningConfig', { CodeSigningConfigArn: CSC }],
  ['GetFunctionCodeSigningConfig', { FunctionName: 'csc-test-doesnotexist' }],
  ['PutFunctionRecursionConfig', { ...OF, RecursiveLoop: 'InvalidValue' }],
  ['TagResource', { Resource: foreign('capacity-provider:p'), Tags: { a: 'b' } }],
  ['TagResource', { Resource: foreign('capacity-provider:p:alias'), Tags: { a: 'b' } }],
  ['TagResource', { Resource: foreign(`event-source-mapping:${UUID}`), Tags: { a: 'b' } }],
  ['TagResource', { Resource: foreign(`event-source-mapping:${UUID}:alias`), Tags: { a: 'b' } }],
  ['TagResource', { Resource: foreign('foobar:x'), Tags: { a: 'b' } }],
  ['TagResource', { Resource: foreign('function:doesnotexist'), Tags: { a: 'b' } }],
  ['TagResource', { Resource: foreign(`function:${FUNCTION}:custom`), Tags: { a: 'b' } }],
  ['TagResource', { Resource: foreign(`function:${FUNCTION}`), Tags: {} }],
  ['TagResource', { Resource: foreign(`function:${FUNCTION}`), Tags: tags(51) }],
  ['TagResource', { Resource: 'arn:aws:something', Tags: { a: 'b' } }],
  ['UntagResource', { Resource: foreign(`function:${FUNCTION}`), TagKeys: [] }]
]
