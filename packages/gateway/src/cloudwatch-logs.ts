import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { FUNCTION_NAME, type FunctionRecord, type LogLine } from '@peerless/interface'
import { type ApiCall, type ApiOperation, parseJson } from './api-call.ts'
import { ApiError } from './api-error.ts'
import { patternOf } from './log-pattern.ts'
import type { GatewayContext } from './options.ts'
import { mayDeploy, mayManage } from './roles.ts'

const TARGET_PREFIX = 'Logs_20140328.'
const GROUP_PREFIX = '/aws/lambda/'

/** A hundred names of streams, as long as they may be. */
const BODY_BYTES_MAX = 65_536
/** CloudWatch Logs API reference: FilterLogEvents and GetLogEvents (events and bytes of a page), DescribeLogStreams and DescribeLogGroups (entries of a page). */
const EVENTS_MAX = 10_000
const EVENT_BYTES_MAX = 1_048_576
const ENTRIES_MAX = 50
/** What the service counts for an event beside its message. */
const EVENT_OVERHEAD_BYTES = 26
/** At once, over all clients: each holds all that the mesh has kept of a function's lines since the time that was asked for. */
const READS_MAX = 4
/** In one step, so that calls are not held up: about a millisecond. */
const STEP_LINES = 256

type Input = Readonly<Record<string, unknown>>

/**
 * Logs of functions as CloudWatch Logs has them, for `aws logs tail` and the like: reading alone. A function's lines over the whole mesh are the log group
 * `/aws/lambda/NAME`, those of an instance on a day a stream of it.
 */
export class CloudWatchLogs {
  readonly #context: GatewayContext
  readonly #operations: Readonly<Record<string, (call: ApiCall, input: Input) => Promise<unknown>>>
  #reads = 0

