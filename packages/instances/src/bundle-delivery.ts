import {
  BUNDLE_PIECE_BYTES,
  type BundleFacts,
  type BundleNeeds,
  CODE_CACHE_PREFIX,
  EXECUTOR_MESSAGE,
  SOURCE_MAP_PREFIX,
  splitSourceMap
} from '@peerless/sandbox'
import type { Connection } from '@peerless/wire'

/** From this size on the source map of a bundle comes by itself: below it takes no millisecond. */
const SPLIT_BYTES_MIN = 524_288

/** What a launch needs of a version's code. */
export interface Supply {
  readonly bundle: Uint8Array
  /** undefined: the executor looks itself, which takes it a millisecond for a megabyte. */
  readonly needs: BundleNeeds | undefined
  readonly codeCache: Uint8Array | undefined
}

/** How bundles and their code caches come to one executor, and which it has. */
export class BundleDelivery {
  readonly #connection: Connection
  readonly #bundles = new Set<string>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  has(cid: string): boolean {
    return this.#bundles.has(cid)
  }

  /** It could not be read there: the next launch sends it again. */
  failed(cid: string): void {
    this.#bundles.delete(cid)
  }

  forget(cid: string): void {
    if (this.#bundles.delete(cid)) this.#connection.notify(EXECUTOR_MESSAGE.FORGET, cid)
  }

  /**
   * Sends what a start needs, if the executor does not have it, then what `order` sends, and then the source map: half of a bundle, which only errors and what is logged need.
   * A start that fails waits for it.
   */
  with(cid: string, supply: Supply | undefined, order: () => void): void {
    if (supply === undefined || this.#bundles.has(cid)) {
      order()
      return
    }
    this.#bundles.add(cid)
    const { bundle, needs, codeCache } = supply
    const parts = bundle.length < SPLIT_BYTES_MIN ? undefined : splitSourceMap(bundle)
    this.send(cid, parts?.bundle ?? bundle, { mapFollows: parts !== undefined, needs })
    if (codeCache !== undefined) this.send(CODE_CACHE_PREFIX + cid, codeCache)
    order()
    if (parts !== undefined) this.send(SOURCE_MAP_PREFIX + cid, parts.sourceMap)
  }

  /** In pieces. */
  send(name: string, bytes: Uint8Array, facts?: BundleFacts): void {
    for (let offset = 0; offset < bytes.length; offset += BUNDLE_PIECE_BYTES) {
      const piece = bytes.subarray(offset, offset + BUNDLE_PIECE_BYTES)
      this.#connection.notify(EXECUTOR_MESSAGE.BUNDLE, [name, bytes.length, offset, facts], piece)
    }
  }
}
