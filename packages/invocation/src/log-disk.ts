import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type Clock, databaseError, isPeerlessError, type Logger, type LogLine, messageOf, type Timer } from '@peerless/interface'
import {
  LOG_DISK_BYTES_MAX,
  LOG_DISK_DROP_LINES,
  LOG_DISK_FLUSH_BYTES_MAX,
  LOG_DISK_FLUSH_MS,
  LOG_DISK_WARN_MS
} from './constants.ts'
import { fairShare } from './fair-share.ts'

const FILE = 'logs.sqlite'
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26
const SCHEMA = `
CREATE TABLE IF NOT EXISTS lines (
  sequence INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  function TEXT NOT NULL,
  time INTEGER NOT NULL,
  level TEXT NOT NULL,
  version TEXT NOT NULL,
  request TEXT NOT NULL,
  instance TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS lines_function ON lines (account, function, sequence);
CREATE INDEX IF NOT EXISTS lines_account ON lines (account, sequence);
`

export interface KeptLine {
  readonly sequence: number
  readonly line: LogLine
}

interface Waiting {
  readonly sequence: number
  readonly account: string
  readonly line: LogLine
  readonly bytes: number
}

interface Row {
  sequence: number
  time: number
  level: LogLine['level']
  version: string
  request: string
  instance: string
  message: string
}

/**
 * The lines of earlier starts of this node, so that they are there when somebody asks why it was restarted. Written in small transactions that no flush of the disk waits for: a crash of the process costs
 * the last tenth of a second, one of the machine may cost the file, which is then begun anew. Bounded in bytes, and in bytes a second: of accounts that write more than that, each gets its
 * share to disk, and where there is no more room the account that has most loses its oldest. Never throws.
 */
export class LogDisk {
  readonly #node: string
  readonly #path: string
  readonly #clock: Clock
  readonly #logger: Logger
  #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  /** Bytes on disk by account; counted anew after a transaction that failed. */
  #bytes: Map<string, number> | undefined
  #closed = false
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #left = 0
  #timer: Timer | undefined
  #warnedMs = Number.NEGATIVE_INFINITY

  private constructor(path: string, options: { node: string; clock: Clock; logger: Logger }) {
    this.#path = path
    this.#node = options.node
    this.#clock = options.clock
    this.#logger = options.logger
    this.#database = this.#open()
  }

