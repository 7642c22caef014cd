import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { databaseError, messageOf, PeerlessError } from '@peerless/interface'
import { forgetKeys } from '@peerless/mesh'
import { makeFolder } from './make-folder.ts'

/** What the command line reads to find and sign to the node of a data folder. Holds a secret: mode 0600. */
export interface DaemonFile {
  http: string
  pid: number
  peerId: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

/** What is left in the folder of a node that is no member any more. */
export interface LeftFile {
  /** Epoch milliseconds. */
  at: number
  mesh: string
  peerId: string
  name: string
  /** Peer id of the node that has its right to remove. */
  successor?: string
}

const LEFT_FILE = 'left.json'
const KEY_FILE = 'admin-key.json'
const DAEMON_FILE = 'daemon.json'
const LOCK_FILE = 'lock'
const LOCK_DATABASE = 'lock.sqlite'
/** https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5

/** The folder that one daemon owns. Two daemons on one folder would sign two histories with one key, so a lock keeps the second out. */
export class DataFolder {
  readonly path: string
  /** Holds the lock for as long as it is open. */
  #held: DatabaseSync | undefined

  private constructor(path: string) {
    this.path = path
  }

  /** Creates it where needed (mode 0700) and takes the lock. @throws PeerlessError INVALID_ARGUMENT when it can't be made, CONFLICT when a live process holds it, CORRUPT when its lock is damaged, UNAVAILABLE when the disk refuses */
  static async open(path: string): Promise<DataFolder> {
    await makeFolder(resolve(path))
    const folder = new DataFolder(path)
    await folder.#lock()
    return folder
  }

  /** A folder inside, created. */
  async sub(name: string): Promise<string> {
    const path = join(this.path, name)
    await mkdir(path, { recursive: true, mode: 0o700 })
    return path
  }

  /** Whether a node has run in it. */
  async isUsed(): Promise<boolean> {
    return (await stat(join(this.path, 'catalog', 'catalog.sqlite')).catch(() => undefined)) !== undefined
  }

  /** Whether its node has left its mesh. A mark that cannot be read is one all the same: it is written when there is no way back. */
  async readLeft(): Promise<LeftFile | undefined> {
    const path = join(this.path, LEFT_FILE)
    try {
      const { at, mesh, peerId, name } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
      if (Number.isSafeInteger(at) && [mesh, peerId, name].every((text) => typeof text === 'string'))
        return { at, mesh, peerId, name } as LeftFile
    } catch (error) {
      if (isMissing(error)) return undefined
    }
    const at = await stat(path)
    return { at: Math.floor(at.mtimeMs), mesh: 'unknown', peerId: 'unknown', name: 'unknown' }
  }

  /** Nothing starts in it from then on. Its keys, those of its further fronts, and its access key, which the mesh takes no more, go. */
  async markLeft(file: LeftFile): Promise<void> {
    await this.#write(LEFT_FILE, file)
    await this.forgetKeys()
  }

  /** Done again by whoever finds the mark, in case the process ended between the two. */
  async forgetKeys(): Promise<void> {
    const fronts = join(this.path, 'fronts')
    const further = await readdir(fronts).catch(() => [])
    for (const home of [this.path, ...further.map((name) => join(fronts, name))]) {
      await forgetKeys(join(home, 'mesh'))
      await rm(join(home, KEY_FILE), { force: true })
    }
  }

  async readKey(): Promise<{ accessKeyId: string; secretAccessKey: string } | undefined> {
    try {
      const alleged: unknown = JSON.parse(await readFile(join(this.path, KEY_FILE), 'utf8'))
      const { accessKeyId, secretAccessKey } = alleged as Record<string, unknown>
      return typeof accessKeyId === 'string' && typeof secretAccessKey === 'string' ? { accessKeyId, secretAccessKey } : undefined
    } catch (error) {
      if (isMissing(error)) return undefined
      throw new PeerlessError('CORRUPT', `${this.path}/admin-key.json can't be read; remove it and a new key is made`, {
        cause: error
      })
    }
  }

  async writeKey(key: { accessKeyId: string; secretAccessKey: string }): Promise<void> {
    await this.#write(KEY_FILE, key)
  }

  async announce(file: DaemonFile): Promise<void> {
    await this.#write(DAEMON_FILE, file)
  }

  /** Takes the announcement and the lock away. */
  async release(): Promise<void> {
    await rm(join(this.path, DAEMON_FILE), { force: true })
    await rm(join(this.path, LOCK_FILE), { force: true })
    this.#held?.close()
    this.#held = undefined
  }

  async #write(name: string, value: unknown): Promise<void> {
    const path = join(this.path, name)
    await writeFile(`${path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true })
    await rename(`${path}.new`, path)
  }

  /**
   * The lock is the kernel's, by way of SQLite: it goes with the process, however that ends, and two can never both find it free, as they can a
   * file that says who owns it. That file is there for people only.
   */
  async #lock(): Promise<void> {
    const path = join(this.path, LOCK_DATABASE)
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(path)
      database.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      database?.close()
      if ((error as { errcode?: unknown }).errcode !== SQLITE_BUSY)
        throw databaseError(`the lock ${path}`, error, 'nothing is kept in it: remove it and start again')
      const holder = await readFile(join(this.path, LOCK_FILE), 'utf8').catch(() => '')
      throw new PeerlessError(
        'CONFLICT',
        `the node of ${this.path} runs already${holder === '' ? '' : `, as process ${holder.trim()}`}`
      )
    }
    try {
      await writeFile(join(this.path, LOCK_FILE), `${process.pid}\n`, { mode: 0o600 })
    } catch (error) {
      database.close()
      const next = 'see to its disk, and to who may write there, or choose another with --data DIR'
      throw new PeerlessError('UNAVAILABLE', `the data folder ${this.path} can't be written to: ${messageOf(error)}; ${next}`, {
        cause: error
      })
    }
    this.#held = database
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
