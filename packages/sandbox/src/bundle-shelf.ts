import { type Bundle, LIMITS, PeerlessError } from '@peerless/interface'
import type { CachedScript } from './code-cache.ts'
import { readBundle } from './executor-protocol.ts'
import { SCRIPT_NAME, TraceMap } from './trace-map.ts'

/** Bundles that arrive at one time; the daemon sends one after the other. */
const ARRIVING_MAX = 16

/** `script` is the bundle's as isolates run it, see `wrap`. */
export interface ShelvedBundle extends CachedScript {
  readonly bundle: Bundle
  readonly trace: TraceMap
  /** Whether isolates for it get fetch's classes ahead. */
  readonly web: boolean
}

/** Bundles by CID. The daemon says what comes and what goes; here only sizes are checked. */
export class BundleShelf {
  readonly #whole = new Map<string, ShelvedBundle>()
  readonly #arriving = new Map<string, { bytes: Uint8Array; filled: number }>()

  get(cid: string): ShelvedBundle | undefined {
    return this.#whole.get(cid)
  }

  forget(cid: string): void {
    this.#whole.delete(cid)
    this.#arriving.delete(cid)
  }

  /** @throws PeerlessError MALFORMED */
  add(cid: string, totalBytes: number, offset: number, piece: Uint8Array): void {
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
    const bundle = readBundle(arriving.bytes)
    this.#whole.set(cid, {
      bundle,
      trace: new TraceMap(bundle.sourceMap),
      web: usesWeb(bundle.script),
      script: wrap(bundle.script),
      cachedData: undefined
    })
  }
}

/** Where a wrapped script begins: the line of `try` is line 0. */
export const SCRIPT_ORIGIN = { filename: SCRIPT_NAME, lineOffset: -1, columnOffset: 0 }

/**
 * An exception that left the script would be serialised by the host with the guest's own `Error.prepareStackTrace`, out of reach of any
 * timeout. So it is caught inside, and handed on as the completion value. A strict directive stays in front.
 */
function wrap(script: string): string {
  const directive = /^\s*(?:"use strict"|'use strict');?/.exec(script)?.[0]
  const strict = directive === undefined ? '' : '"use strict";'
  return `${strict}try{\n${script}\n}catch(error){__peerlessCatch(error)}`
}

const WEB = /\bfetch\b|\bnew (?:Response|Request|Headers)\b|\bResponse\.(?:json|redirect|error)\b/

/** A guess from the text, the same for each isolate of a bundle: what was not guessed is evaluated when it is first used. */
function usesWeb(script: string): boolean {
  return WEB.test(script)
}
