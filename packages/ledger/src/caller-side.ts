import { isPeerlessError, messageOf, type Tariff } from '@peerless/interface'
import { type Signer, signedBytes } from '@peerless/wire'
import { type CheckedStatement, checkStatement, continueLane } from './check.ts'
import type { CoreEvent, OfferReply, RefusalReason } from './commands.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { sha256 } from './merkle.ts'
import {
  ATTEMPT_AT,
  bufferOf,
  DURATION_AT,
  FLAGS_AT,
  KIND_AT,
  type Kind,
  MEMORY_AT,
  NAME_BYTES,
  ROW_BYTES,
  rowKey,
  TIME_AT
} from './receipt-row.ts'
import type { Replica } from './replica.ts'
import { hexOf, KIND_ACCEPTANCE, readStatements, type SignedStatement, sameTariff } from './statement.ts'
import type { LedgerStore } from './store.ts'

/** An answer that this node got, as it will be billed. When it was answered is the executor's word: it may be off by the difference of two clocks, but not by so much that the receipt is old. */
interface Seen {
  readonly key: string
  readonly kind: Kind
  readonly durationUs: number
  readonly memoryMb: number
  readonly flags: number
  /** Epoch milliseconds. */
  readonly time: number
  /** By a statement that is looked at, or of the transaction that is open. */
  claimed: boolean
}

/** What a statement claims of that, and what is wrong with it. */
interface Comparison {
  readonly claims: Seen[]
  /** The receipts that are not exactly as seen here, or seen and claimed before; undefined when all are. */
  readonly fault: { reason: RefusalReason; receipts: Uint8Array } | undefined
}

interface CallerSideOptions {
  readonly mesh: string
  readonly signer: Signer
  readonly tariff: Tariff
  readonly store: LedgerStore
  readonly boot: Uint8Array
}

/** Remembers what this node saw as caller, and signs statements that say exactly that. */
export class CallerSide {
  readonly #options: CallerSideOptions
  readonly #replica: Replica
  readonly #say: (event: CoreEvent) => void
  readonly #seen = new Map<string, Map<string, Seen>>()
  /** Claimed by statements of the transaction that is open: forgotten when it is on disk, kept when it fails. */
  readonly #claimed = new Map<string, Seen[]>()
  /** Tokens for small statements by executor. */
  readonly #tokens = new Map<string, { tokens: number; atMs: number }>()
  #forgotten = 0

  constructor(options: CallerSideOptions, replica: Replica, say: (event: CoreEvent) => void) {
    this.#options = options
    this.#replica = replica
    this.#say = say
  }