  constructor(context: GatewayContext) {
    this.#context = context
    this.#operations = {
      DescribeLogGroups: async (call, input) => this.#groups(call, input),
      DescribeLogStreams: (call, input) => this.#streams(call, input),
      FilterLogEvents: (call, input) => this.#events(call, input),
      GetLogEvents: (call, input) => this.#eventsOfStream(call, input)
    }
  }

  /** @param target the header `x-amz-target` */
  operation(target: string): ApiOperation {
    const name = target.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : target
    return {
      name,
      bodyBytesMax: BODY_BYTES_MAX,
      run: async (call) => {
        const run = Object.hasOwn(this.#operations, name) ? this.#operations[name] : undefined
        if (run === undefined)
          throw new ApiError(
            'NOT_FOUND',
            'UnknownOperationException',
            `'${name.slice(0, 100)}' is not here: of logs there are ${Object.keys(this.#operations).join(', ')}`
          )
        const answer = await run(call, inputOf(call.body))
        call.send(200, ['content-type', 'application/x-amz-json-1.1'], JSON.stringify(answer))
      }
    }
  }

  #groups({ key }: ApiCall, input: Input): unknown {
    mayDeploy(key, 'read logs')
    const prefix = textOf(input, 'logGroupNamePrefix') ?? ''
    const within = textOf(input, 'logGroupNamePattern') ?? ''
    const after = textOf(input, 'nextToken') ?? ''
    const all = this.#context.catalog
      .list('function')
      .filter(({ account }) => key.role === 'admin' || account === key.account)
      .map((record) => ({ name: GROUP_PREFIX + record.name, creationTime: record.createdAt }))
      .filter(({ name }) => name.startsWith(prefix) && name.includes(within) && name > after)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const page = all.slice(0, numberOf(input, 'limit', 1, ENTRIES_MAX) ?? ENTRIES_MAX)
    const logGroups = page.map(({ name: logGroupName, creationTime }) => {
      const logGroupArn = this.#arn(logGroupName)
      const stored = { metricFilterCount: 0, storedBytes: 0, logGroupClass: 'STANDARD' }
      return { logGroupName, creationTime, arn: `${logGroupArn}:*`, logGroupArn, ...stored }
    })
    return { logGroups, ...(all.length > page.length ? { nextToken: page.at(-1)?.name } : {}) }
  }

  async #streams(call: ApiCall, input: Input): Promise<unknown> {
    const record = this.#record(call, input)
    const prefix = textOf(input, 'logStreamNamePrefix') ?? ''
    const skip = Number(textOf(input, 'nextToken') ?? 0)
    if (!(Number.isSafeInteger(skip) && skip >= 0)) throw invalidToken()
    const spans = new Map<string, { first: number; last: number }>()
    for (const [index, line] of (await this.#read(record, 0)).entries()) {
      if (index % STEP_LINES === STEP_LINES - 1) await setImmediate()
      const name = streamOf(line)
      const span = spans.get(name)
      if (span === undefined) spans.set(name, { first: line.time, last: line.time })
      else span.last = line.time
    }
    const byTime = textOf(input, 'orderBy') === 'LastEventTime'
    const all = [...spans]
      .filter(([name]) => name.startsWith(prefix))
      .toSorted(([a, { last }], [b, other]) => (byTime ? last - other.last : 0) || (a < b ? -1 : 1))
    if (input.descending === true) all.reverse()
    const page = all.slice(skip, skip + (numberOf(input, 'limit', 1, ENTRIES_MAX) ?? ENTRIES_MAX))
    const logStreams = page.map(([logStreamName, { first, last }]) => ({
      logStreamName,
      creationTime: Math.floor(first),
      firstEventTimestamp: Math.floor(first),
      lastEventTimestamp: Math.floor(last),
      lastIngestionTime: Math.floor(last),
      arn: `${this.#arn(GROUP_PREFIX + record.name)}:log-stream:${logStreamName}`,
      storedBytes: 0
    }))
    return { logStreams, ...(all.length > skip + page.length ? { nextToken: String(skip + page.length) } : {}) }
  }

  async #events(call: ApiCall, input: Input): Promise<unknown> {
    const record = this.#record(call, input)
    const shown = shownBy(input)
    const limit = numberOf(input, 'limit', 1, EVENTS_MAX) ?? EVENTS_MAX
    const end = numberOf(input, 'endTime', 0, Number.MAX_SAFE_INTEGER) ?? Number.MAX_SAFE_INTEGER
    const start = numberOf(input, 'startTime', 0, Number.MAX_SAFE_INTEGER) ?? 0
    const from = placeOf(textOf(input, 'nextToken'), start)
    const events: unknown[] = []
    let bytes = 0
    /** Lines of the same millisecond before this one: all, and those that say the same. */
    let now = -1
    let before = 0
    const twins = new Map<string, number>()
    for (const [index, line] of (await this.#read(record, from.time)).entries()) {
      if (index % STEP_LINES === STEP_LINES - 1) await setImmediate()
      const time = Math.floor(line.time)
      if (time > end) break
      if (time === now) before++
      else {
        now = time
        before = 0
        twins.clear()
      }
      const key = JSON.stringify([line.node, line.instance, line.requestId, line.message])
      const twin = twins.get(key) ?? 0
      twins.set(key, twin + 1)
      if (time < from.time || (time === from.time && before < from.count) || !shown(line)) continue
      const message = messageOf(line)
      bytes += Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES
      // The next page begins with this one.
      if (events.length === limit || (bytes > EVENT_BYTES_MAX && events.length > 0))
        return { events, searchedLogStreams: [], nextToken: `${time}.${before}` }
      const eventId = eventIdOf(time, key, twin)
      events.push({ logStreamName: streamOf(line), timestamp: time, message, ingestionTime: time, eventId })
    }
    return { events, searchedLogStreams: [] }
  }

  /** Pages from the end on, or from the head, of which each says how to go on in both ways. */
  async #eventsOfStream(call: ApiCall, input: Input): Promise<unknown> {
    const record = this.#record(call, input)
    const name = textOf(input, 'logStreamName')
    if (name === undefined) throw invalidParameter('logStreamName must be given')
    const limit = numberOf(input, 'limit', 1, EVENTS_MAX) ?? EVENTS_MAX
    const start = numberOf(input, 'startTime', 0, Number.MAX_SAFE_INTEGER) ?? 0
    const end = numberOf(input, 'endTime', 0, Number.MAX_SAFE_INTEGER) ?? Number.MAX_SAFE_INTEGER
    const [, way, token] = /^([fb])\/(.*)$/.exec(textOf(input, 'nextToken') ?? '') ?? []
    if (input.nextToken != null && token === undefined) throw invalidToken()
    const forward = way === undefined ? input.startFromHead === true : way === 'f'
    const from = placeOf(token, start)
    const shown = shownBy({ logStreamNames: [name] })
    const own = (await this.#read(record, start)).filter((line) => Math.floor(line.time) < end && shown(line))
    let place: Place = { time: -1, count: 0 }
    const placed = own.map((line) => {
      const time = Math.floor(line.time)
      place = { time, count: time === place.time ? place.count + 1 : 0 }
      return { place, line }
    })
    const isBefore = (a: Place) => a.time < from.time || (a.time === from.time && a.count < from.count)
    const rest = placed.filter(({ place: at }) => token === undefined || isBefore(at) !== forward)
    if (!forward) rest.reverse()
    const page: { place: Place; event: object }[] = []
    let bytes = 0
    for (const { place: at, line } of rest.slice(0, limit)) {
      if (page.length % STEP_LINES === STEP_LINES - 1) await setImmediate()
      const message = messageOf(line)
      bytes += Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES
      if (bytes > EVENT_BYTES_MAX && page.length > 0) break
      page.push({ place: at, event: { timestamp: at.time, message, ingestionTime: at.time } })
    }
    if (!forward) page.reverse()
    const first = page[0]?.place ?? from
    const last = page.at(-1)?.place
    const next = last === undefined ? from : { time: last.time, count: last.count + 1 }
    return {
      events: page.map(({ event }) => event),
      nextForwardToken: `f/${next.time}.${next.count}`,
      nextBackwardToken: `b/${first.time}.${first.count}`
    }
  }

  /** Lines from that time on, always in the same order. */
  async #read({ account, name }: FunctionRecord, sinceMs: number): Promise<LogLine[]> {
    if (this.#reads >= READS_MAX)
      throw new ApiError(
        'THROTTLED',
        'ThrottlingException',
        `${this.#reads} readings of logs are under way at this node, at most ${READS_MAX}`
      )
    this.#reads++
    try {
      const { signal } = new AbortController()
      const lines: LogLine[] = []
      for await (const line of this.#context.logs.read({ account, function: name, sinceMs, follow: false, signal })) {
        // Of peers' lines no more is checked than that it is a number.
        if (Number.isFinite(new Date(line.time).getTime()) && lines.push(line) % STEP_LINES === 0) await setImmediate()
      }
      return lines.sort((a, b) => Math.floor(a.time) - Math.floor(b.time) || compared(a.node, b.node))
    } finally {
      this.#reads--
    }
  }

  #record({ key }: ApiCall, input: Input): FunctionRecord {
    mayDeploy(key, 'read logs')
    const asked = textOf(input, 'logGroupName') ?? textOf(input, 'logGroupIdentifier') ?? ''
    const group = asked.replace(/^arn:aws[a-z-]*:logs:[a-z0-9-]*:\d{12}:log-group:/, '').replace(/:\*$/, '')
    const name = group.startsWith(GROUP_PREFIX) ? group.slice(GROUP_PREFIX.length) : ''
    const record = FUNCTION_NAME.test(name) ? this.#context.catalog.get('function', name) : undefined
    if (record === undefined)
      throw new ApiError(
        'NOT_FOUND',
        'ResourceNotFoundException',
        `The specified log group does not exist: '${asked.slice(0, 200)}'; those of functions are ${GROUP_PREFIX}NAME`
      )
    mayManage(key, record, 'read the logs')
    return record
  }

  #arn(group: string): string {
    return `arn:aws:logs:${this.#context.region}:${this.#context.accountId}:log-group:${group}`
  }
}

