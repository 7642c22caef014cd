import {
  type EventBody,
  type HttpHead,
  type Invocation,
  LIMITS,
  type Outcome,
  PeerlessError,
  type Ran,
  type Refused
} from '@peerless/interface'
import { hintFromWire, hintToWire, type LoadHint } from '@peerless/routing'

/**
 * MESSAGE.INVOKE. Header: [requestId, attempt, http, functionName, revisionId, remainingMs, logTail, clientContext, invokedArn, version,
 * stream, body, trace, onlyIdle]; payload: the event. The last three may be missing, and are null before another that is there: `body`, where the payload ends with one:
 * [bytes, base64]; `trace`, in a chain; `onlyIdle`. With `stream` the reply may be preceded by parts (peer-stream.ts).
 * The executing node takes everything else from its own catalog, so a caller cannot make it run what was not deployed.
 */
export interface AllegedInvocation {
  readonly requestId: string
  readonly attempt: number
  readonly http: boolean
  readonly functionName: string
  readonly revisionId: string
  readonly remainingMs: number
  readonly logTail: boolean
  readonly clientContext: string | undefined
  readonly invokedArn: string
  /** `$LATEST` or a number. */
  readonly version: string
  /** The answer may come in parts. */
  readonly stream: boolean
  /** Not yet held against the payload. */
  readonly body: EventBody | undefined
  /** Where the call is part of a chain. */
  readonly trace: string | undefined
  /** Refuse it rather than launch an instance for it: the caller knows of others that are idle. */
  readonly onlyIdle: boolean
}

/** As in `lineageOf`. */
const TRACE_CHARS_MAX = 2_048
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** What a receipt holds (packages/ledger, receipt-row.ts): with a number beyond, an attempt would run and never be charged. */
const ATTEMPT_MAX = 255
const DURATION_US_MAX = 2 ** 32 - 1
const TIME_MS_MAX = 2 ** 48 - 1
/** 15 minutes, AWS's longest timeout, and what a launch may take. */
const REMAINING_MS_MAX = (LIMITS.timeoutSecondsMax + 60) * 1_000

export function invocationToWire(invocation: Invocation, remainingMs: number, onlyIdle: boolean): unknown[] {
  const { body } = invocation
  const header = [
    invocation.requestId,
    invocation.attempt,
    invocation.kind === 'http',
    invocation.functionName,
    invocation.version.revisionId,
    remainingMs,
    invocation.logTail,
    invocation.clientContext,
    invocation.invokedArn,
    invocation.version.version,
    invocation.stream !== undefined
  ]
  const { trace } = invocation
  const bodied = body === undefined ? null : [body.bytes, body.base64]
  if (onlyIdle) return [...header, bodied, trace ?? null, true]
  if (trace !== undefined) return [...header, bodied, trace]
  return bodied === null ? header : [...header, bodied]
}

/** @throws PeerlessError MALFORMED */
export function invocationFromWire(alleged: unknown): AllegedInvocation {
  if (!Array.isArray(alleged) || alleged.length < 11 || alleged.length > 14) throw malformed('it is not a list of 11 to 14')
  const [requestId, attempt, http, functionName, revisionId, remainingMs, logTail, clientContext, invokedArn, version] = alleged
  const [stream, body, chain, onlyIdle] = alleged.slice(10)
  if (alleged.length === 14 && onlyIdle !== true) throw malformed('the last of 14 is not true')
  const trace = alleged.length === 14 && chain === null ? undefined : chain
  if (typeof requestId !== 'string' || !UUID.test(requestId)) throw malformed('the request id is not a UUID')
  if (!isWhole(attempt, ATTEMPT_MAX) || attempt < 1) throw malformed(`the attempt is not a whole number of 1 to ${ATTEMPT_MAX}`)
  if (!isText(functionName, 64) || !isText(revisionId, 64) || !isText(invokedArn, 512) || !isText(version, 16))
    throw malformed('a name is too long')
  if (!isCount(remainingMs) || remainingMs > REMAINING_MS_MAX)
    throw malformed(`remaining time is not between 0 and ${REMAINING_MS_MAX} ms`)
  const context = clientContext ?? undefined
  if (context !== undefined && !isText(context, LIMITS.clientContextBytesMax)) throw malformed('the client context is too long')
  if (trace !== undefined && !isText(trace, TRACE_CHARS_MAX)) throw malformed('the trace is too long')
  return {
    requestId,
    attempt,
    http: http === true,
    functionName,
    revisionId,
    remainingMs,
    logTail: logTail === true,
    clientContext: context,
    invokedArn,
    version,
    stream: stream === true,
    body: alleged.length === 12 || (body !== null && body !== undefined) ? bodyFromWire(body, http === true) : undefined,
    trace,
    onlyIdle: onlyIdle === true
  }
}

function bodyFromWire(alleged: unknown, http: boolean): EventBody {
  const [bytes, base64] = Array.isArray(alleged) ? alleged : []
  const whole = http && isWhole(bytes, LIMITS.payloadBytesMax) && bytes > 0 && typeof base64 === 'boolean'
  if (!whole) throw malformed(`a body is [1 to ${LIMITS.payloadBytesMax} bytes, whether in base64], of an HTTP event`)
  return { bytes, base64 }
}

