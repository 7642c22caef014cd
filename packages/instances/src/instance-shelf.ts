import type { Clock, InstanceStatus, Invocation, Random } from '@peerless/interface'
import { FLAG_MANNER_SHIFT, MANNERS } from '@peerless/sandbox'
import type { Conduct } from './conduct.ts'
import type { ExecutorPool } from './executor-pool.ts'
import { LANE_CALLS_MAX, LANE_CALLS_SHALLOW, LEAN_IDLE_MS, PROMPT_CALLS_MIN, STARTS_COUNTED_MAX } from './limits.ts'
import type { Executor, Instance, Revision } from './records.ts'
import type { WarmOrder } from './warm-keeper.ts'

/** Every instance that is alive, by revision; which are idle, and in what order they were used. Knows nothing of calls. */
export class InstanceShelf {
  /** Idle instances per revision, and lanes with room, only those above zero; kept up with every change, because routing reads it for every call. */
  readonly idle = new Map<string, number>()
  /** How many instances of a function were made, gone ones included. */
  readonly starts = new Map<string, number>()
  readonly #clock: Clock
  readonly #random: Random
  readonly #pool: ExecutorPool
  readonly #revisions = new Map<string, Revision>()
  readonly #instances = new Map<number, Instance>()
  readonly #conduct: Conduct
  readonly #lanesMax: number
  #nextId = 1

  constructor(clock: Clock, random: Random, pool: ExecutorPool, conduct: Conduct, lanesMax: number) {
    this.#conduct = conduct
    this.#lanesMax = lanesMax
    this.#clock = clock
    this.#random = random
    this.#pool = pool
  }

  get size(): number {
    return this.#instances.size
  }

  revision(revisionId: string): Revision | undefined {
    return this.#revisions.get(revisionId)
  }

  /**
   * The instance for a call. Where calls are answered without waiting (a prompt revision) they are stacked on one instance per executor:
   * there they run one after the other on the executor's own thread in any case, and one isolate that stays in the processor's caches
   * serves them at less than half the cost of many. Otherwise the most recently used idle instance, so that the others may grow old.
   */
  take(revisionId: string): Instance | undefined {
    const revision = this.#revisions.get(revisionId)
    if (revision === undefined) return undefined
    const instance = (isPrompt(revision) ? this.#laneOf(revision) : undefined) ?? revision.idle.pop()
    if (instance !== undefined) instance.state = 'busy'
    return instance
  }

  #laneOf(revision: Revision): Instance | undefined {
    let lane: Instance | undefined
    for (const candidate of revision.lanes) {
      if (isEnding(candidate)) continue
      if (lane === undefined || candidate.calls.length < lane.calls.length) lane = candidate
    }
    if (lane === undefined) return undefined
    if (lane.state === 'idle') {
      revision.idle.splice(revision.idle.lastIndexOf(lane), 1)
      return lane
    }
    const room = revision.lanes.length < this.#lanesMax && revision.launching === 0 ? LANE_CALLS_SHALLOW : LANE_CALLS_MAX
    return lane.calls.length < room ? lane : undefined
  }

  /** After an answer, when nothing else was sent to it. */
  park(instance: Instance): void {
    const { revision } = instance
    if (instance.calls.length > 0) {
      this.count(revision)
      return
    }
    if (instance.executor.draining || revision.retired || instance.leaving) {
      this.remove(instance)
      return
    }
    instance.state = 'idle'
    if (instance.executor.suspended !== undefined) {
      instance.executor.suspended.push(instance)
      this.count(revision)
      return
    }
    revision.idle.push(instance)
    this.count(revision)
  }

