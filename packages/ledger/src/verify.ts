import { type LedgerVerification, messageOf } from '@peerless/interface'
import { type CheckedStatement, checkStatement, continueLane, headOf, type LaneHead } from './check.ts'
import { balancesOf, higher } from './fold.ts'
import { bufferOf, ROW_BYTES, rowKey, uuidOf } from './receipt-row.ts'
import { mayLackParent, type Retention } from './retention.ts'
import { authorsOf, HASH_BYTES, hexOf, ZERO_HASH } from './statement.ts'
import type { LedgerStore, Place, StoredStatement } from './store.ts'

/** Statements looked at per step; between steps the ledger goes on recording. */
const STEP_STATEMENTS = 32

/**
 * Re-checks the disk from the raw bytes: every signature, hash, page root, subtotal, running total and name, the columns that repeat them,
 * that no statement is missing or twice, that no caller pays one attempt twice, and that all adds up to zero. Ends at the first that fails.
 *
 * A store holds parents before children, so one pass in order of arrival sees every chain.
 */
export class Verification {
  readonly #mesh: string
  readonly #store: LedgerStore
  readonly #upTo: number
  readonly #feedUpTo: number
  readonly #digestThen: string
  /** As it is at each step: receipts may get old meanwhile. */
  readonly #retention: Retention
  /** Statements that follow one that was pruned. */
  #pruned = 0
  readonly #digest = Buffer.alloc(HASH_BYTES)
  readonly #heads = new Map<string, LaneHead>()
  /** 64 bits of each counted receipt's name; equal ones are looked at again. */
  #names = new BigUint64Array(1_024)
  #receipts = 0
  #statements = 0
  /** Attempts that two callers pay. */
  #repeated = 0
  #at = 0
  #ended = false
  #failure: string | undefined

  constructor(mesh: string, store: LedgerStore, retention: Retention) {
    this.#retention = retention
    this.#mesh = mesh
    this.#store = store
    this.#upTo = store.idLast()
    this.#feedUpTo = store.feedLast()
    this.#digestThen = store.meta('digest') ?? hexOf(ZERO_HASH)
  }

