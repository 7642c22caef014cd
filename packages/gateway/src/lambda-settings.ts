import {
  type AccessKey,
  type FunctionSettings,
  type FunctionVersion,
  type LayerUse,
  LIMITS,
  type LoggingSettings,
  PeerlessError
} from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { keptOf } from './lambda-configuration.ts'
import type { LambdaContext } from './lambda-context.ts'
import { checkDeadLetterTarget } from './lambda-destinations.ts'
import { mayUse } from './lambda-layers.ts'
import type { Members } from './lambda-members.ts'
import { invalid } from './lambda-validator.ts'
import { VALUE_SHAPES } from './lambda-value-shapes.ts'

/** Those that the service was recorded to refuse for new functions. */
const RUNTIMES_DEPRECATED = new Set(
  'dotnetcore3.1 go1.x java8 nodejs12.x nodejs14.x provided python3.7 ruby2.7 nodejs nodejs4.3 nodejs6.10 nodejs8.10 nodejs10.x python2.7 python3.6 ruby2.5 dotnetcore1.0 dotnetcore2.0 dotnetcore2.1'.split(
    ' '
  )
)
/** What runs here: JavaScript and WebAssembly on one engine, whatever release the function was written for, and Python on it. */
const RUNTIMES_RUN = /^(nodejs\d{2}\.x|provided\.al2(023)?|python3\.\d{1,2})$/
const LAYERS_MAX = 5
/** Kept and given back as they came. */
const KEPT = ['KMSKeyArn', 'SnapStart'] as const

/**
 * Settings of a create or update request, in the mesh's own words.
 * @param key who asks for it
 * @param account whose the function is
 * @param before the version that is changed; undefined for a new function
 * @throws ApiError InvalidParameterValueException as Lambda words it, also for what makes no sense on a mesh
 */
export function settingsOf(
  context: LambdaContext,
  input: Members,
  { key, account, before }: { key: AccessKey; account: string; before: FunctionVersion | undefined }
): FunctionSettings {
  refuseForeign(input)
  const runtime = input.text('Runtime')
  checkRuntime(runtime)
  checkSnapStart(input, runtime ?? before?.runtime ?? '')
  return {
    handler: input.text('Handler'),
    runtime,
    role: input.text('Role'),
    description: input.text('Description'),
    memoryMb: input.number('MemorySize'),
    timeoutSeconds: input.number('Timeout'),
    environment: environmentOf(input),
    ephemeralStorageMb: input.inner('EphemeralStorage')?.number('Size'),
    tracing: input.inner('TracingConfig')?.text('Mode') as FunctionSettings['tracing'],
    logging: loggingOf(input, before),
    deadLetterTarget: deadLetterOf(context, account, input),
    layers: layersOf(context, key, input.texts('Layers')),
    kept: keptText(input, before)
  }
}

/** One of the two; the same code runs on any processor. */
export function architectureOf(input: Members): FunctionSettings['architecture'] {
  return input.texts('Architectures')?.[0] as FunctionSettings['architecture']
}

function checkRuntime(runtime: string | undefined): void {
  if (runtime === undefined || RUNTIMES_RUN.test(runtime)) {
    if (runtime === undefined || !RUNTIMES_DEPRECATED.has(runtime)) return
  }
  if (RUNTIMES_DEPRECATED.has(runtime))
    throw invalid(
      `The runtime parameter of ${runtime} is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`
    )
  const known = VALUE_SHAPES.RuntimeSupported
  const values = known?.type === 'oneOf' ? known.values : []
  if (values.includes(runtime))
    throw invalid(
      `The runtime ${runtime} is not supported by this mesh: it runs nodejs*, python3.*, provided.al2 and provided.al2023`
    )
  throw invalid(
    `Value ${runtime.slice(0, 64)} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${values.join(', ')}] or be a valid ARN`
  )
}

/** What belongs to Amazon's network, hardware and images is not here; each is refused with the error that the service has for it. */
function refuseForeign(input: Members): void {
  const vpc = input.inner('VpcConfig')
  const group = vpc?.texts('SecurityGroupIds')?.[0]
  if (group !== undefined)
    throw invalid(
      `Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group '${group}' does not exist`
    )
  const subnet = vpc?.texts('SubnetIds')?.[0]
  if (subnet !== undefined)
    throw invalid(
      `Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID '${subnet}' does not exist`
    )
  const files = input.plain('FileSystemConfigs') as { Arn?: string }[] | undefined
  if (files?.[0] !== undefined)
    throw invalid(`Function must be configured to execute in a VPC to reference access point ${files[0].Arn}.`)
  const image = input.plain('ImageConfig') as object | undefined
  if (image !== undefined && Object.keys(image).length > 0)
    throw invalid("Please don't provide ImageConfig when creating or updating a function with packageType Zip.")
  for (const name of ['CapacityProviderConfig', 'DurableConfig', 'TenancyConfig', 'PublishTo'])
    if (input.has(name)) throw invalid(`${name} is not supported by this mesh: leave it out`)
}