  /** Takes note of whether a call was answered without waiting; one that was not ends the stacking. */
  notePrompt(instance: Instance, prompt: boolean): void {
    const { revision, executor } = instance
    if (!prompt) {
      revision.promptCalls = 0
      return
    }
    if (++revision.promptCalls < PROMPT_CALLS_MIN || revision.lanes.length >= this.#lanesMax) return
    const taken =
      instance.state === 'gone' || executor.suspended !== undefined || revision.lanes.some((lane) => lane.executor === executor)
    if (!taken) revision.lanes.push(instance)
  }

  add(invocation: Invocation, executor: Executor): Instance {
    const instance: Instance = {
      id: this.#nextId++,
      name: Buffer.from(this.#random.bytes(16)).toString('hex'),
      functionName: invocation.functionName,
      revision: this.revisionOf(invocation),
      executor,
      state: 'starting',
      leaving: false,
      calls: [],
      callCount: 0,
      errors: 0,
      usedMb: 0,
      startedAt: this.#clock.monotonic(),
      cpuUs: 0,
      lastUsedAt: this.#clock.monotonic(),
      attempt: 1,
      caller: '',
      invokedArn: '',
      clientContext: undefined,
      trace: undefined,
      startStagesMs: undefined
    }
    instance.revision.alive++
    this.#countStart(invocation.functionName)
    this.#instances.set(instance.id, instance)
    this.#pool.settle(executor, instance)
    return instance
  }

  #countStart(functionName: string): void {
    if (this.starts.size >= STARTS_COUNTED_MAX && !this.starts.has(functionName)) {
      for (const first of this.starts.keys()) {
        this.starts.delete(first)
        break
      }
    }
    this.starts.set(functionName, (this.starts.get(functionName) ?? 0) + 1)
  }

  remove(instance: Instance): void {
    if (instance.state === 'gone') return
    const { revision, executor } = instance
    const lane = revision.lanes.indexOf(instance)
    if (lane >= 0) revision.lanes.splice(lane, 1)
    if (instance.state === 'idle') {
      // When its executor answers again, it is in neither: it goes instead of coming back.
      for (const list of [executor.suspended ?? [], revision.idle]) {
        const at = list.indexOf(instance)
        if (at >= 0) list.splice(at, 1)
      }
      this.count(revision)
    }
    instance.state = 'gone'
    this.#instances.delete(instance.id)
    revision.alive--
    if (revision.alive === 0) this.#revisions.delete(revision.id)
    if (executor.process.alive) executor.process.dispose(instance.id)
    this.#pool.leave(executor, instance)
  }

  /** Whether calls of it are stacked. */
  isPrompt(revisionId: string): boolean {
    const revision = this.#revisions.get(revisionId)
    return revision !== undefined && isPrompt(revision)
  }

  /** Instances of a revision that are not idle. */
  busyOf(revisionId: string): number {
    const revision = this.#revisions.get(revisionId)
    return revision === undefined ? 0 : revision.alive - revision.idle.length
  }

  /** Nothing more goes to this executor until it answers again: calls must find other instances. */
  suspend(executor: Executor): void {
    if (executor.suspended !== undefined) return
    executor.suspended = []
    executor.suspendedAt = this.#clock.monotonic()
    for (const instance of executor.instances.values()) {
      const { revision } = instance
      const lane = revision.lanes.indexOf(instance)
      if (lane >= 0) revision.lanes.splice(lane, 1)
      if (instance.state === 'idle') {
        revision.idle.splice(revision.idle.indexOf(instance), 1)
        executor.suspended.push(instance)
      }
      this.count(revision)
    }
  }

  /** It answers: what it has can be used again, unless it is to end. Hot. */
  resume(executor: Executor): void {
    const { suspended } = executor
    if (suspended === undefined || executor.condemned) return
    executor.suspended = undefined
    for (const instance of suspended) this.park(instance)
  }

  /** An executor of another standing must be found for these: now where they are idle, else when their call has ended. */
  moveOut(instances: Iterable<Instance>): void {
    for (const instance of [...instances]) {
      instance.leaving = true
      if (instance.state === 'idle') this.remove(instance)
      else this.count(instance.revision)
    }
  }

  /** Makes room by the instance that has been idle longest. */
  evict(): boolean {
    let oldest: Instance | undefined
    for (const revision of this.#revisions.values()) {
      const candidate = revision.idle[0]
      if (candidate !== undefined && (oldest === undefined || candidate.lastUsedAt < oldest.lastUsedAt)) oldest = candidate
    }
    if (oldest !== undefined) this.remove(oldest)
    return oldest !== undefined
  }

  /** Takes away what has been idle for so many milliseconds, but for so many instances of a revision as `kept` says. */
  reap(idleMs: number, kept: ReadonlyMap<string, Pick<WarmOrder, 'count' | 'lean'>>): void {
    const now = this.#clock.monotonic()
    for (const revision of [...this.#revisions.values()]) {
      const order = kept.get(revision.id)
      const least = order?.count ?? 0
      const before = now - (order?.lean === true ? Math.min(idleMs, LEAN_IDLE_MS) : idleMs)
      for (let oldest = revision.idle[0]; oldest !== undefined && oldest.lastUsedAt <= before; oldest = revision.idle[0]) {
        if (revision.idle.length <= least) break
        this.remove(oldest)
      }
    }
  }

  retire(revisionId: string): void {
    const revision = this.#revisions.get(revisionId)
    if (revision === undefined) return
    revision.retired = true
    for (const instance of [...revision.idle]) this.remove(instance)
  }

  /** A revision for which no instance could be made. */
  dropUnused(revision: Revision): void {
    if (revision.alive === 0) this.#revisions.delete(revision.id)
  }

  /** What one executor finds out about a version is told to the next. */
  learn(revision: Revision, flags: number): void {
    const manner = MANNERS[(flags >> FLAG_MANNER_SHIFT) & 3] ?? 'unknown'
    if (manner !== 'unknown') revision.manner = manner
  }

  /** @param startMs how long a revision takes to start, where that is known */
  list(startMs: (revisionId: string) => number | undefined): InstanceStatus[] {
    const epoch = this.#clock.now() - this.#clock.monotonic()
    return [...this.#instances.values()].map((instance) => ({
      instance: instance.name,
      function: instance.functionName,
      version: instance.revision.version.version,
      revisionId: instance.revision.id,
      state: instance.state === 'gone' ? 'idle' : instance.state,
      executor: instance.executor.process.number,
      calls: instance.callCount,
      errors: instance.errors,
      standing: instance.revision.standing,
      lastUsedAt: Math.round(epoch + instance.lastUsedAt),
      startedAt: Math.round(epoch + instance.startedAt),
      cpuMs: Math.round(instance.cpuUs / 10) / 100,
      memoryMb: instance.usedMb === 0 ? undefined : instance.usedMb,
      startMs: startMs(instance.revision.id),
      startStagesMs: instance.startStagesMs
    }))
  }

