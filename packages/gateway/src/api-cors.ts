import type { IncomingMessage, ServerResponse } from 'node:http'
import { type FlatHeaders, TOKEN } from './http-answer.ts'

/** As Lambda's own API has it (recorded from its answers to browsers), and what calls cost here. */
const EXPOSED =
  'x-amzn-RequestId,x-amzn-ErrorType,x-amz-function-error,x-amz-log-result,x-amz-executed-version,Date,Retry-After,' +
  'x-peerless-node,x-peerless-duration-ms,x-peerless-billed-ms,x-peerless-charge,x-peerless-cold'
const PREFLIGHT_SECONDS = '172800'
const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE'])
const HEADERS_MAX = 100

/** Lets pages of any origin read the answer: without a signature, which no browser adds by itself, there is nothing in it. */
export function shareWithPages({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.origin === undefined) return
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-expose-headers', EXPOSED)
}

/**
 * What a browser asks before it sends a page's signed call.
 * @returns undefined where it asks nothing of the kind
 */
export function preflightHeaders({ method, headers }: IncomingMessage): FlatHeaders | undefined {
  const asked = headers['access-control-request-method']
  if (method !== 'OPTIONS' || headers.origin === undefined || asked === undefined) return undefined
  const names = (headers['access-control-request-headers'] ?? '').split(',').map((name) => name.trim())
  const listed = names.length <= HEADERS_MAX && names.every((name) => TOKEN.test(name)) ? names.join(',') : undefined
  return [
    ...['access-control-allow-methods', METHODS.has(asked) ? asked : 'POST'],
    ...(listed === undefined ? [] : ['access-control-allow-headers', listed]),
    ...['access-control-max-age', PREFLIGHT_SECONDS]
  ]
}
