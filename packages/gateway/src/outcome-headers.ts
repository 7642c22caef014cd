import type { ServerResponse } from 'node:http'
import type { InvokeAnswer, StreamHead } from '@peerless/interface'
import type { FlatHeaders } from './http-answer.ts'

/** Told at the end of a streamed answer, when it is known. */
const TRAILERS = ['x-peerless-duration-ms', 'x-peerless-billed-ms', 'x-peerless-charge']

/** What every invocation's answer carries. Durations in milliseconds with at most three decimals, charge in integer units. */
export function outcomeHeaders(requestId: string, answer: InvokeAnswer): FlatHeaders {
  const { usage } = answer.outcome
  const headers = [
    'x-amzn-requestid',
    requestId,
    'x-peerless-node',
    usage.node,
    'x-peerless-duration-ms',
    String(Math.round(usage.durationMs * 1_000) / 1_000),
    'x-peerless-billed-ms',
    String(answer.charge.billedMs),
    'x-peerless-charge',
    String(answer.charge.charge)
  ]
  if (usage.cold) headers.push('x-peerless-cold', '1')
  return headers
}

/** Of these, what a streamed answer carries in its head, and the names of what comes as trailers, where the client can have any. */
export function streamHeaders(requestId: string, { node, cold, http }: StreamHead, response: ServerResponse): FlatHeaders {
  const headers = ['x-amzn-requestid', requestId, 'x-peerless-node', node]
  if (cold) headers.push('x-peerless-cold', '1')
  const { httpVersionMinor, method } = response.req
  const isChunked = httpVersionMinor > 0 && method !== 'HEAD' && http.statusCode !== 204 && http.statusCode !== 304
  if (isChunked) headers.push('trailer', TRAILERS.join(', '))
  return headers
}

/** Before its end. Nothing where the answer is not in chunks. */
export function addTrailers(response: ServerResponse, answer: InvokeAnswer): void {
  if (!response.chunkedEncoding) return
  const told = outcomeHeaders('', answer)
  const trailers: Record<string, string> = {}
  for (let index = 0; index < told.length; index += 2) {
    if (TRAILERS.includes(told[index] as string)) trailers[told[index] as string] = told[index + 1] as string
  }
  response.addTrailers(trailers)
}
