import { type Clock, type Logger, messageOf, PeerlessError, type Timer } from '@peerless/interface'
import type { SandboxCode } from '@peerless/sandbox'
import { CODE_CACHE_BYTES_MAX } from './code-cache-store.ts'
import { ExecutorProcess } from './executor-process.ts'
import type { Machine } from './machine.ts'

/** Bundles that wait to be compiled; beyond that they do without until their first call. */
const WAITING_MAX = 256
/** V8 compiles 1 MB in some 50 ms; whoever takes so much longer is ended. */
const COMPILE_MS_MAX = 20_000
/** A process in which nothing is to be compiled is kept for so long: deployments come in rows. */
const IDLE_MS_MAX = 2_000
/** Isolates leak a little (isolated-vm #207), and what V8 freed comes back slowly. */
const COMPILES_PER_PROCESS_MAX = 64
/** What the process may hold: an isolate that compiles (packages/sandbox, code-cache.ts), and Node itself. */
const MEMORY_MB_MAX = 1_280
/** Bundles that could not be compiled so, which is not tried again until the daemon starts anew. */
const HOPELESS_MAX = 1_024

export interface CompileJob {
  readonly account: string
  readonly cid: string
  readonly bundle: () => Promise<Uint8Array>
  /** Not called where it could not be made. At most CODE_CACHE_BYTES_MAX. */
  readonly done: (codeCache: Uint8Array) => void
}

export interface CodeCompilerOptions {
  readonly code: SandboxCode
  readonly machine: Machine
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Makes V8's code caches in a process that runs no function: what a function did to V8 in its own process can get into no cache. Source text is parsed there
 * all the same, so it is for one account at a time and ended before the next one's turn. One bundle after the other, and never before somebody's call
 * for its own sake: nobody waits for it.
 */
export class CodeCompiler {
  readonly #options: CodeCompilerOptions
  readonly #waiting: CompileJob[] = []
  readonly #known = new Set<string>()
  readonly #hopeless = new Set<string>()
  #process: { executor: ExecutorProcess; account: string; compiles: number } | undefined
  #working = false
  #idle: Timer | undefined
  #stopped = false
  #number = 0
  #ended: Promise<void> = Promise.resolve()

  constructor(options: CodeCompilerOptions) {
    this.#options = options
  }

  /** What waits or is being compiled already is not taken twice. */
  add(job: CompileJob): void {
    const key = JSON.stringify([job.account, job.cid])
    if (this.#known.has(key) || this.#hopeless.has(key)) return
    if (this.#stopped || this.#waiting.length >= WAITING_MAX) return
    this.#known.add(key)
    this.#waiting.push(job)
    if (!this.#working) void this.#work()
  }

  /** Resolves when its process is gone. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#waiting.length = 0
    this.#idle?.cancel()
    this.#end()
    await this.#ended
  }

  async #work(): Promise<void> {
    this.#working = true
    this.#idle?.cancel()
    for (let job = this.#waiting.shift(); job !== undefined && !this.#stopped; job = this.#waiting.shift()) {
      const key = JSON.stringify([job.account, job.cid])
      try {
        job.done(await this.#compile(job))
      } catch (error) {
        // The function does without: it compiles where it runs.
        this.#options.logger.warn('a code cache could not be made', { cid: job.cid, reason: messageOf(error) })
        this.#end()
        if (this.#hopeless.size < HOPELESS_MAX) this.#hopeless.add(key)
      }
      this.#known.delete(key)
    }
    this.#working = false
    if (!this.#stopped) this.#idle = this.#options.clock.after(IDLE_MS_MAX, () => this.#end())
  }

  async #compile({ account, cid, bundle }: CompileJob): Promise<Uint8Array> {
    const bytes = await bundle()
    const { executor } = this.#processOf(account)
    const parts: Uint8Array[] = []
    let length = 0
    await new Promise<void>((resolve, reject) => {
      const timer = this.#options.clock.after(COMPILE_MS_MAX, () => executor.kill())
      executor.compile(
        cid,
        bytes,
        (_, part) => {
          length += part.length
          if (length > CODE_CACHE_BYTES_MAX) executor.kill()
          else parts.push(new Uint8Array(part))
        },
        (error) => {
          timer.cancel()
          if (error === undefined) resolve()
          else reject(error)
        }
      )
    })
    executor.forgetBundle(cid)
    return Buffer.concat(parts)
  }

  #processOf(account: string): { executor: ExecutorProcess } {
    const own = this.#process
    if (own?.account === account && own.executor.alive && own.compiles < COMPILES_PER_PROCESS_MAX) {
      own.compiles++
      return own
    }
    this.#end()
    if (this.#stopped) throw new PeerlessError('UNAVAILABLE', 'the node stops')
    const nothing = () => undefined
    const executor = new ExecutorProcess({
      ...this.#options,
      confinement: this.#options.machine.confinement,
      group: this.#options.machine.groups?.create(MEMORY_MB_MAX),
      number: --this.#number,
      egress: undefined,
      compiles: true,
      events: { onLog: nothing, egressOriginOf: nothing, onCatastrophe: () => executor.kill(), onExit: nothing }
    })
    this.#process = { executor, account, compiles: 1 }
    this.#ended = Promise.all([this.#ended, executor.ended()]).then(nothing)
    return this.#process
  }

  #end(): void {
    this.#process?.executor.kill()
    this.#process = undefined
  }
}
