import type ivm from 'isolated-vm'
import { answerAsk } from './bridge-host.ts'
import { ASK, ENTER } from './bridge-operations.ts'
import type { ShelvedBundle } from './bundle-shelf.ts'
import type { LoadOrder } from './executor-protocol.ts'
import { glueConfig } from './glue-config.ts'
import type { HostServices } from './host-services.ts'
import { ModuleAnswers } from './module-answers.ts'
import { type Cross, type Enter, evaluateLibrary, type PreparedIsolate } from './prepared-isolate.ts'
import type { StartStages } from './start-stages.ts'

/** Makes a prepared isolate the instance of a function; what it tells from then on arrives at `told`. */
export async function bootGlue(
  prepared: PreparedIsolate,
  shelved: ShelvedBundle,
  order: LoadOrder,
  { library, chunks }: Pick<HostServices, 'library' | 'chunks'>,
  stages: StartStages,
  told: Cross
): Promise<{ context: ivm.Context; enterGlue: Enter }> {
  const { context, enterGlue } = await prepared.ready
  stages.end(performance.now())
  const modules = new ModuleAnswers(library)
  prepared.told = told
  prepared.asked = (operation, a, b, c, d) =>
    operation >= ASK.LIBRARY ? modules.answer(operation, a, b, c, d) : answerAsk(operation, a, b, c, d, shelved.manifest, chunks)
  const late = shelved.needs.runtime.startsWith('node') && prepared.runtime === 'none'
  const evaluated = late ? await evaluateLibrary(prepared.isolate, context, library) : undefined
  const config = [ENTER.CONFIGURE, glueConfig(order, shelved.manifest), evaluated?.derefInto()]
  // No guest code has run and none runs in this: it can be waited for, which costs less than another thread.
  enterGlue.applySync(undefined, config)
  return { context, enterGlue }
}
