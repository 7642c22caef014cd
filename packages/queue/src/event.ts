import {
  ACCOUNT_NAME,
  type AsyncOrder,
  type AsyncResult,
  FUNCTION_NAME,
  LIMITS,
  type Lineage,
  PeerlessError
} from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { z } from 'zod'

/** What an event calls: a function, or an address (URL, or ARN of a service) that a record is delivered to. */
export type EventTarget =
  | { readonly functionName: string; readonly qualifier: string | undefined }
  | { readonly address: string; readonly contentType: string }

/** What a delivery to an address is about, beside the bytes that it delivers. */
export interface DeliveryNote {
  readonly purpose: 'success' | 'failure' | 'dead-letter'
  /** Of the event that ended. */
  readonly requestId: string
  readonly functionName: string
  readonly functionArn: string
  /** As AWS's dead letters have it: 200 where the function ran and failed. */
  readonly errorCode: number
  readonly errorMessage: string
  /** Epoch milliseconds. */
  readonly endedAt: number
}

/** What was accepted; never changes. */
export interface QueuedEvent {
  readonly id: string
  readonly target: EventTarget
  /** Whose function it calls, or whose record it delivers; undefined in events of versions that did not note it. */
  readonly account: string | undefined
  readonly acceptedAt: number
  readonly clientContext: string | undefined
  readonly invokedArn: string
  readonly lineage: Lineage
  /** The event whose record this delivers; such a one has no destinations of its own. */
  readonly deliveryOf: string | undefined
  /** Of a delivery to an address. */
  readonly note?: DeliveryNote | undefined
}

/** What happens to it; the owner alone changes it, and tells the holders. */
export interface EventState {
  /** Rises with every change of owner; the highest wins. */
  readonly term: number
  /** Attempts that began or may have begun. */
  readonly starts: number
  /** Attempts that count against the retries. */
  readonly failures: number
  /** Epoch milliseconds. */
  readonly notBefore: number
  /** Peer ids of the nodes that keep a copy, the owner not included. First in line for a takeover first. */
  readonly holders: readonly string[]
}

export interface StoredEvent {
  readonly event: QueuedEvent
  readonly state: EventState
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const idSchema = z.string().regex(UUID)
const count = z.int().min(0).max(1_000_000)
const epochMs = z.number().min(0).max(8_640_000_000_000_000)
const text = (max: number) => z.string().max(max)

/** Fields in the order in which they are written. Objects, because zod compiles those: a holder checks thousands each second, and a tuple takes three times as long. */
const metaSchema = z.object({
  functionName: z.string().regex(FUNCTION_NAME).nullable(),
  qualifier: text(128).nullable(),
  address: text(2_048).nullable(),
  contentType: text(128).nullable(),
  acceptedAt: epochMs,
  clientContext: text(LIMITS.clientContextBytesMax).nullable(),
  invokedArn: text(512),
  root: idSchema,
  hops: z.record(text(2_048), count),
  deliveryOf: idSchema.nullable(),
  term: count,
  starts: count,
  failures: count,
  notBefore: epochMs,
  holders: z.array(text(128)).max(16),
  note: z.unknown().optional(),
  account: z.string().regex(ACCOUNT_NAME).nullable().optional()
})
/** What the first version wrote; the fields after these came later, and are left out where nothing follows them. */
const META_FIELDS_MIN = 15

/** Characters of an error message that go with a dead letter: what its attribute may hold. */
export const NOTE_MESSAGE_CHARS_MAX = 1_024
const noteSchema = z.tuple([
  z.enum(['success', 'failure', 'dead-letter']),
  idSchema,
  z.string().regex(FUNCTION_NAME),
  text(512),
  z.int().min(0).max(999),
  text(NOTE_MESSAGE_CHARS_MAX),
  epochMs
])

/** A note as it goes to disk and to peers. */
export function noteOf(note: DeliveryNote): unknown[] {
  const { purpose, requestId, functionName, functionArn, errorCode, errorMessage, endedAt } = note
  return [purpose, requestId, functionName, functionArn, errorCode, errorMessage, endedAt]
}

/** @throws MALFORMED */
export function checkNote(alleged: unknown): DeliveryNote {
  const parsed = noteSchema.safeParse(alleged)
  if (!parsed.success) throw malformed('note of a delivery', parsed.error)
  const [purpose, requestId, functionName, functionArn, errorCode, errorMessage, endedAt] = parsed.data
  return { purpose, requestId, functionName, functionArn, errorCode, errorMessage, endedAt }
}

export function checkEventId(id: string): void {
  if (!UUID.test(id))
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `request id '${id.slice(0, 64)}' must be a UUID in lower case, as 'invoke' answered it`
    )
}

export function eventOf(order: AsyncOrder, now: number): QueuedEvent {
  const { requestId, functionName, account, qualifier, clientContext, invokedArn } = order
  const lineage = order.lineage ?? { root: requestId, hops: {} }
  const target = { functionName, qualifier }
  return { id: requestId, target, account, acceptedAt: now, clientContext, invokedArn, lineage, deliveryOf: undefined }
}

/** The bytes in which event and state go to disk and to holders. */
export function encodeMeta({ event, state }: StoredEvent): Uint8Array {
  const { target } = event
  const [name, qualifier, address, contentType] =
    'address' in target
      ? [null, null, target.address, target.contentType]
      : [target.functionName, target.qualifier ?? null, null, null]
  return encode([
    name,
    qualifier,
    address,
    contentType,
    event.acceptedAt,
    event.clientContext ?? null,
    event.invokedArn,
    event.lineage.root,
    event.lineage.hops,
    event.deliveryOf ?? null,
    state.term,
    state.starts,
    state.failures,
    state.notBefore,
    state.holders,
    ...trailing(event.note === undefined ? undefined : noteOf(event.note), event.account)
  ])
}

