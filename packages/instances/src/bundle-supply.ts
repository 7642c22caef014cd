import { type Clock, type FunctionVersion, type Logger, messageOf } from '@peerless/interface'
import { type BundleNeeds, type IsolateKind, kindOf, type LoadOrder, needsOfBundle } from '@peerless/sandbox'
import type { Supply } from './bundle-delivery.ts'
import type { CodeCacheStore } from './code-cache-store.ts'
import type { CodeCompiler } from './code-compiler.ts'
import { RecentBytes } from './recent-bytes.ts'
import { SharedLoads } from './shared-loads.ts'

/** A first call follows soon after its deployment, and one launch the other. */
const LARGE_MS = 60_000
const LARGE = { bytesMax: 16_777_216, entryBytesMax: 8_388_608, entriesMax: 16 }
/** Bundles that are kept in memory: a disk takes as long as the start of a small one. */
const KEPT_BUNDLES = {
  small: { bytesMax: 16_777_216, entryBytesMax: 262_144, entriesMax: 1_024 },
  large: LARGE,
  largeMs: LARGE_MS
}
/** Their code caches: about as large as the script with its source map. */
const KEPT_CACHES = {
  small: { bytesMax: 16_777_216, entryBytesMax: 524_288, entriesMax: 256 },
  large: LARGE,
  largeMs: LARGE_MS
}
/** Of how many bundles is remembered what they need. */
const NEEDS_MAX = 1_024
/** V8 compiles what is smaller in a millisecond or two. */
const COMPILED_BUNDLE_BYTES_MIN = 65_536

export interface BundleSupplyOptions {
  readonly load: (version: FunctionVersion) => Promise<Uint8Array>
  readonly compiler: CodeCompiler
  /** Without a folder of its own a node keeps no code cache. */
  readonly caches: CodeCacheStore | undefined
  /** What an instance would be told in which a bundle is evaluated for its code cache. */
  readonly orderOf: (version: FunctionVersion) => LoadOrder
  readonly clock: Clock
  readonly logger: Logger
}

type OnKind = (kind: IsolateKind) => void

/** Code for launches: the bundle from memory, disk or peers, and V8's code cache of it where this node has made one. */
export class BundleSupply {
  readonly #options: BundleSupplyOptions
  readonly #loads: SharedLoads
  #onKind: OnKind = () => undefined
  #kindTold = false
  /** By CID. */
  readonly #bundles: RecentBytes
  /** By account and CID. */
  readonly #caches: RecentBytes
  /** By CID. */
  readonly #needs = new Map<string, BundleNeeds>()

  constructor(options: BundleSupplyOptions) {
    this.#options = options
    this.#loads = new SharedLoads(options.load)
    this.#bundles = new RecentBytes(options.clock, KEPT_BUNDLES)
    this.#caches = new RecentBytes(options.clock, KEPT_CACHES)
  }

  /**
   * Called with what a bundle needs that was deployed, and may be started soon. Starts count as long as nothing was deployed: functions of several kinds that start by turns
   * would have isolates prepared for them all the time.
   */
  onKind(listener: OnKind): void {
    this.#onKind = listener
  }

  /** @throws PeerlessError NOT_REPLICATED and what else loading throws */
  async get(version: FunctionVersion, account: string): Promise<Supply> {
    const reading = this.#wantsCache(version) ? this.#readCache(account, version.code.bundleCid) : undefined
    const bundle = await this.#read(version, false)
    return { bundle, needs: this.#needsOf(version.code.bundleCid, bundle), codeCache: await reading }
  }

  /** A first call may come: a small bundle is read, of a large one the code cache is made, unless that was done. */
  expect(version: FunctionVersion, account: string): void {
    const { bundleCid: cid, bundleBytes } = version.code
    if (this.#wantsCache(version)) this.#compile(version, account)
    else if (bundleBytes <= KEPT_BUNDLES.small.entryBytesMax) {
      this.#read(version, true).catch((error: unknown) =>
        this.#options.logger.debug('a bundle could not be read ahead', { cid, reason: messageOf(error) })
      )
    }
  }

  /** An executor was given it. @param refused V8 did not take the code cache */
  launched(version: FunctionVersion, account: string, refused: boolean): void {
    if (!this.#wantsCache(version)) return
    if (refused) {
      this.#options.logger.warn('V8 refused a code cache', { cid: version.code.bundleCid })
      this.#caches.delete(nameOf(account, version.code.bundleCid))
      void this.#options.caches?.remove(account, version.code.bundleCid).then(() => this.#compile(version, account))
    } else this.#compile(version, account)
  }

  async stop(): Promise<void> {
    this.#bundles.stop()
    this.#caches.stop()
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
      bundle: () => this.#read(version, true),
      made: () => this.#readCache(account, cid),
      order: orderOf(version),
      done: async (codeCache) => {
        await caches.write(account, cid, codeCache)
        if (caches.has(account, cid)) this.#caches.set(nameOf(account, cid), codeCache)
      }
    })
  }

  async #read(version: FunctionVersion, deployed: boolean): Promise<Uint8Array> {
    const cid = version.code.bundleCid
    const kept = this.#bundles.get(cid)
    const bundle = kept ?? (await this.#loads.get(version))
    if (kept === undefined) this.#bundles.set(cid, bundle)
    this.#tellKind(version, bundle, deployed)
    return bundle
  }

  #tellKind({ code, memoryMb, environment }: FunctionVersion, bundle: Uint8Array, deployed: boolean): void {
    if (this.#kindTold && !deployed) return
    const needs = this.#needsOf(code.bundleCid, bundle)
    if (needs === undefined) return
    this.#onKind(kindOf(needs, { memoryMb, environment }))
    this.#kindTold = true
  }

  /** undefined for what is no bundle: whoever starts it hears of that. */
  #needsOf(cid: string, bundle: Uint8Array): BundleNeeds | undefined {
    const known = this.#needs.get(cid)
    if (known !== undefined) return known
    try {
      const needs = needsOfBundle(bundle)
      if (this.#needs.size >= NEEDS_MAX) this.#needs.clear()
      this.#needs.set(cid, needs)
      return needs
    } catch {
      return undefined
    }
  }

  async #readCache(account: string, cid: string): Promise<Uint8Array | undefined> {
    const name = nameOf(account, cid)
    const kept = this.#caches.get(name)
    if (kept !== undefined) return kept
    const codeCache = await this.#options.caches?.read(account, cid)
    // A better one may have been made meanwhile.
    if (codeCache !== undefined && !this.#caches.has(name)) this.#caches.set(name, codeCache)
    return codeCache
  }
}

function nameOf(account: string, cid: string): string {
  return JSON.stringify([account, cid])
}
