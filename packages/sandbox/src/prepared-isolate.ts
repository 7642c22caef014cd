import type ivm from 'isolated-vm'
import { type CachedScript, compileCached } from './code-cache.ts'

/** isolated-vm's own minimum. */
const ISOLATE_MB_MIN = 8
/** Isolates that wait for a bundle in one executor: each holds some 1 MB. */
const SPARES_MAX = 2
/** The launch that took one has the processor first. */
const REFILL_MS = 5

/** An isolate in which the glue's script was evaluated, and nothing of any function. */
export interface PreparedIsolate {
  readonly isolate: ivm.Isolate
  readonly memoryMb: number
  readonly glue: Promise<{ context: ivm.Context; boot: ivm.Reference }>
  /** V8 lost control over it: whoever has it says what then. */
  onCatastrophe: (message: string) => void
}

function prepareIsolate(addon: typeof ivm, glue: CachedScript, memoryMb: number): PreparedIsolate {
  const isolate = new addon.Isolate({
    memoryLimit: Math.max(ISOLATE_MB_MIN, memoryMb),
    onCatastrophicError: (message) => prepared.onCatastrophe(message)
  })
  const prepared: PreparedIsolate = { isolate, memoryMb, glue: evaluateGlue(isolate, glue), onCatastrophe: () => undefined }
  // Whoever takes it hears of a failure; until then nobody waits for it.
  prepared.glue.catch(() => undefined)
  return prepared
}

async function evaluateGlue(isolate: ivm.Isolate, glue: CachedScript): Promise<{ context: ivm.Context; boot: ivm.Reference }> {
  const context = await isolate.createContext()
  const script = await compileCached(isolate, glue, { filename: 'glue.js' })
  const boot = (await script.run(context, { reference: true })) as ivm.Reference
  script.release()
  return { context, boot }
}

/**
 * Isolates prepared ahead, so that a first call pays for its own code only. They are made for the memory limit that was asked for last,
 * since a limit is fixed when an isolate is made.
 */
export class SpareIsolates {
  readonly #addon: typeof ivm
  readonly #glue: CachedScript
  readonly #spares: PreparedIsolate[] = []
  #memoryMb: number
  #refilling = false

  constructor(addon: typeof ivm, glue: CachedScript, memoryMb: number) {
    this.#addon = addon
    this.#glue = glue
    this.#memoryMb = memoryMb
  }

  /** One that waits, or a new one. */
  take(memoryMb: number): PreparedIsolate {
    if (memoryMb !== this.#memoryMb) {
      this.#memoryMb = memoryMb
      for (const spare of this.#spares.splice(0)) spare.isolate.dispose()
    }
    const prepared = this.#spares.shift() ?? prepareIsolate(this.#addon, this.#glue, memoryMb)
    this.refill()
    return prepared
  }

  /** One after the other, in pauses: a launch under way is not held up by it. */
  refill(): void {
    if (this.#refilling || this.#spares.length >= SPARES_MAX) return
    this.#refilling = true
    setTimeout(() => {
      const prepared = prepareIsolate(this.#addon, this.#glue, this.#memoryMb)
      prepared.glue.then(
        () => {
          this.#refilling = false
          if (prepared.memoryMb === this.#memoryMb) this.#spares.push(prepared)
          else prepared.isolate.dispose()
          this.refill()
        },
        () => {
          // The next launch makes its own, and says what is wrong.
          this.#refilling = false
          if (!prepared.isolate.isDisposed) prepared.isolate.dispose()
        }
      )
    }, REFILL_MS)
  }
}
