import { ACCOUNT_NAME, FUNCTION_NAME, HANDLER, LAYER_NAME, LIMITS, QUALIFIER, VERSION_NUMBER } from '@peerless/interface'
import { z } from 'zod'
import {
  ALIASES_MAX,
  DESCRIPTION_LENGTH_MAX,
  ENVIRONMENT_NAME,
  EPHEMERAL_MB_MAX,
  EPHEMERAL_MB_MIN,
  environmentBytes,
  KEPT_LENGTH_MAX,
  LAYERS_MAX,
  QUALIFIERS_MAX,
  ROLE_ARN,
  ROLE_LENGTH_MAX,
  SETTINGS_DEPTH_MAX,
  TAGS_MAX
} from './function-rules.ts'
import { MS_MAX } from './hybrid-time.ts'

/** Shapes of what belongs to functions. Strict: what a member signed goes to every node. */
export const epochMs = z.int().min(0).max(MS_MAX)
export const account = z.string().regex(ACCOUNT_NAME)
export const printable = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]+$/u)
/** CIDv1 in base32. */
const cid = z.string().regex(/^b[a-z2-7]{10,120}$/)
const sha256 = z.string().regex(/^[A-Za-z0-9+/]{43}=$/)
const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
const number = z.string().regex(VERSION_NUMBER)
const qualifier = z.string().regex(QUALIFIER)
const count = z.int().min(0).max(1_000_000)
export const MAPPING_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** AWS's form of a code signing configuration's id. */
export const SIGNING_ID = /^csc-[a-z0-9]{17}$/

const environment = z
  .record(z.string().regex(ENVIRONMENT_NAME), z.string())
  .refine((value) => environmentBytes(value) <= LIMITS.environmentBytesMax, {
    error: `names and values together must have at most ${LIMITS.environmentBytesMax} bytes`
  })

/** A record by names of others. zod leaves an entry called `__proto__` out without a word: what is set under that name would be lost after a success. */
function bounded<Value extends z.ZodType>(key: z.ZodString, value: Value, entriesMax: number) {
  const record = z.record(key, value).refine((entries) => Object.keys(entries).length <= entriesMax, {
    error: `must have at most ${entriesMax} entries`
  })
  return z
    .unknown()
    .refine((alleged) => typeof alleged !== 'object' || alleged === null || !Object.hasOwn(alleged, '__proto__'), {
      error: "must have no entry named '__proto__'"
    })
    .pipe(record)
}

/** Settings that are only kept and given back: the JSON of an object. One that cannot be read would fail every list in which it stands, at every node. */
function settingsText(lengthMax: number) {
  return z
    .string()
    .max(lengthMax)
    .refine(isSettings, { error: `must be the JSON of an object, at most ${SETTINGS_DEPTH_MAX} deep` })
}

function isSettings(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return !Array.isArray(value) && isObject(value) && isWithinDepth(value, SETTINGS_DEPTH_MAX)
  } catch {
    // The only thing that `JSON.parse` throws of a text is that it is none.
    return false
  }
}

