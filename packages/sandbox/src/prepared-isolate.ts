import type ivm from 'isolated-vm'
import { answerAsk } from './bridge-host.ts'
import { ASK, ENTER } from './bridge-operations.ts'
import { type CachedScript, compileCached, GLUE_ORIGIN, LIBRARY_ORIGIN } from './code-cache.ts'
import type { IsolateKind } from './isolate-kind.ts'

/** isolated-vm's own minimum. */
const ISOLATE_MB_MIN = 8

/** The glue's one entry. */
export type Enter = ivm.Reference<(...values: ivm.Transferable[]) => void>
/** How an isolate talks to its executor. */
export type Cross = (operation: number, a: unknown, b: unknown, c: unknown, d: unknown) => unknown

/** What all isolates of an executor are made of. */
export interface Glue {
  readonly addon: typeof ivm
  readonly script: CachedScript
  /** Parts that an isolate asks for when it first uses them, by name. */
  readonly chunks: ReadonlyMap<string, string>
  /** The `node:` modules. */
  readonly library: CachedScript
}

/** An isolate in which the glue was evaluated and rehearsed, and nothing of any function. */
export interface PreparedIsolate extends IsolateKind {
  readonly isolate: ivm.Isolate
  readonly ready: Promise<{ context: ivm.Context; enterGlue: Enter }>
  /** V8 lost control over it: whoever has it says what then. */
  onCatastrophe: (message: string) => void
  /** Where what it tells and asks goes; before it is anybody's only the glue's own parts are given. */
  told: Cross
  asked: Cross
}

export function prepareIsolate(glue: Glue, { memoryMb, web, runtime }: IsolateKind): PreparedIsolate {
  const isolate = new glue.addon.Isolate({
    memoryLimit: Math.max(ISOLATE_MB_MIN, memoryMb),
    onCatastrophicError: (message) => prepared.onCatastrophe(message)
  })
  const prepared: PreparedIsolate = {
    isolate,
    memoryMb,
    web,
    runtime,
    ready: Promise.resolve().then(() => evaluateGlue(glue, prepared)),
    onCatastrophe: () => undefined,
    told: () => undefined,
    asked: (operation, a, b, c, d) => answerAsk(operation, a, b, c, d, undefined, glue.chunks)
  }
  // Whoever takes it hears of a failure; until then nobody waits for it.
  prepared.ready.catch(() => undefined)
  return prepared
}

async function evaluateGlue(glue: Glue, prepared: PreparedIsolate): Promise<{ context: ivm.Context; enterGlue: Enter }> {
  const { isolate, memoryMb, web, runtime } = prepared
  const { addon, library } = glue
  const context = await isolate.createContext()
  const script = await compileCached(isolate, glue.script, GLUE_ORIGIN)
  const prepare = (await script.run(context, { reference: true })) as ivm.Reference
  script.release()
  const later = new addon.Callback(
    (operation: number, a: unknown, b: unknown, c: unknown, d: unknown) => prepared.told(operation, a, b, c, d),
    {
      ignored: true
    }
  )
  const atOnce = new addon.Callback(
    (operation: number, a: unknown, b: unknown, c: unknown, d: unknown) =>
      operation >= ASK.RANDOM ? prepared.asked(operation, a, b, c, d) : prepared.told(operation, a, b, c, d),
    { sync: true }
  )
  const enterGlue = (await prepare.apply(undefined, [memoryMb, web, later, atOnce], { result: { reference: true } })) as Enter
  prepare.release()
  if (runtime !== 'none') {
    const made = runtime === 'python' ? undefined : await evaluateLibrary(isolate, context, library)
    await enterGlue.apply(undefined, [ENTER.RUNTIME, runtime, made?.derefInto()])
  }
  return { context, enterGlue }
}

/** The completion value of the `node:` modules' script; with V8's code cache it costs little. */
export async function evaluateLibrary(isolate: ivm.Isolate, context: ivm.Context, library: CachedScript): Promise<ivm.Reference> {
  return await (await compileCached(isolate, library, LIBRARY_ORIGIN)).run(context, { reference: true })
}
