import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readWhole, sha256Of } from '@peerless/bundle'
import { type Logger, messageOf } from '@peerless/interface'

const HASH_BYTES = 32
/** Hexadecimal digits of a name: which V8 and which executor, and which bundle of which account. */
const TAG_DIGITS = 16
const NAME = /^[0-9a-f]{16}-[0-9a-f]{64}$/
/** Of all caches on the disk; those that were used longest ago go first. */
const STORE_BYTES_MAX = 268_435_456
/** Of one: that of a bundle of some 16 MB. */
export const CODE_CACHE_BYTES_MAX = 33_554_432

export interface CodeCacheStoreOptions {
  /** A folder of this store alone; made when it is not there. */
  readonly directory: string
  readonly logger: Logger
  /** What a cache depends on beside the code: V8, its flags, the executor. What was made under another is thrown away. */
  readonly tag: string
  /** Of all caches on the disk; default STORE_BYTES_MAX. */
  readonly bytesMax?: number
}

/**
 * V8's code caches on this node's disk, one per bundle and account. V8 believes what is in a cache: it is bytecode, and whoever could write it would
 * rule the process that takes it. So none comes from a peer or from a process that has run a function; a file carries a hash of its bytes under its own
 * name, is refused where that does not hold, and made anew.
 */
export class CodeCacheStore {
  readonly #directory: string
  readonly #logger: Logger
  readonly #tag: string
  readonly #bytesMax: number
  /** Bytes by name, the one used last at the end. */
  readonly #sizes = new Map<string, number>()
  #bytes = 0

  private constructor({ directory, logger, tag, bytesMax = STORE_BYTES_MAX }: CodeCacheStoreOptions) {
    this.#bytesMax = bytesMax
    this.#directory = directory
    this.#logger = logger
    this.#tag = createHash('sha256').update(tag).digest('hex').slice(0, TAG_DIGITS)
  }

  static async open(options: CodeCacheStoreOptions): Promise<CodeCacheStore> {
    const store = new CodeCacheStore(options)
    await store.#list()
    return store
  }

  get bytes(): number {
    return this.#bytes
  }

  has(account: string, cid: string): boolean {
    return this.#sizes.has(this.#nameOf(account, cid))
  }

  /** undefined where there is none that is whole. */
  async read(account: string, cid: string): Promise<Uint8Array | undefined> {
    const name = this.#nameOf(account, cid)
    const size = this.#sizes.get(name)
    if (size === undefined) return undefined
    this.#sizes.delete(name)
    this.#sizes.set(name, size)
    try {
      const file = await readWhole(join(this.#directory, name), HASH_BYTES + CODE_CACHE_BYTES_MAX)
      const bytes = new Uint8Array(file.buffer, file.byteOffset + HASH_BYTES, Math.max(0, file.length - HASH_BYTES))
      if (file.subarray(0, HASH_BYTES).equals(await hashOf(name, bytes))) return bytes
      this.#logger.error('a code cache on disk is corrupt; it is made anew', { name, bytes: file.length })
    } catch (error) {
      this.#logger.warn('a code cache could not be read; it is made anew', { name, reason: messageOf(error) })
    }
    await this.#remove(name)
    return undefined
  }

  /** Larger ones than CODE_CACHE_BYTES_MAX are not kept, and what can't be written is not there: nothing depends on it but time. */
  async write(account: string, cid: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || bytes.length > CODE_CACHE_BYTES_MAX) return
    const name = this.#nameOf(account, cid)
    const path = join(this.#directory, name)
    try {
      await writeFile(`${path}.new`, Buffer.concat([await hashOf(name, bytes), bytes]), { mode: 0o600 })
      await rename(`${path}.new`, path)
    } catch (error) {
      this.#logger.warn('a code cache could not be written', { name, reason: messageOf(error) })
      return
    }
    this.#note(name, HASH_BYTES + bytes.length)
    await this.#makeRoom()
  }

  async remove(account: string, cid: string): Promise<void> {
    const name = this.#nameOf(account, cid)
    if (this.#sizes.has(name)) await this.#remove(name)
  }

  async #makeRoom(): Promise<void> {
    for (const [oldest] of this.#sizes) {
      if (this.#bytes <= this.#bytesMax) break
      await this.#remove(oldest)
    }
  }

  #note(name: string, size: number): void {
    this.#bytes += size - (this.#sizes.get(name) ?? 0)
    this.#sizes.delete(name)
    this.#sizes.set(name, size)
  }

  async #remove(name: string): Promise<void> {
    this.#bytes -= this.#sizes.get(name) ?? 0
    this.#sizes.delete(name)
    await rm(join(this.#directory, name), { force: true }).catch((error: unknown) => {
      this.#logger.warn('a code cache could not be removed', { name, reason: messageOf(error) })
    })
  }

  /** What is there from before, the oldest first; what is unfinished or of another V8 goes. */
  async #list(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const found: { name: string; size: number; at: number }[] = []
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name)
      if (NAME.test(name) && name.startsWith(`${this.#tag}-`)) {
        const { size, mtimeMs } = await stat(path)
        found.push({ name, size, at: mtimeMs })
      } else await rm(path, { force: true, recursive: true })
    }
    for (const { name, size } of found.sort((a, b) => a.at - b.at)) this.#note(name, size)
    await this.#makeRoom()
  }

  /** Of an account too: a cache that a process of one account made is given to no other's. */
  #nameOf(account: string, cid: string): string {
    return `${this.#tag}-${createHash('sha256')
      .update(JSON.stringify([account, cid]))
      .digest('hex')}`
  }
}

/** Under the name, so that a file put in another's place is refused like one that was damaged. */
async function hashOf(name: string, bytes: Uint8Array): Promise<Buffer> {
  const digest = await sha256Of(bytes)
  return createHash('sha256').update(name).update(digest).digest()
}
