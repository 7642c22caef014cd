import {
  type CatalogKind,
  type CatalogKinds,
  DESTINATION_SERVICES,
  FUNCTION_NAME,
  LAYER_NAME,
  PeerlessError,
  QUALIFIER
} from '@peerless/interface'
import { publicKeyOf } from '@peerless/wire'
import { z } from 'zod'
import { ROUTE_KEY_LENGTH_MAX } from './constants.ts'
import {
  account,
  codeSigning,
  corsSettings,
  epochMs,
  eventSourceMapping,
  functionRecord,
  layer,
  layerVersion,
  MAPPING_UUID,
  printable,
  SIGNING_ID,
  urlAuth,
  versionRecord
} from './function-schemas.ts'
import { type KeyVault, SECRET_BYTES_MAX } from './key-vault.ts'

/**
 * The shape of each kind, strict: a member may be wrong or hostile, and what it signed goes to every node. `Stored` is what is signed and sent,
 * with secrets sealed; the value that readers get is made from it.
 */
const ACCESS_KEY_ID = /^\w{16,128}$/
const peerId = z.string().refine(isPeerId, { error: 'must be the peer id of an Ed25519 key' })
const keyFields = {
  accessKeyId: z.string().regex(ACCESS_KEY_ID),
  role: z.enum(['admin', 'deployer', 'invoker']),
  account,
  createdAt: epochMs,
  node: peerId.optional()
}
const accessKey = z.strictObject({
  ...keyFields,
  secretAccessKey: z
    .string()
    .min(1)
    .max(SECRET_BYTES_MAX)
    .regex(/^[!-~]+$/)
})
const storedKey = z.strictObject({ ...keyFields, sealedSecret: z.instanceof(Uint8Array) })

const nodeRecord = z.strictObject({
  peerId,
  name: printable(64),
  account,
  addresses: z.array(printable(256).startsWith('/')).max(32),
  version: printable(64),
  httpAddress: printable(256).optional(),
  machine: peerId.optional(),
  destinations: z.array(z.enum(DESTINATION_SERVICES)).max(DESTINATION_SERVICES.length).optional()
})

const TRIGGER_NAME = /^[0-9a-zA-Z-_.]{1,64}$/
const firingRecord = z.strictObject({
  name: z.string().regex(TRIGGER_NAME),
  account: account.optional(),
  createdAt: epochMs,
  scheduledAt: epochMs
})
const triggerRecord = z.strictObject({
  type: z.literal('schedule'),
  name: z.string().regex(TRIGGER_NAME),
  account,
  functionName: z.string().regex(FUNCTION_NAME),
  qualifier: z.string().regex(QUALIFIER).optional(),
  createdAt: epochMs,
  modifiedAt: epochMs,
  paused: z.boolean(),
  expression: printable(256),
  timezone: printable(64),
  windowMinutes: z.int().min(0).max(1_440),
  input: z.string().max(65_536).optional(),
  missed: z.enum(['skip', 'one']),
  startAt: epochMs.optional(),
  endAt: epochMs.optional()
})

/** How a route is read is the gateway's business; here it is bounded. */
const ROUTE_ID = /^[0-9a-f]{32}$/
const routeRecord = z.strictObject({
  id: z.string().regex(ROUTE_ID),
  host: z
    .string()
    .regex(/^[a-z0-9.*-]{1,253}$/)
    .optional(),
  routeKey: z
    .string()
    .regex(/^[!-~]{1,16}( \/[!-~]*)?$/)
    .max(ROUTE_KEY_LENGTH_MAX),
  account,
  functionName: z.string().regex(FUNCTION_NAME),
  qualifier: z.string().regex(QUALIFIER).optional(),
  auth: urlAuth,
  invokeMode: z.enum(['BUFFERED', 'RESPONSE_STREAM']),
  cors: corsSettings.optional(),
  createdAt: epochMs,
  modifiedAt: epochMs
})

/** `NAME:N`, N without leading zeros. */
const numbered = z.string().regex(/^[a-zA-Z0-9-_]{1,140}:[1-9][0-9]{0,8}$/)