function isWithinDepth(value: unknown, depth: number): boolean {
  return !isObject(value) || (depth > 0 && Object.values(value).every((inner) => isWithinDepth(inner, depth - 1)))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** AWS's bounds of tags. */
const tags = bounded(z.string().min(1).max(128), z.string().max(256), TAGS_MAX)

const functionVersion = z.strictObject({
  version: qualifier,
  revisionId: uuid,
  handler: z.string().regex(HANDLER),
  runtime: printable(64),
  role: z.string().max(ROLE_LENGTH_MAX).regex(ROLE_ARN),
  description: z.string().max(DESCRIPTION_LENGTH_MAX),
  memoryMb: z.int().min(LIMITS.memoryMbMin).max(LIMITS.memoryMbMax),
  timeoutSeconds: z.int().min(1).max(LIMITS.timeoutSecondsMax),
  environment,
  code: z.strictObject({
    zipCid: cid,
    zipBytes: z.int().min(1).max(LIMITS.zipBytesMax),
    zipSha256: sha256,
    bundleCid: cid,
    bundleBytes: z.int().min(1).max(LIMITS.bundleBytesMax)
  }),
  modifiedAt: epochMs,
  architecture: z.enum(['x86_64', 'arm64']).optional(),
  ephemeralStorageMb: z.int().min(EPHEMERAL_MB_MIN).max(EPHEMERAL_MB_MAX).optional(),
  tracing: z.enum(['PassThrough', 'Active']).optional(),
  logging: z
    .strictObject({
      format: z.enum(['Text', 'JSON']),
      applicationLevel: z.string().max(16).optional(),
      systemLevel: z.string().max(16).optional(),
      group: z.string().max(512).optional()
    })
    .optional(),
  deadLetterTarget: z.string().max(2_048).optional(),
  layers: z
    .array(z.strictObject({ arn: printable(2_048), zipBytes: z.int().min(1).max(LIMITS.zipBytesMax), zipCid: cid.optional() }))
    .max(LAYERS_MAX)
    .optional(),
  kept: settingsText(KEPT_LENGTH_MAX).optional()
})

export const urlAuth = z.enum(['NONE', 'AWS_IAM'])
const corsList = (max: number, lengthMax: number) => z.array(z.string().min(1).max(lengthMax)).max(max).optional()
export const corsSettings = z.strictObject({
  allowCredentials: z.boolean().optional(),
  allowHeaders: corsList(100, 1_024),
  allowMethods: corsList(6, 6),
  allowOrigins: corsList(100, 253),
  exposeHeaders: corsList(100, 1_024),
  maxAge: z.int().min(0).max(86_400).optional()
})

const policy = z.strictObject({
  revisionId: uuid,
  statements: z
    .array(
      z.strictObject({
        sid: z.string().min(1).max(100),
        effect: z.literal('Deny').optional(),
        action: z.string().min(1).max(128),
        principal: z.strictObject({ kind: z.enum(['any', 'aws', 'service']), value: printable(256) }),
        sourceArn: z.string().max(2_048).optional(),
        sourceAccount: z.string().max(12).optional(),
        eventSourceToken: z.string().max(256).optional(),
        organization: z.string().max(34).optional(),
        urlAuth: urlAuth.optional(),
        viaUrl: z.boolean().optional()
      })
    )
    .max(LIMITS.policyStatementsMax)
})

const qualifierSettings = z.strictObject({
  url: z
    .strictObject({
      auth: urlAuth,
      invokeMode: z.enum(['BUFFERED', 'RESPONSE_STREAM']),
      cors: corsSettings.optional(),
      createdAt: epochMs,
      modifiedAt: epochMs
    })
    .optional(),
  eventInvoke: z
    .strictObject({
      retriesMax: z.int().min(0).max(2).optional(),
      eventAgeSecondsMax: z.int().min(60).max(21_600).optional(),
      onSuccess: z.string().max(2_048).optional(),
      onFailure: z.string().max(2_048).optional(),
      modifiedAt: epochMs
    })
    .optional(),
  provisioned: z.strictObject({ requested: count, modifiedAt: epochMs }).optional(),
  policy: policy.optional(),
  runtimeUpdate: z
    .strictObject({ mode: z.enum(['Auto', 'Manual', 'FunctionUpdate']), versionArn: z.string().max(2_048).optional() })
    .optional(),
  scaling: z.strictObject({ min: count.optional(), max: count.optional() }).optional()
})

const alias = z.strictObject({
  name: qualifier,
  version: qualifier,
  second: z.strictObject({ version: number, weight: z.number().min(0).max(1) }).optional(),
  description: z.string().max(DESCRIPTION_LENGTH_MAX),
  revisionId: uuid
})

export const functionRecord = z.strictObject({
  name: z.string().regex(FUNCTION_NAME),
  account,
  createdAt: epochMs,
  latest: functionVersion,
  lastVersion: count.optional(),
  aliases: bounded(z.string().regex(QUALIFIER), alias, ALIASES_MAX).optional(),
  qualifiers: bounded(z.string().regex(QUALIFIER), qualifierSettings, QUALIFIERS_MAX).optional(),
  reservedConcurrency: count.optional(),
  latencyTargetMs: z.int().min(LIMITS.latencyTargetMsMin).max(LIMITS.latencyTargetMsMax).optional(),
  tags: tags.optional(),
  recursiveLoop: z.enum(['Terminate', 'Allow']).optional(),
  codeSigningArn: z.string().max(200).optional()
})

export const versionRecord = z.strictObject({
  functionName: z.string().regex(FUNCTION_NAME),
  account,
  version: functionVersion.extend({ version: number })
})

export const layer = z.strictObject({ name: z.string().regex(LAYER_NAME), account, lastVersion: count })

export const layerVersion = z.strictObject({
  name: z.string().regex(LAYER_NAME),
  account,
  version: z.int().min(1).max(999_999_999),
  description: z.string().max(DESCRIPTION_LENGTH_MAX),
  licence: z.string().max(512).optional(),
  runtimes: z.array(z.string().max(64)).max(15),
  architectures: z.array(z.string().max(16)).max(2),
  zipCid: cid,
  zipBytes: z.int().min(1).max(LIMITS.zipBytesMax),
  zipSha256: sha256,
  createdAt: epochMs,
  policy: policy.optional()
})

export const eventSourceMapping = z.strictObject({
  uuid: z.string().regex(MAPPING_UUID),
  account,
  functionName: z.string().regex(FUNCTION_NAME),
  qualifier: qualifier.optional(),
  enabled: z.boolean(),
  createdAt: epochMs,
  modifiedAt: epochMs,
  lastResult: z.string().max(512),
  tags,
  settings: settingsText(65_536)
})

export const codeSigning = z.strictObject({
  id: z.string().regex(SIGNING_ID),
  account,
  description: z.string().max(DESCRIPTION_LENGTH_MAX),
  publishers: z.array(z.string().max(1_024)).max(20),
  untrusted: z.enum(['Warn', 'Enforce']),
  modifiedAt: epochMs,
  tags
})
