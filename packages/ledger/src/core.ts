import { isPeerlessError, type LedgerStats, messageOf, type Tariff } from '@peerless/interface'
import type { Signer } from '@peerless/wire'
import { ByteWriter } from './bytes.ts'
import { CallerSide } from './caller-side.ts'
import type { CommandMap, CommandOf, CoreEvent, Operation, StatementPage } from './commands.ts'
import { ExecutorSide } from './executor-side.ts'
import { balancesOf } from './fold.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { sha256 } from './merkle.ts'
import { ROW_BYTES } from './receipt-row.ts'
import { Replica } from './replica.ts'
import { oldBefore, type Pruning } from './retention.ts'
import { hexOf, readStatements, statementBytes, writeStatement } from './statement.ts'
import type { LedgerStore, Place } from './store.ts'
import { Verification } from './verify.ts'

export interface CoreOptions {
  readonly mesh: string
  readonly signer: Signer
  readonly operatorAccount: string
  readonly tariff: Tariff
  readonly store: LedgerStore
  /** 16 random bytes of this start. */
  readonly boot: Uint8Array
  /** Names this database; random, kept at its first start. */
  readonly storeId: string
}

/**
 * Commands that may share the next transaction that somebody waits for: what they write, peers or the next start give again. An acceptance
 * is stored by the caller before it sends it; a cursor only saves comparing, and is written no earlier than what it has passed, nor at all when that was rolled back.
 */
const SOFT: ReadonlySet<Operation> = new Set<Operation>([
  'nextOffer',
  'offerResult',
  'cursor',
  'moveCursor',
  'missing',
  'ingest',
  'unclaimed',
  'balances',
  'page',
  'stats'
])

type Handlers = { [Op in Exclude<Operation, 'verify'>]: (command: CommandOf<Op>) => CommandMap[Op]['out'] }

/**
 * Everything of the ledger that is not a socket or a timer: one command after the other, many to a transaction. Effects on the outside
 * (answers, events) are the runner's to hold back until the transaction is on the disk: nothing is signed away before it is stored.
 */
export class LedgerCore {
  readonly #options: CoreOptions
  readonly #replica: Replica
  readonly #executor: ExecutorSide
  readonly #caller: CallerSide
  readonly #handlers: Handlers
  /** Receipts in this transaction, should it fail. */
  #rows: CommandOf<'rows'>[] = []
  /** Receipts seen, not acknowledged yet. */
  #seen = 0
  #events: CoreEvent[] = []
  #urgent = true
  /** Transactions that failed. */
  #era = 0
  #pruning: Pruning | undefined
  readonly #verifications = new Set<Verification>()
  /** What pruning took in this transaction, for those who are on their way over the disk. */
  #removed: Place[] = []

