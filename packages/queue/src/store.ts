import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { databaseError, PeerlessError } from '@peerless/interface'
import { DEAD_AGE_MS, DEAD_BYTES_MAX, DEAD_MAX, RESULT_AGE_MS, RESULTS_BYTES_MAX, RESULTS_MAX } from './constants.ts'
import type { EndKind } from './ends.ts'

/** `state` 0: to be run, by `owner`, where `dead_at` says that it is to leave no dead letter; 1: a dead letter. */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS events (
  id TEXT PRIMARY KEY,
  state INTEGER NOT NULL,
  owner TEXT NOT NULL,
  meta BLOB NOT NULL,
  payload BLOB NOT NULL,
  dead_at INTEGER,
  account TEXT,
  function TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS events_dead ON events (dead_at) WHERE state = 1;
CREATE TABLE IF NOT EXISTS results (id TEXT PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL, account TEXT) STRICT;
CREATE INDEX IF NOT EXISTS results_at ON results (at);
`
/** What was written before is nobody's, and of no function that is known here. */
const FROM_VERSION_1 = `
ALTER TABLE events ADD COLUMN account TEXT;
ALTER TABLE events ADD COLUMN function TEXT;
ALTER TABLE results ADD COLUMN account TEXT;
`
const SCHEMA_VERSION = 2

/** Whose an event was, and what it was for. */
type Subject = readonly [account: string | null, functionName: string]

/** One change; those of a commit are on disk together or not at all. Arrays, because thousands go to the disk's thread each second. */
export type StoreOp =
  /** An event that is owned or held; replaces what is known under its id. */
  | readonly ['put', id: string, owner: string, meta: Uint8Array, payload: Uint8Array]
  | readonly ['meta', id: string, owner: string, meta: Uint8Array]
  /** Its end. `dead` keeps the event as a dead letter. */
  | readonly ['settle', id: string, at: number, result: Uint8Array, dead: boolean, subject: Subject]
  /** The end of another node's event, or of one of long ago: its result, its dead letter or both. What is known already stays. */
  | readonly [
      'keep',
      id: string,
      at: number,
      result: Uint8Array | null,
      letter: readonly [meta: Uint8Array, payload: Uint8Array] | null,
      subject: Subject
    ]
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

/** How an event ended, with the event where it is a dead letter. */
export interface EndRow {
  readonly id: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly result: Uint8Array | null
  readonly letter: [meta: Uint8Array, payload: Uint8Array] | null
}

export interface EndRows {
  readonly rows: EndRow[]
  /** How many of the ids that is; those that are missing are gone. */
  readonly looked: number
}

/** Nulls ask for all. */
export interface DeadWhich {
  readonly id: string | null
  readonly account: string | null
  readonly functionName: string | null
}

interface Size {
  readonly n: number
  readonly bytes: number
}

interface Trim {
  /** A table, and which of its rows. */
  readonly rows: string
  /** Columns: since when, and what takes the room. */
  readonly at: string
  readonly body: string
  readonly countMax: number
  readonly bytesMax: number
}

/** Of the bound, freed beyond what has to be. */
const TRIM_ROOM = 0.05
/** Each takes from the one who has most: more than are worth a look at all rows. What is still too much goes a minute later. */
const TRIM_PASSES_MAX = 32

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
      if (version === 1) this.#database.exec(`BEGIN; ${FROM_VERSION_1} PRAGMA user_version = 2; COMMIT`)
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
        this.#run('INSERT OR REPLACE INTO events VALUES (?, 0, ?, ?, ?, NULL, NULL, NULL)', op[1], op[2], op[3], op[4])
        break
      case 'meta':
        this.#run('UPDATE events SET owner = ?, meta = ? WHERE id = ?', op[2], op[3], op[1])
        break
      case 'settle':
        // Of a copy, whose dead letter was buried before this node heard of its end, nothing stays.
        this.#run('DELETE FROM events WHERE id = ? AND (? = 0 OR dead_at IS NOT NULL)', op[1], op[4] ? 1 : 0)
        if (op[4])
          this.#run('UPDATE events SET state = 1, dead_at = ?, account = ?, function = ? WHERE id = ?', op[2], ...op[5], op[1])
        this.#run('INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)', op[1], op[2], op[3], op[5][0])
        break
      case 'keep':
        if (op[3] !== null) this.#run('INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?)', op[1], op[2], op[3], op[5][0])
        if (op[4] !== null)
          this.#run("INSERT OR IGNORE INTO events VALUES (?, 1, '', ?, ?, ?, ?, ?)", op[1], ...op[4], op[2], ...op[5])
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

  /** Ids of what has ended, in their order, those behind `after`. A dead letter is none of the results. */
  endIds(kind: EndKind, after: string, limit: number): string[] {
    const sql =
      kind === 'letters'
        ? 'SELECT id FROM events WHERE state = 1 AND id > ? ORDER BY id LIMIT ?'
        : 'SELECT id FROM results WHERE id > ? AND id NOT IN (SELECT id FROM events WHERE state = 1) ORDER BY id LIMIT ?'
    return this.#prepare(sql)
      .all(after, limit)
      .map(({ id }) => String(id))
  }

  /** The ends of the first of these, as many as have so many bytes, and one at least. */
  ends(ids: readonly string[], bytesMax: number): EndRows {
    const result = this.#prepare('SELECT at, body FROM results WHERE id = ?')
    const letter = this.#prepare('SELECT dead_at AS at, meta, payload FROM events WHERE id = ? AND state = 1')
    const rows: EndRow[] = []
    let bytes = 0
    let looked = 0
    for (const id of ids) {
      const ended = result.get(id) as { at: number; body: Uint8Array } | undefined
      const dead = letter.get(id) as { at: number; meta: Uint8Array; payload: Uint8Array } | undefined
      bytes += (ended?.body.length ?? 0) + (dead === undefined ? 0 : dead.meta.length + dead.payload.length)
      if (bytes > bytesMax && looked > 0) break
      looked++
      const at = dead?.at ?? ended?.at
      if (at === undefined) continue
      rows.push({ id, at, result: ended?.body ?? null, letter: dead === undefined ? null : [dead.meta, dead.payload] })
    }
    return { rows, looked }
  }

  /** Which of the ids have no such end here. */
  lacked(kind: EndKind, ids: readonly string[]): string[] {
    const table = kind === 'letters' ? 'events WHERE state = 1 AND' : 'results WHERE'
    const statement = this.#prepare(`SELECT 1 FROM ${table} id = ?`)
    return ids.filter((id) => statement.get(id) === undefined)
  }

  /** Oldest first. What was kept before there was a note of its account or function is among them, whatever is asked for; with an id, its payload too. */
  dead(limit: number, { id, account, functionName }: DeadWhich): DeadRow[] {
    const columns = `SELECT events.id, results.body AS result, meta, length(payload) AS bytes${id === null ? '' : ', payload'}
      FROM events LEFT JOIN results ON results.id = events.id WHERE state = 1`
    const rows =
      id === null
        ? this.#prepare(
            `${columns} AND coalesce(events.account = ?, TRUE) AND coalesce(function = ?, TRUE) ORDER BY dead_at LIMIT ?`
          ).all(account, functionName, limit)
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

  /** Forgets what is too old, and of what is too much the oldest of those who have most. Returns how many dead letters were lost before their time. */
  prune(now: number): number {
    this.#run('DELETE FROM results WHERE at < ? AND id NOT IN (SELECT id FROM events WHERE state = 1)', now - RESULT_AGE_MS)
    this.#trim({ rows: 'results', at: 'at', body: 'body', countMax: RESULTS_MAX, bytesMax: RESULTS_BYTES_MAX })
    this.#run('DELETE FROM events WHERE state = 1 AND dead_at < ?', now - DEAD_AGE_MS)
    const dead = { rows: 'events WHERE state = 1', at: 'dead_at', body: 'payload', countMax: DEAD_MAX, bytesMax: DEAD_BYTES_MAX }
    return this.#trim(dead)
  }

  /** Returns how many rows were deleted. */
  #trim({ rows, at, body, countMax, bytesMax }: Trim): number {
    const [table = rows, where = 'TRUE'] = rows.split(' WHERE ')
    const size = `count(*) AS n, total(length(${body})) AS bytes FROM ${table} WHERE ${where}`
    const shareOf = ({ n, bytes }: Size) => Math.max(n / countMax, bytes / bytesMax)
    let lost = 0
    for (let pass = 0; pass < TRIM_PASSES_MAX; pass++) {
      const whole = this.#prepare(`SELECT ${size}`).get() as unknown as Size
      const over = shareOf(whole) - 1
      if (over <= 0) break
      const accounts = this.#prepare(`SELECT account, ${size} GROUP BY account`).all() as unknown as (Size & {
        account: string | null
      })[]
      const [first, second] = accounts.toSorted((a, b) => shareOf(b) - shareOf(a))
      if (first === undefined) break
      // As far as it has more than the next, or than is needed, and some more, so that this is not done again at once.
      const share = shareOf(first)
      const left = Math.max(0, share - over - TRIM_ROOM, second === undefined ? 0 : shareOf(second) * (1 - TRIM_ROOM))
      const count = Math.ceil(first.n * (1 - left / share))
      const oldest = `SELECT id FROM ${table} WHERE ${where} AND account IS ? ORDER BY ${at} LIMIT ?`
      this.#run(`DELETE FROM ${table} WHERE id IN (${oldest})`, first.account, count)
      lost += count
    }
    return lost
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }

  #run(sql: string, ...values: (string | number | Uint8Array | null)[]): void {
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
