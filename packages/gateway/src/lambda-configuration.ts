import { hash } from 'node:crypto'
import { type FunctionRecord, type FunctionVersion, functionArn, LATEST } from '@peerless/interface'
import type { GatewayContext } from './options.ts'

/** What a mesh only keeps, as it stands in a version. */
export type KeptSettings = Readonly<Record<string, unknown>>

/**
 * How a configuration is told: `created` and `updated` are the answers to the change itself, which Lambda gives while the change is
 * still under way; `listed` is an item of a list, which leaves states out.
 */
export type Telling = 'settled' | 'created' | 'updated' | 'listed'

/** `2022-01-01T00:00:00.000+0000`, the form of LastModified. */
function lastModified(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '+0000')
}

export function keptOf(version: FunctionVersion): KeptSettings {
  return version.kept === undefined ? {} : (JSON.parse(version.kept) as KeptSettings)
}

/**
 * FunctionConfiguration as Lambda answers it. A deployment is whole before it is announced, so a function is Active at once; what this
 * mesh has no notion of is answered with Lambda's defaults.
 * @param qualifier goes into the ARN: as it was asked for; in lists of versions the version
 */
export function configurationOf(
  context: Pick<GatewayContext, 'region' | 'accountId'>,
  record: FunctionRecord,
  version: FunctionVersion,
  telling: Telling,
  qualifier?: string
): Record<string, unknown> {
  const { name } = record
  const shown = qualifier ?? (version.version === LATEST ? undefined : version.version)
  const { SnapStart, ...kept } = keptOf(version)
  const snapStart = SnapStart as { ApplyOn?: string } | undefined
  const variables = version.environment
  return {
    ...kept,
    FunctionName: name,
    FunctionArn: functionArn(context.region, context.accountId, name, shown),
    Runtime: version.runtime,
    Role: version.role,
    Handler: version.handler,
    CodeSize: version.code.zipBytes,
    Description: version.description,
    Timeout: version.timeoutSeconds,
    MemorySize: version.memoryMb,
    LastModified: lastModified(version.modifiedAt),
    CodeSha256: version.code.zipSha256,
    Version: version.version,
    ...(Object.keys(variables).length === 0 ? {} : { Environment: { Variables: variables } }),
    ...(version.deadLetterTarget === undefined ? {} : { DeadLetterConfig: { TargetArn: version.deadLetterTarget } }),
    ...(version.layers === undefined
      ? {}
      : { Layers: version.layers.map(({ arn, zipBytes }) => ({ Arn: arn, CodeSize: zipBytes })) }),
    TracingConfig: { Mode: version.tracing ?? 'PassThrough' },
    RevisionId: version.revisionId,
    ...statesOf(telling),
    ...(telling === 'listed' ? {} : { RuntimeVersionConfig: { RuntimeVersionArn: runtimeVersionArn(context, version) } }),
    PackageType: 'Zip',
    Architectures: [version.architecture ?? 'x86_64'],
    EphemeralStorage: { Size: version.ephemeralStorageMb ?? 512 },
    SnapStart: { ApplyOn: snapStart?.ApplyOn ?? 'None', OptimizationStatus: 'Off' },
    LoggingConfig: loggingOf(name, version)
  }
}

/** One per `Runtime`: there is one engine for all of them, and none can be chosen. The service names its own by a hash, too. */
function runtimeVersionArn({ region }: Pick<GatewayContext, 'region'>, version: FunctionVersion): string {
  return `arn:aws:lambda:${region}::runtime:${hash('sha256', `peerless ${version.runtime}`)}`
}

/** Recorded: a create answers Pending, an update InProgress, and what is read afterwards has both at rest. */
function statesOf(telling: Telling): Record<string, unknown> {
  const reason = 'The function is being created.'
  if (telling === 'listed') return {}
  if (telling === 'created') return { State: 'Pending', StateReason: reason, StateReasonCode: 'Creating' }
  if (telling === 'settled') return { State: 'Active', LastUpdateStatus: 'Successful' }
  return {
    State: 'Active',
    LastUpdateStatus: 'InProgress',
    LastUpdateStatusReason: reason,
    LastUpdateStatusReasonCode: 'Creating'
  }
}

function loggingOf(name: string, version: FunctionVersion): Record<string, unknown> {
  const { format = 'Text', group, applicationLevel, systemLevel } = version.logging ?? {}
  return {
    LogFormat: format,
    ...(format === 'JSON' ? { ApplicationLogLevel: applicationLevel ?? 'INFO', SystemLogLevel: systemLevel ?? 'INFO' } : {}),
    LogGroup: group ?? `/aws/lambda/${name}`
  }
}
