import { type BlockInventory, type Catalog, type Clock, type Logger, messageOf, type Timer } from '@peerless/interface'
import { blocksNamedBy } from './named-blocks.ts'

/** How often it is looked for blocks that nothing names. */
const PERIOD_MS = 600_000
/**
 * A block goes when nothing has named it for so long: deploys write blocks before they name them, peers learn a little later that a version is gone, and a catalog that
 * begins empty has to be filled first.
 */
const UNNAMED_MS_MIN = 3_600_000

/** Removes the code of functions, versions and layers that are gone from this node's disk: what the catalog does not name, nobody can run, read or ask for. */
export class BlockCollection {
  readonly #catalog: Pick<Catalog, 'list'>
  readonly #store: BlockInventory
  readonly #clock: Clock
  readonly #logger: Logger
  /** Monotonic milliseconds at which a block was first seen to have no name. */
  readonly #unnamedSince = new Map<string, number>()
  readonly #forget: () => void
  readonly #timer: Timer

  /** Begins at once, so that it hears of all that is written. */
  constructor(options: { catalog: Pick<Catalog, 'list'>; store: BlockInventory; clock: Clock; logger: Logger }) {
    this.#catalog = options.catalog
    this.#store = options.store
    this.#clock = options.clock
    this.#logger = options.logger.child({ part: 'collection' })
    // Written again, it will be named again.
    this.#forget = this.#store.onWrite((cid) => this.#unnamedSince.delete(cid))
    this.#timer = this.#clock.every(PERIOD_MS, () => void this.#collect())
  }

  stop(): void {
    this.#forget()
    this.#timer.cancel()
  }

  async #collect(): Promise<void> {
    const now = this.#clock.monotonic()
    const named = new Set(blocksNamedBy(this.#catalog).map(({ cid }) => cid))
    const present = new Set(this.#store.list())
    for (const cid of [...this.#unnamedSince.keys()]) if (named.has(cid) || !present.has(cid)) this.#unnamedSince.delete(cid)
    const removals: Promise<void>[] = []
    for (const cid of present) {
      if (named.has(cid)) continue
      const since = this.#unnamedSince.get(cid)
      if (since === undefined) this.#unnamedSince.set(cid, now)
      else if (now - since >= UNNAMED_MS_MIN) {
        this.#unnamedSince.delete(cid)
        removals.push(this.#store.remove(cid))
      }
    }
    const failures = (await Promise.allSettled(removals)).filter((one) => one.status === 'rejected')
    if (removals.length > 0)
      this.#logger.info('removed code that nothing names any more', { blocks: removals.length - failures.length })
    const [failure] = failures
    if (failure !== undefined)
      this.#logger.warn('code that nothing names any more could not be removed', {
        blocks: failures.length,
        reason: messageOf(failure.reason)
      })
  }
}