  seen(executor: string, bytes: Uint8Array, kinds: readonly Kind[]): void {
    let seen = this.#seen.get(executor)
    if (seen === undefined) {
      seen = new Map()
      // The executor heard of first goes; it has had the most time to claim.
      if (this.#seen.size >= LEDGER_LIMITS.seenPeersMax) this.#seen.delete(this.#seen.keys().next().value as string)
      this.#seen.set(executor, seen)
    }
    const rows = bufferOf(bytes)
    const claims = this.#claimed.has(executor)
    for (let index = 0; index < rows.length / ROW_BYTES; index++) {
      const at = index * ROW_BYTES
      const key = rowKey(rows, index)
      // Seen a second time, it is still the one that is claimed.
      if (claims && seen.get(key)?.claimed === true) continue
      seen.set(key, {
        key,
        kind: kinds[rows.readUInt16LE(at + KIND_AT)] as Kind,
        durationUs: rows.readUInt32LE(at + DURATION_AT),
        memoryMb: rows.readUInt16LE(at + MEMORY_AT),
        flags: rows[at + FLAGS_AT] as number,
        time: rows.readUIntLE(at + TIME_AT, 6),
        claimed: false
      })
    }
    const before = this.#forgotten
    for (const key of seen.keys()) {
      if (seen.size <= LEDGER_LIMITS.seenPerPeerMax) break
      seen.delete(key)
      this.#forgotten++
    }
    if (this.#forgotten > before) {
      const fields = { executor, receipts: this.#forgotten - before }
      this.#say({ type: 'log', level: 'warn', message: 'receipts that no executor claimed were forgotten', fields })
    }
  }

  /**
   * An executor's statements, oldest first.
   * @param final refuse what was not seen, instead of waiting for it
   * @returns undefined when receipts of the first statement have not been seen yet
   */
  offer(executor: string, bytes: Uint8Array, final: boolean, nowMs: number): OfferReply | undefined {
    const reply: OfferReply = { accepted: [], refused: undefined, retryAfterMs: 0, boot: this.#options.boot }
    for (const statement of readStatements(bytes, LEDGER_LIMITS.offerStatementsMax)) {
      const known = this.#options.store.find(hexOf(sha256(statement.body)))
      if (known?.callerSignature !== undefined) {
        reply.accepted.push(known.callerSignature)
        continue
      }
      if (this.#replica.frozen.has(executor)) return refuse(reply, 'fork', 'this executor signed two statements of one number')
      const verdict = this.#judge(executor, statement)
      if (typeof verdict !== 'object') return refuse(reply, verdict, this.#problem)
      const { claims, fault } = this.#compare(executor, verdict)
      if (fault !== undefined) {
        release(claims)
        if (fault.reason === 'unseen' && !final) return reply.accepted.length > 0 ? reply : undefined
        const message = `${fault.receipts.length / NAME_BYTES} receipts are not as this caller saw them`
        return refuse(reply, fault.reason, message, fault.receipts)
      }
      if (verdict.decoded.count < LEDGER_LIMITS.smallStatementRows && !this.#token(executor, nowMs)) {
        release(claims)
        reply.retryAfterMs = Math.ceil(1_000 / LEDGER_LIMITS.smallStatementsPerSecond)
        return reply
      }
      reply.accepted.push(this.#accept(executor, verdict, claims))
    }
    return reply
  }

  /** Receipts seen of these executors that no statement has claimed. */
  unclaimed(executors: readonly string[]): number {
    return executors.reduce((sum, executor) => sum + (this.#seen.get(executor)?.size ?? 0), 0)
  }

  committed(): void {
    for (const [executor, claims] of this.#claimed) {
      const seen = this.#seen.get(executor)
      for (const { key } of claims) seen?.delete(key)
    }
    this.#claimed.clear()
  }

  rolledBack(): void {
    for (const claims of this.#claimed.values()) release(claims)
    this.#claimed.clear()
  }

  #problem = ''

  /** Everything about a statement that does not need what was seen. Leaves the words in `#problem`. */
  #judge(executor: string, statement: SignedStatement): CheckedStatement | RefusalReason {
    const { mesh, signer, tariff, boot } = this.#options
    try {
      const checked = checkStatement(mesh, { ...statement, callerSignature: undefined })
      const { decoded } = checked
      this.#problem = `caller ${decoded.caller} and executor ${decoded.executor} must be the two ends of this connection`
      if (decoded.caller !== signer.peerId || decoded.executor !== executor || checked.selfAttested) return 'malformed'
      this.#problem = 'the tariff is not that of this node'
      if (!sameTariff(decoded.tariff, tariff)) return 'tariff'
      this.#problem = 'the caller has restarted since'
      if (!bufferOf(decoded.callerBoot).equals(boot)) return 'boot'
      this.#problem = 'another statement of this number is signed'
      if (this.#options.store.ofNumber(checked.lane, decoded.seq).length > 0) {
        this.#replica.takeEvidence(checked)
        return 'fork'
      }
      this.#problem = 'a later statement of this lane is signed'
      if ((this.#replica.laneHeads.get(checked.lane)?.seq ?? 0) >= decoded.seq) return 'chain'
      this.#problem = 'the statement before it is not here'
      if (!this.#replica.hasParent(checked)) return 'chain'
      continueLane(this.#replica.parentOf(checked), checked)
      return checked
    } catch (error) {
      if (!isPeerlessError(error, 'MALFORMED')) throw error
      this.#problem = messageOf(error)
      return 'malformed'
    }
  }

  /** Marks what is claimed: `release` takes that back. */
  #compare(executor: string, checked: CheckedStatement): Comparison {
    const seen = this.#seen.get(executor)
    const rows = bufferOf(checked.rows)
    const claims: Seen[] = []
    const names: Uint8Array[] = []
    let differs = false
    for (let index = 0; index < checked.decoded.count; index++) {
      const mine = seen?.get(rowKey(rows, index))
      const at = index * ROW_BYTES
      const theirs = checked.decoded.kinds[rows.readUInt16LE(at + KIND_AT)] as Kind
      const fits =
        mine?.claimed === false &&
        mine.durationUs === rows.readUInt32LE(at + DURATION_AT) &&
        mine.memoryMb === rows.readUInt16LE(at + MEMORY_AT) &&
        mine.flags === rows[at + FLAGS_AT] &&
        Math.abs(mine.time - rows.readUIntLE(at + TIME_AT, 6)) <= LEDGER_LIMITS.timeOffMsMax &&
        mine.kind.account === theirs.account &&
        mine.kind.functionName === theirs.functionName &&
        mine.kind.version === theirs.version
      if (fits) {
        mine.claimed = true
        claims.push(mine)
        continue
      }
      differs ||= mine !== undefined
      names.push(rows.subarray(at, at + 16), rows.subarray(at + ATTEMPT_AT, at + ATTEMPT_AT + 1))
    }
    if (names.length === 0) return { claims, fault: undefined }
    const receipts = Uint8Array.from(Buffer.concat(names))
    return { claims, fault: { reason: differs ? 'differs' : 'unseen', receipts } }
  }

  #accept(executor: string, checked: CheckedStatement, claims: Seen[]): Uint8Array {
    const { mesh, signer } = this.#options
    // First: should the disk refuse now, they are among those that are released.
    const claimed = this.#claimed.get(executor)
    if (claimed === undefined) this.#claimed.set(executor, claims)
    else for (const claim of claims) claimed.push(claim)
    const callerSignature = signer.sign(signedBytes(mesh, KIND_ACCEPTANCE, checked.body))
    this.#replica.count({ ...checked, callerSignature }, false)
    return callerSignature
  }

  #token(executor: string, nowMs: number): boolean {
    const most = LEDGER_LIMITS.smallStatementsPerSecond
    const bucket = this.#tokens.get(executor) ?? { tokens: most, atMs: nowMs }
    bucket.tokens = Math.min(most, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * most)
    bucket.atMs = nowMs
    this.#tokens.set(executor, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }
}

function release(claims: readonly Seen[]): void {
  for (const claim of claims) claim.claimed = false
}

function refuse(reply: OfferReply, reason: RefusalReason, message: string, receipts: Uint8Array = new Uint8Array(0)): OfferReply {
  reply.refused = { reason, message, receipts }
  return reply
}
