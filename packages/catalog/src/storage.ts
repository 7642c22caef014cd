import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { databaseError, PeerlessError } from '@peerless/interface'
import { SCHEMA_VERSION } from './constants.ts'

interface StoredRow {
  readonly key: string
  readonly envelope: Uint8Array
}

/** The entries on disk, as their signed envelopes. Synchronous: a commit holds the thread for one fsync. */
export interface EntryStorage {
  /** @throws CORRUPT */
  rows(): Iterable<StoredRow>
  envelope(key: string): Uint8Array | undefined
  /** All or nothing, on disk when it returns. */
  commit(written: Iterable<StoredRow>, removed: Iterable<string>): void
  close(): void
}

/**
 * Opens `catalog.sqlite` in a folder of its owner only.
 * @throws CORRUPT when it is no such database, INVALID_ARGUMENT when it belongs to another mesh or a newer version
 */
export async function openStorage(directory: string, meshId: string): Promise<EntryStorage> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'catalog.sqlite')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path)
    prepare(database, meshId)
    return new SqliteStorage(database, path)
  } catch (error) {
    database?.close()
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): unknown {
  const ifDamaged = 'move the file away and start again, peers bring back what they have'
  return databaseError(`the catalog's database ${path}`, error, ifDamaged)
}

function prepare(database: DatabaseSync, meshId: string): void {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 100; PRAGMA trusted_schema = OFF')
  const version = database.prepare('PRAGMA user_version').get()?.user_version
  if (version !== 0 && version !== SCHEMA_VERSION) {
    throw new PeerlessError('INVALID_ARGUMENT', `the catalog on disk has layout ${version}, this node reads ${SCHEMA_VERSION}`)
  }
  database.exec(`BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, envelope BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    PRAGMA user_version = ${SCHEMA_VERSION};
    COMMIT`)
  database.prepare("INSERT INTO facts VALUES ('mesh', ?) ON CONFLICT DO NOTHING").run(meshId)
  const mesh = database.prepare("SELECT value FROM facts WHERE name = 'mesh'").get()?.value
  if (mesh !== meshId) {
    throw new PeerlessError('INVALID_ARGUMENT', `the catalog on disk belongs to mesh '${mesh}', this node is in mesh '${meshId}'`)
  }
}

class SqliteStorage implements EntryStorage {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #all: StatementSync
  readonly #one: StatementSync
  readonly #write: StatementSync
  readonly #remove: StatementSync

  constructor(database: DatabaseSync, path: string) {
    this.#database = database
    this.#path = path
    this.#all = database.prepare('SELECT key, envelope FROM entries')
    this.#one = database.prepare('SELECT envelope FROM entries WHERE key = ?')
    this.#write = database.prepare(
      'INSERT INTO entries VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET envelope = excluded.envelope'
    )
    this.#remove = database.prepare('DELETE FROM entries WHERE key = ?')
  }

  *rows(): Iterable<StoredRow> {
    try {
      for (const row of this.#all.iterate()) {
        // STRICT columns: text and blob, whatever the file holds.
        yield { key: row.key as string, envelope: row.envelope as Uint8Array }
      }
    } catch (error) {
      // A file whose head is whole, and whose pages are not.
      throw unreadable(this.#path, error)
    }
  }

  envelope(key: string): Uint8Array | undefined {
    return this.#one.get(key)?.envelope as Uint8Array | undefined
  }

  commit(written: Iterable<StoredRow>, removed: Iterable<string>): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      for (const { key, envelope } of written) this.#write.run(key, envelope)
      for (const key of removed) this.#remove.run(key)
      this.#database.exec('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#database.close()
  }
}
