import type { CatalogService } from '@peerless/catalog'
import {
  type BlockStore,
  type Catalog,
  type Clock,
  type IncomingRequest,
  type Logger,
  MESSAGE,
  type Mesh,
  messageOf,
  PeerlessError
} from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { blocksNamedBy, type NamedBlock } from './named-blocks.ts'

/** Blocks asked for at a time; a CID has 59 characters. */
const CIDS_MAX = 1_000
const ANSWER_MS_MAX = 5_000
/** Peers that are to have the whole catalog of a node that leaves; from each the others have it within seconds. */
const CATALOGS = 2
const LOOK_MS = 250

export interface CodeElsewhereOptions {
  readonly mesh: Pick<Mesh, 'peers' | 'call' | 'handle'>
  readonly catalog: Pick<Catalog, 'list'> & Pick<CatalogService, 'compareWith' | 'setClosed'>
  readonly store: Pick<BlockStore, 'has'>
  readonly clock: Clock
  readonly logger: Logger
  /** Whether a node is on this machine, and goes with it. */
  readonly isMate: (peerId: string) => boolean
}

/** Whether all that was deployed would still be there without this node: every peer pulls what the catalog names, so it is only a matter of time. */
export class CodeElsewhere {
  readonly #o: CodeElsewhereOptions
  #going = false

  constructor(options: CodeElsewhereOptions) {
    this.#o = options
  }

  /** Serves BLOCKS_LACKED: payload CIDs → payload: the indexes of those that are not here. Before the mesh starts. */
  listen(): void {
    this.#o.mesh.handle(MESSAGE.BLOCKS_LACKED, (_peerId, request) => this.#answer(request))
  }

  /** This node is about to go: nothing is deployed here any more, and no other that goes may count on what is here. */
  setGoing(going: boolean): void {
    this.#going = going
    this.#o.catalog.setClosed(going)
  }

  /**
   * Waits until peers on other machines have all entries of the catalog, and some peer each block that is here and that these name.
   * @returns what nobody else has after that time
   * @throws UNAVAILABLE when no peer took the catalog
   */
  async wait(timeoutMs: number): Promise<NamedBlock[]> {
    const { catalog, store, clock } = this.#o
    const until = clock.monotonic() + timeoutMs
    await this.#giveCatalog()
    let alone = blocksNamedBy(catalog).filter(({ cid }) => store.has(cid))
    for (;;) {
      for (const peerId of this.#peers()) alone = await this.#lackedBy(peerId, alone)
      if (alone.length === 0 || clock.monotonic() > until) return alone
      await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve))
    }
  }

  #peers(): string[] {
    return this.#o.mesh.peers().filter((peerId) => !this.#o.isMate(peerId))
  }

  async #giveCatalog(): Promise<void> {
    const { catalog, logger } = this.#o
    let given = 0
    for (const peerId of this.#peers()) {
      try {
        await catalog.compareWith(peerId)
        if (++given >= CATALOGS) return
      } catch (error) {
        logger.warn('a peer did not take the catalog', { peer: peerId, reason: messageOf(error) })
      }
    }
    if (given === 0) throw new PeerlessError('UNAVAILABLE', 'no other node took the catalog of this one')
  }

  async #lackedBy(peerId: string, blocks: readonly NamedBlock[]): Promise<NamedBlock[]> {
    const lacked: NamedBlock[] = []
    for (let start = 0; start < blocks.length; start += CIDS_MAX) {
      const group = blocks.slice(start, start + CIDS_MAX)
      lacked.push(...(await this.#ask(peerId, group)))
    }
    return lacked
  }

  async #ask(peerId: string, group: readonly NamedBlock[]): Promise<readonly NamedBlock[]> {
    const { mesh, clock, logger } = this.#o
    const late = new AbortController()
    const timer = clock.after(ANSWER_MS_MAX, () => late.abort())
    try {
      const asked = encode(group.map(({ cid }) => cid))
      const reply = await mesh.call(peerId, MESSAGE.BLOCKS_LACKED, undefined, asked, { carrier: 'bulk', signal: late.signal })
      const indexes = decode(reply.payload, 'indexes of blocks')
      if (!Array.isArray(indexes)) throw new PeerlessError('MALFORMED', 'the blocks that a peer lacks are a list')
      const lacked = new Set(indexes)
      return group.filter((_, index) => lacked.has(index))
    } catch (error) {
      // Who does not say so has none.
      logger.debug('a peer did not say what it has', { peer: peerId, reason: messageOf(error) })
      return group
    } finally {
      timer.cancel()
    }
  }

  #answer(request: IncomingRequest): void {
    const cids = decode(request.payload, 'cids')
    if (!Array.isArray(cids) || cids.length > CIDS_MAX || cids.some((cid) => typeof cid !== 'string')) {
      throw new PeerlessError('MALFORMED', `blocks are asked for by at most ${CIDS_MAX} cids`)
    }
    if (request.notification) return
    request.reply(undefined, encode(cids.flatMap((cid, index) => (this.#o.store.has(cid) && !this.#going ? [] : [index]))))
  }
}
