import { isAscii } from 'node:buffer'
import { LIMITS, PeerlessError } from '@peerless/interface'
import { type CachedScript, cachedScript } from './code-cache.ts'
import { type BundleFacts, CODE_CACHE_PREFIX, SOURCE_MAP_PREFIX } from './executor-protocol.ts'
import { type BundleNeeds, needsOf } from './isolate-kind.ts'
import { type BundleManifest, type BundleParts, readBundle } from './read-bundle.ts'
import { SCRIPT_NAME, TraceMap } from './trace-map.ts'

/** Bundles that arrive at one time; the daemon sends one after the other. */
const ARRIVING_MAX = 16
const UNSAID: BundleFacts = { mapFollows: false, needs: undefined }

/** `script` is the bundle's as isolates run it, see `wrap`. */
export interface ShelvedBundle extends CachedScript {
  readonly manifest: BundleManifest
  readonly trace: TraceMap
  readonly needs: BundleNeeds
}

/** Makes of a code cache what isolates take. */
export type TakeCache = (bytes: Uint8Array) => CachedScript['cachedData']

/** Bundles by CID, some with their code cache. The daemon says what comes and what goes; here only sizes are checked. */
export class BundleShelf {
  readonly #takeCache: TakeCache
  readonly #platform: ReadonlyMap<string, CachedScript>
  readonly #whole = new Map<string, ShelvedBundle>()
  readonly #arriving = new Map<string, { bytes: Uint8Array; filled: number }>()

  /** @param platform scripts that are no bundles, whose code caches come as those of bundles do */
  constructor(takeCache: TakeCache, platform: ReadonlyMap<string, CachedScript> = new Map()) {
    this.#takeCache = takeCache
    this.#platform = platform
  }

  get(cid: string): ShelvedBundle | undefined {
    return this.#whole.get(cid)
  }

  forget(cid: string): void {
    this.#whole.delete(cid)
    this.#arriving.delete(cid)
  }

  /** @throws PeerlessError MALFORMED */
  add(cid: string, totalBytes: number, offset: number, piece: Uint8Array, facts: BundleFacts = UNSAID): void {
    if (offset === 0 && piece.length === totalBytes && totalBytes > 0) {
      this.#arrived(cid, piece, facts)
      return
    }
    let arriving = this.#arriving.get(cid)
    if (arriving === undefined) {
      if (!(totalBytes > 0 && totalBytes <= LIMITS.bundleBytesMax) || this.#arriving.size >= ARRIVING_MAX) {
        throw new PeerlessError('MALFORMED', `bundle of ${totalBytes} bytes must be at most ${LIMITS.bundleBytesMax}`)
      }
      arriving = { bytes: new Uint8Array(totalBytes), filled: 0 }
      this.#arriving.set(cid, arriving)
    }
    if (offset !== arriving.filled || offset + piece.length > arriving.bytes.length) {
      throw new PeerlessError('MALFORMED', `piece at ${offset} of bundle ${cid} must start at ${arriving.filled}`)
    }
    arriving.bytes.set(piece, offset)
    arriving.filled += piece.length
    if (arriving.filled < arriving.bytes.length) return
    this.#arriving.delete(cid)
    this.#arrived(cid, arriving.bytes, facts)
  }

  #arrived(cid: string, bytes: Uint8Array, facts: BundleFacts): void {
    if (cid.startsWith(CODE_CACHE_PREFIX)) this.#addCache(cid.slice(CODE_CACHE_PREFIX.length), bytes)
    else if (cid.startsWith(SOURCE_MAP_PREFIX)) this.#whole.get(cid.slice(SOURCE_MAP_PREFIX.length))?.trace.give(ownBytes(bytes))
    else this.#addBundle(cid, readBundle(bytes), facts)
  }

  #addBundle(cid: string, { manifest, script, sourceMap }: BundleParts, { mapFollows, needs }: BundleFacts): void {
    const bytes = Buffer.from(script.buffer, script.byteOffset, script.length)
    this.#whole.set(cid, {
      ...cachedScript(wrap(bytes), false),
      manifest,
      trace: new TraceMap(sourceMap && ownBytes(sourceMap), mapFollows),
      needs: needs ?? needsOf(manifest, bytes)
    })
  }

  /** Of a bundle that came before. */
  #addCache(cid: string, bytes: Uint8Array): void {
    const cached = this.#whole.get(cid) ?? this.#platform.get(cid)
    if (cached !== undefined) cached.cachedData = this.#takeCache(bytes)
  }
}

/** What is kept must not keep much else: small bundles come with others in one chunk of the pipe. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes
}

/** Where a wrapped script begins: the line of `try` is line 0. */
export const SCRIPT_ORIGIN = { filename: SCRIPT_NAME, lineOffset: -1, columnOffset: 0 }

/**
 * An exception that left the script would be serialised by the host with the guest's own `Error.prepareStackTrace`, out of reach of any
 * timeout. So it is caught inside, and handed on as the completion value. A strict directive stays in front.
 */
function wrap(script: Buffer): string {
  const strict = /^\s*["']use strict["']/.test(script.toString('latin1', 0, STRICT_WITHIN)) ? '"use strict";' : ''
  const whole = Buffer.concat([Buffer.from(`${strict}try{\n`), script, AFTER_SCRIPT])
  // Of ASCII V8 makes a text as fast as it copies.
  return whole.toString(isAscii(whole) ? 'latin1' : 'utf8')
}

const AFTER_SCRIPT = Buffer.from('\n}catch(error){__peerlessCatch(error)}')
/** Bytes in which a directive, if any, begins and ends. */
const STRICT_WITHIN = 1_024
