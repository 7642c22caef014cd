import { chargeOf, type Invocation, type Ran, type Receipt, type Tariff } from '@peerless/interface'
import type { Settlement } from './invoke-message.ts'

/** The receipt of an attempt that ran: made alike on both sides from the same numbers. */
export function receiptOf(
  invocation: Pick<Invocation, 'requestId' | 'attempt' | 'account' | 'functionName' | 'version'>,
  outcome: Ran,
  settlement: Settlement,
  caller: string,
  tariff: Tariff
): Receipt {
  const { billedMs, charge } = chargeOf(settlement.durationUs / 1_000, invocation.version.memoryMb, tariff)
  return {
    requestId: invocation.requestId,
    attempt: invocation.attempt,
    time: settlement.time,
    account: invocation.account,
    functionName: invocation.functionName,
    version: invocation.version.version,
    caller,
    executor: outcome.usage.node,
    durationUs: settlement.durationUs,
    memoryMb: invocation.version.memoryMb,
    cold: outcome.usage.cold,
    status: outcome.status,
    billedMs,
    charge
  }
}

/** Microseconds, rounded up: a fraction of one is still time that was used. */
export function settle(outcome: Ran, time: number): Settlement {
  return { time, durationUs: Math.ceil(outcome.usage.durationMs * 1_000) }
}
