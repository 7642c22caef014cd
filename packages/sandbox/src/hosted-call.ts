import { type IncomingRequest, LIMITS, PeerlessError } from '@peerless/interface'
import { exitErrorJson, functionErrorJson, type InvokeHeader, type ResultHeader } from './executor-protocol.ts'
import { tooLargeJson } from './host-errors.ts'
import type { HostedStream } from './hosted-stream.ts'
import { checkHeaders, checkStatusCode } from './http-head.ts'
import { KIND_HTTP, STATUS_ERROR, STATUS_EXIT, STATUS_OK } from './outcome-numbers.ts'

/** A call under way in an instance. Times are of `performance.now`. */
export interface Call {
  readonly request: IncomingRequest
  readonly requestId: string
  readonly http: boolean
  /** Where the answer may leave as it is written. */
  readonly stream: HostedStream | undefined
  /** What was told broke a rule that the glue keeps: the instance goes with the call. */
  doomed: boolean
  readonly timeoutMs: number
  readonly startedAt: number
  readonly cpuAtStartUs: number
  stretchUsMax: number
  /** It is entered on a thread of its own whatever its version has shown. */
  aside: boolean
  settled: boolean
  status: number
  body: string | Uint8Array
  statusCode: number
  headers: string[] | undefined
  deadline: NodeJS.Timeout | undefined
  /** What the call ends with unless the function deals with the rejection that it has been told of. */
  rejection: string | undefined
  dealtWith: boolean
}

export function newCall(
  request: IncomingRequest,
  [, kind, timeoutMs, requestId]: InvokeHeader,
  stream: HostedStream | undefined,
  startedAt: number,
  cpuAtStartUs: number
): Call {
  return {
    request,
    requestId,
    http: (kind & KIND_HTTP) !== 0,
    stream,
    doomed: false,
    timeoutMs,
    startedAt,
    cpuAtStartUs,
    stretchUsMax: 0,
    aside: false,
    settled: false,
    status: STATUS_OK,
    body: '',
    statusCode: 0,
    headers: undefined,
    deadline: undefined,
    rejection: undefined,
    dealtWith: false
  }
}

/** The answer of a call, in the form of ResultHeader. Too large a body is an error of the function. */
export function replyTo(
  call: Call,
  status: number,
  body: string | Uint8Array,
  now: number,
  { cpuUs, memoryMb }: { cpuUs: number; memoryMb: number },
  flags: number
): void {
  let payload = typeof body === 'string' ? Buffer.from(body) : body
  if (payload.length > LIMITS.payloadBytesMax) {
    payload = Buffer.from(tooLargeJson())
    status = STATUS_ERROR
  }
  const durationUs = Math.round((now - call.startedAt) * 1_000)
  const header: ResultHeader = [status, durationUs, Math.max(0, Math.round(cpuUs - call.cpuAtStartUs)), memoryMb, flags]
  if (call.headers !== undefined && status === STATUS_OK) header.push(call.statusCode, call.headers)
  call.request.reply(header, payload)
}

/** Status and headers of an answer as the glue told them; what is no head makes the answer an error. */
function takeHead(call: Call, statusCode: unknown, headers: unknown): void {
  try {
    call.statusCode = checkStatusCode(statusCode)
    call.headers = checkHeaders(typeof headers === 'string' ? headers : '')
  } catch (error) {
    call.headers = undefined
    call.status = STATUS_ERROR
    const message = error instanceof PeerlessError ? error.message : 'malformed answer'
    call.body = functionErrorJson('Runtime.InvalidHttpResponse', message, [])
  }
}

/** The answer of a call as the glue told it. @param traced gives an error's JSON the author's own lines */
export function takeAnswer(
  call: Call,
  status: unknown,
  body: unknown,
  statusCode: unknown,
  headers: unknown,
  traced: (errorJson: string) => string
): void {
  call.settled = true
  const content = typeof body === 'string' || body instanceof Uint8Array ? body : ''
  if (status === STATUS_OK) {
    call.body = content
    if (call.http && call.stream?.opened !== true) takeHead(call, statusCode, headers)
  } else if (status === STATUS_EXIT) {
    call.status = STATUS_EXIT
    call.body = exitErrorJson(call.requestId, String(content))
  } else {
    call.status = STATUS_ERROR
    call.body = traced(String(content))
  }
}

/** After the function was told of a rejection: the error that the call ends with, or undefined when it was dealt with. */
export function takeRejection(call: Call): string | undefined {
  if (call.rejection === undefined || !call.dealtWith) return call.rejection
  call.rejection = undefined
  call.dealtWith = false
  return undefined
}

/** The call ends with this error, and its instance with it. */
export function doom(call: Call, errorJson: string): void {
  if (call.settled) return
  call.settled = true
  call.doomed = true
  call.status = STATUS_ERROR
  call.body = errorJson
}
