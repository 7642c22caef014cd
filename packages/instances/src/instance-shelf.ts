import type { Clock, InstanceStatus, Invocation, Random } from '@peerless/interface'
import { FLAG_MANNER_SHIFT, MANNERS } from '@peerless/sandbox'
import type { ExecutorPool } from './executor-pool.ts'
import type { Executor, Instance, Revision } from './records.ts'

/** Every instance that is alive, by revision; which are idle, and in what order they were used. Knows nothing of calls. */
export class InstanceShelf {
  /** Idle instances per revision, only those above zero; kept up with every change, because routing reads it for every call. */
  readonly idle = new Map<string, number>()
  readonly #clock: Clock
  readonly #random: Random
  readonly #pool: ExecutorPool
  readonly #revisions = new Map<string, Revision>()
  readonly #instances = new Map<number, Instance>()
  #nextId = 1

  constructor(clock: Clock, random: Random, pool: ExecutorPool) {
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

  /** The most recently used idle instance: the others may so grow old enough to be taken away. */
  take(revisionId: string): Instance | undefined {
    const revision = this.#revisions.get(revisionId)
    const instance = revision?.idle.pop()
    if (revision !== undefined && instance !== undefined) this.#countIdle(revision)
    return instance
  }

  park(instance: Instance): void {
    if (instance.executor.draining || instance.revision.retired) {
      this.remove(instance)
      return
    }
    instance.state = 'idle'
    instance.revision.idle.push(instance)
    this.#countIdle(instance.revision)
  }

  add(invocation: Invocation, executor: Executor): Instance {
    const instance: Instance = {
      id: this.#nextId++,
      name: this.#random.uuid().replaceAll('-', ''),
      functionName: invocation.functionName,
      revision: this.#revisionOf(invocation),
      executor,
      state: 'starting',
      call: undefined,
      calls: 0,
      errors: 0,
      lastUsedAt: this.#clock.monotonic(),
      attempt: 1,
      caller: '',
      invokedArn: '',
      clientContext: undefined
    }
    instance.revision.alive++
    this.#instances.set(instance.id, instance)
    this.#pool.settle(executor, instance)
    return instance
  }

  remove(instance: Instance): void {
    if (instance.state === 'gone') return
    const { revision, executor } = instance
    if (instance.state === 'idle') {
      revision.idle.splice(revision.idle.indexOf(instance), 1)
      this.#countIdle(revision)
    }
    instance.state = 'gone'
    this.#instances.delete(instance.id)
    revision.alive--
    if (revision.alive === 0) this.#revisions.delete(revision.id)
    if (executor.process.alive) executor.process.dispose(instance.id)
    this.#pool.leave(executor, instance)
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

  /** Takes away what was last used before then (monotonic milliseconds). */
  reap(before: number): void {
    for (const revision of [...this.#revisions.values()]) {
      for (let oldest = revision.idle[0]; oldest !== undefined && oldest.lastUsedAt <= before; oldest = revision.idle[0]) {
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

  /** What one executor finds out about a version is told to the next; once slow is slow for good. */
  learn(revision: Revision, flags: number): void {
    const manner = MANNERS[(flags >> FLAG_MANNER_SHIFT) & 3] ?? 'unknown'
    if (manner === revision.manner || revision.manner === 'slow' || manner === 'unknown') return
    revision.manner = manner
  }

  list(): InstanceStatus[] {
    const epoch = this.#clock.now() - this.#clock.monotonic()
    return [...this.#instances.values()].map((instance) => ({
      instance: instance.name,
      function: instance.functionName,
      version: instance.revision.version.version,
      revisionId: instance.revision.id,
      state: instance.state === 'gone' ? 'idle' : instance.state,
      executor: instance.executor.process.number,
      calls: instance.calls,
      errors: instance.errors,
      lastUsedAt: Math.round(epoch + instance.lastUsedAt)
    }))
  }

  #revisionOf({ version, account }: Invocation): Revision {
    const known = this.#revisions.get(version.revisionId)
    if (known !== undefined) return known
    const revision: Revision = {
      id: version.revisionId,
      version,
      account,
      idle: [],
      alive: 0,
      launching: 0,
      retired: false,
      manner: 'unknown'
    }
    this.#revisions.set(revision.id, revision)
    return revision
  }

  #countIdle(revision: Revision): void {
    const count = revision.idle.length
    if (count === 0) this.idle.delete(revision.id)
    else this.idle.set(revision.id, count)
  }
}
