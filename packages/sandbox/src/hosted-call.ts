import { type IncomingRequest, PeerlessError } from '@peerless/interface'
import { functionErrorJson } from './executor-protocol.ts'
import type { HostedStream } from './hosted-stream.ts'
import { checkHeaders, checkStatusCode } from './http-head.ts'
import { STATUS_ERROR } from './outcome-numbers.ts'

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
  settled: boolean
  status: number
  body: string | Uint8Array
  statusCode: number
  headers: string[] | undefined
  deadline: NodeJS.Timeout | undefined
}

/** Status and headers of an answer as the glue told them; what is no head makes the answer an error. */
export function takeHead(call: Call, statusCode: unknown, headers: unknown): void {
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

/** The call ends with this error, and its instance with it. */
export function doom(call: Call, errorJson: string): void {
  if (call.settled) return
  call.settled = true
  call.doomed = true
  call.status = STATUS_ERROR
  call.body = errorJson
}
