import type { AccountBalance, LedgerStats, LedgerVerification } from '@peerless/interface'
import type { Kind } from './receipt-row.ts'

/** Why a caller does not sign a statement. Only `unseen` and `differs` name receipts; those are left out of the next try. */
export type RefusalReason = 'unseen' | 'differs' | 'boot' | 'tariff' | 'chain' | 'fork' | 'malformed'

/** Answer to LEDGER_OFFER, as its CBOR header. */
export interface OfferReply {
  /** The caller's signatures of the first statements offered, in order. */
  accepted: Uint8Array[]
  /** The one after these is refused. */
  refused: { reason: RefusalReason; message: string; receipts: Uint8Array } | undefined
  /** The rest may be offered again after this time; 0 at once. */
  retryAfterMs: number
  boot: Uint8Array
}

/** One head of the feed: where it stands there, whether it counts, its hash. */
export interface FeedHead {
  readonly feed: number
  readonly counted: boolean
  readonly hash: Uint8Array
}

/** A statement with the place where the next page goes on. */
export interface StatementPage {
  readonly statements: { body: Uint8Array; rows: Uint8Array; id: number; timeMin: number }[]
  readonly more: boolean
  /** Older receipts were pruned here, and what is left of them is not shown. */
  readonly itemisedFrom: number
}

/** What the core can be told and asked. Plain data, so that it crosses to a worker. */
export interface CommandMap {
  /** Receipts of one batch. `self`: called and executed here; `lane`: executed here for `peer`; `seen`: called here, executed by `peer`. */
  rows: { in: { role: 'self' | 'lane' | 'seen'; peer: string; rows: Uint8Array; kinds: readonly Kind[] }; out: undefined }
  boot: { in: { peer: string; boot: Uint8Array }; out: undefined }
  nextOffer: { in: { peer: string }; out: { bytes: Uint8Array; hashes: string[] } | undefined }
  /** Answers whether it settled anything. */
  offerResult: { in: { peer: string; hashes: string[]; reply: OfferReply }; out: boolean }
  /** `final`: do not wait for receipts that this node has not seen. undefined: some are missing. */
  offer: { in: { peer: string; bytes: Uint8Array; final: boolean; nowMs: number }; out: OfferReply | undefined }
  cursor: { in: { peer: string; store: string }; out: number }
  /** Left undone when a transaction failed after `era`: what the cursor has passed may have gone with it. */
  moveCursor: { in: { peer: string; store: string; position: number; era: number }; out: undefined }
  /** `pruned`: what this node has pruned; `itemisedFrom`: from when on all receipts are here. Epoch milliseconds. `shown`: statements in the feed, of which pruning has taken some away. */
  heads: {
    in: { after: number }
    out: {
      store: string
      last: number
      digest: Uint8Array
      heads: FeedHead[]
      pruned: number
      itemisedFrom: number
      shown: number
    }
  }
  /** Which of these are wanted. */
  missing: { in: { heads: FeedHead[] }; out: Uint8Array[] }
  pull: { in: { hashes: Uint8Array[] }; out: Uint8Array }
  /** `itemisedFrom`: from when on the peer says it has all. `held` could not be taken yet; `invalid` never can. */
  ingest: {
    in: { peer: string; bytes: Uint8Array; allowed: boolean[]; itemisedFrom: number }
    out: { taken: number; held: string[]; invalid: string[]; read: number }
  }
  balances: { in: Record<never, never>; out: AccountBalance[] }
  page: { in: { timeMin: number; id: number; fromMs: number; toMs: number }; out: StatementPage }
  /** Peer ids of the callers that have not answered for what they called here. */
  owing: { in: Record<never, never>; out: string[] }
  stats: { in: Record<never, never>; out: Omit<LedgerStats, 'lost'> }
  verify: { in: Record<never, never>; out: LedgerVerification }
  /** One step of forgetting what is older; `again` begins anew. Answers whether there is more to do. */
  prune: { in: { itemisedFrom: number; again: boolean }; out: { removed: number; more: boolean } }
  /** Receipts seen here as caller that these executors have not claimed yet. */
  unclaimed: { in: { executors: string[] }; out: number }
  /** Answered when everything before it is on disk. */
  barrier: { in: Record<never, never>; out: undefined }
}

export type Operation = keyof CommandMap
export type Command = { [Op in Operation]: { op: Op } & CommandMap[Op]['in'] }[Operation]
export type CommandOf<Op extends Operation> = { [Each in Op]: { op: Each } & CommandMap[Each]['in'] }[Op]

/** What the core says of its own accord, after a commit. */
export type CoreEvent =
  | { type: 'stored'; receipts: number }
  | { type: 'pending'; peer: string }
  /** A statement that this node made counts, or one proves a fork: others are to have it. */
  | { type: 'made'; hash: string }
  /** A transaction failed, the era-th of this start: what was answered since the last one that is on disk holds no more. */
  | { type: 'rolledBack'; era: number }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; message: string; fields: Record<string, unknown> }
