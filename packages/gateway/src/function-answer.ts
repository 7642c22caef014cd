import type { ServerResponse } from 'node:http'
import type { HttpHead } from '@peerless/interface'
import { type FlatHeaders, send } from './http-answer.ts'

/**
 * Names that a function's answer may not set: those of one hop (RFC 9110, section 7.6.1), the length, which is counted here, and
 * what only the platform says. Everything that begins with `x-peerless-` as well.
 */
const DROPPED_HEADERS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'x-amzn-requestid',
  'x-amz-function-error'
])

/** Headers of a function's answer behind those of the platform. */
export function mergedHeaders(platform: FlatHeaders, given: readonly string[], dropped: (lower: string) => boolean): FlatHeaders {
  const headers = platform.slice()
  for (let index = 0; index + 1 < given.length; index += 2) {
    const name = given[index] as string
    const lower = name.toLowerCase()
    if (DROPPED_HEADERS.has(lower) || lower.startsWith('x-peerless-') || dropped(lower)) continue
    headers.push(name, given[index + 1] as string)
  }
  return headers
}

/** Nothing beside what is always dropped. */
export const KEEP_ALL = (): boolean => false

function lengthIn(headers: readonly string[]): string | undefined {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-length')
  const value = at < 0 ? undefined : headers[at + 1]
  return value !== undefined && /^\d{1,15}$/.test(value) ? value : undefined
}

/** Sends what the function answered. False when that is no HTTP response: a 1xx status, or headers that would break out of their line. */
export function sendOutcome(
  response: ServerResponse,
  platform: FlatHeaders,
  head: HttpHead,
  body: Uint8Array,
  dropped: (lower: string) => boolean
): boolean {
  const { statusCode } = head
  if (!isFinalStatus(statusCode)) return false
  const headers = mergedHeaders(platform, head.headers, dropped)
  // To HEAD a function says how long the body would be, and sends none.
  const announced = body.length === 0 && response.req.method === 'HEAD' ? lengthIn(head.headers) : undefined
  try {
    if (announced === undefined) send(response, statusCode, headers, body)
    else {
      response.writeHead(statusCode, [...headers, 'content-length', announced])
      response.end()
    }
    return true
  } catch {
    // writeHead refuses names that are no tokens and values with control characters before anything was written. Whoever ran the
    // function should have refused them already; the caller is told that the function's answer was none.
    return false
  }
}

export function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599
}

/** What an answer says when the function failed, beside `failureBody`. */
export const FAILURE_HEADERS: readonly string[] = ['content-type', 'application/json', 'x-amz-function-error', 'Unhandled']

export function failureBody(status: string, name: string): string {
  const reasons: Record<string, string> = {
    error: `function '${name}' threw an error`,
    timeout: `function '${name}' ran into its timeout`,
    exit: `the process of function '${name}' ended before it answered`
  }
  const reason = reasons[status] ?? `function '${name}' answered with something that is not an HTTP response`
  return JSON.stringify({ message: 'Internal Server Error', reason: `${reason}; its log has the details` })
}
