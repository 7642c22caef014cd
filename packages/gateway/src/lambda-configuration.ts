import { type FunctionRecord, functionArn, LATEST } from '@peerless/interface'

/** `2022-01-01T00:00:00.000+0000`, the form of LastModified. */
function lastModified(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('Z', '+0000')
}

/**
 * FunctionConfiguration as Lambda answers it. A deployment is whole before it is announced, so State is always Active; what this mesh
 * has no notion of is answered with Lambda's defaults.
 * @param listed ListFunctions names the version in the ARN and leaves State out
 */
export function configurationOf(
  record: FunctionRecord,
  region: string,
  accountId: string,
  listed = false
): Record<string, unknown> {
  const { latest, name } = record
  const variables = latest.environment
  return {
    FunctionName: name,
    FunctionArn: functionArn(region, accountId, name, listed ? LATEST : undefined),
    Runtime: latest.runtime,
    Role: latest.role,
    Handler: latest.handler,
    CodeSize: latest.code.zipBytes,
    Description: latest.description,
    Timeout: latest.timeoutSeconds,
    MemorySize: latest.memoryMb,
    LastModified: lastModified(latest.modifiedAt),
    CodeSha256: latest.code.zipSha256,
    Version: latest.version,
    ...(Object.keys(variables).length === 0 ? {} : { Environment: { Variables: variables } }),
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: latest.revisionId,
    ...(listed ? {} : { State: 'Active', LastUpdateStatus: 'Successful' }),
    PackageType: 'Zip',
    Architectures: ['x86_64'],
    EphemeralStorage: { Size: 512 },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: `/aws/lambda/${name}` }
  }
}
