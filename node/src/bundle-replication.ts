import {
  type BlockStore,
  type Catalog,
  type Clock,
  type FetchBlock,
  type Logger,
  messageOf,
  type Timer
} from '@peerless/interface'
import { blocksNamedBy, type NamedBlock } from './named-blocks.ts'

/** A bundle of the largest size over a slow link takes a while; nobody waits for it here. */
const FETCH_MS = 60_000
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000

/**
 * Pulls the code of every function, version and layer that the catalog names, as soon as it names it, so that it survives the node where it was deployed and the
 * first call elsewhere finds it on disk. One block at a time: calls that need one now have a way of their own.
 */
export class BundleReplication {
  readonly #catalog: Catalog
  readonly #store: BlockStore
  readonly #fetch: FetchBlock
  readonly #clock: Clock
  readonly #logger: Logger
  #running = false
  #again = false
  #stopped = false
  #retryMs = RETRY_MS_MIN
  #timer: Timer | undefined
  #unsubscribe: (() => void) | undefined

  constructor(options: { catalog: Catalog; store: BlockStore; fetch: FetchBlock; clock: Clock; logger: Logger }) {
    this.#catalog = options.catalog
    this.#store = options.store
    this.#fetch = options.fetch
    this.#clock = options.clock
    this.#logger = options.logger.child({ part: 'replication' })
  }

  start(): void {
    this.#unsubscribe = this.#catalog.onChange((kind) => {
      if (kind === 'function' || kind === 'version' || kind === 'layerVersion') this.#wake()
    })
    this.#wake()
  }

  stop(): void {
    this.#stopped = true
    this.#unsubscribe?.()
    this.#timer?.cancel()
  }

  #wake(): void {
    this.#retryMs = RETRY_MS_MIN
    this.#timer?.cancel()
    if (this.#running) this.#again = true
    else void this.#run()
  }

  async #run(): Promise<void> {
    this.#running = true
    let missed = 0
    do {
      this.#again = false
      missed = 0
      for (const wanted of this.#missing()) {
        if (this.#stopped) return
        if (!(await this.#pull(wanted))) missed++
      }
    } while (this.#again)
    this.#running = false
    if (missed === 0 || this.#stopped) return
    this.#timer = this.#clock.after(this.#retryMs, () => void this.#run())
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2)
  }

  async #pull({ name, cid, bytes }: NamedBlock): Promise<boolean> {
    try {
      await this.#fetch(cid, { bytes, timeoutMs: FETCH_MS })
      return true
    } catch (error) {
      this.#logger.warn('code of a function could not be pulled yet', { function: name, cid, reason: messageOf(error) })
      return false
    }
  }

  #missing(): NamedBlock[] {
    return blocksNamedBy(this.#catalog).filter(({ cid }) => !this.#store.has(cid))
  }
}
