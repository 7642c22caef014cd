import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { databaseError, PeerlessError } from '@peerless/interface'
import type { CheckedStatement } from './check.ts'
import type { FeedHead } from './commands.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { bufferOf } from './receipt-row.ts'
import type { SignedStatement } from './statement.ts'

/**
 * One row per statement, its bytes as they were signed. `lane`, `seq`, `time_min` and `counted` repeat what the bytes say, for lookups; verify
 * compares them. `feed` numbers what other nodes may have: counted statements and evidence of forks, in the order they came. Only pruning leaves gaps.
 * `pending` is the caller that has not answered yet; `withdrawn` says why a statement of ours will never count.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS statements (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE,
  lane BLOB NOT NULL,
  seq INTEGER NOT NULL,
  time_min INTEGER NOT NULL,
  counted INTEGER NOT NULL,
  feed INTEGER UNIQUE,
  pending TEXT,
  withdrawn TEXT,
  body BLOB NOT NULL,
  rows BLOB NOT NULL,
  executor_signature BLOB NOT NULL,
  caller_signature BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS statements_lane ON statements (lane, seq);
CREATE INDEX IF NOT EXISTS statements_time ON statements (time_min, id) WHERE counted = 1;
CREATE INDEX IF NOT EXISTS statements_withdrawn ON statements (time_min) WHERE withdrawn IS NOT NULL;
CREATE INDEX IF NOT EXISTS statements_pending ON statements (pending, id) WHERE pending IS NOT NULL;
CREATE TABLE IF NOT EXISTS cursors (peer TEXT PRIMARY KEY, store TEXT NOT NULL, position INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`
const FORMAT = 1
/** Lanes may begin with a total. What reads format 1 alone would take the missing statements for stolen ones. */
const FORMAT_PRUNED = 2
const BUSY_TIMEOUT_MS = 5_000

export interface StoredStatement extends SignedStatement {
  readonly id: number
  readonly hash: Uint8Array
  readonly lane: Uint8Array
  readonly seq: number
  readonly timeMin: number
  readonly counted: boolean
  readonly feed: number | undefined
  readonly pending: string | undefined
  readonly withdrawn: string | undefined
}

/** Where a statement stands. */
export interface Place {
  readonly id: number
  readonly timeMin: number
  readonly lane: Uint8Array
  readonly seq: number
  readonly hash: Uint8Array
  readonly feed: number
}

interface StatementRow {
  id: number
  hash: Uint8Array
  lane: Uint8Array
  seq: number
  time_min: number
  counted: number
  feed: number | null
  pending: string | null
  withdrawn: string | null
  body: Uint8Array
  rows: Uint8Array
  executor_signature: Uint8Array
  caller_signature: Uint8Array | null
}

