import { createHash } from 'node:crypto'
import {
  type AsyncCondition,
  type AsyncResult,
  extendLineage,
  functionArn,
  LIMITS,
  serviceDestination
} from '@peerless/interface'
import { RECORD_BYTES_MAX } from './constants.ts'
import { type DeliveryNote, type EventTarget, NOTE_MESSAGE_CHARS_MAX, type QueuedEvent } from './event.ts'

/** What a function's settings say about its asynchronous events; where they come from is the node's business. */
export interface EventPolicy {
  readonly retries: number
  readonly ageMsMax: number
  /** ARN of a function, queue, topic, stream, bucket or event bus, or an http(s) URL. */
  readonly onSuccess: string | undefined
  readonly onFailure: string | undefined
  /** Where the event itself goes when it was given up: the function's DeadLetterConfig. */
  readonly deadLetter: string | undefined
  readonly recursionAllowed: boolean
  /**
   * Whose function a record goes to, the event's own account where there is no such function; undefined where that account may not have it invoked: a
   * permission may be withdrawn after a destination was set. Without it all are the event's own account's.
   */
  readonly ownerOf?: (target: { functionName: string; qualifier: string | undefined }) => string | undefined
}

export interface Delivery {
  readonly event: QueuedEvent
  readonly payload: Uint8Array
}

const FUNCTION_ARN =
  /^arn:[a-z0-9-]+:lambda:[a-z0-9-]*:\d{12}:function:([a-zA-Z0-9-_]{1,64})(?::(\$LATEST|[a-zA-Z0-9-_]{1,128}))?$/

