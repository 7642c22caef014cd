import {
  type BlockStore,
  type Catalog,
  type Clock,
  type CodeReference,
  type FetchBlock,
  LIMITS,
  type Logger,
  messageOf,
  type Timer
} from '@peerless/interface'

/** A bundle of the largest size over a slow link takes a while; nobody waits for it here. */
const FETCH_MS = 60_000
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000

interface Wanted {
  readonly name: string
  readonly cid: string
  readonly bytes: number
}

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

  async #pull({ name, cid, bytes }: Wanted): Promise<boolean> {
    try {
      await this.#fetch(cid, { bytes, timeoutMs: FETCH_MS })
      return true
    } catch (error) {
      this.#logger.warn('code of a function could not be pulled yet', { function: name, cid, reason: messageOf(error) })
      return false
    }
  }

  /** What runs first, then what was uploaded. */
  #missing(): Wanted[] {
    const codes = [
      ...this.#catalog.list('function').map(({ name, latest }) => ({ name, code: latest.code })),
      ...this.#catalog.list('version').map(({ functionName, version }) => ({ name: functionName, code: version.code }))
    ]
    const wanted = [
      ...codes.map(({ name, code }) => ({ name, ...bundleOf(code) })),
      ...codes.map(({ name, code }) => ({ name, ...zipOf(code) })),
      ...this.#catalog.list('layerVersion').map((layer) => ({ name: layer.name, ...zipOf(layer) }))
    ]
    return wanted.filter(({ cid }) => !this.#store.has(cid))
  }
}

function bundleOf({ bundleCid, bundleBytes }: CodeReference): Omit<Wanted, 'name'> {
  return { cid: bundleCid, bytes: Math.min(bundleBytes, LIMITS.bundleBytesMax) }
}

function zipOf({ zipCid, zipBytes }: Pick<CodeReference, 'zipCid' | 'zipBytes'>): Omit<Wanted, 'name'> {
  return { cid: zipCid, bytes: Math.min(zipBytes, LIMITS.zipBytesMax) }
}
