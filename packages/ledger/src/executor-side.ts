import type { Tariff } from '@peerless/interface'
import { type Signer, signedBytes, verifySignature } from '@peerless/wire'
import { ByteWriter } from './bytes.ts'
import { type CheckedStatement, headOf, type LaneHead, sumRows } from './check.ts'
import type { CommandMap, CoreEvent, OfferReply } from './commands.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { merkleRoot, sha256 } from './merkle.ts'
import { bufferOf, type Kind, NAME_BYTES, ROW_BYTES, rowKey } from './receipt-row.ts'
import type { Replica } from './replica.ts'
import {
  BOOT_BYTES,
  decodeBody,
  encodeBody,
  hexOf,
  KIND_ACCEPTANCE,
  KIND_STATEMENT,
  laneOf,
  type StatementBody,
  statementBytes,
  type Total,
  writeStatement,
  ZERO_HASH
} from './statement.ts'
import type { LedgerStore, StoredStatement } from './store.ts'

/** What a caller that has not said it yet stands under; a statement made so is made again once the boot is known. */
const BOOT_UNKNOWN = new Uint8Array(BOOT_BYTES)

interface OwnLane {
  readonly id: string
  readonly callerBoot: Uint8Array
  readonly epoch: number
  /** The last statement signed in it, accepted or not. */
  head: LaneHead | undefined
}

interface ExecutorSideOptions {
  readonly mesh: string
  readonly signer: Signer
  readonly operatorAccount: string
  readonly tariff: Tariff
  readonly store: LedgerStore
  readonly boot: Uint8Array
}

/** Makes statements of what ran here, offers them to the callers and counts what they accept. */
export class ExecutorSide {
  readonly #options: ExecutorSideOptions
  readonly #replica: Replica
  readonly #say: (event: CoreEvent) => void
  /** What was signed must be on disk before it goes out. */
  readonly #mustStore: () => void
  /** The lane that is open to each caller; this node itself among them. */
  readonly #lanes = new Map<string, OwnLane>()
  readonly #boots = new Map<string, Uint8Array>()
  /** Rises with every lane of this boot, also after a transaction failed: no (lane, seq) is signed twice with different content. */
  #epoch = 0

  constructor(options: ExecutorSideOptions, replica: Replica, say: (event: CoreEvent) => void, mustStore: () => void) {
    this.#options = options
    this.#mustStore = mustStore
    this.#replica = replica
    this.#say = say
  }

  rolledBack(): void {
    this.#lanes.clear()
  }

  /** The caller said when it started. */
  bootOf(peer: string, boot: Uint8Array): undefined {
    this.#boots.set(peer, boot)
    this.#say({ type: 'pending', peer })
    return undefined
  }

  /** Makes one statement of at least one receipt, signs and stores it. What is self-attested counts at once. */
  close(caller: string, rows: Uint8Array, kinds: readonly Kind[]): void {
    const { mesh, signer, tariff, store } = this.#options
    const sums = sumRows(rows, kinds, tariff)
    const self = caller === signer.peerId
    const lane = this.#laneFor(caller, sums.totals)
    const prev = lane.head
    const count = rows.length / ROW_BYTES
    const decoded: StatementBody = {
      caller,
      executor: signer.peerId,
      callerBoot: lane.callerBoot,
      executorBoot: this.#options.boot,
      epoch: lane.epoch,
      seq: (prev?.seq ?? 0) + 1,
      count,
      root: merkleRoot(rows),
      prev: prev === undefined ? ZERO_HASH : Buffer.from(prev.hash, 'hex'),
      timeMin: sums.timeMin,
      timeMax: sums.timeMax,
      receiptsTotal: (prev?.receipts ?? 0) + count,
      tariff,
      payee: this.#options.operatorAccount,
      kinds,
      totals: totalsOf(prev, sums.totals)
    }
    const body = encodeBody(decoded)
    const checked: CheckedStatement = {
      body,
      rows,
      executorSignature: signer.sign(signedBytes(mesh, KIND_STATEMENT, body)),
      callerSignature: undefined,
      decoded,
      lane: lane.id,
      hash: hexOf(sha256(body)),
      selfAttested: self
    }
    this.#mustStore()
    if (self) this.#replica.count(checked, true)
    else {
      store.insert(checked, { counted: false, feed: undefined, pending: caller })
      this.#say({ type: 'pending', peer: caller })
    }
    lane.head = headOf(checked.hash, lane.id, decoded)
  }