/** What the executing node knows of the attempt beside the outcome: both sides make the same receipt from it. */
export interface Settlement {
  readonly time: number
  readonly durationUs: number
}

const RAN_STATUS = ['ok', 'error', 'timeout', 'exit'] as const
const REFUSED_CODES = ['BUSY', 'NOT_REPLICATED', 'UNAVAILABLE', 'THROTTLED', 'NO_CAPACITY'] as const

/** Reply of MESSAGE.INVOKE. Header: ['ran', …] or ['refused', …], load hint last; payload: the outcome's. */
export function ranToWire(outcome: Ran, settlement: Settlement, hint: LoadHint): unknown[] {
  const { usage, http } = outcome
  return [
    'ran',
    RAN_STATUS.indexOf(outcome.status),
    settlement.time,
    settlement.durationUs,
    usage.initMs,
    usage.cpuMs,
    usage.memoryUsedMb,
    usage.cold,
    usage.instance,
    http?.statusCode,
    http?.headers,
    outcome.logTail,
    hintToWire(hint)
  ]
}

export function refusedToWire(refused: Refused, hint: LoadHint): unknown[] {
  return ['refused', refused.code, refused.message, refused.retryAfterMs, hintToWire(hint)]
}

export interface InvokeReply {
  readonly outcome: Outcome
  readonly settlement: Settlement | undefined
  readonly hint: LoadHint | undefined
}

/**
 * @param node the peer that replied, as authenticated by the mesh
 * @param memoryMb of the version that was asked for: not the peer's to say
 * @throws PeerlessError MALFORMED
 */
export function replyFromWire(node: string, memoryMb: number, header: unknown, payload: Uint8Array): InvokeReply {
  if (!Array.isArray(header)) throw malformed('the reply is not a list')
  return header[0] === 'ran' ? ranFromWire(node, memoryMb, header, payload) : refusedFromWire(header)
}

function ranFromWire(node: string, memoryMb: number, header: unknown[], payload: Uint8Array): InvokeReply {
  const [, statusIndex, time, durationUs, initMs, cpuMs, memoryUsedMb, cold, instance, statusCode, headers, logTail, hint] =
    header
  const status = typeof statusIndex === 'number' ? RAN_STATUS[statusIndex] : undefined
  if (status === undefined || !isWhole(time, TIME_MS_MAX) || !isWhole(durationUs, DURATION_US_MAX) || !isText(instance, 128))
    throw malformed('the reply of an attempt is not whole')
  if (payload.length > LIMITS.payloadBytesMax)
    throw malformed(`a result of ${payload.length} bytes is above ${LIMITS.payloadBytesMax}`)
  const tail = typeof logTail === 'string' && logTail.length <= LIMITS.logTailBytesMax ? logTail : undefined
  return {
    outcome: {
      status,
      payload,
      http: statusCode === undefined || statusCode === null ? undefined : headFromWire(statusCode, headers),
      usage: {
        node,
        instance,
        durationMs: durationUs / 1_000,
        initMs: amount(initMs),
        cpuMs: amount(cpuMs),
        memoryMb,
        memoryUsedMb: amount(memoryUsedMb),
        cold: cold === true
      },
      logTail: tail
    },
    settlement: { time, durationUs },
    hint: hintFromWire(hint)
  }
}

function refusedFromWire(header: unknown[]): InvokeReply {
  const [kind, code, message, retryAfterMs, hint] = header
  const known = REFUSED_CODES.find((one) => one === code)
  if (kind !== 'refused' || known === undefined) throw malformed('the reply is neither a result nor a refusal')
  const outcome: Refused = {
    status: 'refused',
    code: known,
    message: typeof message === 'string' ? message.slice(0, 500) : '',
    retryAfterMs: isCount(retryAfterMs) ? retryAfterMs : 0
  }
  return { outcome, settlement: undefined, hint: hintFromWire(hint) }
}

/** RFC 9110 token; and no control characters in values. The gateway writes these as they are, so a peer's are checked like a function's. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,256}$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const HEADERS_MAX = 1_000

/** @throws PeerlessError MALFORMED */
export function headFromWire(statusCode: unknown, headers: unknown): HttpHead {
  const whole = isWhole(statusCode, 599) && statusCode >= 100
  if (!whole || !Array.isArray(headers) || headers.length % 2 !== 0 || headers.length > HEADERS_MAX)
    throw malformed('the HTTP head is not whole')
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index], headers[index + 1]]
    if (typeof name !== 'string' || typeof value !== 'string' || !HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) {
      throw malformed('an HTTP header has characters that are not allowed')
    }
  }
  return { statusCode, headers }
}

function amount(value: unknown): number | undefined {
  return isCount(value) ? value : undefined
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length <= lengthMax
}

function malformed(why: string): PeerlessError {
  return new PeerlessError('MALFORMED', `malformed invocation message: ${why}`)
}
