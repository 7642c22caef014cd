import { didRun, type InvokeAnswer, type PeerlessError } from '@peerless/interface'
import { LOST_RETRY_MS } from './constants.ts'

/** What an attempt means for its event. */
export type Verdict =
  | { readonly kind: 'succeeded'; readonly answer: InvokeAnswer }
  /** It ran and failed. */
  | { readonly kind: 'failed'; readonly answer: InvokeAnswer }
  /** It began, and nobody knows how it ended. */
  | { readonly kind: 'lost'; readonly error: PeerlessError }
  /** Nothing was started: it is no attempt. */
  | { readonly kind: 'refused'; readonly error: PeerlessError }

const LOST: ReadonlySet<string> = new Set(['CONNECTION_LOST', 'DEADLINE_EXCEEDED', 'INTERNAL', 'MALFORMED'])

export function judge(error: PeerlessError | undefined, answer: InvokeAnswer | undefined): Verdict {
  if (answer !== undefined && didRun(answer.outcome)) {
    return { kind: answer.outcome.status === 'ok' ? 'succeeded' : 'failed', answer }
  }
  const reason = error as PeerlessError
  return { kind: LOST.has(reason.code) ? 'lost' : 'refused', error: reason }
}

/**
 * Milliseconds until the next attempt.
 * @param failures attempts that count so far, at least 1
 */
export function backoffMs(kind: 'failed' | 'lost', failures: number, baseMs: number): number {
  // The doubling ends long before the largest age of an event.
  const doubled = 2 ** Math.min(failures - 1, 10)
  return kind === 'lost' ? Math.min(baseMs, LOST_RETRY_MS * doubled) : baseMs * doubled
}
