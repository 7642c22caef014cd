import type { PeerlessError } from './errors.ts'
import type { ResolvedFunction } from './function.ts'
import type { EventBody, InvocationKind, LogLine, Ran, StreamSink } from './invocation.ts'
import type { Charge } from './receipt.ts'

/** A call as the gateway or an event source hands it over: authorised and resolved. */
export interface InvokeOrder {
  readonly requestId: string
  readonly kind: InvocationKind
  readonly target: ResolvedFunction
  readonly payload: Uint8Array
  /** Where the payload ends with the body of an `http` event; undefined: it is the whole event. */
  readonly body?: EventBody | undefined
  readonly logTail: boolean
  readonly clientContext: string | undefined
  readonly invokedArn: string
  /** As in `Invocation`. */
  readonly trace?: string | undefined
  /** Where a streamed answer goes as it is written; undefined asks for it whole. */
  readonly stream?: StreamSink | undefined
  /** From 1, the default. An asynchronous event that may have run before comes with a higher one. */
  readonly attempt?: number
}

export interface InvokeAnswer {
  readonly outcome: Ran
  readonly attempt: number
  readonly charge: Charge
}

/** Called exactly once, perhaps before `begin` returns; exactly one of the two is given. */
export type OnAnswer = (error: PeerlessError | undefined, answer: InvokeAnswer | undefined) => void

/** The pipeline: route, run, retry what was not started, charge. Implemented in packages/invocation. */
export interface Invoker {
  /**
   * @throws PeerlessError THROTTLED, NO_CAPACITY (detail.retryAfterMs), UNAVAILABLE, NOT_REPLICATED, DEADLINE_EXCEEDED,
   * CONNECTION_LOST (it was started and the node that ran it is gone)
   */
  invoke(order: InvokeOrder): Promise<InvokeAnswer>
  /** The same without a promise: the hot path. */
  begin(order: InvokeOrder, done: OnAnswer): void
}

/** Which lines: those that a function wrote while it was this account's. */
export interface LogFilter {
  readonly account: string
  readonly function: string
  readonly sinceMs: number
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** Logs of one function over the whole mesh, in time order; with `follow`, goes on until the signal aborts. */
export interface LogReader {
  read(filter: LogFilter): AsyncIterable<LogLine>
}
