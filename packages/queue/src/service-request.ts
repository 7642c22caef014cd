import { type DestinationService, PeerlessError, type ServiceDestination } from '@peerless/interface'
import type { DeliveryNote } from './event.ts'

/**
 * Records and dead letters in the protocols of AWS's services, as AWS Lambda sends them (developer guide, "Capturing records of Lambda asynchronous
 * invocations" and "Adding a dead-letter queue"). Pure: whoever sends them signs them.
 */
export interface ServiceRequest {
  readonly service: DestinationService
  /** That the request is signed for; '' where the ARN has none. */
  readonly region: string
  readonly method: 'POST' | 'PUT'
  /** Percent-encoded, without query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface ServiceAnswer {
  readonly status: number
  /** As much as ANSWER_BYTES_MAX of node/ lets through. */
  readonly body: Uint8Array
}

/** AWS: the first kilobyte of the error message. */
const ERROR_MESSAGE_BYTES_MAX = 1_024
const REASON_CHARS_MAX = 400

/**
 * @param id of the delivery: the same for all tries of it
 * @param origin of the service's endpoint; it stands in the URLs of queues
 */
export function serviceRequest(
  to: ServiceDestination,
  order: { id: string; note: DeliveryNote; payload: Uint8Array; origin: string }
): ServiceRequest {
  const { id, note, payload, origin } = order
  const text = Buffer.from(payload).toString('utf8')
  const isFifo = to.name.endsWith('.fifo')
  const made = (headers: Record<string, string>, body: string | Uint8Array): ServiceRequest => ({
    service: to.service,
    region: to.region,
    method: 'POST',
    path: '/',
    headers,
    body: Buffer.from(body)
  })
  const json = (version: string, target: string, members: unknown) =>
    made({ 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target }, JSON.stringify(members))
  switch (to.service) {
    case 'sqs':
      return json('1.0', 'AmazonSQS.SendMessage', {
        QueueUrl: `${origin}/${to.accountId}/${to.name}`,
        MessageBody: text,
        ...(note.purpose === 'dead-letter' ? { MessageAttributes: Object.fromEntries(attributesOf(note)) } : {}),
        ...(isFifo ? { MessageGroupId: note.functionName, MessageDeduplicationId: id } : {})
      })
    case 'sns': {
      const form = new URLSearchParams({ Action: 'Publish', Version: '2010-03-31', TopicArn: to.arn, Message: text })
      if (note.purpose === 'dead-letter') {
        for (const [index, [name, { DataType, StringValue }]] of attributesOf(note).entries()) {
          const entry = `MessageAttributes.entry.${index + 1}`
          form.set(`${entry}.Name`, name)
          form.set(`${entry}.Value.DataType`, DataType)
          form.set(`${entry}.Value.StringValue`, StringValue)
        }
      }
      if (isFifo) {
        form.set('MessageGroupId', note.functionName)
        form.set('MessageDeduplicationId', id)
      }
      return made({ 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, form.toString())
    }
    case 'kinesis':
      return json('1.1', 'Kinesis_20131202.PutRecord', {
        StreamName: to.name,
        PartitionKey: note.requestId,
        Data: Buffer.from(payload).toString('base64')
      })
    case 'events':
      return json('1.1', 'AWSEvents.PutEvents', {
        Entries: [
          {
            Time: Math.floor(note.endedAt / 1_000),
            Source: 'lambda',
            DetailType: `Lambda Function Invocation Result - ${note.purpose === 'success' ? 'Success' : 'Failure'}`,
            Resources: [note.functionArn, to.arn],
            Detail: text,
            EventBusName: to.arn
          }
        ]
      })
    case 's3':
      return {
        ...made({ 'content-type': 'application/json' }, payload),
        method: 'PUT',
        path: `/${to.name}/${objectKey(id, note)}`
      }
  }
}

/** AWS's naming convention; its random UUID is the delivery's id here, so that a second try writes the same object. */
function objectKey(id: string, { functionName, endedAt }: DeliveryNote): string {
  const [day = '', time = ''] = new Date(endedAt).toISOString().slice(0, 19).split('T')
  return `aws/lambda/async/${functionName}/${day.replaceAll('-', '/')}/${day}T${time.replaceAll(':', '.')}-${id}`
}

function attributesOf(note: DeliveryNote): [string, { DataType: string; StringValue: string }][] {
  const message = Buffer.from(note.errorMessage)
    .subarray(0, ERROR_MESSAGE_BYTES_MAX)
    .toString('utf8')
    .replace(/\ufffd+$/, '')
  return [
    ['RequestID', { DataType: 'String', StringValue: note.requestId }],
    ['ErrorCode', { DataType: 'Number', StringValue: String(note.errorCode) }],
    // An attribute without a value is refused.
    ['ErrorMessage', { DataType: 'String', StringValue: message === '' ? 'none' : message }]
  ]
}

/** What the service says against it; undefined when it took the record. */
export function serviceProblem(service: DestinationService, { status, body }: ServiceAnswer): string | undefined {
  const text = Buffer.from(body).toString('utf8')
  if (status >= 200 && status < 300) return service === 'events' ? entryProblem(text) : undefined
  const member = (name: string) =>
    new RegExp(`<${name}>([^<]{1,${REASON_CHARS_MAX}})</${name}>`).exec(text)?.[1] ??
    new RegExp(`"${name}"\\s*:\\s*"((?:[^"\\\\]|\\\\.){1,${REASON_CHARS_MAX}})`, 'i').exec(text)?.[1]
  const code = member('Code') ?? member('__type')?.replace(/^.*#/, '')
  const message = member('Message')
  return [`it answered ${status}`, code, message].filter((part) => part !== undefined).join(' ')
}

/** PutEvents says 200 also where it took nothing. */
function entryProblem(text: string): string | undefined {
  let alleged: unknown
  try {
    alleged = JSON.parse(text)
  } catch {
    return 'it answered 200 without saying what became of the event'
  }
  const { FailedEntryCount: failed, Entries: entries } = (alleged ?? {}) as { FailedEntryCount?: unknown; Entries?: unknown }
  if (failed === 0) return undefined
  const [first] = Array.isArray(entries) ? (entries as { ErrorCode?: unknown; ErrorMessage?: unknown }[]) : []
  return `it refused the event: ${String(first?.ErrorCode ?? 'no code')} ${String(first?.ErrorMessage ?? '')}`.slice(
    0,
    REASON_CHARS_MAX
  )
}

/** Nobody who is connected can deliver there. */
export function noEndpoint(service: DestinationService): PeerlessError {
  return new PeerlessError(
    'UNAVAILABLE',
    `no connected node delivers to ${service}: start one with --${ENDPOINT_FLAGS[service]} URL`
  )
}

const ENDPOINT_FLAGS: Readonly<Record<DestinationService, string>> = {
  sqs: 'sqs-endpoint',
  sns: 'sns-endpoint',
  kinesis: 'kinesis-endpoint',
  s3: 's3-endpoint',
  events: 'eventbridge-endpoint'
}
