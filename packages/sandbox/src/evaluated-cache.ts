import { performance } from 'node:perf_hooks'
import { bootGlue } from './boot-glue.ts'
import { SCRIPT_ORIGIN, type ShelvedBundle } from './bundle-shelf.ts'
import { codeCacheOf, compileCached } from './code-cache.ts'
import type { LoadOrder } from './executor-protocol.ts'
import type { HostServices } from './host-services.ts'
import { kindOf } from './isolate-kind.ts'
import { StartStages } from './start-stages.ts'

/**
 * V8's code cache of a bundle as it is after its evaluation: with the functions that ran then, which V8 compiles one by one otherwise, while a first caller waits. Nothing of
 * what ran is in it but that. Guest code runs, as at the start of an instance, and reaches nobody: what it tells, logs, or asks of the outside comes to nothing.
 * Whatever it throws or waits for, what ran until then is in the cache.
 * @param order `initMsMax` is how long the script may run
 * @throws Error where it does not compile, or V8 gave the isolate up
 */
export async function makeEvaluatedCache(services: HostServices, bundle: ShelvedBundle, order: LoadOrder): Promise<Uint8Array> {
  const prepared = services.spares.take(kindOf(bundle.needs, order))
  const { isolate } = prepared
  prepared.onCatastrophe = (message) => services.catastrophe(order.instance, message, order.revisionId)
  try {
    const stages = new StartStages(performance.now())
    const { context } = await bootGlue(prepared, bundle, order, services, stages, () => undefined)
    const script = await compileCached(isolate, bundle, SCRIPT_ORIGIN)
    await script.run(context, { reference: true, timeout: order.initMsMax }).catch(() => undefined)
    return await codeCacheOf(isolate, bundle.script, SCRIPT_ORIGIN)
  } finally {
    if (!isolate.isDisposed) isolate.dispose()
  }
}
