import { type Clock, type Egress, firstTrace, type Logger, messageOf, PeerlessError } from '@peerless/interface'
import { type ExecutorStatus, type IsolateKind, isSameKind, type LogHeader, type SandboxCode } from '@peerless/sandbox'
import type { Confinement } from './confinement.ts'
import type { ControlGroups } from './control-groups.ts'
import { hostsOf } from './executor-egress.ts'
import { ExecutorProcess } from './executor-process.ts'
import {
  BUNDLES_KEPT_MAX,
  EMPTY_MS_MAX,
  EXECUTOR_IDLE_MB,
  EXECUTOR_OVERHEAD_MB,
  EXECUTOR_SLACK_MB,
  EXECUTORS_MAX,
  INSTANCE_IDLE_MB,
  LOADS_PER_EXECUTOR_MAX,
  LOOKS_PER_IDLE,
  MEMORY_NEAR_MS,
  PREPARE_AGAIN_MS,
  PREPARE_MS,
  PROBE_MS_MAX,
  SILENT_MS_MAX
} from './limits.ts'
import { residentMb } from './memory-watch.ts'
import { choosePlace } from './placement.ts'
import type { Executor, Instance, KillReason, Revision } from './records.ts'
import { checkDescriptors } from './spare-descriptors.ts'
import { newTurn } from './thread-turns.ts'

export interface PoolOptions {
  code: SandboxCode
  confinement: Confinement
  groups: ControlGroups | undefined
  clock: Clock
  logger: Logger
  perAccountMax: number
  egress: Egress | undefined
  onLog: (instance: Instance, header: LogHeader, text: Uint8Array) => void
  /** The revision is alleged: it is what the process says. */
  onCatastrophe: (executor: Executor, instance: Instance | undefined, message: string, revisionId: string) => void
  /** It holds more memory than it may. */
  onMemory: (executor: Executor) => void
  /** Nothing runs in it, and yet it keeps more memory than its instances have. */
  onBloated: (executor: Executor) => void
  /** After all outstanding requests of it failed. */
  onExit: (executor: Executor, reason: string) => void
}

/**
 * The executor processes: a few per account, never shared between two, and one without an account that waits so that a first launch
 * does not pay for the start of a process.
 */
