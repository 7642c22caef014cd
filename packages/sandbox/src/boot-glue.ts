import type ivm from 'isolated-vm'
import { answerAsk } from './bridge-host.ts'
import { ASK } from './bridge-operations.ts'
import type { ShelvedBundle } from './bundle-shelf.ts'
import { type CachedScript, compileCached } from './code-cache.ts'
import type { LoadOrder } from './executor-protocol.ts'
import { glueConfig } from './glue-config.ts'
import type { HostServices } from './host-services.ts'
import { ModuleAnswers } from './module-answers.ts'
import type { PreparedIsolate } from './prepared-isolate.ts'
import type { StartStages } from './start-stages.ts'

/** The glue's one entry. */
export type Enter = ivm.Reference<(...values: ivm.Transferable[]) => void>
export type Cross = (operation: number, a: unknown, b: unknown, c: unknown, d: unknown) => unknown

/** Hands the glue its two bridges and what it must know of the function; what is told arrives at `tell`. */
export async function bootGlue(
  { isolate, glue }: PreparedIsolate,
  shelved: ShelvedBundle,
  order: LoadOrder,
  { addon, library, chunks }: HostServices,
  stages: StartStages,
  tell: Cross
): Promise<{ context: ivm.Context; enterGlue: Enter }> {
  const { context, boot } = await glue
  stages.end(performance.now())
  const modules = new ModuleAnswers(library)
  const answer: Cross = (operation, a, b, c, d) =>
    operation >= ASK.LIBRARY ? modules.answer(operation, a, b, c, d) : answerAsk(operation, a, b, c, d, shelved.bundle, chunks)
  const later = new addon.Callback(tell, { ignored: true })
  const atOnce = new addon.Callback(
    (operation: number, a: unknown, b: unknown, c: unknown, d: unknown) =>
      operation >= ASK.RANDOM ? answer(operation, a, b, c, d) : tell(operation, a, b, c, d),
    { sync: true }
  )
  const evaluated = await evaluateLibrary(isolate, context, library, shelved)
  const enterGlue = (await boot.apply(undefined, [glueConfig(order, shelved.bundle), later, atOnce, evaluated?.derefInto()], {
    result: { reference: true }
  })) as Enter
  return { context, enterGlue }
}

/** The completion value of the `node:` modules' script, for a bundle that asks for any; with V8's code cache it costs little. */
async function evaluateLibrary(
  isolate: ivm.Isolate,
  context: ivm.Context,
  library: CachedScript,
  { bundle }: ShelvedBundle
): Promise<ivm.Reference | undefined> {
  if (bundle.builtins.length === 0) return undefined
  return await (await compileCached(isolate, library, { filename: 'node:library' })).run(context, { reference: true })
}
