import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PeerlessError } from '@peerless/interface'

/** What the command line reads to find and sign to the node of a data folder. Holds a secret: mode 0600. */
export interface DaemonFile {
  http: string
  pid: number
  peerId: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

const DAEMON_FILE = 'daemon.json'
const LOCK_FILE = 'lock'

/** The folder that one daemon owns. Two daemons on one folder would sign two histories with one key, so a lock keeps the second out. */
export class DataFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Creates it where needed (mode 0700) and takes the lock. @throws PeerlessError CONFLICT when a live process holds it */
  static async open(path: string): Promise<DataFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 })
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

  async readKey(): Promise<{ accessKeyId: string; secretAccessKey: string } | undefined> {
    try {
      const alleged: unknown = JSON.parse(await readFile(join(this.path, 'admin-key.json'), 'utf8'))
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
    await this.#write('admin-key.json', key)
  }

  async announce(file: DaemonFile): Promise<void> {
    await this.#write(DAEMON_FILE, file)
  }

  /** Takes the announcement and the lock away. */
  async release(): Promise<void> {
    await rm(join(this.path, DAEMON_FILE), { force: true })
    await rm(join(this.path, LOCK_FILE), { force: true })
  }

  async #write(name: string, value: unknown): Promise<void> {
    const path = join(this.path, name)
    await writeFile(`${path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true })
    await rename(`${path}.new`, path)
  }

  async #lock(): Promise<void> {
    const path = join(this.path, LOCK_FILE)
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const file = await open(path, 'wx', 0o600)
        await file.writeFile(`${process.pid} ${await startOf(process.pid)}`)
        await file.close()
        return
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        const holder = await holderOf(path)
        if (holder !== undefined)
          throw new PeerlessError('CONFLICT', `the node of ${this.path} runs already, as process ${holder}`)
        // It was killed: its lock is nobody's.
        await rm(path, { force: true })
      }
    }
    throw new PeerlessError('CONFLICT', `another process is starting on ${this.path}`)
  }
}

/** The process that wrote the lock, if it still lives. Its start time tells it from another that got its number. */
async function holderOf(path: string): Promise<number | undefined> {
  const [pid, start] = (await readFile(path, 'utf8').catch(() => '')).split(' ')
  const number = Number(pid)
  if (!Number.isInteger(number) || number <= 0) return undefined
  try {
    process.kill(number, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  return (await startOf(number)) === start ? number : undefined
}

/** Start time in clock ticks since boot from /proc (field 22), empty where there is none. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    // No /proc (macOS): the number alone decides.
    return ''
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
