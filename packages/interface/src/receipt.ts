/**
 * Usage as it is billed. All amounts are integers; a charge is
 * `ceil(durationMs / incrementMs) × memoryMb × unitsPerIncrementMb + unitsPerRequest`.
 */
export interface Tariff {
  /** 100 ms, the serverless pattern's increment. AWS itself has billed by 1 ms since 1 December 2020. */
  readonly incrementMs: number
  readonly unitsPerIncrementMb: number
  readonly unitsPerRequest: number
}

export const TARIFF_DEFAULT: Tariff = { incrementMs: 100, unitsPerIncrementMb: 1, unitsPerRequest: 10 }

export interface Charge {
  /** Whole increments in milliseconds; at least one. */
  readonly billedMs: number
  /** Integer units, always a safe integer: 900 s × 10,240 MB is 92,160,000 units at the default tariff. */
  readonly charge: number
}

/**
 * @param durationMs wall milliseconds, fraction allowed, not negative
 * @param memoryMb the declared limit, not what was used
 * @param tariff integer prices
 */
export function chargeOf(durationMs: number, memoryMb: number, tariff: Tariff): Charge {
  const increments = Math.max(1, Math.ceil(durationMs / tariff.incrementMs))
  return {
    billedMs: increments * tariff.incrementMs,
    charge: increments * memoryMb * tariff.unitsPerIncrementMb + tariff.unitsPerRequest
  }
}

export type ReceiptStatus = 'ok' | 'error' | 'timeout' | 'exit'

/** One attempt's usage: the caller node and the executing node each hold one, and they must agree. */
export interface Receipt {
  readonly requestId: string
  readonly attempt: number
  /** When it was answered, epoch milliseconds on the executing node. */
  readonly time: number
  /** Who pays: the function's owner. */
  readonly account: string
  readonly functionName: string
  readonly version: string
  /** Peer id of the node that took the call. */
  readonly caller: string
  /** Peer id of the node that ran it. */
  readonly executor: string
  /** Microseconds, integer: fractions of a millisecond must not differ between two encoders. */
  readonly durationUs: number
  readonly memoryMb: number
  readonly cold: boolean
  readonly status: ReceiptStatus
  readonly billedMs: number
  readonly charge: number
}

/** What `peerless ledger balance` shows: a decimal string of integer units, signed. */
export interface AccountBalance {
  account: string
  balance: string
}

/** One line of `peerless ledger statement --json`. */
export interface StatementLine {
  requestId: string
  attempt: number
  time: number
  account: string
  function: string
  version: string
  caller: string
  executor: string
  durationMs: number
  billedMs: number
  memoryMb: number
  cold: boolean
  status: ReceiptStatus
  charge: number
  selfAttested: boolean
}

export interface LedgerVerification {
  ok: boolean
  lanes: number
  statements: number
  receipts: number
  /** Attempts of a request that two nodes called and pay: each in its part of a mesh that was in two. */
  repeated: number
  /** Lanes, or parts of one, whose beginning is no longer kept here: they go on from a total that both ends signed. */
  pruned: number
  /** From when on all receipts are here, in epoch milliseconds; 0: from the beginning. */
  itemisedFrom: number
  /** The first thing that failed; undefined when ok. */
  failure: string | undefined
}

export interface LedgerStats {
  /** Running totals between two nodes, since a start of each. */
  lanes: number
  /** Statements that count or prove a fork. */
  shown: number
  /** Calls that were charged for, of the whole mesh. */
  receipts: number
  /** Callers that have not answered for statements of ours. */
  pendingCallers: number
  /** Lanes with two statements of one number. */
  forks: number
  /** Nodes that made such. */
  frozen: number
  /** From when on all receipts are here, in epoch milliseconds; 0: from the beginning. Older ones may be missing; they are in the balances. */
  itemisedFrom: number
  /** Of the database. */
  bytes: number
  /** Receipts that this node dropped since its start: malformed, or more than the disk took. */
  lost: number
}

/** What other packages need of the ledger. Implemented in packages/ledger. */
export interface Ledger {
  /** Hot path, synchronous, cheap, never throws: the receipt of an attempt that this node called or executed or both. */
  record(receipt: Receipt): void
  /**
   * Resolves when the calls that this node made and that have been answered are in its balances and lines: their executors are asked to claim them now, a
   * second at most. For who reads what has just run.
   */
  settled(): Promise<void>
  /**
   * Every account with a lane, ordered by account; sums to zero. Includes only what statements show. With a time, what was earned less what was spent in it, by
   * the receipts that are kept: `from` and `to` in epoch milliseconds, inclusive and exclusive.
   */
  balances(during?: { from?: number; to?: number }): Promise<AccountBalance[]>
  /** Lines in time order, `from` and `to` in epoch milliseconds, inclusive and exclusive. */
  statement(filter: { account?: string; from?: number; to?: number }): AsyncIterable<StatementLine>
  /** Re-checks every signature, hash and sum from the raw entries on disk. */
  verify(): Promise<LedgerVerification>
  /** @throws UNAVAILABLE when its thread has ended */
  stats(): Promise<LedgerStats>
  /** Closes open batches and waits until they are on disk (and, with peers there, countersigned or given up). */
  flush(): Promise<void>
}
