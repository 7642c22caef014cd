/** Services outside the mesh that records of asynchronous invocations and dead letters are delivered to, by the name that their ARNs and signatures have. */
export const DESTINATION_SERVICES = ['sqs', 'sns', 'kinesis', 's3', 'events'] as const
export type DestinationService = (typeof DESTINATION_SERVICES)[number]

/** A queue, topic, stream, bucket or event bus. */
export interface ServiceDestination {
  readonly service: DestinationService
  /** As it stands in the ARN; '' for a bucket. */
  readonly region: string
  /** 12 digits; '' for a bucket. */
  readonly accountId: string
  /** Name of the queue, topic, stream, bucket or bus. */
  readonly name: string
  readonly arn: string
}

/** AWS: the service model's longest destination. */
const ARN_CHARS_MAX = 350
const ARN = /^arn:aws[a-z-]*:(sqs|sns|kinesis|s3|events):([a-z0-9-]{0,32}):(\d{12})?:(.+)$/
const RESOURCES: Readonly<Record<DestinationService, RegExp>> = {
  sqs: /^([a-zA-Z0-9_-]{1,80}(?:\.fifo)?)$/,
  sns: /^([a-zA-Z0-9_-]{1,256}(?:\.fifo)?)$/,
  kinesis: /^stream\/([a-zA-Z0-9_.-]{1,128})$/,
  s3: /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$/,
  events: /^event-bus\/([a-zA-Z0-9_./-]{1,256})$/
}

/** Reads an ARN; undefined for what is none of a place that records can be delivered to. */
export function serviceDestination(arn: string): ServiceDestination | undefined {
  if (arn.length > ARN_CHARS_MAX) return undefined
  const [, service, region = '', accountId = '', resource = ''] = ARN.exec(arn) ?? []
  if (service === undefined) return undefined
  const name = RESOURCES[service as DestinationService].exec(resource)?.[1]
  const placed = service === 's3' ? region === '' && accountId === '' : region !== '' && accountId !== ''
  return name === undefined || !placed ? undefined : { service: service as DestinationService, region, accountId, name, arn }
}
