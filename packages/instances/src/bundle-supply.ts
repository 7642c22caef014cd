import { type FunctionVersion, type Logger, messageOf } from '@peerless/interface'
import type { LoadOrder } from '@peerless/sandbox'
import type { Supply } from './bundle-delivery.ts'
import type { CodeCacheStore } from './code-cache-store.ts'
import type { CodeCompiler } from './code-compiler.ts'
import { SharedLoads } from './shared-loads.ts'

/** Bundles that are kept in memory, all together and each: small ones are called first soon after they were deployed, and a disk takes as long as their start. */
const KEPT_BYTES_MAX = 16_777_216
const KEPT_BUNDLE_BYTES_MAX = 262_144
const KEPT_BUNDLES_MAX = 1_024
/** V8 compiles what is smaller in a millisecond or two. */
const COMPILED_BUNDLE_BYTES_MIN = 65_536

export interface BundleSupplyOptions {
  readonly load: (version: FunctionVersion) => Promise<Uint8Array>
  readonly compiler: CodeCompiler
  /** Without a folder of its own a node keeps no code cache. */
  readonly caches: CodeCacheStore | undefined
  /** What an instance would be told in which a bundle is evaluated for its code cache. */
  readonly orderOf: (version: FunctionVersion) => LoadOrder
  readonly logger: Logger
}

/** Code for launches: the bundle from memory, disk or peers, and V8's code cache of it where this node has made one. */
export class BundleSupply {
  readonly #options: BundleSupplyOptions
  readonly #loads: SharedLoads
  /** By CID, the one used last at the end. */
  readonly #kept = new Map<string, Uint8Array>()
  #keptBytes = 0

  constructor(options: BundleSupplyOptions) {
    this.#options = options
    this.#loads = new SharedLoads(options.load)
  }

  /** @throws PeerlessError NOT_REPLICATED and what else loading throws */
  async get(version: FunctionVersion, account: string): Promise<Supply> {
    const { caches } = this.#options
    const cid = version.code.bundleCid
    const reading = this.#wantsCache(version) ? caches?.read(account, cid) : undefined
    const bundle = this.#recall(cid) ?? this.#keep(cid, await this.#loads.get(version))
    return { bundle, codeCache: await reading }
  }

  /** A first call may come: a small bundle is read, of a large one the code cache is made, unless that was done. */
  expect(version: FunctionVersion, account: string): void {
    const cid = version.code.bundleCid
    if (this.#wantsCache(version)) this.#compile(version, account)
    else if (!this.#kept.has(cid) && version.code.bundleBytes <= KEPT_BUNDLE_BYTES_MAX) {
      this.#loads.get(version).then(
        (bundle) => this.#keep(cid, bundle),
        (error: unknown) => this.#options.logger.debug('a bundle could not be read ahead', { cid, reason: messageOf(error) })
      )
    }
  }

  /** An executor was given it. @param refused V8 did not take the code cache */
  launched(version: FunctionVersion, account: string, refused: boolean): void {
    if (!this.#wantsCache(version)) return
    if (refused) {
      this.#options.logger.warn('V8 refused a code cache', { cid: version.code.bundleCid })
      void this.#options.caches?.remove(account, version.code.bundleCid).then(() => this.#compile(version, account))
    } else this.#compile(version, account)
  }

  async stop(): Promise<void> {
    await this.#options.compiler.stop()
  }

  #wantsCache({ code }: FunctionVersion): boolean {
    return this.#options.caches !== undefined && code.bundleBytes >= COMPILED_BUNDLE_BYTES_MIN
  }

  #compile(version: FunctionVersion, account: string): void {
    const { caches, compiler, orderOf } = this.#options
    const cid = version.code.bundleCid
    if (caches === undefined || caches.has(account, cid)) return
    compiler.add({
      account,
      cid,
      bundle: async () => this.#recall(cid) ?? (await this.#loads.get(version)),
      order: orderOf(version),
      done: (codeCache) => caches.write(account, cid, codeCache)
    })
  }

  #recall(cid: string): Uint8Array | undefined {
    const bundle = this.#kept.get(cid)
    if (bundle === undefined) return undefined
    this.#kept.delete(cid)
    this.#kept.set(cid, bundle)
    return bundle
  }

  #keep(cid: string, bundle: Uint8Array): Uint8Array {
    if (bundle.length > KEPT_BUNDLE_BYTES_MAX || this.#kept.has(cid)) return bundle
    this.#kept.set(cid, bundle)
    this.#keptBytes += bundle.length
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES_MAX && this.#kept.size <= KEPT_BUNDLES_MAX) break
      this.#kept.delete(oldest)
      this.#keptBytes -= length
    }
    return bundle
  }
}