  /**
   * @param options.node peer id of this node, which its lines are shown with
   * @returns undefined where the disk refuses: lines are then in memory alone
   */
  static open(options: { directory: string; node: string; clock: Clock; logger: Logger }): LogDisk | undefined {
    const { directory, logger } = options
    const path = join(directory, FILE)
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      return new LogDisk(path, options)
    } catch (error) {
      logger.error('logs are kept in memory alone', { path, reason: messageOf(error) })
      return undefined
    }
  }

  /** The highest number of a line; 0 where there is none. */
  get last(): number {
    const row = this.#try(() => this.#sql('SELECT max(sequence) AS last FROM lines').get()) as { last: number | null } | undefined
    return row?.last ?? 0
  }

  append(sequence: number, account: string, line: LogLine): void {
    if (this.#closed) return
    const bytes = bytesOf(Buffer.byteLength(line.message))
    // What is beyond the bound of a flush is chosen from at the flush; beyond four of them nobody's share is.
    if (this.#waitingBytes + bytes > 4 * LOG_DISK_FLUSH_BYTES_MAX) this.#left++
    else {
      this.#waiting.push({ sequence, account, line, bytes })
      this.#waitingBytes += bytes
    }
    this.#timer ??= this.#clock.after(LOG_DISK_FLUSH_MS, () => {
      this.#timer = undefined
      this.flush()
    })
  }

  /** The number after which there are at most `count` lines with numbers below `before`; 0 where there are no more. */
  placeOfNewest(account: string, functionName: string, before: number, count: number): number {
    const row = this.#try(() =>
      this.#sql(
        'SELECT sequence FROM lines WHERE account = ? AND function = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1 OFFSET ?'
      ).get(account, functionName, before, count)
    ) as { sequence: number } | undefined
    return row?.sequence ?? 0
  }

  /** Lines with numbers above `after` and below `before`, in order, at most `limit`. */
  read(
    account: string,
    functionName: string,
    range: { sinceMs: number; after: number; before: number; limit: number }
  ): KeptLine[] {
    const { sinceMs, after, before, limit } = range
    const rows = this.#try(() =>
      this.#sql(
        `SELECT sequence, time, level, version, request, instance, message FROM lines
         WHERE account = ? AND function = ? AND sequence > ? AND sequence < ? AND time >= ? ORDER BY sequence LIMIT ?`
      ).all(account, functionName, after, before, Math.floor(sinceMs), limit)
    )
    return ((rows ?? []) as unknown as Row[]).map(({ sequence, time, level, version, request, instance, message }) => ({
      sequence,
      line: { time, level, message, function: functionName, version, requestId: request, instance, node: this.#node }
    }))
  }

  /** Writes what waits. */
  flush(): void {
    const { taken, left } = fairShare(this.#waiting, LOG_DISK_FLUSH_BYTES_MAX)
    this.#waiting = []
    this.#waitingBytes = 0
    this.#left += left
    if (taken.length > 0) this.#write(taken)
    if (this.#left > 0) this.#warn('functions write more than is kept on disk', { lines: this.#left })
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.flush()
    this.#closed = true
    this.#try(() => this.#database.close())
  }

  #write(lines: readonly Waiting[]): void {
    try {
      const insert = this.#sql('INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
      this.#database.exec('BEGIN')
      const bytes = (this.#bytes ??= countOf(this.#database))
      for (const { sequence, account, line, bytes: size } of lines) {
        const { time, level, version, requestId, instance, message } = line
        insert.run(sequence, account, line.function, Math.floor(time), level, version, requestId, instance, message)
        bytes.set(account, (bytes.get(account) ?? 0) + size)
      }
      this.#makeRoom(bytes)
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#bytes = undefined
      this.#try(() => {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      })
      this.#setAsideIfDamaged(error)
      this.#warn('log lines could not be written', { lines: lines.length, reason: messageOf(error) })
    }
  }

  #makeRoom(bytes: Map<string, number>): void {
    let sum = 0
    for (const size of bytes.values()) sum += size
    while (sum > LOG_DISK_BYTES_MAX) {
      // No copies: there may be many accounts, and each may have little.
      let [account, size] = ['', 0]
      for (const [name, own] of bytes) if (own > size) [account, size] = [name, own]
      const gone = this.#sql(
        `DELETE FROM lines WHERE sequence IN (SELECT sequence FROM lines WHERE account = ? ORDER BY sequence LIMIT ?) RETURNING octet_length(message) AS length`
      ).all(account, LOG_DISK_DROP_LINES) as { length: number }[]
      const freed = gone.length === 0 ? size : gone.reduce((total, { length }) => total + bytesOf(length), 0)
      sum -= freed
      if (freed >= size) bytes.delete(account)
      else bytes.set(account, size - freed)
    }
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }

  #try<Value>(run: () => Value): Value | undefined {
    try {
      return run()
    } catch (error) {
      this.#warn('the logs on disk cannot be used', { reason: messageOf(error) })
      this.#setAsideIfDamaged(error)
      return undefined
    }
  }

  #open(): DatabaseSync {
    try {
      return this.#openAndCount()
    } catch (error) {
      if (!isPeerlessError(error, 'CORRUPT')) throw error
      return this.#openAnew(error)
    }
  }

  #openAndCount(): DatabaseSync {
    const database = openDatabase(this.#path)
    try {
      // A machine that lost its power may have left damage anywhere, and counting sees most of it.
      this.#bytes = countOf(database)
      return database
    } catch (error) {
      database.close()
      throw unreadable(this.#path, error)
    }
  }

  #openAnew(cause: unknown): DatabaseSync {
    this.#logger.error('the logs of earlier starts cannot be read and are set aside', {
      path: this.#path,
      reason: messageOf(cause)
    })
    renameSync(this.#path, `${this.#path}.corrupt`)
    for (const suffix of ['-wal', '-shm']) rmSync(this.#path + suffix, { force: true })
    return this.#openAndCount()
  }

  /** Damage that no start has seen would otherwise refuse every line until somebody removes the file. */
  #setAsideIfDamaged(error: unknown): void {
    if (this.#closed || !isDamage(error)) return
    try {
      this.#statements.clear()
      this.#database.close()
      this.#database = this.#openAnew(error)
    } catch (reason) {
      this.#closed = true
      this.#logger.error('logs are kept in memory alone', { path: this.#path, reason: messageOf(reason) })
    }
  }

  #warn(message: string, fields: Record<string, unknown>): void {
    const now = this.#clock.monotonic()
    if (now - this.#warnedMs < LOG_DISK_WARN_MS) return
    this.#warnedMs = now
    this.#left = 0
    this.#logger.warn(message, fields)
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path)
    try {
      // Nothing of it is worth a wait for the disk.
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${SCHEMA}`)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): unknown {
  return databaseError(`the log ${path}`, error, 'it is begun anew')
}

/** What SQLite says of a file that does not hold together, with or without details in the upper bytes. */
function isDamage(error: unknown): boolean {
  const { errcode } = (error ?? {}) as { errcode?: unknown }
  return typeof errcode === 'number' && [SQLITE_CORRUPT, SQLITE_NOTADB].includes(errcode & 0xff)
}

/** In bytes: a message of three bytes a character, or with a NUL in it, at which SQLite's `length` ends, would pass the bound of the file. */
function countOf(database: DatabaseSync): Map<string, number> {
  const rows = database
    .prepare('SELECT account, count(*) AS lines, sum(octet_length(message)) AS length FROM lines GROUP BY account')
    .all()
  return new Map(
    (rows as { account: string; lines: number; length: number }[]).map(({ account, lines, length }) => [
      account,
      lines * bytesOf(0) + length
    ])
  )
}

/** About what a line of so many bytes takes on disk, with its place in three trees. */
function bytesOf(message: number): number {
  return message + 250
}
