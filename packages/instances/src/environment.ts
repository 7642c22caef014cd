import type { FunctionVersion } from '@peerless/interface'

/** Variables of a Node function on Lambda (recorded there), without those that name credentials: there are none to give. */
export function functionEnvironment(
  functionName: string,
  version: FunctionVersion,
  place: { region: string; logGroup: string; logStream: string }
): Record<string, string> {
  return {
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    PATH: '/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    LAMBDA_TASK_ROOT: '/var/task',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    AWS_EXECUTION_ENV: `AWS_Lambda_${version.runtime}`,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: place.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: place.logStream,
    AWS_REGION: place.region,
    AWS_DEFAULT_REGION: place.region,
    _HANDLER: version.handler,
    ...version.environment
  }
}