export class ExecutorPool {
  readonly #options: PoolOptions
  readonly #accounts = new Map<string, Executor[]>()
  readonly #all = new Set<Executor>()
  #spare: Executor | undefined
  #expected: IsolateKind | undefined
  #nextNumber = 1
  #stopped = false
  #looking = false
  #looks = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** What an executor said of itself when it started. */
  status(): ExecutorStatus | undefined {
    for (const { process } of this.#all) if (process.status !== undefined) return process.status
    return undefined
  }

  /** Every process, the spare one among them. */
  get executors(): Iterable<Executor> {
    return this.#all
  }

  /** Starts the spare process if there is none. */
  prepare(): void {
    if (this.#stopped || this.#spare !== undefined || this.#all.size >= EXECUTORS_MAX) return
    this.#spare = this.#spawn()
    if (this.#spare === undefined) this.#prepareLater()
  }

  /** One that dies by itself, or cannot be started, would do so again at once. */
  #prepareLater(): void {
    this.#options.clock.after(PREPARE_AGAIN_MS, () => this.prepare())
  }

  /** A function that needs isolates of that kind may be what the spare process is taken for. */
  expect(kind: IsolateKind): void {
    if (this.#expected !== undefined && isSameKind(this.#expected, kind)) return
    this.#expected = kind
    this.#spare?.process.expect(kind)
  }

  /** Where the next instance of a revision goes, see `choosePlace`. undefined when there is no room for one. */
  place(revision: Revision): Executor | undefined {
    if (this.#stopped) return undefined
    const all = this.#takersOf(revision.account)
    const own = all.filter(({ suspended }) => suspended === undefined)
    // One that does not answer just now mostly waits for a processor, which a further process would need, too.
    const silent = all.filter(({ suspended, standing }) => suspended !== undefined && standing === 'proven').length
    const spareReady = this.#spare?.process.status !== undefined
    const { executor, adopt } = choosePlace(own, revision, Math.max(1, this.#options.perAccountMax - silent), spareReady)
    if (executor !== undefined && !adopt) return executor
    return this.#adopt(revision) ?? executor
  }

  /** Whether the account has executors and none of them answers, for so short a time that it is worth waiting for one. */
  silent(account: string): boolean {
    const since = this.#options.clock.monotonic() - SILENT_MS_MAX
    const all = this.#takersOf(account)
    return all.every(({ suspended }) => suspended !== undefined) && all.some(({ suspendedAt }) => suspendedAt > since)
  }

  #takersOf(account: string): Executor[] {
    return (this.#accounts.get(account) ?? []).filter(
      ({ process, draining, condemned }) => process.alive && !draining && !condemned
    )
  }

  #adopt(revision: Revision): Executor | undefined {
    if (this.#spare === undefined) {
      if (this.#all.size >= EXECUTORS_MAX) this.#makeRoom()
      if (this.#all.size >= EXECUTORS_MAX) return undefined
    }
    const executor = this.#spare ?? this.#spawn()
    if (executor === undefined) return undefined
    this.#spare = undefined
    const { account, standing } = revision
    executor.account = account
    executor.standing = standing
    executor.ward = standing === 'quarantine' ? revision.id : undefined
    this.#accounts.set(account, [...(this.#accounts.get(account) ?? []), executor])
    // Not now: the process of this launch has the processor first.
    this.#options.clock.after(PREPARE_MS, () => this.prepare())
    return executor
  }

  /**
   * A revision has proven itself. Executors in which everything is proven become proven ones, as many as an account may have: an account with
   * one function pays for no second process. Returns the instances that must go where proven code is.
   */
  promote(revision: Revision): Instance[] {
    const leaving: Instance[] = []
    const own = this.#accounts.get(revision.account) ?? []
    for (const executor of own) {
      if (executor.standing === 'proven' || executor.draining) continue
      const instances = [...executor.instances.values()]
      if (!instances.some((instance) => instance.revision === revision)) continue
      const proven = own.filter(({ standing, draining }) => standing === 'proven' && !draining).length
      const pure = instances.every((instance) => instance.revision.standing === 'proven')
      if (pure && executor.standing === 'probation' && proven < this.#options.perAccountMax) executor.standing = 'proven'
      else leaving.push(...instances.filter((instance) => instance.revision === revision))
    }
    return leaving
  }

  /** Instances of a revision outside quarantine. */
  outsideQuarantine(revision: Revision): Instance[] {
    const own = this.#accounts.get(revision.account) ?? []
    return own
      .filter(({ standing }) => standing !== 'quarantine')
      .flatMap(({ instances }) => [...instances.values()].filter((instance) => instance.revision === revision))
  }

  /** Ends the executor that has been without instances longest. */
  #makeRoom(): void {
    let oldest: Executor | undefined
    for (const executor of this.#all) {
      if (executor.instances.size > 0 || executor === this.#spare) continue
      if (oldest === undefined || executor.idleSince < oldest.idleSince) oldest = executor
    }
    if (oldest !== undefined) this.kill(oldest, 'idle')
  }

  /** Takes note of a new instance. */
  settle(executor: Executor, instance: Instance): void {
    executor.instances.set(instance.id, instance)
    const cid = instance.revision.version.code.bundleCid
    executor.bundles.set(cid, (executor.bundles.get(cid) ?? 0) + 1)
    executor.hosted.add(instance.revision.id)
    executor.process.allowMemory(memoryBoundOf(executor))
    executor.loads++
    if (executor.loads >= LOADS_PER_EXECUTOR_MAX) executor.draining = true
  }

  /** Takes note that an instance went; ends an executor that only waited for that. */
  leave(executor: Executor, instance: Instance): void {
    if (!executor.instances.delete(instance.id)) return
    const cid = instance.revision.version.code.bundleCid
    executor.bundles.set(cid, (executor.bundles.get(cid) ?? 1) - 1)
    if (executor.bundles.size > BUNDLES_KEPT_MAX) this.#forgetBundles(executor)
    if (executor.instances.size > 0) return
    executor.idleSince = this.#options.clock.monotonic()
    if (executor.draining) this.kill(executor, 'idle')
  }

  #forgetBundles(executor: Executor): void {
    for (const [cid, count] of executor.bundles) {
      if (count > 0) continue
      executor.bundles.delete(cid)
      executor.process.forgetBundle(cid)
      if (executor.bundles.size <= BUNDLES_KEPT_MAX) return
    }
  }

  /** Ends executors of accounts that have had no instance for so long. */
  reap(): void {
    const before = this.#options.clock.monotonic() - EMPTY_MS_MAX
    for (const executor of this.#all) {
      if (executor !== this.#spare && executor.instances.size === 0 && executor.idleSince <= before) this.kill(executor, 'idle')
    }
  }

  kill(executor: Executor, reason: KillReason): void {
    if (executor.killedFor !== undefined) return
    executor.killedFor = reason
    executor.draining = true
    executor.process.kill()
    if (reason === 'deadline' || reason === 'memory' || reason === 'catastrophe') {
      this.#options.logger.warn('killed an executor', { executor: executor.process.number, account: executor.account, reason })
    }
  }

  /**
   * Condemns executors whose resident memory is more than what their instances declared and Node itself needs; where much is in use already it
   * looks again soon. One in which nothing runs is looked at seldom, and asked to give back what it does not need.
   */
  async watchMemory(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const lookAtIdle = ++this.#looks % LOOKS_PER_IDLE === 0
    let near = false
    for (const executor of this.#all) {
      const { pid } = executor.process
      if (pid === undefined || executor.instances.size === 0 || executor.killedFor !== undefined) continue
      const boundMb = memoryBoundOf(executor)
      let runs = false
      for (const { calls } of executor.instances.values()) runs ||= calls.length > 0
      if (runs) executor.trimmed = false
      else if (!lookAtIdle) continue
      const used = await residentMb(pid)
      // It may have ended, or been given up, while its memory was read.
      if (used === undefined || executor.killedFor !== undefined || executor.condemned) continue
      executor.process.allowMemory(boundMb, used)
      if (used > boundMb) this.#condemn(executor, used, boundMb)
      else if (!runs) this.#trim(executor, used)
      else near ||= used > boundMb / 2
    }
    this.#looking = false
    if (near && !this.#stopped) this.#options.clock.after(MEMORY_NEAR_MS, () => void this.watchMemory())
  }

  #condemn(executor: Executor, usedMb: number, allowedMb: number): void {
    this.#options.logger.warn('an executor exceeds its memory', { executor: executor.process.number, usedMb, allowedMb })
    executor.condemned = true
    this.#options.onMemory(executor)
  }

  /** Once after each time that it was used; one that keeps much more than its instances have is replaced (isolated-vm #281, and glibc's arenas). */
  #trim(executor: Executor, usedMb: number): void {
    if (usedMb <= EXECUTOR_IDLE_MB + executor.instances.size * INSTANCE_IDLE_MB) return
    if (!executor.trimmed) {
      executor.trimmed = true
      executor.process.trim()
      return
    }
    let keptMb = EXECUTOR_IDLE_MB + EXECUTOR_SLACK_MB
    for (const instance of executor.instances.values()) keptMb += Math.max(INSTANCE_IDLE_MB, instance.usedMb)
    if (usedMb > keptMb) this.#options.onBloated(executor)
  }

  /** How an executor ended that nobody ended: by itself, or by the kernel because its memory was used up. undefined when it was ended, or lives. */
  deathOf(executor: Executor): 'exit' | 'memory' | undefined {
    if (executor.death !== undefined || executor.killedFor !== undefined || executor.process.alive) return executor.death
    executor.death = executor.process.outOfMemory ? 'memory' : 'exit'
    if (executor.death === 'memory') executor.killedFor = 'memory'
    return executor.death
  }

  /** An executor answers. @throws PeerlessError UNAVAILABLE, DEADLINE_EXCEEDED, CONNECTION_LOST */
  async probe(): Promise<void> {
    const executor = this.#spare ?? [...this.#all].find(({ process, draining }) => process.alive && !draining)
    if (executor === undefined) throw new PeerlessError('UNAVAILABLE', 'no executor is running')
    const abort = new AbortController()
    const timer = this.#options.clock.after(PROBE_MS_MAX, () => abort.abort())
    try {
      await executor.process.ping(abort.signal)
    } catch (error) {
      if (!abort.signal.aborted) throw error
      throw new PeerlessError('DEADLINE_EXCEEDED', `the first executor did not answer within ${PROBE_MS_MAX} ms`, {
        cause: error
      })
    } finally {
      timer.cancel()
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const all = [...this.#all]
    for (const executor of all) this.kill(executor, 'stop')
    await Promise.all(all.map((executor) => executor.process.ended()))
    await this.#options.groups?.close()
  }

  /** undefined where the machine has no room for one more: that is no reason to end this process, and may pass. */
  #spawn(): Executor | undefined {
    const { code, confinement, groups, logger, clock, egress } = this.#options
    const events = {
      onLog: (id: number, header: LogHeader, text: Uint8Array) => {
        const instance = executor.instances.get(id)
        if (instance !== undefined) this.#options.onLog(instance, header, text)
      },
      egressOriginOf: (id: number) => {
        const instance = executor.instances.get(id)
        if (instance === undefined) return undefined
        const { revision, functionName, name } = instance
        const { account, version } = revision
        const call = instance.calls[0]?.invocation
        return {
          account,
          functionName,
          instance: name,
          hosts: hostsOf(version.environment),
          trace: call === undefined ? undefined : (call.trace ?? firstTrace(call.requestId, functionName))
        }
      },
      onCatastrophe: (id: number, message: string, revisionId: string) =>
        this.#options.onCatastrophe(executor, executor.instances.get(id), message, revisionId),
      onExit: (reason: string) => this.#onExit(executor, reason)
    }
    const group = groups?.create(EXECUTOR_OVERHEAD_MB)
    let process: ExecutorProcess
    try {
      checkDescriptors()
      const expected = this.#expected
      process = new ExecutorProcess({ number: this.#nextNumber++, expected, code, confinement, events, logger, egress, group })
    } catch (error) {
      logger.error('an executor could not be started', { reason: messageOf(error) })
      void group?.remove()
      return undefined
    }
    const executor: Executor = {
      process,
      account: undefined,
      standing: 'probation',
      ward: undefined,
      turn: newTurn(),
      suspended: undefined,
      suspendedAt: 0,
      death: undefined,
      condemned: false,
      blamed: new Set(),
      hosted: new Set(),
      trimmed: false,
      instances: new Map(),
      bundles: new Map(),
      loads: 0,
      startedAt: clock.monotonic(),
      draining: false,
      killedFor: undefined,
      culprit: undefined,
      idleSince: clock.monotonic()
    }
    this.#all.add(executor)
    return executor
  }

  #onExit(executor: Executor, reason: string): void {
    executor.draining = true
    this.#all.delete(executor)
    if (executor === this.#spare) {
      this.#spare = undefined
      this.#prepareLater()
    }
    const account = executor.account
    if (account !== undefined) {
      const rest = (this.#accounts.get(account) ?? []).filter((other) => other !== executor)
      if (rest.length === 0) this.#accounts.delete(account)
      else this.#accounts.set(account, rest)
    }
    if (this.deathOf(executor) !== undefined) {
      const how = executor.death === 'memory' ? 'the kernel ended an executor for its memory' : 'an executor ended by itself'
      this.#options.logger.warn(how, { executor: executor.process.number, reason })
    }
    this.#options.onExit(executor, reason)
  }
}

/** Resident megabytes that an executor may hold: what its instances declare, and what Node needs. */
function memoryBoundOf({ instances }: Executor): number {
  let declaredMb = 0
  for (const { revision } of instances.values()) declaredMb += revision.version.memoryMb
  return EXECUTOR_OVERHEAD_MB + declaredMb
}
