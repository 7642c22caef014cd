import { type FunctionSettings, HANDLER, LIMITS, PeerlessError } from '@peerless/interface'
import {
  DESCRIPTION_LENGTH_MAX,
  ENVIRONMENT_NAME,
  ENVIRONMENT_RESERVED,
  EPHEMERAL_MB_MAX,
  EPHEMERAL_MB_MIN,
  environmentBytes,
  isWhole,
  KEPT_LENGTH_MAX,
  LAYERS_MAX,
  MEMORY_RULE,
  ROLE_ARN,
  ROLE_LENGTH_MAX,
  RUNTIME,
  TIMEOUT_RULE
} from './function-rules.ts'

/**
 * Checks settings as a client sent them, field by field; AWS's rules.
 * @throws INVALID_ARGUMENT naming value, rule and bound
 */
export function checkSettings(settings: FunctionSettings): void {
  if (typeof settings !== 'object' || settings === null) fail('settings', settings, 'must be an object')
  for (const [name, value] of Object.entries(settings)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name as keyof FunctionSettings] : undefined
    if (rule === undefined) fail('setting', name, `must be one of ${Object.keys(RULES).join(', ')}`)
    if (value !== undefined) rule(value)
  }
}

const RULES: Record<keyof FunctionSettings, (value: unknown) => void> = {
  handler(value) {
    if (typeof value !== 'string' || !HANDLER.test(value)) {
      fail('handler', value, "must be 'file.export', 1 to 128 characters without spaces")
    }
  },
  runtime(value) {
    if (typeof value !== 'string' || !RUNTIME.test(value))
      fail('runtime', value, 'must be one of nodejs*, python3.*, provided.al2 and provided.al2023')
  },
  role(value) {
    if (typeof value !== 'string' || value.length > ROLE_LENGTH_MAX || !ROLE_ARN.test(value)) {
      fail('role', value, `must be an ARN 'arn:aws:iam::123456789012:role/name' of at most ${ROLE_LENGTH_MAX} characters`)
    }
  },
  description(value) {
    if (typeof value !== 'string' || value.length > DESCRIPTION_LENGTH_MAX) {
      fail('description', value, `must have at most ${DESCRIPTION_LENGTH_MAX} characters`)
    }
  },
  memoryMb(value) {
    if (!isWhole(value, LIMITS.memoryMbMin, LIMITS.memoryMbMax)) fail('memory size', value, MEMORY_RULE)
  },
  timeoutSeconds(value) {
    if (!isWhole(value, 1, LIMITS.timeoutSecondsMax)) fail('timeout', value, TIMEOUT_RULE)
  },
  environment: checkEnvironment,
  architecture(value) {
    if (value !== 'x86_64' && value !== 'arm64') fail('architecture', value, 'must be x86_64 or arm64')
  },
  ephemeralStorageMb(value) {
    if (!isWhole(value, EPHEMERAL_MB_MIN, EPHEMERAL_MB_MAX))
      fail('ephemeral storage', value, `must be a whole number of MB from ${EPHEMERAL_MB_MIN} to ${EPHEMERAL_MB_MAX}`)
  },
  tracing(value) {
    if (value !== 'PassThrough' && value !== 'Active') fail('tracing mode', value, 'must be PassThrough or Active')
  },
  logging(value) {
    if (typeof value !== 'object' || value === null) fail('logging', value, 'must be an object')
  },
  deadLetterTarget(value) {
    if (typeof value !== 'string' || value.length > 2_048) fail('dead-letter target', value, 'must have at most 2048 characters')
  },
  layers(value) {
    if (!Array.isArray(value) || value.length > LAYERS_MAX) fail('layers', value, `must be a list of at most ${LAYERS_MAX}`)
  },
  kept(value) {
    if (typeof value !== 'string' || value.length > KEPT_LENGTH_MAX)
      fail('kept settings', value, `must have at most ${KEPT_LENGTH_MAX} characters as JSON`)
  },
  urlAuth(value) {
    if (value !== null && value !== 'NONE' && value !== 'AWS_IAM')
      fail('function URL auth type', value, 'must be NONE or AWS_IAM')
  }
}

function checkEnvironment(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail('environment', value, 'must be an object of names and text values')
  }
  for (const [name, text] of Object.entries(value)) {
    if (ENVIRONMENT_RESERVED.has(name)) {
      fail('environment variable name', name, 'is reserved: the platform sets it')
    }
    if (!ENVIRONMENT_NAME.test(name)) {
      fail('environment variable name', name, 'must start with a letter and have at least 2 letters, digits or underscores')
    }
    // Values are often secrets: the message names the variable only.
    if (typeof text !== 'string') fail('environment variable', name, 'must have a text value')
  }
  const bytes = environmentBytes(value as Record<string, string>)
  if (bytes > LIMITS.environmentBytesMax) {
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `the environment variables have ${bytes} bytes, names and values together must have at most ${LIMITS.environmentBytesMax}`
    )
  }
}

function fail(what: string, value: unknown, rule: string): never {
  throw new PeerlessError('INVALID_ARGUMENT', `${what} '${shown(value)}' ${rule}`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 100 ? `${value.slice(0, 100)}…' (${value.length} characters)` : value
  return typeof value === 'object' && value !== null ? typeof value : String(value)
}
