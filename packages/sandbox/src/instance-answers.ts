import type ivm from 'isolated-vm'
import { answerAsk } from './bridge-host.ts'
import { ASK } from './bridge-operations.ts'
import type { ShelvedBundle } from './bundle-shelf.ts'
import { type CachedScript, compileCached } from './code-cache.ts'

type Answer = (operation: number, a: unknown, b: unknown, c: unknown, d: unknown) => unknown

/** What one instance may ask of its executor: its own bundle and the modules of Node, and what every instance may. */
export function answersOf(library: CachedScript, { bundle }: ShelvedBundle): Answer {
  return (operation, a, b, c, d) => (operation === ASK.LIBRARY ? library.script : answerAsk(operation, a, b, c, d, bundle))
}

/** The library's completion value, for a bundle that asks for any `node:` module; with V8's code cache it costs little. */
export async function evaluateLibrary(
  isolate: ivm.Isolate,
  context: ivm.Context,
  library: CachedScript,
  { bundle }: ShelvedBundle
): Promise<ivm.Reference | undefined> {
  if (bundle.builtins.length === 0) return undefined
  return await (await compileCached(isolate, library, { filename: 'node:library' })).run(context, { reference: true })
}
