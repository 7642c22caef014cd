import { messageOf, PeerlessError, type Timer } from '@peerless/interface'
import type { LoadOrder } from '@peerless/sandbox'
import { type CacheMachinery, CacheProcess } from './cache-process.ts'

/** Bundles that wait to be compiled; beyond that they do without until their first call. */
const WAITING_MAX = 256
/** A process in which nothing is to be compiled is kept for so long: deployments come in rows. */
const IDLE_MS_MAX = 2_000
/** Isolates leak a little (isolated-vm #207), and what V8 freed comes back slowly. */
const COMPILES_PER_PROCESS_MAX = 64
/** Bundles that could not be compiled so, which is not tried again until the daemon starts anew. */
const HOPELESS_MAX = 1_024
/** Code of an account that had to be stopped while it was evaluated: nothing more of that account is for so long, as nobody pays for it. */
const REST_MS = 60_000
const RESTING_MAX = 1_024
/** A text whose cache is smaller compiles as fast as it is evaluated. */
const EVALUATED_BYTES_MIN = 16_384

export interface CompileJob {
  readonly account: string
  readonly cid: string
  readonly bundle: () => Promise<Uint8Array>
  /** What `done` was given, where that was kept. */
  readonly made: () => Promise<Uint8Array | undefined>
  /** What an instance of it would be told; undefined: it is not to be run for its cache's sake. */
  readonly order: LoadOrder | undefined
  /** Once for the cache of the text, and once for that of the same text after its evaluation, where there is more in it. At most CODE_CACHE_BYTES_MAX. */
  readonly done: (codeCache: Uint8Array) => Promise<void>
}

interface EvaluationJob extends CompileJob {
  readonly order: LoadOrder
  /** Bytes of the first cache: hundreds may wait, so they are read anew. */
  readonly plainBytes: number
}

/**
 * Makes V8's code caches, in two steps. First of the text, in a process that runs no function: what a function did to V8 in its own process can get into no cache of
 * another. Source text is parsed there all the same, so it is for one account at a time and ended before the next one's turn. Then, when no other waits for the
 * first step, the bundle is evaluated in a process for it alone, as at the start of an instance, but with nobody to talk to: with the functions that ran in its cache, it is evaluated in
 * less than half of the time. What it did to V8 there is believed by nobody but instances of the same bundle and account, which it could do the same to. One bundle after the other, and never before
 * somebody's call for its own sake: nobody waits for it.
 */
export class CodeCompiler {
  readonly #machinery: CacheMachinery
  readonly #waiting: CompileJob[] = []
  readonly #evaluations: EvaluationJob[] = []
  readonly #known = new Set<string>()
  readonly #hopeless = new Set<string>()
  /** Until when, monotonic milliseconds, by account. */
  readonly #resting = new Map<string, number>()
  #process: { cache: CacheProcess; account: string } | undefined
  #working = false
  #idle: Timer | undefined
  #stopped = false
  #number = 0
  #ended: Promise<void> = Promise.resolve()

  constructor(machinery: CacheMachinery) {
    this.#machinery = machinery
  }

  /** What waits or is being compiled already is not taken twice. */
  add(job: CompileJob): void {
    const key = keyOf(job)
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
    this.#evaluations.length = 0
    this.#idle?.cancel()
    this.#end()
    await this.#ended
  }

  async #work(): Promise<void> {
    this.#working = true
    this.#idle?.cancel()
    while (!this.#stopped) {
      const job = this.#waiting.shift()
      if (job !== undefined) await this.#compile(job)
      else {
        const evaluation = this.#evaluations.shift()
        if (evaluation === undefined) break
        await this.#evaluate(evaluation)
      }
    }
    this.#working = false
    if (!this.#stopped) this.#idle = this.#machinery.clock.after(IDLE_MS_MAX, () => this.#end())
  }

  async #compile(job: CompileJob): Promise<void> {
    const { account, cid, order } = job
    let begun = false
    try {
      const bundle = await job.bundle()
      const process = this.#processOf(account)
      begun = true
      const codeCache = await process.compile(cid, bundle)
      await job.done(codeCache)
      const evaluated = order !== undefined && codeCache.length >= EVALUATED_BYTES_MIN && this.#evaluations.length < WAITING_MAX
      if (evaluated) this.#evaluations.push({ ...job, order, plainBytes: codeCache.length })
    } catch (error) {
      // The function does without: it compiles where it runs.
      this.#machinery.logger.warn('a code cache could not be made', { cid, reason: messageOf(error) })
      this.#end()
      // Where its bundle could not be read, or no process be started, that may pass.
      if (begun && this.#hopeless.size < HOPELESS_MAX) this.#hopeless.add(keyOf(job))
    }
    this.#known.delete(keyOf(job))
  }

  async #evaluate({ account, cid, order, plainBytes, bundle, made, done }: EvaluationJob): Promise<void> {
    if (this.#rests(account)) return
    try {
      const supply = { bundle: await bundle(), needs: undefined, codeCache: await made() }
      this.#end()
      const evaluated = await this.#processOf(account).evaluate(order, supply)
      if (evaluated.length > plainBytes) await done(evaluated)
    } catch (error) {
      // It has the other cache. Where the daemon stops there is nobody to rest.
      if (!this.#stopped) this.#resting.set(account, this.#machinery.clock.monotonic() + REST_MS)
      this.#machinery.logger.info('a bundle was not evaluated ahead of its first call', { cid, reason: messageOf(error) })
    }
    this.#end()
  }

  /** All do where too many would have to be remembered. */
  #rests(account: string): boolean {
    const now = this.#machinery.clock.monotonic()
    for (const [other, until] of this.#resting) if (until <= now) this.#resting.delete(other)
    return this.#resting.has(account) || this.#resting.size >= RESTING_MAX
  }

  #processOf(account: string): CacheProcess {
    const own = this.#process
    if (own?.account === account && own.cache.alive && own.cache.compiles < COMPILES_PER_PROCESS_MAX) return own.cache
    this.#end()
    if (this.#stopped) throw new PeerlessError('UNAVAILABLE', 'the node stops')
    const cache = new CacheProcess(this.#machinery, --this.#number)
    this.#process = { cache, account }
    this.#ended = Promise.all([this.#ended, cache.ended()]).then(() => undefined)
    return cache
  }

  #end(): void {
    this.#process?.cache.kill()
    this.#process = undefined
  }
}

function keyOf({ account, cid }: CompileJob): string {
  return JSON.stringify([account, cid])
}