  /** The next statements of one lane for this caller, oldest first; undefined when there are none or its boot is not known. */
  nextOffer(peer: string): CommandMap['nextOffer']['out'] {
    const boot = this.#boots.get(peer)
    if (boot === undefined || this.#replica.frozen.has(peer)) return undefined
    const writer = new ByteWriter(65_536)
    const hashes: string[] = []
    let lane: string | undefined
    for (const stored of this.#pendingUnder(peer, boot)) {
      lane ??= hexOf(stored.lane)
      if (hexOf(stored.lane) !== lane) break
      if (hashes.length > 0 && writer.length + statementBytes(stored) > LEDGER_LIMITS.messageBytesMax) break
      writeStatement(writer, stored)
      hashes.push(hexOf(stored.hash))
    }
    return hashes.length === 0 ? undefined : { bytes: writer.finish(), hashes }
  }

  /**
   * What the caller answered. Nothing of it is believed before it is checked.
   * @returns whether it settled anything: a caller that accepts without a valid signature settles nothing
   */
  result(peer: string, hashes: string[], reply: OfferReply): boolean {
    for (const [index, signature] of reply.accepted.entries()) {
      const hash = hashes[index]
      if (hash === undefined || !this.#accepted(peer, hash, signature)) return index > 0
    }
    const refused = hashes[reply.accepted.length]
    if (reply.refused === undefined || refused === undefined) return reply.accepted.length > 0
    this.#refused(peer, refused, reply, reply.refused)
    return true
  }

  #accepted(peer: string, hash: string, callerSignature: Uint8Array): boolean {
    const stored = this.#options.store.find(hash)
    // It may have come back through another node already.
    if (stored?.counted === true) return true
    if (stored === undefined) return false
    const { mesh } = this.#options
    if (!verifySignature(peer, signedBytes(mesh, KIND_ACCEPTANCE, stored.body), callerSignature)) {
      this.#warn('a caller accepted a statement with a signature that does not verify', { peer, hash })
      return false
    }
    // It is our own, checked when it was made.
    const decoded = decodeBody(stored.body)
    const { body, rows, executorSignature } = stored
    const checked = {
      body,
      rows,
      executorSignature,
      callerSignature,
      decoded,
      lane: hexOf(stored.lane),
      hash,
      selfAttested: false
    }
    this.#replica.accept(checked, stored.feed !== undefined, true)
    return true
  }

  /**
   * The refused statement and what follows it in its lane will never count. Receipts that the caller did not name go into a new lane:
   * the old one stays as it was signed.
   */
  #refused(peer: string, hash: string, reply: OfferReply, refused: NonNullable<OfferReply['refused']>): void {
    const first = this.#options.store.find(hash)
    if (first === undefined || first.counted || first.pending === undefined) return
    const named = namesOf(refused.receipts)
    this.#warn('a caller refused a statement', {
      peer,
      lane: hexOf(first.lane),
      seq: first.seq,
      reason: refused.reason,
      said: refused.message,
      receipts: named.size
    })
    const bootBefore = this.#boots.get(peer)
    this.#boots.set(peer, reply.boot)
    const again =
      named.size > 0 || (refused.reason === 'boot' && (bootBefore === undefined || !bufferOf(bootBefore).equals(reply.boot)))
    this.#lanes.delete(peer)
    this.#remake(this.#options.store.pendingOfLane(hexOf(first.lane)), `refused: ${refused.reason}`, named, again)
  }

  /** Pending statements of the caller that are made for its present boot; others are made anew. Each is remade once, so this ends. */
  #pendingUnder(peer: string, boot: Uint8Array): StoredStatement[] {
    const { store } = this.#options
    const pending = store.pending(peer, LEDGER_LIMITS.offerStatementsMax)
    const fits = (stored: StoredStatement) => bufferOf(boot).equals(decodeBody(stored.body).callerBoot)
    const misfits = pending.filter((stored) => !fits(stored))
    if (misfits.length === 0) return pending
    this.#lanes.delete(peer)
    this.#remake(misfits, 'the caller restarted', new Set(), true)
    return store.pending(peer, LEDGER_LIMITS.offerStatementsMax).filter(fits)
  }

  #remake(statements: StoredStatement[], reason: string, without: Set<string>, again: boolean): void {
    for (const stored of statements) {
      this.#options.store.withdraw(hexOf(stored.hash), reason)
      if (!again) continue
      const { caller, kinds } = decodeBody(stored.body)
      const rows = rowsWithout(stored.rows, without)
      if (rows.length > 0) this.close(caller, rows, kinds)
    }
  }

  #laneFor(caller: string, totals: ReadonlyMap<string, bigint>): OwnLane {
    const { mesh, signer, boot } = this.#options
    const callerBoot = caller === signer.peerId ? boot : (this.#boots.get(caller) ?? BOOT_UNKNOWN)
    const open = this.#lanes.get(caller)
    if (open !== undefined && bufferOf(open.callerBoot).equals(callerBoot)) {
      let accounts = open.head?.totals.size ?? 0
      for (const account of totals.keys()) if (open.head?.totals.has(account) !== true) accounts++
      if (accounts <= LEDGER_LIMITS.accountsPerLaneMax) return open
    }
    const epoch = this.#epoch++
    const scope = { caller, executor: signer.peerId, callerBoot, executorBoot: boot, epoch }
    const lane: OwnLane = { id: laneOf(mesh, scope), callerBoot, epoch, head: undefined }
    this.#lanes.set(caller, lane)
    return lane
  }

  #warn(message: string, fields: Record<string, unknown>): void {
    this.#say({ type: 'log', level: 'warn', message, fields })
  }
}

function totalsOf(prev: LaneHead | undefined, subtotals: ReadonlyMap<string, bigint>): Total[] {
  const accounts = new Set([...(prev?.totals.keys() ?? []), ...subtotals.keys()])
  return [...accounts].sort().map((account) => {
    const subtotal = subtotals.get(account) ?? 0n
    return { account, subtotal, cumulative: (prev?.totals.get(account) ?? 0n) + subtotal }
  })
}

function namesOf(receipts: Uint8Array): Set<string> {
  const names = new Set<string>()
  const bytes = bufferOf(receipts)
  for (let at = 0; at + NAME_BYTES <= bytes.length; at += NAME_BYTES) names.add(bytes.toString('latin1', at, at + NAME_BYTES))
  return names
}

function rowsWithout(bytes: Uint8Array, names: Set<string>): Uint8Array {
  if (names.size === 0) return bytes
  const rows = bufferOf(bytes)
  const kept: Uint8Array[] = []
  for (let index = 0; index < rows.length / ROW_BYTES; index++) {
    if (!names.has(rowKey(rows, index))) kept.push(rows.subarray(index * ROW_BYTES, (index + 1) * ROW_BYTES))
  }
  return Buffer.concat(kept)
}