/** @throws MALFORMED */
export function decodeMeta(alleged: Uint8Array, id: string): StoredEvent {
  const parsed = metaSchema.safeParse(fieldsOf(metaSchema, META_FIELDS_MIN, decode(alleged, 'queued event')))
  if (!parsed.success) throw malformed(id, parsed.error)
  const { functionName, qualifier, address, contentType, acceptedAt, clientContext, invokedArn, root, hops, deliveryOf } =
    parsed.data
  const target =
    functionName !== null
      ? { functionName, qualifier: qualifier ?? undefined }
      : address !== null
        ? { address, contentType: contentType ?? '' }
        : undefined
  if (target === undefined) throw malformed(id, undefined)
  const { term, starts, failures, notBefore, holders } = parsed.data
  return {
    event: {
      id,
      target,
      account: parsed.data.account ?? undefined,
      acceptedAt,
      clientContext: clientContext ?? undefined,
      invokedArn,
      lineage: { root, hops },
      deliveryOf: deliveryOf ?? undefined,
      note: parsed.data.note === undefined || parsed.data.note === null ? undefined : checkNote(parsed.data.note)
    },
    state: { term, starts, failures, notBefore, holders }
  }
}

/** What was written as an array, by the names of its fields; what is none, or has another length, is undefined, which the schema refuses. */
function fieldsOf(schema: z.ZodObject, lengthMin: number, alleged: unknown): unknown {
  const names = Object.keys(schema.shape)
  if (!Array.isArray(alleged) || alleged.length < lengthMin || alleged.length > names.length) return undefined
  const fields: Record<string, unknown> = {}
  for (let index = 0; index < alleged.length; index++) fields[names[index] as string] = alleged[index]
  return fields
}

const STATUSES = ['queued', 'succeeded', 'failed', 'expired'] as const
const CONDITIONS = [
  'Success',
  'RetriesExhausted',
  'EventAgeExceeded',
  'RecursiveInvocation',
  'FunctionNotFound',
  'DestinationFailed'
] as const

const resultSchema = z.object({
  requestId: idSchema,
  functionName: text(2_048),
  qualifier: text(128).nullable(),
  status: z.enum(STATUSES),
  condition: z.enum(CONDITIONS).nullable(),
  attempts: count,
  acceptedAt: epochMs,
  settledAt: epochMs.nullable(),
  executedVersion: text(128).nullable(),
  functionError: text(64).nullable(),
  payload: z.instanceof(Uint8Array).nullable(),
  payloadCut: z.boolean(),
  owner: text(128),
  destination: text(2_048).nullable().optional(),
  account: text(64).nullable().optional()
})
const RESULT_FIELDS_MIN = 13

export function encodeResult(result: AsyncResult): Uint8Array {
  return encode([
    result.requestId,
    result.functionName,
    result.qualifier ?? null,
    result.status,
    result.condition ?? null,
    result.attempts,
    result.acceptedAt,
    result.settledAt ?? null,
    result.executedVersion ?? null,
    result.functionError ?? null,
    result.payload ?? null,
    result.payloadCut,
    result.owner,
    ...trailing(result.destination, result.account)
  ])
}

/** @throws MALFORMED */
export function decodeResult(alleged: Uint8Array): AsyncResult {
  const parsed = resultSchema.safeParse(fieldsOf(resultSchema, RESULT_FIELDS_MIN, decode(alleged, 'asynchronous result')))
  if (!parsed.success) throw malformed('result', parsed.error)
  const { qualifier, condition, settledAt, executedVersion, functionError, payload, destination, account, ...rest } = parsed.data
  return {
    ...rest,
    qualifier: qualifier ?? undefined,
    condition: condition ?? undefined,
    settledAt: settledAt ?? undefined,
    executedVersion: executedVersion ?? undefined,
    functionError: functionError ?? undefined,
    payload: payload ?? undefined,
    destination: destination ?? undefined,
    account: account ?? undefined
  }
}

/** Fields at the end, without those after which nothing follows. */
function trailing(...values: unknown[]): unknown[] {
  const last = values.findLastIndex((value) => value !== undefined)
  return values.slice(0, last + 1).map((value) => value ?? null)
}

/** Events that wait together and share a bound: those of a function, or of an address. */
export function laneOf(event: QueuedEvent): string {
  return 'address' in event.target ? event.target.address : event.target.functionName
}

/** The function that it calls, or that a delivery is about. */
function functionOf(event: QueuedEvent): string {
  return 'address' in event.target ? (event.note?.functionName ?? event.target.address) : event.target.functionName
}

/** What a result says of the event itself. */
export function subjectOf(event: QueuedEvent): Pick<AsyncResult, 'functionName' | 'qualifier' | 'destination' | 'account'> {
  const { target, account } = event
  const functionName = functionOf(event)
  if ('address' in target) return { functionName, qualifier: undefined, destination: target.address, account }
  return { functionName, qualifier: target.qualifier, account }
}

function malformed(id: string, cause: unknown): PeerlessError {
  return new PeerlessError('MALFORMED', `'${id.slice(0, 64)}' is no event of a queue as this version writes it`, { cause })
}
