import type ivm from 'isolated-vm'
import { SCRIPT_ORIGIN, type ShelvedBundle } from './bundle-shelf.ts'
import { compileCached } from './code-cache.ts'
import type { StartStages } from './start-stages.ts'

/** Runs a bundle's script in an isolate that is set up. Gives its completion value: the exports or a promise of them. */
export async function evaluateBundle(
  isolate: ivm.Isolate,
  context: ivm.Context,
  bundle: ShelvedBundle,
  stages: StartStages
): Promise<ivm.Reference> {
  const script = await compileCached(isolate, bundle, SCRIPT_ORIGIN)
  stages.end(performance.now())
  const exports = (await script.run(context, { reference: true })) as ivm.Reference
  script.release()
  stages.end(performance.now())
  return exports
}
