import type { Logger, MemoryStatus } from '@peerless/interface'
import { type Candidate, chooseEviction, type Holder } from './eviction.ts'
import type { ExecutorPool } from './executor-pool.ts'
import type { InstanceShelf } from './instance-shelf.ts'
import { ownMb, type ProcessMemory } from './memory-watch.ts'
import type { Prewarmer } from './prewarmer.ts'
import type { Executor, Instance } from './records.ts'
import type { InstancesOptions } from './types.ts'
import type { WarmOrder } from './warm-keeper.ts'

/** When the bound is passed, so much of it is to be in use afterwards: else the next instance would pass it again. */
const AIM_SHARE = 0.9
/** Looks that are left out after something was given up: it takes a moment until the machine has it back. */
const LOOKS_AFTER = 2

export interface MemoryGuardOptions {
  /** Megabytes that the daemon and its executors may hold; undefined: no bound. */
  readonly boundMb: number | undefined
  readonly logger: Logger
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly executors: () => Iterable<Executor>
  readonly startMs: (revisionId: string) => number | undefined
  readonly kept: () => ReadonlyMap<string, WarmOrder>
  /** Takes an idle instance away. */
  readonly remove: (instance: Instance) => void
  /** Ends a process in which nothing runs. */
  readonly end: (executor: Executor) => void
  /** What the daemon itself, and another process, hold; undefined where that is not told. */
  readonly read?: (pid: number | 'self') => Promise<ProcessMemory | undefined>
}

/** Keeps what the daemon and its executors hold within the node's bound, by giving up idle instances. */
export class MemoryGuard {
  readonly #o: MemoryGuardOptions
  readonly #read: (pid: number | 'self') => Promise<ProcessMemory | undefined>
  #usedMb = 0
  #pressed = false
  #evicted = 0
  #evictedKept = 0
  #rest = 0
  #looking = false

  constructor(options: MemoryGuardOptions) {
    this.#o = options
    this.#read = options.read ?? ownMb
  }

  /** More is held than may be: nothing is started until that is mended. */
  get pressed(): boolean {
    return this.#pressed
  }

  /** Nothing is to be started ahead of calls: what is left is for them. */
  get tight(): boolean {
    const { boundMb } = this.#o
    return boundMb !== undefined && this.#usedMb > boundMb * AIM_SHARE
  }

  /** Why nothing can be started; undefined where memory is no reason. */
  refusal(): string | undefined {
    if (!this.#pressed) return undefined
    return `this node holds ${Math.round(this.#usedMb)} MB, at most ${this.#o.boundMb}, and nothing idle is left to give up yet`
  }

  status(): MemoryStatus {
    return {
      usedMb: Math.round(this.#usedMb),
      boundMb: this.#o.boundMb,
      pressed: this.#pressed,
      evicted: this.#evicted,
      evictedKept: this.#evictedKept
    }
  }

  /** About once a second. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      await this.#look()
    } finally {
      this.#looking = false
    }
  }

  async #look(): Promise<void> {
    const { boundMb } = this.#o
    const daemon = await this.#read('self')
    // Nothing tells on this system.
    if (daemon === undefined) return
    const executors = [...this.#o.executors()].filter(({ process }) => process.pid !== undefined)
    const memories = await Promise.all(executors.map(({ process }) => this.#read(process.pid as number)))
    // What all share, the program itself above all, is there once.
    let usedMb = daemon.residentMb
    const holders: (Holder & { executor: Executor })[] = []
    for (const [index, executor] of executors.entries()) {
      const memory = memories[index]
      if (memory === undefined) continue
      const own = Math.max(0, memory.residentMb - memory.sharedMb)
      usedMb += own
      // One without an account is the spare, which the next start needs; one that is being ended is as good as gone.
      if (executor.account === undefined || executor.killedFor !== undefined) continue
      const inUse = [...executor.instances.values()].some(({ state, calls }) => state !== 'idle' || calls.length > 0)
      holders.push({ process: executor.process.number, ownMb: own, inUse, executor })
    }
    this.#usedMb = usedMb
    this.#pressed = boundMb !== undefined && usedMb > boundMb
    if (this.#rest > 0) this.#rest--
    else if (boundMb !== undefined && this.#pressed) this.#evict(holders, usedMb - boundMb * AIM_SHARE)
  }

  #evict(holders: readonly (Holder & { executor: Executor })[], needMb: number): void {
    const instances = new Map<number, Instance>()
    const candidates: Candidate[] = []
    for (const { executor } of holders) {
      for (const instance of executor.instances.values()) {
        if (instance.state !== 'idle' || instance.calls.length > 0) continue
        instances.set(instance.id, instance)
        candidates.push(this.#candidateOf(instance))
      }
    }
    const { processes, instances: ids, freedMb } = chooseEviction(candidates, holders, needMb)
    if (processes.length === 0 && ids.length === 0) return
    for (const id of ids) this.#giveUp(instances.get(id), candidates)
    for (const number of processes) {
      const executor = holders.find(({ process }) => process === number)?.executor
      if (executor === undefined) continue
      for (const instance of [...executor.instances.values()]) this.#giveUp(instance, candidates)
      this.#o.end(executor)
    }
    this.#rest = LOOKS_AFTER
    const { boundMb, logger } = this.#o
    logger.info('idle instances were given up for memory', {
      usedMb: Math.round(this.#usedMb),
      boundMb,
      instances: ids.length,
      processes: processes.length,
      freedMb: Math.round(freedMb)
    })
  }

  #giveUp(instance: Instance | undefined, candidates: readonly Candidate[]): void {
    if (instance === undefined || instance.state !== 'idle') return
    this.#evicted++
    if (candidates.some(({ id, kept }) => id === instance.id && kept)) this.#evictedKept++
    this.#o.remove(instance)
  }

  #candidateOf(instance: Instance): Candidate {
    const { revision, executor, startedAt, lastUsedAt, callCount, usedMb } = instance
    const now = this.#o.now()
    const least = this.#o.kept().get(revision.id)?.count ?? 0
    // The most recently used stay, as with the reaper.
    const at = revision.idle.indexOf(instance)
    return {
      id: instance.id,
      process: executor.process.number,
      startMs: this.#o.startMs(revision.id),
      ageMs: now - startedAt,
      idleMs: now - lastUsedAt,
      calls: callCount,
      heapMb: usedMb,
      kept: at >= revision.idle.length - least
    }
  }
}

/** The guard of a node's instances. */
export function guardMemory(
  { memoryMb, logger, clock }: InstancesOptions,
  parts: { shelf: InstanceShelf; pool: ExecutorPool; warm: Prewarmer; startMs: (revisionId: string) => number | undefined }
): MemoryGuard {
  const { shelf, pool, warm, startMs } = parts
  return new MemoryGuard({
    boundMb: memoryMb,
    logger,
    now: () => clock.monotonic(),
    executors: () => pool.executors,
    startMs,
    kept: () => warm.kept,
    remove: (instance) => shelf.remove(instance),
    end: (executor) => pool.kill(executor, 'idle')
  })
}
