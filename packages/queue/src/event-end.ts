import { type AsyncCondition, type AsyncResult, didRun, type Ran } from '@peerless/interface'
import { RESULT_BYTES_MAX } from './constants.ts'
import { subjectOf } from './event.ts'
import type { OwnedEvent } from './owned-event.ts'

/** How an event ended. */
export interface End {
  readonly status: 'succeeded' | 'failed' | 'expired'
  readonly condition: AsyncCondition
  readonly ran: Ran | undefined
  readonly executedVersion: string | undefined
  readonly response: Uint8Array | undefined
}

/**
 * What is kept of an end for a day.
 * @param settledAt epoch milliseconds
 * @param owner peer id of the node that owned it
 */
export function resultOf({ event, starts }: OwnedEvent, end: End, settledAt: number, owner: string): AsyncResult {
  const failed = end.ran !== undefined && didRun(end.ran) && end.ran.status !== 'ok'
  const cut = (end.response?.length ?? 0) > RESULT_BYTES_MAX
  return {
    requestId: event.id,
    ...subjectOf(event),
    status: end.status,
    condition: end.condition,
    attempts: starts,
    acceptedAt: event.acceptedAt,
    settledAt,
    executedVersion: end.executedVersion,
    functionError: failed ? 'Unhandled' : undefined,
    payload: cut ? end.response?.subarray(0, RESULT_BYTES_MAX) : end.response,
    payloadCut: cut,
    owner
  }
}
