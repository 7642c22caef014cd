import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type BlockInventory, LIMITS, type Logger, messageOf, PeerlessError, writeError } from '@peerless/interface'
import { cidOf, isBlockCid } from './cid.ts'
import { readWhole } from './whole-bytes.ts'

const TEMPORARY_PREFIX = '.tmp-'
const CORRUPT_SUFFIX = '.corrupt'
/** A block is a zip or a bundle; a bundle is the larger. */
export const BLOCK_BYTES_MAX: number = Math.max(LIMITS.bundleBytesMax, LIMITS.zipBytesMax)

export interface BlockStoreOptions {
  /** A folder of this store alone; made when it is not there. One process at a time. */
  directory: string
  logger: Logger
}

/**
 * Blocks as files named by their CID. A file appears under its name only when all its bytes are on disk, so a crash leaves
 * either the whole block or a temporary file, which the next start removes.
 */
export async function createBlockStore(options: BlockStoreOptions): Promise<BlockInventory> {
  const { directory, logger } = options
  await mkdir(directory, { recursive: true })
  const present: string[] = []
  let leftovers = 0
  for (const name of await readdir(directory)) {
    if (name.startsWith(TEMPORARY_PREFIX)) {
      leftovers += 1
      await rm(join(directory, name), { force: true })
    } else if (isBlockCid(name)) {
      present.push(name)
    }
  }
  if (leftovers > 0) logger.info('removed unfinished block files', { count: leftovers })
  return new FileBlockStore(directory, logger, present)
}

class FileBlockStore implements BlockInventory {
  readonly #directory: string
  readonly #logger: Logger
  /** By CID, which of the files of that name it is: one that was set aside and written again is another. */
  readonly #present = new Map<string, number>()
  /** Writes under way by CID, so that two writers of one block share a file. */
  readonly #writing = new Map<string, Promise<void>>()
  /** Files on their way out, removed or set aside: who writes a block again waits for its old file to be gone. */
  readonly #removing = new Map<string, Promise<void>>()
  readonly #listeners = new Set<(cid: string) => void>()
  #sequence = 0

  constructor(directory: string, logger: Logger, present: readonly string[]) {
    this.#directory = directory
    this.#logger = logger
    for (const cid of present) this.#present.set(cid, this.#sequence++)
  }

  has(cid: string): boolean {
    return this.#present.has(cid)
  }

  async read(cid: string): Promise<Uint8Array | undefined> {
    // Only names that came from `cidOf` or passed `isBlockCid` are in the map, so no text of a caller becomes a path.
    const which = this.#present.get(cid)
    if (which === undefined) return undefined
    let bytes: Uint8Array
    try {
      bytes = await readWhole(join(this.#directory, cid), BLOCK_BYTES_MAX)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      if (this.#present.get(cid) !== which) return await this.read(cid)
      this.#present.delete(cid)
      this.#logger.warn('a block file is gone from the disk', { cid })
      return undefined
    }
    const actual = await cidOf(bytes)
    if (actual === cid) return bytes
    await this.#setAside(cid, which, bytes.length, actual)
    throw new PeerlessError('CORRUPT', `block ${cid}: its file of ${bytes.length} bytes hashes to ${actual}; it was set aside`)
  }

  async write(bytes: Uint8Array): Promise<string> {
    if (bytes.length > BLOCK_BYTES_MAX) {
      throw new PeerlessError('TOO_LARGE', `a block of ${bytes.length} bytes exceeds ${BLOCK_BYTES_MAX}`)
    }
    const cid = await cidOf(bytes)
    for (const listener of this.#listeners) listener(cid)
    let writing = this.#writing.get(cid)
    if (writing === undefined) {
      writing = this.#ensure(cid, bytes).finally(() => this.#writing.delete(cid))
      this.#writing.set(cid, writing)
    }
    await writing
    return cid
  }

  async remove(cid: string): Promise<void> {
    const writing = this.#writing.get(cid)
    if (writing !== undefined) await writing.catch(() => undefined) // the writer reports its own failure
    // From here to the mark without a pause: nobody is told meanwhile that the block is here.
    if (!this.#present.delete(cid)) return
    const removing = rm(join(this.#directory, cid), { force: true }).finally(() => this.#removing.delete(cid))
    this.#removing.set(cid, removing)
    await removing
  }

  list(): string[] {
    return [...this.#present.keys()]
  }

  onWrite(written: (cid: string) => void): () => void {
    this.#listeners.add(written)
    return () => this.#listeners.delete(written)
  }

  /** What is there is read first: here are the bytes that would mend it. */
  async #ensure(cid: string, bytes: Uint8Array): Promise<void> {
    if (this.#present.has(cid)) {
      try {
        if ((await this.read(cid)) !== undefined) return
      } catch (error) {
        this.#logger.warn('a block is written again', { cid, reason: messageOf(error) })
      }
    }
    await this.#writeFile(cid, bytes)
  }

  async #writeFile(cid: string, bytes: Uint8Array): Promise<void> {
    const temporary = join(this.#directory, `${TEMPORARY_PREFIX}${this.#sequence++}-${cid}`)
    await this.#removing.get(cid)?.catch(() => undefined) // who removes reports its own failure
    try {
      const file = await open(temporary, 'w', 0o600)
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, join(this.#directory, cid))
      await this.#syncDirectory()
    } catch (error) {
      await rm(temporary, { force: true })
      throw writeError(`block ${cid} of ${bytes.length} bytes`, error)
    }
    this.#present.set(cid, this.#sequence++)
  }

  /** Without it the rename itself may be lost in a power cut. */
  async #syncDirectory(): Promise<void> {
    const folder = await open(this.#directory, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  async #setAside(cid: string, which: number, bytes: number, actual: string): Promise<void> {
    // Somebody else found it so and may have mended it.
    if (this.#present.get(cid) !== which) return
    this.#present.delete(cid)
    this.#logger.error('a block on disk is corrupt; set aside', { cid, bytes, actual })
    const aside = rename(join(this.#directory, cid), join(this.#directory, `${cid}${CORRUPT_SUFFIX}`))
    const removing = aside.finally(() => this.#removing.delete(cid))
    this.#removing.set(cid, removing)
    await removing
  }
}
