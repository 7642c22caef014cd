import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PeerlessError } from '@peerless/interface'

/** The node's folder: whole files, replaced atomically, readable by the owner only. Writes of one file never overlap. */
export class Directory {
  readonly path: string
  #tail: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.path = path
  }

  async prepare(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
  }

  /** undefined when there is none. */
  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.path, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new PeerlessError('CORRUPT', `'${name}' in the data folder cannot be read`, { cause: error })
    }
  }

  /** On disk, and found after a power cut, when it resolves: file, then rename, then folder are synced. */
  write(name: string, bytes: Uint8Array): Promise<void> {
    const run = () => this.#replace(name, bytes)
    const result = this.#tail.then(run, run)
    // Each caller sees its own failure; the tail only keeps the order.
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** Overwrites a secret, then removes it; nothing where there is none. A disk that remaps its blocks may have it still. */
  async wipe(name: string): Promise<void> {
    const path = join(this.path, name)
    try {
      const file = await open(path, 'r+')
      try {
        const { size } = await file.stat()
        await file.write(new Uint8Array(size), 0, size, 0)
        await file.datasync()
      } finally {
        await file.close()
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    await rm(path)
  }

  /** Puts an unusable file out of the way, where a person can look at it. */
  async setAside(name: string): Promise<void> {
    await rename(join(this.path, name), join(this.path, `${name}.corrupt`))
  }

  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.path, name)
    const temporary = `${target}.new`
    try {
      const file = await open(temporary, 'w', 0o600)
      try {
        await file.writeFile(bytes)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(temporary, target)
      const folder = await open(this.path, 'r')
      try {
        await folder.sync()
      } finally {
        await folder.close()
      }
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined)
      throw error
    }
  }
}