/** The statements on disk. Synchronous, one transaction at a time; what it throws is CORRUPT or the disk's own error. */
export class LedgerStore {
  readonly file: string
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** @throws CORRUPT when the file is no ledger, UNAVAILABLE when the disk refuses */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true })
    this.file = join(directory, 'ledger.sqlite')
    try {
      this.#database = new DatabaseSync(this.file)
      // WAL with FULL: a commit is on the disk when it returns, and a torn tail of the log is not replayed.
      this.#database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`)
      const version = (this.#database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
      if (version > FORMAT_PRUNED) {
        throw new PeerlessError('CORRUPT', `ledger ${this.file} has format ${version}, this version reads up to ${FORMAT_PRUNED}`)
      }
      this.#database.exec(`${SCHEMA} PRAGMA user_version = ${Math.max(version, FORMAT)}`)
    } catch (error) {
      throw this.unreadable(error)
    }
  }

  /** What is wrong, and what to do, when the file cannot be read at a start. */
  unreadable(cause: unknown): unknown {
    return databaseError(`ledger ${this.file}`, cause, "set it aside and the peers' copy is fetched again")
  }

  /** Opens a transaction unless one is open. */
  begin(): void {
    if (!this.#database.isTransaction) this.#database.exec('BEGIN')
  }

  commit(): void {
    if (this.#database.isTransaction) this.#database.exec('COMMIT')
  }

  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
  }

  close(): void {
    if (!this.#database.isOpen) return
    this.rollback()
    this.#database.close()
  }

  insert(
    statement: CheckedStatement,
    standing: { counted: boolean; feed: number | undefined; pending: string | undefined }
  ): void {
    this.#sql(
      `INSERT INTO statements (hash, lane, seq, time_min, counted, feed, pending, body, rows, executor_signature, caller_signature)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    ).run(
      Buffer.from(statement.hash, 'hex'),
      Buffer.from(statement.lane, 'hex'),
      statement.decoded.seq,
      statement.decoded.timeMin,
      standing.counted ? 1 : 0,
      standing.feed ?? null,
      standing.pending ?? null,
      statement.body,
      statement.rows,
      statement.executorSignature,
      statement.callerSignature ?? null
    )
  }

  /** A statement that was here without it has got the caller's signature. */
  accept(statement: CheckedStatement, feed: number): void {
    this.#sql(
      'UPDATE statements SET caller_signature = ?, rows = ?, counted = 1, feed = ?, pending = NULL, withdrawn = NULL WHERE hash = ?'
    ).run(statement.callerSignature ?? null, statement.rows, feed, Buffer.from(statement.hash, 'hex'))
  }

  withdraw(hash: string, reason: string): void {
    this.#sql('UPDATE statements SET pending = NULL, withdrawn = ? WHERE hash = ?').run(reason, Buffer.from(hash, 'hex'))
  }

  /** Shows a statement that does not count to other nodes: evidence. */
  publish(hash: string, feed: number): void {
    this.#sql('UPDATE statements SET feed = ? WHERE hash = ? AND feed IS NULL').run(feed, Buffer.from(hash, 'hex'))
  }

  find(hash: string): StoredStatement | undefined {
    return storedOf(this.#sql('SELECT * FROM statements WHERE hash = ?').get(Buffer.from(hash, 'hex')))
  }

  /** `held`: ours, not accepted. `evidence`: shown to others without counting. */
  standing(hash: Uint8Array): 'unknown' | 'held' | 'evidence' | 'counted' {
    const row = this.#sql('SELECT feed, counted FROM statements WHERE hash = ?').get(hash) as
      | { feed: number | null; counted: number }
      | undefined
    if (row === undefined) return 'unknown'
    if (row.counted === 1) return 'counted'
    return row.feed === null ? 'held' : 'evidence'
  }

  /** Of one number of a lane: two are a fork, and who makes one may have made any number. Those that count come first. */
  ofNumber(lane: string, seq: number): StoredStatement[] {
    return this.#all(
      `SELECT * FROM statements WHERE id IN (SELECT id FROM statements WHERE lane = ? AND seq = ? ORDER BY counted DESC, id LIMIT 2)
       ORDER BY counted DESC, id`,
      Buffer.from(lane, 'hex'),
      seq
    )
  }

  /** The counted statements of a lane, all branches. */
  counted(lane: string): StoredStatement[] {
    return this.#all('SELECT * FROM statements WHERE lane = ? AND counted = 1 ORDER BY seq, id', Buffer.from(lane, 'hex'))
  }

  pending(caller: string, limit: number): StoredStatement[] {
    return this.#all('SELECT * FROM statements WHERE pending = ? ORDER BY id LIMIT ?', caller, limit)
  }

  pendingOfLane(lane: string): StoredStatement[] {
    return this.#all('SELECT * FROM statements WHERE lane = ? AND pending IS NOT NULL ORDER BY seq, id', Buffer.from(lane, 'hex'))
  }

  pendingCallers(): string[] {
    const rows = this.#sql('SELECT DISTINCT pending FROM statements WHERE pending IS NOT NULL').all() as { pending: string }[]
    return rows.map((row) => row.pending)
  }

  /** Bodies of the highest counted statements of every lane: more than one where it forked. */
  *heads(): Iterable<{ hash: Uint8Array; lane: Uint8Array; body: Uint8Array }> {
    yield* this.#sql(
      `SELECT s.hash, s.lane, s.body FROM statements s
       JOIN (SELECT lane, max(seq) AS seq FROM statements WHERE counted = 1 GROUP BY lane) m ON s.lane = m.lane AND s.seq = m.seq
       WHERE s.counted = 1`
    ).iterate() as Iterable<{ hash: Uint8Array; lane: Uint8Array; body: Uint8Array }>
  }

  /** Lanes and numbers that have more than one statement. */
  forks(): { lane: Uint8Array; seq: number }[] {
    return this.#sql('SELECT lane, seq FROM statements GROUP BY lane, seq HAVING count(*) > 1').all() as unknown as {
      lane: Uint8Array
      seq: number
    }[]
  }

  feed(after: number, limit: number): FeedHead[] {
    const rows = this.#sql('SELECT feed, counted, hash FROM statements WHERE feed > ? ORDER BY feed LIMIT ?').all(after, limit)
    return (rows as { feed: number; counted: number; hash: Uint8Array }[]).map((row) => ({
      feed: row.feed,
      counted: row.counted === 1,
      hash: row.hash
    }))
  }

  /** How many statements other nodes may have. */
  shown(): number {
    return (this.#sql('SELECT count(feed) AS shown FROM statements').get() as { shown: number }).shown
  }

  feedLast(): number {
    return (this.#sql('SELECT coalesce(max(feed), 0) AS last FROM statements').get() as { last: number }).last
  }

  idLast(): number {
    return (this.#sql('SELECT coalesce(max(id), 0) AS last FROM statements').get() as { last: number }).last
  }

  byId(after: number, upTo: number, limit: number): StoredStatement[] {
    return this.#all('SELECT * FROM statements WHERE id > ? AND id <= ? ORDER BY id LIMIT ?', after, upTo, limit)
  }

  /** Counted statements that begin from `fromMs` on and before `toMs`, in order of (begin, id), after a place in it. */
  byTime(place: { timeMin: number; id: number }, fromMs: number, toMs: number, limit: number): StoredStatement[] {
    return this.#all(
      `SELECT * FROM statements WHERE counted = 1 AND time_min >= ? AND time_min < ? AND (time_min, id) > (?, ?)
       ORDER BY time_min, id LIMIT ?`,
      fromMs,
      toMs,
      place.timeMin,
      place.id,
      limit
    )
  }

  /** Where counted statements that begin before `beforeMs` stand, in order of (begin, id), after a place in it. */
  places(place: { timeMin: number; id: number }, beforeMs: number, limit: number): Place[] {
    const rows = this.#sql(
      `SELECT id, time_min AS timeMin, lane, seq, hash, feed FROM statements WHERE counted = 1 AND time_min < ? AND (time_min, id) > (?, ?)
       ORDER BY time_min, id LIMIT ?`
    ).all(beforeMs, place.timeMin, place.id, limit)
    return rows as unknown as Place[]
  }

  /** True when the lane has a counted statement of a higher number that begins before `beforeMs`. Of those that were pruned the next is the lowest, or nearly. */
  hasHigher(lane: string, seq: number, beforeMs: number): boolean {
    const found = this.#sql(
      `SELECT 1 FROM (SELECT time_min FROM statements WHERE lane = ? AND seq > ? AND counted = 1 ORDER BY seq LIMIT ${LEDGER_LIMITS.pruneLookAhead})
       WHERE time_min < ?`
    ).get(Buffer.from(lane, 'hex'), seq, beforeMs)
    return found !== undefined
  }

  /** The lowest number that counts in a lane; undefined where none does. */
  lowest(lane: string): number | undefined {
    const row = this.#sql('SELECT seq FROM statements WHERE lane = ? AND counted = 1 ORDER BY seq LIMIT 1').get(
      Buffer.from(lane, 'hex')
    ) as { seq: number } | undefined
    return row?.seq
  }

  /** Statements may go from now on; an older version of Peerless refuses the file. */
  markPruned(): void {
    this.#database.exec(`PRAGMA user_version = ${FORMAT_PRUNED}`)
  }

  remove(id: number): void {
    this.#sql('DELETE FROM statements WHERE id = ?').run(id)
  }

  /** Removes statements that will never count and prove nothing. @returns whether there may be more */
  removeWithdrawn(beforeMs: number, limit: number): boolean {
    const done = this.#sql(
      `DELETE FROM statements WHERE id IN
       (SELECT id FROM statements WHERE withdrawn IS NOT NULL AND counted = 0 AND feed IS NULL AND time_min < ? LIMIT ?)`
    ).run(beforeMs, limit)
    return Number(done.changes) === limit
  }

  cursor(peer: string): { store: string; position: number } | undefined {
    return this.#sql('SELECT store, position FROM cursors WHERE peer = ?').get(peer) as
      | { store: string; position: number }
      | undefined
  }

  moveCursor(peer: string, store: string, position: number): void {
    this.#sql(
      'INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT (peer) DO UPDATE SET store = excluded.store, position = excluded.position'
    ).run(peer, store, position)
  }

  meta(key: string): string | undefined {
    return (this.#sql('SELECT value FROM meta WHERE key = ?').get(key) as { value: string } | undefined)?.value
  }

  setMeta(key: string, value: string): void {
    this.#sql('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value)
  }

  /** Size of the file, without what waits in its log. */
  bytes(): number {
    return (
      this.#sql('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size').get() as { bytes: number }
    ).bytes
  }

  /** SQLite's own look at its pages; 'ok' or the first thing it found. */
  integrity(): string {
    return (this.#database.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string }).integrity_check
  }

  #all(sql: string, ...values: (string | number | Uint8Array)[]): StoredStatement[] {
    return this.#sql(sql)
      .all(...values)
      .map((row) => storedOf(row) as StoredStatement)
  }

  #sql(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

function storedOf(row: unknown): StoredStatement | undefined {
  if (row === undefined) return undefined
  const record = row as StatementRow
  return {
    id: record.id,
    hash: bufferOf(record.hash),
    lane: bufferOf(record.lane),
    seq: record.seq,
    timeMin: record.time_min,
    counted: record.counted === 1,
    feed: record.feed ?? undefined,
    pending: record.pending ?? undefined,
    withdrawn: record.withdrawn ?? undefined,
    body: record.body,
    rows: record.rows,
    executorSignature: record.executor_signature,
    callerSignature: record.caller_signature ?? undefined
  }
}

/** Opens the store and gives it a name at its first start. @param storeIdIfNew random text */
export function openStore(directory: string, storeIdIfNew: string): { store: LedgerStore; storeId: string } {
  const store = new LedgerStore(directory)
  try {
    const storeId = store.meta('store') ?? storeIdIfNew
    store.setMeta('store', storeId)
    return { store, storeId }
  } catch (error) {
    throw store.unreadable(error)
  }
}