/** Where this mesh can deliver to; undefined for anything else. */
function targetOf(destination: string): EventTarget | undefined {
  const arn = FUNCTION_ARN.exec(destination)
  if (arn !== null) return { functionName: arn[1] as string, qualifier: arn[2] }
  if (serviceDestination(destination) !== undefined) return { address: destination, contentType: 'application/json' }
  if (!/^https?:\/\//.test(destination) || !URL.canParse(destination)) return undefined
  return { address: destination, contentType: 'application/cloudevents+json' }
}

/**
 * The record of an event that ended, as AWS writes it: version 1.0.
 * @param event JSON bytes of what was accepted, result: what is known of its end
 */
function destinationRecord(
  event: Uint8Array,
  result: AsyncResult,
  response: Uint8Array | undefined,
  place: { region: string; accountId: string }
): Record<string, unknown> {
  const ran = result.executedVersion !== undefined
  return {
    version: '1.0',
    timestamp: new Date(result.settledAt ?? result.acceptedAt).toISOString(),
    requestContext: {
      requestId: result.requestId,
      functionArn: functionArn(place.region, place.accountId, result.functionName, result.qualifier ?? '$LATEST'),
      condition: result.condition,
      approximateInvokeCount: result.attempts
    },
    requestPayload: jsonOf(asFunctionsFindIt(event)),
    ...(ran
      ? {
          responseContext: {
            statusCode: 200,
            executedVersion: result.executedVersion,
            ...(result.functionError === undefined ? {} : { functionError: result.functionError })
          },
          responsePayload: response === undefined ? null : (jsonOf(response) ?? null)
        }
      : {})
  }
}

/** What is to be sent where, each with an id that follows from the event's, so that it is recognised when it is made a second time. */
export function deliveriesOf(
  event: QueuedEvent,
  payload: Uint8Array,
  result: AsyncResult,
  response: Uint8Array | undefined,
  policy: EventPolicy,
  place: { region: string; accountId: string }
): Delivery[] {
  if (event.deliveryOf !== undefined && 'address' in event.target) return []
  const succeeded = result.status === 'succeeded'
  const deliveries: Delivery[] = []
  const destination = succeeded ? policy.onSuccess : policy.onFailure
  if (destination !== undefined && mayDeliver(destination, result.condition, policy)) {
    const record = destinationRecord(payload, result, response, place)
    const data = destination.startsWith('http') ? cloudEvent(record, result, place) : record
    const note = noteFor(event, result, response, succeeded ? 'success' : 'failure', place)
    deliveries.push(deliveryOf(event, destination, recordBytes(data, destination), note, policy))
  }
  if (!succeeded && policy.deadLetter !== undefined && mayDeliver(policy.deadLetter, result.condition, policy)) {
    const note = noteFor(event, result, response, 'dead-letter', place)
    deliveries.push(deliveryOf(event, policy.deadLetter, asFunctionsFindIt(payload), note, policy))
  }
  return deliveries
}

/**
 * What would fit no message to a holder, or be no payload of the function that it goes to, goes without the answer. Short numbers of it may be written
 * out at length, so that it is larger than the answer was.
 */
function recordBytes(data: object, destination: string): Buffer {
  const bytes = Buffer.from(JSON.stringify(data))
  const toFunction = FUNCTION_ARN.test(destination)
  if (bytes.length <= (toFunction ? LIMITS.payloadBytesMax : RECORD_BYTES_MAX)) return bytes
  return Buffer.from(JSON.stringify(data, (key, value) => (key === 'responsePayload' ? null : value)))
}

/** A loop that was stopped does not go on through the function that it is reported to. */
function mayDeliver(destination: string, condition: AsyncCondition | undefined, { ownerOf }: EventPolicy): boolean {
  const target = targetOf(destination)
  if (target === undefined || !('functionName' in target)) return target !== undefined
  return condition !== 'RecursiveInvocation' && (ownerOf === undefined || ownerOf(target) !== undefined)
}

function deliveryOf(
  event: QueuedEvent,
  destination: string,
  payload: Uint8Array,
  note: DeliveryNote,
  { ownerOf }: EventPolicy
): Delivery {
  const target = targetOf(destination) as EventTarget
  const { purpose } = note
  const common = { id: derivedId(event.id, purpose), acceptedAt: 0, clientContext: undefined, deliveryOf: event.id }
  if ('functionName' in target) {
    const lineage = extendLineage(event.lineage, target.functionName)
    const account = ownerOf === undefined ? event.account : ownerOf(target)
    return { payload, event: { ...common, target, account, invokedArn: destination, lineage } }
  }
  // A dead letter is the event itself, and no CloudEvent.
  const contentType = purpose === 'dead-letter' ? 'application/json' : target.contentType
  const { account, lineage } = event
  return { payload, event: { ...common, target: { ...target, contentType }, account, invokedArn: '', lineage, note } }
}

function noteFor(
  event: QueuedEvent,
  result: AsyncResult,
  response: Uint8Array | undefined,
  purpose: DeliveryNote['purpose'],
  place: { region: string; accountId: string }
): DeliveryNote {
  return {
    purpose,
    requestId: event.id,
    functionName: result.functionName,
    functionArn: functionArn(place.region, place.accountId, result.functionName, result.qualifier ?? '$LATEST'),
    errorCode: result.executedVersion !== undefined ? 200 : (ERROR_CODES[result.condition ?? 'Success'] ?? 500),
    errorMessage: errorMessageOf(result, response).slice(0, NOTE_MESSAGE_CHARS_MAX),
    endedAt: result.settledAt ?? result.acceptedAt
  }
}

/** HTTP statuses of what never ran, or got lost. */
const ERROR_CODES: Partial<Record<AsyncCondition, number>> = {
  EventAgeExceeded: 429,
  RecursiveInvocation: 400,
  FunctionNotFound: 404,
  RetriesExhausted: 500
}

/** The function's own words where it has some. */
function errorMessageOf(result: AsyncResult, response: Uint8Array | undefined): string {
  if (result.status === 'succeeded') return ''
  const alleged = response === undefined ? undefined : jsonOf(response)
  const message =
    typeof alleged === 'object' && alleged !== null ? (alleged as { errorMessage?: unknown }).errorMessage : undefined
  return typeof message === 'string' ? message : String(result.condition)
}

/** CloudEvents 1.0, structured mode. */
function cloudEvent(
  record: Record<string, unknown>,
  result: AsyncResult,
  place: { region: string; accountId: string }
): Record<string, unknown> {
  return {
    specversion: '1.0',
    id: result.requestId,
    source: functionArn(place.region, place.accountId, result.functionName),
    type: `peerless.invocation.${result.status}`,
    subject: result.functionName,
    time: record.timestamp,
    datacontenttype: 'application/json',
    data: record
  }
}

/** A UUID that is always the same for the same parts. */
function derivedId(...parts: string[]): string {
  const hash = createHash('sha256').update(parts.join('\0')).digest()
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** What was called without an event got an empty object. Queues take no empty message either. */
function asFunctionsFindIt(event: Uint8Array): Uint8Array {
  return event.length === 0 ? Buffer.from('{}') : event
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    // Not JSON: a payload is checked where it comes in, a result may be anything; it is shown as text.
    return Buffer.from(bytes).toString('utf8')
  }
}
