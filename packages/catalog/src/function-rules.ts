import { LIMITS } from '@peerless/interface'

/** AWS: description of a function. */
export const DESCRIPTION_LENGTH_MAX = 256
/** AWS's pattern of a role's ARN. */
export const ROLE_ARN = /^arn:aws[a-zA-Z-]*:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/
/** Where none is given: nothing is done with roles but to give them back. */
export const ROLE_DEFAULT = 'arn:aws:iam::000000000000:role/peerless'
export const ROLE_LENGTH_MAX = 512
/** AWS's pattern of a variable's name: at least two characters. */
export const ENVIRONMENT_NAME = /^[a-zA-Z][a-zA-Z0-9_]+$/
export const HANDLER_DEFAULT = 'index.handler'
export const RUNTIME_DEFAULT = 'nodejs22.x'
/** AWS's names of what runs here: JavaScript, Python and WebAssembly. What runs is told by the handler's file; the name is kept and given back. */
export const RUNTIME = /^(?:nodejs\d{2}\.x|provided(?:\.al2(?:023)?)?|python3\.\d{1,2})$/

/** Variables that the platform sets. AWS refuses the same ("Defined runtime environment variables", reserved ones). */
export const ENVIRONMENT_RESERVED: ReadonlySet<string> = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR'
])

/** AWS: 512 to 10,240 MB of /tmp. */
export const EPHEMERAL_MB_MIN = 512
export const EPHEMERAL_MB_MAX = 10_240
/** AWS: layers of one function. */
export const LAYERS_MAX = 5
/** AWS: tags of one resource. */
export const TAGS_MAX = 50
/** Of one function; AWS has no such bound. Its record, an entry of the catalog, has a bound of its own. */
export const ALIASES_MAX = 256
export const QUALIFIERS_MAX = 256
/** JSON text of what is only kept. */
export const KEPT_LENGTH_MAX = 16_384
/** Objects within objects in settings that are only kept: AWS's have five at most. Text of thousands can be read, and not be written again. */
export const SETTINGS_DEPTH_MAX = 16

export function environmentBytes(environment: Readonly<Record<string, string>>): number {
  let bytes = 0
  for (const [name, value] of Object.entries(environment)) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}

export function isWhole(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
}

export const MEMORY_RULE = `must be a whole number of MB from ${LIMITS.memoryMbMin} to ${LIMITS.memoryMbMax}`
export const TIMEOUT_RULE = `must be a whole number of seconds from 1 to ${LIMITS.timeoutSecondsMax}`