  /** Made where it is not known yet. */
  revisionOf({ version, account }: Invocation): Revision {
    const known = this.#revisions.get(version.revisionId)
    if (known !== undefined) return known
    const revision: Revision = {
      id: version.revisionId,
      version,
      account,
      idle: [],
      lanes: [],
      promptCalls: 0,
      counted: 0,
      alive: 0,
      launching: 0,
      retired: false,
      manner: 'unknown',
      standing: this.#conduct.of(version.revisionId)
    }
    this.#revisions.set(revision.id, revision)
    return revision
  }

  /** Keeps `idle` true after a change. */
  count(revision: Revision): void {
    let count = revision.idle.length
    if (isPrompt(revision)) {
      for (const lane of revision.lanes) {
        if (lane.state === 'busy' && lane.calls.length < LANE_CALLS_MAX && !isEnding(lane)) count++
      }
    }
    if (count === revision.counted) return
    revision.counted = count
    if (count === 0) this.idle.delete(revision.id)
    else this.idle.set(revision.id, count)
  }
}

function isPrompt(revision: Revision): boolean {
  return revision.promptCalls >= PROMPT_CALLS_MIN
}

/** It goes with the call that is its last: what is stacked on it behind that one would keep it for ever. */
function isEnding({ leaving, executor }: Instance): boolean {
  return leaving || executor.draining
}