  /** @returns undefined as long as there is more to do */
  step(): LedgerVerification | undefined {
    try {
      if (this.#at === 0) this.#wholeFile()
      const page = this.#failure === undefined ? this.#store.byId(this.#at, this.#upTo, STEP_STATEMENTS) : []
      for (const stored of page) {
        this.#at = stored.id
        this.#failure = this.#check(stored)
        if (this.#failure !== undefined) break
      }
      if (this.#failure === undefined && page.length === STEP_STATEMENTS) return undefined
      this.#failure ??= this.#sums()
    } catch (error) {
      this.#failure = `the ledger's file cannot be read after entry ${this.#at}: ${messageOf(error)}`
    }
    this.#ended = true
    return {
      ok: this.#failure === undefined,
      lanes: this.#heads.size,
      statements: this.#statements,
      receipts: this.#receipts,
      repeated: this.#repeated,
      pruned: this.#pruned,
      itemisedFrom: this.#retention.itemisedFrom,
      failure: this.#failure
    }
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Pruning has taken these: what was not looked at yet was there when this began. */
  removed(places: readonly Place[]): void {
    for (const { id, feed, hash } of places)
      if (id > this.#at && id <= this.#upTo && feed <= this.#feedUpTo) this.#mix(hash, true)
  }

  #wholeFile(): void {
    const integrity = this.#store.integrity()
    if (integrity !== 'ok') this.#failure = `the ledger's file is damaged: ${integrity}`
    for (const { lane, seq } of this.#store.forks()) {
      this.#failure ??= `lane ${hexOf(lane)} statement ${seq}: its executor signed two different statements of this number`
    }
  }

  #check(stored: StoredStatement): string | undefined {
    const where = `entry ${stored.id}, lane ${hexOf(stored.lane)} statement ${stored.seq}`
    // Evidence is kept without its receipts.
    const evidence = !stored.counted && stored.rows.length === 0
    let checked: CheckedStatement
    try {
      checked = checkStatement(this.#mesh, stored, { rows: !evidence })
    } catch (error) {
      return `${where}: ${messageOf(error)}`
    }
    const { decoded } = checked
    const counts = checked.selfAttested || stored.callerSignature !== undefined
    if (checked.hash !== hexOf(stored.hash)) return `${where}: the stored hash is not that of the bytes`
    if (checked.lane !== hexOf(stored.lane) || decoded.seq !== stored.seq || decoded.timeMin !== stored.timeMin) {
      return `${where}: the stored lane, number or time is not that of the bytes`
    }
    if (counts !== stored.counted)
      return `${where}: it is stored as ${stored.counted ? '' : 'not '}counted, its signatures say otherwise`
    if (stored.counted && stored.feed === undefined) return `${where}: it counts and is not shown to other nodes`
    if (stored.feed !== undefined && stored.feed <= this.#feedUpTo) this.#mix(stored.hash, stored.counted)
    if (!stored.counted) return undefined
    this.#statements++
    const parent = this.#heads.get(checked.lane)
    let head: LaneHead
    try {
      head = this.#headAfter(checked, parent)
    } catch (error) {
      return `${where}: ${messageOf(error)}`
    }
    this.#heads.set(checked.lane, parent === undefined ? head : higher(parent, head))
    this.#keepNames(checked)
    return undefined
  }

  /** @throws MALFORMED when it does not continue its lane, and what it follows cannot have been pruned */
  #headAfter(checked: CheckedStatement, parent: LaneHead | undefined): LaneHead {
    const { decoded, lane, hash } = checked
    const follows = parent?.hash === hexOf(decoded.prev)
    if (decoded.seq === 1 || follows || !mayLackParent(decoded.timeMin, this.#retention.itemisedFrom)) {
      return continueLane(decoded.seq === 1 ? undefined : parent, checked)
    }
    this.#pruned++
    return headOf(hash, lane, decoded)
  }

  #sums(): string | undefined {
    if (this.#digest.toString('hex') !== this.#digestThen) {
      return 'a statement was removed or added: the digest of all statements does not match'
    }
    let sum = 0n
    for (const { balance } of balancesOf(this.#heads.values())) sum += BigInt(balance)
    if (sum !== 0n) return `all balances add up to ${sum}, must be 0`
    return this.#twice()
  }

  /**
   * Counted receipts with the same request and attempt. Of one caller that is fraud: it lets an attempt start at one place. Two callers are honest where each had an
   * event in its part of a mesh that was in two, and ran it; that is counted, for whoever wonders why it was charged twice.
   */
  #twice(): string | undefined {
    const names = this.#names.subarray(0, this.#receipts).sort()
    const suspects = new Set<bigint>()
    for (let index = 1; index < names.length; index++) {
      if (names[index] === names[index - 1]) suspects.add(names[index] as bigint)
    }
    if (suspects.size === 0) return undefined
    const callers = new Map<string, Set<string>>()
    for (let after = 0; ; ) {
      const page = this.#store.byId(after, this.#upTo, STEP_STATEMENTS)
      for (const stored of page) {
        after = stored.id
        const rows = bufferOf(stored.rows)
        const caller = authorsOf(stored.body)?.[0] ?? ''
        for (let index = 0; stored.counted && index < rows.length / ROW_BYTES; index++) {
          if (!suspects.has(nameOf(rows, index))) continue
          const key = rowKey(rows, index)
          const known = callers.get(key)
          if (known?.has(caller) === true) {
            const attempt = key.charCodeAt(16)
            return `lane ${hexOf(stored.lane)} statement ${stored.seq}: request ${uuidOf(rows, index * ROW_BYTES)} attempt ${attempt} is charged twice`
          }
          if (known === undefined) callers.set(key, new Set([caller]))
          else {
            known.add(caller)
            this.#repeated++
          }
        }
      }
      if (page.length < STEP_STATEMENTS) return undefined
    }
  }

  #keepNames(checked: CheckedStatement): void {
    const { count } = checked.decoded
    if (this.#receipts + count > this.#names.length) {
      const larger = new BigUint64Array(Math.max(this.#names.length * 2, this.#receipts + count))
      larger.set(this.#names)
      this.#names = larger
    }
    const rows = bufferOf(checked.rows)
    for (let index = 0; index < count; index++) this.#names[this.#receipts++] = nameOf(rows, index)
  }

  #mix(hash: Uint8Array, counted: boolean): void {
    for (let index = 0; index < HASH_BYTES; index++) {
      const byte = (hash[index] as number) ^ (index === 0 && !counted ? 0x80 : 0)
      this.#digest[index] = (this.#digest[index] as number) ^ byte
    }
  }
}

function nameOf(rows: Buffer, index: number): bigint {
  const at = index * ROW_BYTES
  return rows.readBigUInt64LE(at) ^ rows.readBigUInt64LE(at + 8) ^ BigInt(rows[at + 18] as number)
}
