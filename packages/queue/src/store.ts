import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { databaseError, PeerlessError } from '@peerless/interface'
import { DEAD_AGE_MS, DEAD_BYTES_MAX, DEAD_MAX, RESULT_AGE_MS, RESULTS_BYTES_MAX, RESULTS_MAX } from './constants.ts'

/** `state` 0: to be run, by `owner`, where `dead_at` says that it is to leave no dead letter; 1: a dead letter. */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS events (
  id TEXT PRIMARY KEY,
  state INTEGER NOT NULL,
  owner TEXT NOT NULL,
  meta BLOB NOT NULL,
  payload BLOB NOT NULL,
  dead_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS events_dead ON events (dead_at) WHERE state = 1;
CREATE TABLE IF NOT EXISTS results (id TEXT PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS results_at ON results (at);
`
const SCHEMA_VERSION = 1

/** One change; those of a commit are on disk together or not at all. Arrays, because thousands go to the disk's thread each second. */
export type StoreOp =
  /** An event that is owned or held; replaces what is known under its id. */
  | readonly ['put', id: string, owner: string, meta: Uint8Array, payload: Uint8Array]
  | readonly ['meta', id: string, owner: string, meta: Uint8Array]
  /** Its end. `dead` keeps the event as a dead letter. */
  | readonly ['settle', id: string, at: number, result: Uint8Array, dead: boolean]
  /** It is somebody else's now. */
  | readonly ['drop', id: string]
  | readonly ['bury', id: string]

export interface StoredRow {
  readonly id: string
  readonly owner: string
  readonly meta: Uint8Array
  readonly bytes: number
}

export interface DeadRow {
  readonly id: string
  readonly result: Uint8Array | undefined
  readonly meta: Uint8Array
  readonly bytes: number
  readonly payload: Uint8Array | undefined
}

/** The queue's database. Synchronous: it lives in a thread of its own, tests have it in theirs. */
export class QueueStore {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** @throws CORRUPT when the file is no queue, UNAVAILABLE when the disk refuses */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const path = join(directory, 'queue.sqlite')
    try {
      this.#database = new DatabaseSync(path)
      // WAL with FULL: a commit is on the disk when it returns.
      this.#database.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 1000; PRAGMA trusted_schema = OFF'
      )
      const version = Number(this.#database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
      if (version > SCHEMA_VERSION)
        throw new PeerlessError('CORRUPT', `the queue on disk has layout ${version}, this node reads up to ${SCHEMA_VERSION}`)
      this.#database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`)
    } catch (error) {
      const ifDamaged = 'events accepted here are in it, so keep the file when you set it aside'
      throw databaseError(`the queue's database ${path}`, error, ifDamaged)
    }
  }

  /** All or nothing, on disk when it returns. */
  commit(ops: readonly StoreOp[]): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const op of ops) this.#apply(op)
      this.#database.exec('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #apply(op: StoreOp): void {
    switch (op[0]) {
      case 'put':
        this.#run('INSERT OR REPLACE INTO events VALUES (?, 0, ?, ?, ?, NULL)', op[1], op[2], op[3], op[4])
        break
      case 'meta':
        this.#run('UPDATE events SET owner = ?, meta = ? WHERE id = ?', op[2], op[3], op[1])
        break
      case 'settle':
        // Of a copy, whose dead letter was buried before this node heard of its end, nothing stays.
        this.#run('DELETE FROM events WHERE id = ? AND (? = 0 OR dead_at IS NOT NULL)', op[1], op[4] ? 1 : 0)
        if (op[4]) this.#run('UPDATE events SET state = 1, dead_at = ? WHERE id = ?', op[2], op[1])
        this.#run('INSERT OR REPLACE INTO results VALUES (?, ?, ?)', op[1], op[2], op[3])
        break
      case 'drop':
        this.#run('DELETE FROM events WHERE id = ? AND state = 0', op[1])
        break
      case 'bury':
        this.#run('DELETE FROM events WHERE id = ? AND state = 1', op[1])
        this.#run('UPDATE events SET dead_at = 0 WHERE id = ?', op[1])
        break
    }
  }

  /** Everything that is not settled. Payloads stay on disk. */
  load(): StoredRow[] {
    return this.#prepare(
      'SELECT id, owner, meta, length(payload) AS bytes FROM events WHERE state = 0 ORDER BY rowid'
    ).all() as unknown as StoredRow[]
  }

  payload(id: string): Uint8Array | undefined {
    return this.#prepare('SELECT payload FROM events WHERE id = ?').get(id)?.payload as Uint8Array | undefined
  }

  result(id: string): Uint8Array | undefined {
    return this.#prepare('SELECT body FROM results WHERE id = ?').get(id)?.body as Uint8Array | undefined
  }

  /** Which of the ids were settled here. */
  settled(ids: readonly string[]): string[] {
    const statement = this.#prepare('SELECT 1 FROM results WHERE id = ?')
    return ids.filter((id) => statement.get(id) !== undefined)
  }

  /** Oldest first. */
  dead(limit: number, id: string | undefined): DeadRow[] {
    const columns = `SELECT events.id, results.body AS result, meta, length(payload) AS bytes${id === undefined ? '' : ', payload'}
      FROM events LEFT JOIN results ON results.id = events.id WHERE state = 1`
    const rows =
      id === undefined
        ? this.#prepare(`${columns} ORDER BY dead_at LIMIT ?`).all(limit)
        : this.#prepare(`${columns} AND events.id = ?`).all(id)
    return (rows as unknown as (Omit<DeadRow, 'result' | 'payload'> & { result: Uint8Array | null; payload?: Uint8Array })[]).map(
      (row) => ({
        id: row.id,
        meta: row.meta,
        bytes: row.bytes,
        result: row.result ?? undefined,
        payload: row.payload
      })
    )
  }

  deadCount(): number {
    return Number(this.#prepare('SELECT count(*) AS n FROM events WHERE state = 1').get()?.n ?? 0)
  }

  /** Forgets what is too old or too much, oldest first. Returns how many dead letters were lost before their time. */
  prune(now: number): number {
    this.#run('DELETE FROM results WHERE at < ? AND id NOT IN (SELECT id FROM events WHERE state = 1)', now - RESULT_AGE_MS)
    const { n, bytes } = this.#prepare('SELECT count(*) AS n, total(length(body)) AS bytes FROM results').get() as {
      n: number
      bytes: number
    }
    if (n > RESULTS_MAX || bytes > RESULTS_BYTES_MAX) {
      // A tenth at a time, so that this is not done again at once.
      const excess = Math.ceil(Math.max(n - RESULTS_MAX, (n * (bytes - RESULTS_BYTES_MAX)) / Math.max(1, bytes)) + n / 10)
      this.#run('DELETE FROM results WHERE id IN (SELECT id FROM results ORDER BY at LIMIT ?)', excess)
    }
    this.#run('DELETE FROM events WHERE state = 1 AND dead_at < ?', now - DEAD_AGE_MS)
    const dead = this.#prepare('SELECT count(*) AS n, total(length(payload)) AS bytes FROM events WHERE state = 1').get() as {
      n: number
      bytes: number
    }
    if (dead.n <= DEAD_MAX && dead.bytes <= DEAD_BYTES_MAX) return 0
    const lost = Math.ceil(
      Math.max(dead.n - DEAD_MAX, (dead.n * (dead.bytes - DEAD_BYTES_MAX)) / Math.max(1, dead.bytes)) + dead.n / 20
    )
    this.#run('DELETE FROM events WHERE id IN (SELECT id FROM events WHERE state = 1 ORDER BY dead_at LIMIT ?)', lost)
    return lost
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #run(sql: string, ...values: (string | number | Uint8Array)[]): void {
    this.#prepare(sql).run(...values)
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
