import type { Clock, Logger, Outcome, PeerlessError } from '@peerless/interface'
import type { Conduct } from './conduct.ts'
import type { ExecutorPool } from './executor-pool.ts'
import type { InstanceShelf } from './instance-shelf.ts'
import { DRAIN_MS_MAX, LAST_MS_MAX } from './limits.ts'
import { severed } from './outcomes.ts'
import type { Executor, Instance, Revision, Running } from './records.ts'
import { refused } from './refusals.ts'

/**
 * What is done about code that does not behave: which revisions go where, and how a process that must be ended is ended. Proven code
 * must notice nothing of it, of the same account neither.
 */
export class Containment {
  readonly conduct: Conduct
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pool: ExecutorPool
  #shelf: InstanceShelf | undefined

  constructor(clock: Clock, logger: Logger, pool: ExecutorPool, conduct: Conduct) {
    this.conduct = conduct
    this.#clock = clock
    this.#logger = logger
    this.#pool = pool
  }

  /** The shelf asks `conduct` for the standing of revisions, so it comes second. */
  guard(shelf: InstanceShelf): void {
    this.#shelf = shelf
  }

  /** After a call of a revision that is not proven yet, when its instance can be used again. */
  good(revision: Revision): void {
    const before = revision.standing
    revision.standing = this.conduct.good(revision.id)
    if (revision.standing === before) return
    if (revision.standing === 'proven') this.#shelf?.moveOut(this.#pool.promote(revision))
  }

  /** A revision made the daemon end a process, or may have: from now on it has one of its own. Counted once per process. */
  offended(executor: Executor, revisionId: string, reason: string): void {
    if (executor.blamed.has(revisionId)) return
    executor.blamed.add(revisionId)
    this.conduct.offend(revisionId)
    this.#logger.warn('a revision goes into quarantine', { revision: revisionId, executor: executor.process.number, reason })
    const revision = this.#shelf?.revision(revisionId)
    if (revision === undefined) return
    revision.standing = 'quarantine'
    this.#shelf?.moveOut(this.#pool.outsideQuarantine(revision))
  }

  /**
   * An isolate ended badly. What it held may still be resident, and whoever came into that process next would be blamed for it: a
   * process of code that has not proven itself takes nothing more.
   */
  gone(instance: Instance): void {
    const { executor } = instance
    if (executor.standing !== 'proven') executor.draining = true
    this.#shelf?.remove(instance)
    if (executor.draining) this.replace(executor)
  }

  /** V8 lost an isolate, so the process takes nothing new; what is healthy ends in it, in bounded time. */
  drain(executor: Executor, message: string): void {
    this.#logger.error('V8 lost an isolate', { executor: executor.process.number, message })
    if (executor.draining) return
    executor.draining = true
    for (const instance of [...executor.instances.values()]) if (instance.calls.length === 0) this.#shelf?.remove(instance)
    if (executor.instances.size === 0) this.#pool.kill(executor, 'catastrophe')
    else this.#clock.after(DRAIN_MS_MAX, () => this.#pool.kill(executor, 'catastrophe'))
  }

  /** A start failed, and the handler was not called. Whether the process died of this function's initialisation decides if that may be tried elsewhere. */
  loadFailure(nodeId: string, instance: Instance, call: Running, error: PeerlessError): Outcome {
    if (error.code !== 'CONNECTION_LOST') return refused('UNAVAILABLE', error.message)
    const death = this.#pool.deathOf(instance.executor)
    const { killedFor } = instance.executor
    if (death !== undefined) this.offended(instance.executor, instance.revision.id, death)
    else if (killedFor !== 'memory') return refused('BUSY', `the executor was ended (${killedFor})`)
    return severed(nodeId, instance, call, this.#clock.monotonic())
  }

  /** Nothing runs in it. Whoever is called next gets an instance in another process. */
  replace(executor: Executor): void {
    executor.draining = true
    for (const instance of [...executor.instances.values()]) if (instance.calls.length === 0) this.#shelf?.remove(instance)
  }

  readonly onBroken = (executor: Executor, reason: string): void => {
    this.#logger.error('an executor broke the rules of a stream', { reason })
    this.#pool.kill(executor, 'catastrophe')
  }

  /** It holds too much memory: nothing new, a moment for what is about to be answered, then the end. Who is still running then is suspected. */
  condemn(executor: Executor): void {
    this.#shelf?.suspend(executor)
    this.#clock.after(LAST_MS_MAX, () => {
      if (executor.killedFor !== undefined) return
      for (const { calls, revision } of executor.instances.values()) {
        if (calls.length > 0) this.offended(executor, revision.id, 'memory')
      }
      this.#pool.kill(executor, 'memory')
    })
  }
}