function checkSnapStart(input: Members, runtime: string): void {
  if (input.inner('SnapStart')?.text('ApplyOn') === 'PublishedVersions')
    throw invalid(`${runtime} is not supported for SnapStart enabled functions.`)
}

function environmentOf(input: Members): Record<string, string> | undefined {
  if (!input.has('Environment')) return undefined
  const variables = input.inner('Environment')?.map('Variables') ?? {}
  const measured = JSON.stringify(variables)
  if (Buffer.byteLength(measured) > LIMITS.environmentBytesMax)
    throw invalid(
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${measured}`
    )
  return variables
}

function loggingOf(input: Members, before: FunctionVersion | undefined): LoggingSettings | undefined {
  const given = input.inner('LoggingConfig')
  if (given === undefined) return undefined
  const format = (given.text('LogFormat') ?? before?.logging?.format ?? 'Text') as LoggingSettings['format']
  const applicationLevel = given.text('ApplicationLogLevel')
  const systemLevel = given.text('SystemLogLevel')
  if (format === 'Text' && (applicationLevel !== undefined || systemLevel !== undefined))
    throw invalid('To determine LogLevel, the LogFormat must be JSON.')
  return { format, applicationLevel, systemLevel, group: given.text('LogGroup') ?? before?.logging?.group }
}

function deadLetterOf(context: LambdaContext, account: string, input: Members): string | undefined {
  if (!input.has('DeadLetterConfig')) return undefined
  const target = input.inner('DeadLetterConfig')?.text('TargetArn') ?? ''
  if (target !== '') checkDeadLetterTarget(context, account, target)
  return target
}

function layersOf(context: LambdaContext, key: AccessKey, arns: readonly string[] | undefined): LayerUse[] | undefined {
  if (arns === undefined) return undefined
  if (arns.length > LAYERS_MAX) throw invalid(`Cannot reference more than ${LAYERS_MAX} layers.`)
  const versionsOf = new Map<string, string>()
  return arns.map((arn) => {
    const [, region, account, name, number] = /^arn:[^:]*:lambda:([^:]*):(\d{12}):layer:([^:]+):(\d+)$/.exec(arn) ?? []
    if (name === undefined || number === undefined) throw invalid(`Layer version ${arn} does not exist.`)
    if (region !== context.region)
      throw invalid(`Layers are not in the same region as the function. Layers are expected to be in region ${context.region}.`)
    const other = versionsOf.get(name)
    if (other !== undefined)
      throw invalid(
        `Two different versions of the same layer are not allowed to be referenced in the same function. ${other} and ${arn} are versions of the same layer.`
      )
    versionsOf.set(name, arn)
    const layer = account === context.accountId ? context.catalog.get('layerVersion', `${name}:${number}`) : undefined
    if (layer === undefined) throw invalid(`Layer version ${arn} does not exist.`)
    if (!mayUse(key, layer))
      throw new PeerlessError('FORBIDDEN', `lambda:GetLayerVersion on ${arn}, which belongs to another account`)
    return { arn, zipBytes: layer.zipBytes, zipCid: layer.zipCid }
  })
}

function keptText(input: Members, before: FunctionVersion | undefined): string | undefined {
  const given = input.pick(KEPT)
  const told = input.has('Environment')
  if (Object.keys(given).length === 0 && !told) return undefined
  const kept: Record<string, unknown> = { ...(before === undefined ? {} : keptOf(before)), ...given }
  // One that was given without variables is given back, one that was never given is not.
  if (told) {
    delete kept.Environment
    if (Object.keys(input.inner('Environment')?.map('Variables') ?? {}).length === 0) kept.Environment = { Variables: {} }
  }
  if (kept.KMSKeyArn === '') delete kept.KMSKeyArn
  return JSON.stringify(kept)
}

/** @throws ApiError CodeSigningConfigNotFoundException; CodeVerificationFailedException where only signed code may run, for none is signed here */
export function checkSigning(context: LambdaContext, arn: string | undefined): void {
  if (arn === undefined || arn === '') return
  const signing = context.catalog.get('signing', arn.slice(arn.lastIndexOf(':') + 1))
  if (signing === undefined)
    throw new ApiError(
      'NOT_FOUND',
      'CodeSigningConfigNotFoundException',
      `The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${arn}.`
    )
  if (signing.untrusted === 'Enforce')
    throw new ApiError(
      'INVALID_ARGUMENT',
      'CodeVerificationFailedException',
      'Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for unsigned code.'
    )
}
