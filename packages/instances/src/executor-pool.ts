import type { Clock, Egress, Logger } from '@peerless/interface'
import type { LogHeader, SandboxCode } from '@peerless/sandbox'
import { hostsOf } from './executor-egress.ts'
import { ExecutorProcess } from './executor-process.ts'
import { BUNDLES_KEPT_MAX, EXECUTOR_OVERHEAD_MB, EXECUTORS_MAX, LOADS_PER_EXECUTOR_MAX } from './limits.ts'
import { residentMb } from './memory-watch.ts'
import type { Executor, Instance, KillReason } from './records.ts'

export interface PoolOptions {
  nodePath: string
  code: SandboxCode
  clock: Clock
  logger: Logger
  perAccountMax: number
  egress: Egress | undefined
  onLog: (instance: Instance, header: LogHeader, text: Uint8Array) => void
  onCatastrophe: (executor: Executor, instance: Instance | undefined, message: string) => void
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
  #nextNumber = 1
  #stopped = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  all(): Iterable<Executor> {
    return this.#all
  }

  /** Starts the spare process if there is none. */
  prepare(): void {
    if (this.#stopped || this.#spare !== undefined || this.#all.size >= EXECUTORS_MAX) return
    this.#spare = this.#spawn()
  }

  /** Any executor that lives; the spare first, because it has the least to do. */
  any(): Executor | undefined {
    return this.#spare ?? [...this.#all].find((executor) => executor.process.alive && !executor.draining)
  }

  /** Where the account's next instance goes: the emptiest of its executors, or one more. undefined when there is no room for one. */
  place(account: string): Executor | undefined {
    if (this.#stopped) return undefined
    const own = (this.#accounts.get(account) ?? []).filter((executor) => executor.process.alive && !executor.draining)
    const emptiest = own.sort((a, b) => a.instances.size - b.instances.size)[0]
    const enough = emptiest !== undefined && (emptiest.instances.size === 0 || own.length >= this.#options.perAccountMax)
    if (enough) return emptiest
    return this.#adopt(account) ?? emptiest
  }

  #adopt(account: string): Executor | undefined {
    if (this.#spare === undefined) {
      if (this.#all.size >= EXECUTORS_MAX) this.#makeRoom()
      if (this.#all.size >= EXECUTORS_MAX) return undefined
    }
    const executor = this.#spare ?? this.#spawn()
    this.#spare = undefined
    executor.account = account
    this.#accounts.set(account, [...(this.#accounts.get(account) ?? []), executor])
    // Not now: the process of this launch has the processor first.
    this.#options.clock.after(1_000, () => this.prepare())
    return executor
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
  reap(idleMs: number): void {
    const before = this.#options.clock.monotonic() - idleMs
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

  /** Kills executors whose resident memory is more than what their instances declared and Node itself needs. */
  async watchMemory(): Promise<void> {
    for (const executor of this.#all) {
      const pid = executor.process.pid
      if (pid === undefined || executor.instances.size === 0 || executor.killedFor !== undefined) continue
      const used = await residentMb(pid)
      let allowed = EXECUTOR_OVERHEAD_MB
      for (const instance of executor.instances.values()) allowed += instance.revision.version.memoryMb
      if (used === undefined || used <= allowed) continue
      this.#options.logger.warn('an executor exceeds its memory', {
        executor: executor.process.number,
        usedMb: used,
        allowedMb: allowed
      })
      this.kill(executor, 'memory')
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const all = [...this.#all]
    for (const executor of all) this.kill(executor, 'stop')
    await Promise.all(all.map((executor) => executor.process.ended()))
  }

  #spawn(): Executor {
    const { nodePath, code, logger, clock, egress } = this.#options
    const events = {
      onLog: (id: number, header: LogHeader, text: Uint8Array) => {
        const instance = executor.instances.get(id)
        if (instance !== undefined) this.#options.onLog(instance, header, text)
      },
      egressOriginOf: (id: number) => {
        const instance = executor.instances.get(id)
        if (instance === undefined) return undefined
        const { revision, functionName, name } = instance
        return { account: revision.account, functionName, instance: name, hosts: hostsOf(revision.version.environment) }
      },
      onCatastrophe: (id: number, message: string) => this.#options.onCatastrophe(executor, executor.instances.get(id), message),
      onExit: (reason: string) => this.#onExit(executor, reason)
    }
    const executor: Executor = {
      process: new ExecutorProcess({ number: this.#nextNumber++, nodePath, code, events, logger, egress }),
      account: undefined,
      instances: new Map(),
      bundles: new Map(),
      loads: 0,
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
      // A spare that dies by itself would die again at once: wait before the next.
      this.#options.clock.after(1_000, () => this.prepare())
    }
    const account = executor.account
    if (account !== undefined) {
      const rest = (this.#accounts.get(account) ?? []).filter((other) => other !== executor)
      if (rest.length === 0) this.#accounts.delete(account)
      else this.#accounts.set(account, rest)
    }
    if (executor.killedFor === undefined)
      this.#options.logger.warn('an executor ended by itself', { executor: executor.process.number, reason })
    this.#options.onExit(executor, reason)
  }
}
