import type { InvokeAnswer } from '@peerless/interface'
import type { FlatHeaders } from './http-answer.ts'

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
