import type ivm from 'isolated-vm'
import { SCRIPT_ORIGIN, type ShelvedBundle } from './bundle-shelf.ts'

/** Megabytes of heap for making the code cache of one bundle: V8 keeps some ten times the text while it compiles. */
const COMPILE_MB_MAX = 1_024
/** Characters that an executor's own thread may compile, which takes it less than handing it to another: below 1 ms. */
const COMPILE_HERE_CHARS_MAX = 16_384
/** Below this many characters a code cache saves less than it costs to make. */
const CACHE_CHARS_MIN = 16_384

/** V8 takes a script for the one of a cache only where it comes from the same place. */
export const GLUE_ORIGIN: ivm.ScriptOrigin = { filename: 'glue.js' }
export const LIBRARY_ORIGIN: ivm.ScriptOrigin = { filename: 'node:library' }

/** V8's code cache of one script: made on this node, by whom says `code-compiler.ts` of packages/instances, or by an isolate of this process. */
export interface CachedScript {
  readonly script: string
  cachedData: ivm.ExternalCopy<ArrayBuffer> | undefined
  /** Whether the next isolate that compiles it makes the cache, should there be none. A bundle's first does not: its caller would wait for it. */
  makes: boolean
  /** V8 did not take the cache that came with it. */
  refused: boolean
}

export function cachedScript(script: string, makes: boolean): CachedScript {
  return { script, cachedData: undefined, makes, refused: false }
}

export async function compileCached(isolate: ivm.Isolate, source: CachedScript, origin: ivm.ScriptOrigin): Promise<ivm.Script> {
  const { cachedData, makes, script } = source
  const produceCachedData = cachedData === undefined && makes && script.length >= CACHE_CHARS_MIN
  source.makes = true
  if (cachedData === undefined && !produceCachedData && script.length <= COMPILE_HERE_CHARS_MAX) {
    // No code of the script runs in this.
    return isolate.compileScriptSync(script, origin)
  }
  const compiled = (await isolate.compileScript(
    script,
    cachedData === undefined ? { ...origin, produceCachedData } : { ...origin, cachedData }
  )) as ivm.Script & ivm.CachedDataResult & { cachedDataRejected?: boolean }
  if (cachedData === undefined) source.cachedData ??= compiled.cachedData
  else if (compiled.cachedDataRejected === true && source.cachedData === cachedData) {
    source.cachedData = undefined
    source.refused = true
  }
  return compiled
}

/** V8's code cache of a bundle that is run nowhere in this process. @throws Error where it does not compile, as it did when it was deployed */
export async function makeCodeCache(addon: typeof ivm, bundle: ShelvedBundle): Promise<Uint8Array> {
  const isolate = new addon.Isolate({ memoryLimit: COMPILE_MB_MAX })
  try {
    return await codeCacheOf(isolate, bundle.script, SCRIPT_ORIGIN)
  } finally {
    if (!isolate.isDisposed) isolate.dispose()
  }
}

/** As the isolate has it: what it compiled before V8 finds again, and with it each function of it that ran. */
export async function codeCacheOf(isolate: ivm.Isolate, script: string, origin: ivm.ScriptOrigin): Promise<Uint8Array> {
  const compiled = await isolate.compileScript(script, { ...origin, produceCachedData: true })
  const { cachedData } = compiled as ivm.Script & ivm.CachedDataResult
  return new Uint8Array(cachedData?.copy() ?? new ArrayBuffer(0))
}
