import type { Keys } from '@peerless/catalog'
import { type Catalog, type Clock, type Logger, messageOf, type Timer } from '@peerless/interface'
import type { DaemonFile, DataFolder } from './data-folder.ts'

/** A disk that was full may have room again. */
const AGAIN_MS = 5_000

type Pair = Pick<DaemonFile, 'accessKeyId' | 'secretAccessKey'>

/**
 * The key with which the command line of this data folder signs: made once, valid on every node, and made anew when it was revoked, while the node runs
 * too: who revokes all keys of a mesh shuts nobody out of a machine of his own.
 */
export class OwnKey {
  readonly #folder: Pick<DataFolder, 'readKey' | 'writeKey' | 'announce'>
  readonly #keys: Keys
  readonly #order: Parameters<Keys['create']>[0]
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #forget: () => void
  #pair: Pair | undefined
  /** Made, and not in the folder yet. */
  #made: Pair | undefined
  /** What the folder says of the running node besides. */
  #announced: Omit<DaemonFile, keyof Pair> | undefined
  #working: Promise<void> = Promise.resolve()
  #again: Timer | undefined

  constructor(options: {
    folder: Pick<DataFolder, 'readKey' | 'writeKey' | 'announce'>
    keys: Keys
    catalog: Pick<Catalog, 'onChange'>
    peerId: string
    account: string
    clock: Clock
    logger: Logger
  }) {
    this.#folder = options.folder
    this.#keys = options.keys
    this.#order = { role: 'admin', account: options.account, node: options.peerId }
    this.#clock = options.clock
    this.#logger = options.logger
    this.#forget = options.catalog.onChange((kind, id) => {
      if (kind === 'key' && id === this.#pair?.accessKeyId && this.#keys.get(id) === undefined) this.#renew()
    })
  }

  /** Tells the command line where the node is, with a key that is valid. */
  async announce(file: Omit<DaemonFile, keyof Pair>): Promise<void> {
    this.#announced = file
    const kept = await this.#folder.readKey()
    if (kept !== undefined && this.#keys.get(kept.accessKeyId) !== undefined) {
      this.#pair = kept
      await this.#folder.announce({ ...file, ...kept })
    } else await this.#make(file)
  }

  /** Resolves when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#forget()
    this.#announced = undefined
    this.#again?.cancel()
    await this.#working
  }

  #renew(): void {
    this.#pair = undefined
    this.#working = this.#working
      .then(async () => {
        if (this.#announced === undefined) return
        await this.#make(this.#announced)
        this.#logger.info("this node's own access key was revoked; it has a new one")
      })
      .catch((error) => {
        this.#logger.error("this node's own access key could not be made anew", { reason: messageOf(error) })
        if (this.#announced !== undefined) this.#again = this.#clock.after(AGAIN_MS, () => this.#renew())
      })
  }

  async #make(file: Omit<DaemonFile, keyof Pair>): Promise<void> {
    if (this.#made === undefined || this.#keys.get(this.#made.accessKeyId) === undefined) {
      const { accessKeyId, secretAccessKey } = await this.#keys.create(this.#order)
      this.#made = { accessKeyId, secretAccessKey }
    }
    const pair = this.#made
    await this.#folder.writeKey(pair)
    await this.#folder.announce({ ...file, ...pair })
    this.#made = undefined
    this.#pair = pair
    // It may have gone while it was written.
    if (this.#keys.get(pair.accessKeyId) === undefined) this.#renew()
  }
}
