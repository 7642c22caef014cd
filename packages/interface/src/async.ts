/** Asynchronous invocation: what is accepted now and run later. Implemented in packages/queue. */

/** Where a chain of invocations comes from: how often each function stands in it. */
export interface Lineage {
  /** The request id that began the chain. */
  readonly root: string
  /** Hops per function, by `lineageMark` of its name; together they are the chain's depth. */
  readonly hops: Readonly<Record<string, number>>
}

export interface AsyncOrder {
  /** UUID; an order whose id is known already is not accepted a second time. */
  readonly requestId: string
  readonly functionName: string
  /** Whose function that is. Of a name that was freed and taken again meanwhile, the event is the former function's, and does not run. */
  readonly account: string
  /** As it was asked for; resolved when an attempt begins, so that an alias that moved is honoured. */
  readonly qualifier: string | undefined
  readonly payload: Uint8Array
  readonly clientContext: string | undefined
  readonly invokedArn: string
  /** Of the call that this one comes from, which it does not count yet. undefined begins a chain. */
  readonly lineage?: Lineage | undefined
  /**
   * For an id that several nodes may come to make: until then, in monotonic milliseconds of this node, nobody else makes it. When it is durable only
   * later, peers are asked before it runs. undefined where the id is this order's alone.
   */
  readonly mineUntilMs?: number | undefined
}

/** `queued` waits or runs; the three others are settled and never change again. */
export type AsyncStatus = 'queued' | 'succeeded' | 'failed' | 'expired'

/** AWS's words where there are some ("Success", "RetriesExhausted", "EventAgeExceeded"). */
export type AsyncCondition =
  | 'Success'
  | 'RetriesExhausted'
  | 'EventAgeExceeded'
  | 'RecursiveInvocation'
  | 'FunctionNotFound'
  | 'DestinationFailed'

/** What is known of an asynchronous invocation. Kept for a day after it was settled. */
export interface AsyncResult {
  readonly requestId: string
  readonly functionName: string
  readonly qualifier: string | undefined
  readonly status: AsyncStatus
  readonly condition: AsyncCondition | undefined
  /** How often it was started, runs that were lost included. */
  readonly attempts: number
  /** Epoch milliseconds. */
  readonly acceptedAt: number
  readonly settledAt: number | undefined
  readonly executedVersion: string | undefined
  /** 'Unhandled', or undefined where the function did not fail. */
  readonly functionError: string | undefined
  /** Result or error as JSON text; undefined while queued. Above RESULT_BYTES_MAX of packages/queue it is cut and `payloadCut` says so. */
  readonly payload: Uint8Array | undefined
  readonly payloadCut: boolean
  /** Peer id of the node that answers for it. */
  readonly owner: string
  /** Of the delivery of a record or dead letter: its address. `functionName` is then the function that it is about. */
  readonly destination?: string | undefined
  /** Whose function it was; undefined where it was accepted by a version that did not note it. */
  readonly account?: string | undefined
}

/** An event that was given up and had nowhere else to go. */
export interface DeadLetter {
  readonly result: AsyncResult
  /** Bytes of the event; the event itself only where one is shown. */
  readonly eventBytes: number
  readonly event: Uint8Array | undefined
}

/** Filter of the operations on dead letters; empty means all that the caller may see. */
export interface DeadLetterFilter {
  readonly requestId?: string | undefined
  readonly functionName?: string | undefined
  /** Only functions of this account. */
  readonly account?: string | undefined
}

export interface AsyncStats {
  /** Accepted here or taken over, and not settled; running ones included. */
  readonly events: number
  readonly running: number
  readonly delayed: number
  readonly bytes: number
  /** Milliseconds since the oldest of them was accepted; 0 when there is none. */
  readonly oldestMs: number
  readonly copies: number
  readonly accepted: number
  readonly takenOver: number
  readonly settled: Readonly<Record<'succeeded' | 'failed' | 'expired', number>>
  readonly deadLetters: number
  /** Milliseconds from accepted to started, of first attempts. `counts` has one more than `bounds`, for what is above the last. */
  readonly startDelays: { readonly boundsMs: readonly number[]; readonly counts: readonly number[]; readonly sumMs: number }
  /** Waiting per function, the deepest first, at most 100. */
  readonly depths: readonly (readonly [functionName: string, waiting: number])[]
}

export interface AsyncInvoker {
  /**
   * Resolves when the event is on this node's disk and on as many others as the node is told to use and can reach.
   * @throws PeerlessError TOO_LARGE, THROTTLED (the queue of this node or of this function is full), UNAVAILABLE (draining, disk refuses)
   */
  accept(order: AsyncOrder): Promise<void>
  /** From this node or any that is connected; undefined when none knows the id. */
  result(requestId: string): Promise<AsyncResult | undefined>
  /** Oldest first, at most `limit`, from every connected node. */
  deadLetters(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]>
  /** One with its event. */
  deadLetter(requestId: string): Promise<DeadLetter | undefined>
  /** Accepts the events anew, each under a new id, and forgets the dead letters. Returns [old id, new id]. */
  redrive(filter: DeadLetterFilter): Promise<[string, string][]>
  /** Returns how many were forgotten. */
  purge(filter: DeadLetterFilter): Promise<number>
  stats(): AsyncStats
}
