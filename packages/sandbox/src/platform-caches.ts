import { BUILTINS_SUPPORTED } from '@peerless/interface'
import { bootGlue } from './boot-glue.ts'
import type { ShelvedBundle } from './bundle-shelf.ts'
import { cachedScript, codeCacheOf, compileCached, GLUE_ORIGIN, LIBRARY_ORIGIN } from './code-cache.ts'
import type { LoadOrder } from './executor-protocol.ts'
import { loadAddon } from './isolate-addon.ts'
import { LIBRARY_REHEARSAL } from './library-rehearsal.ts'
import { type Glue, type PreparedIsolate, prepareIsolate } from './prepared-isolate.ts'
import { StartStages } from './start-stages.ts'
import { TraceMap } from './trace-map.ts'

/**
 * Entry of a process that makes V8's code caches of the glue and of the `node:` modules, with the functions that run when an isolate is prepared and modules are
 * required: V8 compiles those one by one otherwise, in each isolate anew, which takes 30 to 40 ms for a bundle that requires any. No guest code is in this process. It
 * is started as executors are, since V8 takes no cache that was made under other flags.
 */
interface Parts {
  guest: string
  library: string
  chunks: Record<string, string>
}

const PLATFORM_MB = 128
const NOBODY: LoadOrder = {
  instance: 0,
  revisionId: '',
  bundleCid: '',
  memoryMb: PLATFORM_MB,
  initMsMax: 0,
  environment: {},
  functionName: '',
  functionVersion: '',
  logGroup: '',
  logStream: '',
  node: '',
  manner: 'unknown'
}
/** Asks for all modules. */
const ALL: ShelvedBundle = {
  ...cachedScript(`(${LIBRARY_REHEARSAL})(${JSON.stringify(BUILTINS_SUPPORTED)})`, false),
  manifest: { builtins: [...BUILTINS_SUPPORTED], handlerExport: '', files: new Map() },
  trace: new TraceMap(undefined),
  needs: { web: false, runtime: 'node' }
}

async function main({ guest, library: libraryScript, chunks }: Parts, addonPath: string): Promise<void> {
  const library = cachedScript(libraryScript, false)
  const glue: Glue = {
    addon: loadAddon(addonPath),
    script: cachedScript(guest, false),
    chunks: new Map(Object.entries(chunks)),
    library
  }
  const web = prepareIsolate(glue, { memoryMb: PLATFORM_MB, web: true, runtime: 'none' })
  await rehearsed(web)
  const glueCache = await codeCacheOf(web.isolate, guest, GLUE_ORIGIN)
  const plain = prepareIsolate(glue, { memoryMb: PLATFORM_MB, web: false, runtime: 'none' })
  await rehearsed(plain)
  const services = { library, chunks: glue.chunks }
  const { context } = await bootGlue(plain, ALL, NOBODY, services, new StartStages(0), () => undefined)
  const script = await compileCached(plain.isolate, ALL, { filename: 'rehearsal.js' })
  const fault = await script.run(context, { promise: true, copy: true })
  if (fault !== '') throw new Error(`the rehearsal of node: modules failed: ${fault}`)
  const libraryCache = await codeCacheOf(plain.isolate, libraryScript, LIBRARY_ORIGIN)
  const made = [glueCache, libraryCache].map((cache) => Buffer.from(cache).toString('base64'))
  process.stdout.write(made.join('\n'), () => process.exit(0))
}

/** Its rehearsal goes on in promise callbacks, which are over when another entry is. */
async function rehearsed({ ready }: PreparedIsolate): Promise<void> {
  const { context } = await ready
  await context.eval('0')
}

declare const PARTS: Parts

void main(PARTS, process.argv[2] ?? '')
