import {
  type BlockStore,
  type Catalog,
  type Clock,
  type FetchBlock,
  type Logger,
  type Mesh,
  messageOf,
  type Timer
} from '@peerless/interface'
import { blocksNamedBy, type NamedBlock } from './named-blocks.ts'

/** Without a piece of a block from anywhere, before the others get their turn. */
const FETCH_MS = 60_000
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000

/**
 * Pulls the code of every function, version and layer that the catalog names, as soon as it names it, so that it survives the node where it was deployed and the
 * first call elsewhere finds it on disk. One block at a time: calls that need one now have a way of their own. What no connected peer has holds up nothing; it is
 * asked for again when a peer comes, and now and then.
 */
export class BundleReplication {
  readonly #mesh: Pick<Mesh, 'onPeer'>
  readonly #catalog: Pick<Catalog, 'list' | 'onChange'>
  readonly #store: Pick<BlockStore, 'has'>
  readonly #fetch: FetchBlock
  readonly #clock: Clock
  readonly #logger: Logger
  #running = false
  #again = false
  #stopped = false
  #retryMs = RETRY_MS_MIN
  #timer: Timer | undefined
  #unsubscribe: (() => void) | undefined
  /** Blocks that could not be pulled when they were tried last: said once. */
  #missed = new Set<string>()

  constructor(options: {
    mesh: Pick<Mesh, 'onPeer'>
    catalog: Pick<Catalog, 'list' | 'onChange'>
    store: Pick<BlockStore, 'has'>
    fetch: FetchBlock
    clock: Clock
    logger: Logger
  }) {
    this.#mesh = options.mesh
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
    this.#mesh.onPeer((_peerId, connected) => {
      if (connected && !this.#stopped) this.#wake()
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
    let missed: Set<string>
    do {
      this.#again = false
      missed = new Set()
      for (const wanted of this.#missing()) {
        if (this.#stopped) return
        if (!(await this.#pull(wanted))) missed.add(wanted.cid)
      }
      this.#missed = missed
    } while (this.#again)
    this.#running = false
    if (missed.size === 0 || this.#stopped) return
    this.#timer = this.#clock.after(this.#retryMs, () => void this.#run())
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2)
  }

  async #pull({ name, cid, bytes }: NamedBlock): Promise<boolean> {
    try {
      await this.#fetch(cid, { bytes, timeoutMs: FETCH_MS, background: true })
      return true
    } catch (error) {
      const fields = { function: name, cid, reason: messageOf(error) }
      if (this.#missed.has(cid)) this.#logger.debug('code of a function could not be pulled yet', fields)
      else this.#logger.warn('code of a function could not be pulled yet', fields)
      return false
    }
  }

  #missing(): NamedBlock[] {
    return blocksNamedBy(this.#catalog).filter(({ cid }) => !this.#store.has(cid))
  }
}