const NAMES = {
  function: { rule: z.string().regex(FUNCTION_NAME), nameOf: (value) => value.name },
  version: { rule: numbered, nameOf: (value) => `${value.functionName}:${value.version.version}` },
  layer: { rule: z.string().regex(LAYER_NAME), nameOf: (value) => value.name },
  layerVersion: { rule: numbered, nameOf: (value) => `${value.name}:${value.version}` },
  mapping: { rule: z.string().regex(MAPPING_UUID), nameOf: (value) => value.uuid },
  signing: { rule: z.string().regex(SIGNING_ID), nameOf: (value) => value.id },
  key: { rule: z.string().regex(ACCESS_KEY_ID), nameOf: (value) => value.accessKeyId },
  node: { rule: peerId, nameOf: (value) => value.peerId },
  trigger: { rule: z.string().regex(TRIGGER_NAME), nameOf: (value) => value.name },
  firing: { rule: z.string().regex(TRIGGER_NAME), nameOf: (value) => value.name },
  route: { rule: z.string().regex(ROUTE_ID), nameOf: (value) => value.id }
} as const satisfies { [Kind in CatalogKind]: { rule: z.ZodType<string>; nameOf: (value: CatalogKinds[Kind]) => string } }

/** Kinds that are stored as they are read. */
const PLAIN = {
  function: functionRecord,
  version: versionRecord,
  layer,
  layerVersion,
  mapping: eventSourceMapping,
  signing: codeSigning,
  node: nodeRecord,
  trigger: triggerRecord,
  firing: firingRecord,
  route: routeRecord
} as const satisfies Record<Exclude<CatalogKind, 'key'>, z.ZodType>

/** @throws INVALID_ARGUMENT */
export function checkName(kind: CatalogKind, name: string): void {
  const parsed = NAMES[kind].rule.safeParse(name)
  if (!parsed.success) throw invalid(kind, name, parsed.error)
}

/** Checks a value that this node is to write and makes its stored form. @throws INVALID_ARGUMENT */
export function toStored(kind: CatalogKind, name: string, value: unknown, vault: KeyVault): unknown {
  checkName(kind, name)
  if (kind !== 'key') return check(kind, name, PLAIN[kind] as z.ZodType, value)
  const { secretAccessKey, ...fields } = check(kind, name, accessKey, value)
  return { ...fields, sealedSecret: vault.seal(fields.accessKeyId, secretAccessKey) }
}

/** Checks an alleged stored value and makes the value that readers get, frozen. @throws INVALID_ARGUMENT, MALFORMED */
export function fromStored(kind: CatalogKind, name: string, stored: unknown, vault: KeyVault): CatalogKinds[CatalogKind] {
  checkName(kind, name)
  if (kind !== 'key') return freeze(check(kind, name, PLAIN[kind] as z.ZodType<CatalogKinds[typeof kind]>, stored))
  const { sealedSecret, ...fields } = check(kind, name, storedKey, stored)
  return freeze({ ...fields, secretAccessKey: vault.open(fields.accessKeyId, sealedSecret) })
}

function check<Output>(kind: CatalogKind, name: string, schema: z.ZodType<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw invalid(kind, name, parsed.error)
  const own = (NAMES[kind].nameOf as (value: unknown) => string)(parsed.data)
  if (own !== name) throw new PeerlessError('INVALID_ARGUMENT', `${kind} '${name}' holds the value of '${own}': both must agree`)
  return parsed.data
}

/** Names the path and rule of the first fault, never the value: it may be a secret. */
function invalid(kind: CatalogKind, name: string, error: z.ZodError): PeerlessError {
  const issue = error.issues[0]
  const where = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.map(String).join('.').slice(0, 200)
  return new PeerlessError(
    'INVALID_ARGUMENT',
    `${kind} '${name.slice(0, 200)}': ${where}: ${issue?.message.slice(0, 200) ?? 'is malformed'}`
  )
}

function isPeerId(alleged: string): boolean {
  try {
    publicKeyOf(alleged)
    return true
  } catch {
    // The only thing that publicKeyOf throws is that it is none.
    return false
  }
}

/** Readers share the value, so nobody may change it. */
function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}
