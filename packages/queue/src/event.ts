import { type AsyncOrder, type AsyncResult, FUNCTION_NAME, LIMITS, type Lineage, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { z } from 'zod'

/** What an event calls: a function, or an address that a record is delivered to. */
export type EventTarget =
  | { readonly functionName: string; readonly qualifier: string | undefined }
  | { readonly url: string; readonly contentType: string }

/** What was accepted; never changes. */
export interface QueuedEvent {
  readonly id: string
  readonly target: EventTarget
  readonly acceptedAt: number
  readonly clientContext: string | undefined
  readonly invokedArn: string
  readonly lineage: Lineage
  /** The event whose record this delivers; such a one has no destinations of its own. */
  readonly deliveryOf: string | undefined
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
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.union([schema, z.null()]).transform((value): z.output<Schema> | undefined => value ?? undefined)
const text = (max: number) => z.string().max(max)

const metaSchema = z.tuple([
  optional(z.string().regex(FUNCTION_NAME)),
  optional(text(128)),
  optional(text(2_048)),
  optional(text(128)),
  epochMs,
  optional(text(LIMITS.clientContextBytesMax)),
  text(512),
  idSchema,
  z.record(text(2_048), count),
  optional(idSchema),
  count,
  count,
  count,
  epochMs,
  z.array(text(128)).max(16)
])

export function checkEventId(id: string): void {
  if (!UUID.test(id))
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `request id '${id.slice(0, 64)}' must be a UUID in lower case, as 'invoke' answered it`
    )
}

export function eventOf(order: AsyncOrder, now: number): QueuedEvent {
  const { requestId, functionName, qualifier, clientContext, invokedArn } = order
  const lineage = order.lineage ?? { root: requestId, hops: {} }
  const target = { functionName, qualifier }
  return { id: requestId, target, acceptedAt: now, clientContext, invokedArn, lineage, deliveryOf: undefined }
}

/** The bytes in which event and state go to disk and to holders. */
export function encodeMeta({ event, state }: StoredEvent): Uint8Array {
  const { target } = event
  const [name, qualifier, url, contentType] =
    'url' in target ? [null, null, target.url, target.contentType] : [target.functionName, target.qualifier ?? null, null, null]
  return encode([
    name,
    qualifier,
    url,
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
    state.holders
  ])
}

/** @throws MALFORMED */
export function decodeMeta(alleged: Uint8Array, id: string): StoredEvent {
  const parsed = metaSchema.safeParse(decode(alleged, 'queued event'))
  if (!parsed.success) throw malformed(id, parsed.error)
  const [name, qualifier, url, contentType, acceptedAt, clientContext, invokedArn, root, hops, deliveryOf, ...state] = parsed.data
  const target =
    name !== undefined
      ? { functionName: name, qualifier }
      : url !== undefined
        ? { url, contentType: contentType ?? '' }
        : undefined
  if (target === undefined) throw malformed(id, undefined)
  const [term, starts, failures, notBefore, holders] = state
  return {
    event: { id, target, acceptedAt, clientContext, invokedArn, lineage: { root, hops }, deliveryOf },
    state: { term, starts, failures, notBefore, holders }
  }
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

const resultSchema = z.tuple([
  idSchema,
  text(2_048),
  optional(text(128)),
  z.enum(STATUSES),
  optional(z.enum(CONDITIONS)),
  count,
  epochMs,
  optional(epochMs),
  optional(text(128)),
  optional(text(64)),
  optional(z.instanceof(Uint8Array)),
  z.boolean(),
  text(128)
])

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
    result.owner
  ])
}

/** @throws MALFORMED */
export function decodeResult(alleged: Uint8Array): AsyncResult {
  const parsed = resultSchema.safeParse(decode(alleged, 'asynchronous result'))
  if (!parsed.success) throw malformed('result', parsed.error)
  const [requestId, functionName, qualifier, status, condition, attempts, acceptedAt, settledAt, ...rest] = parsed.data
  const [executedVersion, functionError, payload, payloadCut, owner] = rest
  return {
    requestId,
    functionName,
    qualifier,
    status,
    condition,
    attempts,
    acceptedAt,
    settledAt,
    executedVersion,
    functionError,
    payload,
    payloadCut,
    owner
  }
}

/** Function name, or the address that it is delivered to. */
export function nameOf(event: QueuedEvent): string {
  return 'url' in event.target ? event.target.url : event.target.functionName
}

function malformed(id: string, cause: unknown): PeerlessError {
  return new PeerlessError('MALFORMED', `'${id.slice(0, 64)}' is no event of a queue as this version writes it`, { cause })
}
