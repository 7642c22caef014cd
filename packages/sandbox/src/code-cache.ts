import type ivm from 'isolated-vm'

/** V8's code cache of one script: made by the first isolate that compiles it, here in this process, and used by all later ones. */
export interface CachedScript {
  readonly script: string
  cachedData: ivm.ExternalCopy<ArrayBuffer> | undefined
}

export async function compileCached(isolate: ivm.Isolate, source: CachedScript, origin: ivm.ScriptOrigin): Promise<ivm.Script> {
  const { cachedData } = source
  const options = cachedData === undefined ? { ...origin, produceCachedData: true } : { ...origin, cachedData }
  const compiled = await isolate.compileScript(source.script, options)
  source.cachedData ??= (compiled as ivm.Script & ivm.CachedDataResult).cachedData
  return compiled
}
