import type { Members } from './lambda-members.ts'
import { invalid } from './lambda-validator.ts'

/** What each kind of source has by default, and what it knows. Figures of the API reference of CreateEventSourceMapping. */
interface SourceRules {
  readonly batchSize: number
  readonly batchSizeMax: number
  readonly stream: boolean
  /** OnFailure destinations. */
  readonly destinations: boolean
}

const STREAM: SourceRules = { batchSize: 100, batchSizeMax: 10_000, stream: true, destinations: true }
const QUEUE: SourceRules = { batchSize: 10, batchSizeMax: 10_000, stream: false, destinations: false }
const BROKER: SourceRules = { batchSize: 100, batchSizeMax: 10_000, stream: false, destinations: false }
export const KAFKA: SourceRules = { batchSize: 100, batchSizeMax: 10_000, stream: false, destinations: true }

const KEPT = [
  'EventSourceArn',
  'FilterCriteria',
  'KMSKeyArn',
  'DestinationConfig',
  'Topics',
  'Queues',
  'SourceAccessConfigurations',
  'SelfManagedEventSource',
  'FunctionResponseTypes',
  'AmazonManagedKafkaEventSourceConfig',
  'SelfManagedKafkaEventSourceConfig',
  'ScalingConfig',
  'DocumentDBEventSourceConfig',
  'MetricsConfig',
  'LoggingConfig',
  'ProvisionedPollerConfig',
  'StartingPosition',
  'StartingPositionTimestamp',
  'BatchSize',
  'MaximumBatchingWindowInSeconds',
  'ParallelizationFactor',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'MaximumRetryAttempts',
  'TumblingWindowInSeconds'
]

/** The source of a mapping: its ARN, or the addresses and topics of a cluster of one's own. */
export function sourceOf(input: Members): { managed: boolean; shown: string; topics: string; text: string } {
  const arn = input.text('EventSourceArn')
  if (arn !== undefined) return { managed: true, shown: arn, topics: '', text: arn }
  const endpoints = input.inner('SelfManagedEventSource')?.inner('Endpoints')?.texts('KAFKA_BOOTSTRAP_SERVERS') ?? []
  const topics = (input.texts('Topics') ?? []).join(',')
  const shown = endpoints.join(',')
  return { managed: false, shown, topics, text: `${shown} ${topics}` }
}

/** @throws ApiError InvalidParameterValueException as recorded */
export function checkSource(input: Members): void {
  const arn = input.text('EventSourceArn')
  if (arn === undefined && !input.has('SelfManagedEventSource')) throw invalid('Unrecognized event source.')
  if (arn === undefined && !input.has('SourceAccessConfigurations'))
    throw invalid("Required 'sourceAccessConfigurations' parameter is missing.")
  const service = arn?.split(':')[2]
  const rules = rulesOf(arn)
  if (rules.stream && !input.has('StartingPosition'))
    throw invalid(
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
    )
  const position = input.text('StartingPosition')
  if (service === 'dynamodb' && position === 'AT_TIMESTAMP') throw invalid(`Unsupported starting position for arn type: ${arn}`)
  if (position === 'AT_TIMESTAMP' && !input.has('StartingPositionTimestamp'))
    throw invalid('StartingPositionTimestamp is required when StartingPosition is AT_TIMESTAMP.')
  if (!rules.destinations && hasDestination(input))
    throw invalid('Unsupported DestinationConfig parameter for given event source mapping type.')
  const window = input.number('MaximumBatchingWindowInSeconds') ?? 0
  const batch = input.number('BatchSize') ?? rules.batchSize
  if (service === 'sqs' && batch > 10 && window < 1)
    throw invalid('Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10')
  if (service === 'sqs' && arn?.endsWith('.fifo') && (batch > 10 || window > 0))
    throw invalid('Batching window is not supported for FIFO queues, and their batches have at most 10 records')
  if (batch > rules.batchSizeMax) throw invalid(`BatchSize ${batch} must be at most ${rules.batchSizeMax}`)
  checkFilters(input)
}

/**
 * What is stored and given back: as it came, with the defaults of its kind, as recorded.
 * @param uuid of the mapping: Kafka's consumers are one group by that name
 */
export function settingsFor(input: Members, before: Record<string, unknown> | undefined, uuid: string): Record<string, unknown> {
  const given = input.pick(KEPT)
  if (before !== undefined) {
    checkFilters(input)
    return cleaned({ ...before, ...given })
  }
  const arn = input.text('EventSourceArn')
  const rules = rulesOf(arn)
  if (rules === KAFKA) {
    const config = arn === undefined ? 'SelfManagedKafkaEventSourceConfig' : 'AmazonManagedKafkaEventSourceConfig'
    const group = { [config]: { ConsumerGroupId: uuid } }
    return cleaned({ BatchSize: rules.batchSize, StartingPosition: 'TRIM_HORIZON', ...group, ...given })
  }
  return cleaned({
    BatchSize: rules.batchSize,
    MaximumBatchingWindowInSeconds: rules.stream || rules === QUEUE ? 0 : 0.5,
    ...(rules.stream
      ? {
          ParallelizationFactor: 1,
          MaximumRecordAgeInSeconds: -1,
          BisectBatchOnFunctionError: false,
          MaximumRetryAttempts: -1,
          TumblingWindowInSeconds: 0,
          DestinationConfig: { OnFailure: {} }
        }
      : {}),
    FunctionResponseTypes: [],
    ...given
  })
}

/** An empty FilterCriteria or ScalingConfig takes what was there away. */
function cleaned(settings: Record<string, unknown>): Record<string, unknown> {
  const { FilterCriteria: filters, ScalingConfig: scaling, ...rest } = settings
  const someFilters = ((filters as { Filters?: unknown[] } | undefined)?.Filters ?? []).length > 0
  const someScaling = Object.keys((scaling as object | undefined) ?? {}).length > 0
  return {
    ...rest,
    ...(someFilters ? { FilterCriteria: filters } : {}),
    ...(someScaling ? { ScalingConfig: scaling } : {})
  }
}

export function rulesOf(arn: string | undefined): SourceRules {
  switch (arn?.split(':')[2]) {
    case 'kinesis':
    case 'dynamodb':
      return STREAM
    case 'sqs':
      return QUEUE
    case undefined:
    case 'kafka':
      return KAFKA
    case 'mq':
    case 'rds':
      return BROKER
    default:
      throw invalid('Unrecognized event source.')
  }
}

function hasDestination(input: Members): boolean {
  const config = input.inner('DestinationConfig')
  return config?.inner('OnFailure')?.has('Destination') === true || config?.inner('OnSuccess')?.has('Destination') === true
}

/** Patterns are JSON objects of at most 4,096 characters; AWS takes up to ten. */
const FILTERS_MAX = 10

function checkFilters(input: Members): void {
  const filters = (input.inner('FilterCriteria')?.plain('Filters') ?? []) as { Pattern?: string }[]
  if (filters.length > FILTERS_MAX) throw invalid(`FilterCriteria has ${filters.length} filters, at most ${FILTERS_MAX}`)
  for (const { Pattern: pattern = '' } of filters) {
    if (!isObject(pattern)) throw invalid(`Invalid filter pattern definition.`)
  }
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    // Not JSON: the caller is told that the pattern is invalid.
    return false
  }
}