  /** @throws CORRUPT when what is on disk cannot be read */
  constructor(options: CoreOptions) {
    this.#options = options
    const say = (event: CoreEvent) => this.#events.push(event)
    this.#replica = new Replica(options.mesh, options.store, options.signer.peerId, say)
    this.#executor = new ExecutorSide(options, this.#replica, say, () => {
      this.#urgent = true
    })
    this.#caller = new CallerSide(options, this.#replica, say)
    this.#handlers = {
      rows: (command) => this.#takeRows(command),
      boot: ({ peer, boot }) => this.#executor.bootOf(peer, boot),
      nextOffer: ({ peer }) => this.#executor.nextOffer(peer),
      offerResult: ({ peer, hashes, reply }) => this.#executor.result(peer, hashes, reply),
      offer: ({ peer, bytes, final, nowMs }) => this.#caller.offer(peer, bytes, final, nowMs),
      cursor: ({ peer, store }) => this.#cursor(peer, store),
      moveCursor: ({ peer, store, position, era }) => {
        if (era === this.#era) this.#options.store.moveCursor(peer, store, position)
      },
      heads: ({ after }) => ({ ...this.#replica.heads(after), store: options.storeId }),
      missing: ({ heads }) => this.#replica.missing(heads),
      pull: ({ hashes }) => this.#pull(hashes),
      ingest: (command) => this.#ingest(command),
      balances: () => balancesOf(this.#replica.laneHeads.values()),
      page: (command) => this.#page(command),
      prune: (command) => this.#prune(command),
      owing: () => options.store.pendingCallers(),
      stats: () => this.#stats(),
      unclaimed: ({ executors }) => this.#caller.unclaimed(executors),
      barrier: () => undefined
    }
    try {
      this.#replica.load()
      for (const peer of options.store.pendingCallers()) say({ type: 'pending', peer })
    } catch (error) {
      throw options.store.unreadable(error)
    }
  }

  /** Runs one command inside the current transaction, opening one if there is none. @throws what the command is refused with */
  execute<Op extends Exclude<Operation, 'verify'>>(command: CommandOf<Op>): CommandMap[Op]['out'] {
    this.#options.store.begin()
    if (!SOFT.has(command.op)) this.#urgent = true
    const handler = this.#handlers[command.op] as (command: CommandOf<Op>) => CommandMap[Op]['out']
    return handler(command)
  }

  get era(): number {
    return this.#era
  }

  /** Whether the open transaction must be on disk before anything of it goes out. */
  get urgent(): boolean {
    return this.#urgent
  }

  /** @returns the events to let out. @throws the disk's error; then `rollback` makes memory as the disk is */
  commit(): CoreEvent[] {
    this.#replica.saveDigest()
    this.#options.store.commit()
    this.#urgent = false
    this.#caller.committed()
    for (const verification of this.#verifications) {
      if (verification.ended) this.#verifications.delete(verification)
      else verification.removed(this.#removed)
    }
    this.#removed = []
    let receipts = this.#seen
    for (const command of this.#rows) receipts += command.rows.length / ROW_BYTES
    this.#rows = []
    this.#seen = 0
    const events = this.#events
    this.#events = []
    if (receipts > 0) events.push({ type: 'stored', receipts })
    return events
  }

  /** Forgets what the transaction did. @returns the receipts that were in it, to be given again */
  rollback(): CommandOf<'rows'>[] {
    this.#options.store.rollback()
    this.#era++
    this.#events = []
    this.#caller.rolledBack()
    this.#executor.rolledBack()
    this.#replica.load()
    this.#pruning = undefined
    this.#removed = []
    return this.#rows.splice(0)
  }

  /** A check of the whole disk in steps, so that receipts go on meanwhile. */
  verification(): Verification {
    const verification = new Verification(this.#options.mesh, this.#options.store, this.#replica.retention)
    this.#verifications.add(verification)
    return verification
  }

  close(): void {
    this.#options.store.close()
  }

  #takeRows(command: CommandOf<'rows'>): undefined {
    // Receipts that were seen are only in memory: neither they nor their acknowledgement are lost with the transaction.
    if (command.role === 'seen') {
      this.#caller.seen(command.peer, command.rows, command.kinds)
      this.#seen += command.rows.length / ROW_BYTES
    } else {
      this.#rows.push(command)
      this.#executor.close(command.role === 'self' ? this.#options.signer.peerId : command.peer, command.rows, command.kinds)
    }
    return undefined
  }

  #cursor(peer: string, store: string): number {
    const cursor = this.#options.store.cursor(peer)
    return cursor?.store === store ? cursor.position : 0
  }

  #pull(hashes: Uint8Array[]): Uint8Array {
    const writer = new ByteWriter(65_536)
    for (const hash of hashes) {
      const found = this.#options.store.find(hexOf(hash))
      if (found === undefined || found.feed === undefined) continue
      if (writer.length > 0 && writer.length + statementBytes(found) > LEDGER_LIMITS.messageBytesMax) break
      writeStatement(writer, found)
    }
    return writer.finish()
  }

  #ingest({ peer, bytes, allowed, itemisedFrom }: CommandOf<'ingest'>): CommandMap['ingest']['out'] {
    const statements = readStatements(bytes, LEDGER_LIMITS.pullHashesMax)
    const result = { taken: 0, held: [] as string[], invalid: [] as string[], read: statements.length }
    let reason: string | undefined
    for (const [index, statement] of statements.entries()) {
      const hash = hexOf(sha256(statement.body))
      if (allowed[index] !== true) {
        result.held.push(hash)
        continue
      }
      try {
        if (this.#replica.take(statement, hash, itemisedFrom)) result.taken++
        else result.held.push(hash)
      } catch (error) {
        if (!isPeerlessError(error, 'MALFORMED')) throw error
        result.invalid.push(hash)
        reason ??= messageOf(error)
      }
    }
    if (reason !== undefined) {
      // One line a message, however many it has.
      const fields = { peer, hash: result.invalid[0], reason, statements: result.invalid.length }
      this.#events.push({ type: 'log', level: 'warn', message: 'a peer sent a statement that does not hold', fields })
    }
    return result
  }

  #page({ timeMin, id, fromMs, toMs }: CommandOf<'page'>): StatementPage {
    const limit = LEDGER_LIMITS.pageStatementsMax
    // Only what this node itself has pruned is passed over: what another says it has may be a lie, and would hide what is here.
    const { own } = this.#replica.retention
    const found = this.#options.store.byTime({ timeMin, id }, Math.max(fromMs, oldBefore(own)), toMs, limit)
    const statements = []
    let bytes = 0
    for (const one of found) {
      bytes += statementBytes(one)
      if (statements.length > 0 && bytes > LEDGER_LIMITS.pageBytesMax) break
      const loses = this.#replica.losesFork(hexOf(one.lane), hexOf(one.hash))
      // A losing branch of a fork is passed over, but it is a place in the order.
      const rows = loses ? new Uint8Array(0) : one.rows
      statements.push({ body: one.body, rows, id: one.id, timeMin: one.timeMin })
    }
    return { statements, more: found.length === limit || statements.length < found.length, itemisedFrom: own }
  }

  #prune({ itemisedFrom, again }: CommandOf<'prune'>): CommandMap['prune']['out'] {
    if (again || this.#pruning === undefined) this.#pruning = this.#replica.startPruning(itemisedFrom)
    if (this.#pruning === undefined) return { removed: 0, more: false }
    const { removed, more } = this.#pruning.step()
    for (const one of removed) this.#replica.removed(hexOf(one.hash))
    if (this.#verifications.size > 0) this.#removed.push(...removed)
    if (!more) this.#pruning = undefined
    return { removed: removed.length, more }
  }

  #stats(): Omit<LedgerStats, 'lost'> {
    let receipts = 0
    for (const head of this.#replica.laneHeads.values()) receipts += head.receipts
    return {
      lanes: this.#replica.laneHeads.size,
      shown: this.#replica.shown,
      bytes: this.#options.store.bytes(),
      receipts,
      pendingCallers: this.#options.store.pendingCallers().length,
      itemisedFrom: this.#replica.retention.itemisedFrom,
      forks: this.#replica.forks.size,
      frozen: this.#replica.frozen.size
    }
  }
}