/** The same whenever the line is read: 56 digits as the service's own, 44 of a hash and those of the count of lines that said the same in that millisecond before. */
function eventIdOf(time: number, key: string, twin: number): string {
  const digest = hash('sha256', `${time}${key}`)
  return (
    BigInt(`0x${digest.slice(0, 36)}`)
      .toString()
      .padStart(44, '0') + String(twin).padStart(12, '0')
  )
}

/** As `context.logStreamName`, but for the day: an instance that lives over midnight has a stream for each. */
function streamOf(line: LogLine): string {
  return `${new Date(line.time).toISOString().slice(0, 10).replaceAll('-', '/')}/${instanceOf(line)}`
}

function instanceOf({ version, instance }: LogLine): string {
  return `[${version}]${instance}`
}

/** As Lambda's Node runtimes write it. */
function messageOf({ time, level, message, requestId }: LogLine): string {
  if (level === 'platform') return `${message}\n`
  return `${new Date(time).toISOString()}\t${requestId}\t${level.toUpperCase()}\t${message}\n`
}

function shownBy(input: Input): (line: LogLine) => boolean {
  const holds = patternOf(textOf(input, 'filterPattern') ?? '')
  const prefix = textOf(input, 'logStreamNamePrefix')
  const names = input.logStreamNames
  if (names !== undefined && !(Array.isArray(names) && names.every((name) => typeof name === 'string')))
    throw invalidParameter('logStreamNames must be a list of texts')
  // Without its day a name is the instance's.
  const instances = names === undefined ? undefined : new Set(names.map((name) => name.replace(/^\d{4}\/\d{2}\/\d{2}\//, '')))
  return (line) =>
    (instances === undefined || instances.has(instanceOf(line))) &&
    (prefix === undefined || streamOf(line).startsWith(prefix)) &&
    holds(messageOf(line))
}

/** Before a line: its time, and how many lines of that time come before it. */
interface Place {
  readonly time: number
  readonly count: number
}

/** Where a page begins. */
function placeOf(token: string | undefined, start: number): Place {
  if (token === undefined) return { time: start, count: 0 }
  const [, time, count] = /^(\d{1,15})\.(\d{1,9})$/.exec(token) ?? []
  if (time === undefined) throw invalidToken()
  return { time: Number(time), count: Number(count) }
}

function inputOf(body: Buffer): Input {
  const input = body.length === 0 ? {} : parseJson(body)
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalidParameter('the request must be a JSON object')
  return input as Input
}

function textOf(input: Input, name: string): string | undefined {
  const value = input[name] ?? undefined
  if (value === undefined || typeof value === 'string') return value
  throw invalidParameter(`${name} must be a text`)
}

function numberOf(input: Input, name: string, min: number, max: number): number | undefined {
  const value = input[name] ?? undefined
  if (value === undefined || (Number.isInteger(value) && (value as number) >= min && (value as number) <= max))
    return value as number | undefined
  throw invalidParameter(`${name} must be a whole number from ${min} to ${max}, got ${String(value).slice(0, 32)}`)
}

function compared(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

function invalidToken(): ApiError {
  return invalidParameter('The specified nextToken is invalid.')
}

function invalidParameter(message: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', 'InvalidParameterException', message)
}
