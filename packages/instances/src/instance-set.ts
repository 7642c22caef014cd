import { availableParallelism } from 'node:os'
import type { FunctionVersion, Invocation, OnReply, Outcome, PeerlessError, Reply, StartGate } from '@peerless/interface'
import {
  FLAG_CACHE_REFUSED,
  FLAG_GONE,
  FLAG_PROMPT,
  type LoadedHeader,
  memoryErrorJson,
  RESULT_STATUSES,
  type ResultHeader,
  type SandboxCode
} from '@peerless/sandbox'
import { afterReading } from './after-reading.ts'
import type { Supply } from './bundle-delivery.ts'
import type { BundleSupply } from './bundle-supply.ts'
import { CallLogs } from './call-logs.ts'
import type { Conduct } from './conduct.ts'
import { Containment } from './containment.ts'
import { checkedLoaded, checkedResult } from './executor-answers.ts'
import { ExecutorPool } from './executor-pool.ts'
import { InstanceShelf } from './instance-shelf.ts'
import { isolationLayers } from './isolation.ts'
import { callOfStart, isPast } from './launch-ahead.ts'
import { LaunchLine } from './launch-line.ts'
import * as limits from './limits.ts'
import { invokeHeaderOf, loadOrderOf } from './load-order.ts'
import type { Machine } from './machine.ts'
import { guardMemory, type MemoryGuard } from './memory-guard.ts'
import { answered, ended, noteStart, noteUse, severed } from './outcomes.ts'
import { watchDeadlines } from './overdue.ts'
import { Prewarmer } from './prewarmer.ts'
import { RecentLatency } from './recent-latency.ts'
import { type Executor, type Instance, newRunning, type Revision, type Running } from './records.ts'
import { crowded, PASSED, refused, unreadable } from './refusals.ts'
import { SlotCount } from './slot-count.ts'
import { StartLimit } from './start-limit.ts'
import { runStreamed } from './streamed-run.ts'
import { ThreadTurns } from './thread-turns.ts'
import type { Instances, InstancesOptions, OnOutcome } from './types.ts'

/** What revisions have shown, and how to wait until that is kept. */
export interface Trust {
  readonly conduct: Conduct
  close(): Promise<void>
}

/**
 * The instances of this node. A call takes the most recently used idle instance of its revision, else a free slot and a new instance,
 * else it is refused as BUSY, and then nothing was started. An instance runs one call at a time.
 */
export class InstanceSet implements Instances {
  readonly nodeId: string
  readonly slots: number
  readonly #options: InstancesOptions
  readonly #trust: Trust
  readonly isolation: Instances['isolation']
  readonly #pool: ExecutorPool
  readonly #supply: BundleSupply
  readonly #latency = new RecentLatency()
  readonly #shelf: InstanceShelf
  readonly #containment: Containment
  readonly #turns: ThreadTurns
  readonly #logs: CallLogs
  readonly #line: LaunchLine
  readonly #limit: StartLimit
  readonly #memory: MemoryGuard
  readonly warm: Prewarmer
  readonly #running = new Set<Instance>()
  readonly #timers: { cancel(): void }[] = []
  readonly #idleMs: number
  readonly starts = () => this.#shelf.starts
  readonly memory = () => this.#memory.status()
  readonly startMs = (revisionId: string) => this.#line.startMs(revisionId)
  #draining = false
  readonly #taken = new SlotCount()

  constructor(options: InstancesOptions, code: SandboxCode, machine: Machine, trust: Trust, supply: BundleSupply) {
    this.nodeId = options.nodeId
    this.slots = options.slots
    this.#options = options
    this.#trust = trust
    this.isolation = () => isolationLayers(code, this.#pool.status(), machine.layers)
    this.#idleMs = options.idleMs ?? limits.IDLE_MS_DEFAULT
    this.#supply = supply
    this.#logs = new CallLogs(options.nodeId, options.clock, options.onLog)
    const perAccountMax = options.executorsPerAccountMax ?? limits.EXECUTORS_PER_ACCOUNT_DEFAULT
    this.#pool = new ExecutorPool({
      ...machine,
      code,
      clock: options.clock,
      logger: options.logger,
      perAccountMax,
      egress: options.egress,
      onLog: (instance, header, text) => this.#logs.line(instance, header, text),
      onCatastrophe: (executor, instance, message, revisionId) => this.#onCatastrophe(executor, instance, message, revisionId),
      onMemory: (executor) => this.#containment.condemn(executor),
      onBloated: (executor) => this.#containment.replace(executor),
      onExit: (executor) => this.#onExit(executor)
    })
    supply.onKind((kind) => this.#pool.expect(kind))
    this.#containment = new Containment(options.clock, options.logger, this.#pool, trust.conduct)
    this.#shelf = new InstanceShelf(options.clock, options.random, this.#pool, this.#containment.conduct, perAccountMax)
    this.#containment.guard(this.#shelf)
    this.#turns = new ThreadTurns(
      options.clock,
      (instance, call) => this.#send(instance, call),
      (executor, held) => this.#elsewhere(executor, held),
      (executor) => this.#shelf.resume(executor)
    )
    const { clock } = options
    this.warm = new Prewarmer({
      ...options,
      instancesMax: options.slots,
      present: (revisionId) => this.#shelf.revision(revisionId)?.alive ?? 0,
      room: () =>
        !this.#draining &&
        (this.#limit.open || !this.#line.waiting) &&
        !this.#memory.tight &&
        this.#taken.busy + this.#taken.ahead < this.slots &&
        this.#shelf.size < limits.INSTANCES_AHEAD_MAX,
      launch: (order, done) => {
        const start = newRunning(order, done)
        this.#taken.enter(start)
        this.#launch(start)
      }
    })
    const cores = options.cores ?? availableParallelism()
    this.#limit = new StartLimit(clock, cores, () => this.#line.opened())
    this.#line = new LaunchLine({
      clock,
      cores,
      mayStart: ({ invocation }) => this.#limit.open && !this.#pool.silent(invocation.account),
      alive: (revisionId) => this.#shelf.revision(revisionId)?.alive ?? 0,
      starting: (revisionId) => this.launching(revisionId),
      busy: (revisionId) => this.#shelf.busyOf(revisionId),
      serviceMs: (revisionId) => this.warm.serviceMs(revisionId),
      serve: (call) => this.#serve(call),
      launch: (call) => this.#launch(call)
    })
    this.#memory = guardMemory(options, { shelf: this.#shelf, pool: this.#pool, warm: this.warm, startMs: this.startMs })
    const watched = {
      pool: this.#pool,
      containment: this.#containment,
      turns: this.#turns,
      endStart: (instance: Instance, call: Running, json: string) =>
        this.#failLaunch(instance, call, ended(this.nodeId, instance, call, 'timeout', json, 0))
    }
    const watch = () => watchDeadlines(this.#running, clock.monotonic(), watched)
    if (options.slots === 0) return
    this.#pool.prepare()
    this.#timers.push(
      clock.every(limits.WATCH_PERIOD_MS, () => afterReading(clock, watch)),
      clock.every(limits.PREWARM_PERIOD_MS, () => this.warm.tick()),
      clock.every(limits.NODE_MEMORY_PERIOD_MS, () => void this.#memory.look()),
      clock.every(limits.MEMORY_PERIOD_MS, () => void this.#pool.watchMemory()),
      clock.every(Math.max(1, Math.min(this.#idleMs, limits.EMPTY_MS_MAX) / 4), () => this.#reap())
    )
  }

  get busy(): number {
    return this.#taken.busy
  }

  readonly idle = () => this.#shelf.idle
  readonly list = () => this.#shelf.list(this.startMs)
  readonly probe = async () => (this.slots > 0 ? await this.#pool.probe() : undefined)
  readonly latencyMs = () => this.#latency.median()
  readonly hasIdle = (revisionId: string) => this.#shelf.idle.has(revisionId)
  readonly launching = (revisionId: string) => this.#shelf.revision(revisionId)?.launching ?? 0

  invoke(invocation: Invocation): Promise<Outcome> {
    return new Promise((resolve) => this.start(invocation, resolve))
  }

  start(invocation: Invocation, done: OnOutcome): void {
    const { busy } = this.#taken
    if (this.#draining) done(refused('UNAVAILABLE', 'this node is draining'))
    else if (busy >= this.slots) done(refused('BUSY', `${busy} instances are busy, at most ${this.slots}`))
    else {
      this.warm.arrived(invocation, this.#shelf.busyOf(invocation.version.revisionId) + 1)
      this.#place(newRunning(invocation, done))
    }
  }

  #place(call: Running): void {
    call.cold = false
    this.#taken.enter(call)
    if (this.#serve(call)) return
    call.invocation.gate?.waits()
    // Where calls are stacked, a start is for one executor more, and the lanes take the rest.
    const { revisionId } = call.invocation.version
    if (this.#line.hold(call, this.#shelf.isPrompt(revisionId) && this.launching(revisionId) === 0)) return
    this.#launch(call)
  }

  /** Runs it in an idle instance, if there is one. */
  #serve(call: Running): boolean {
    const instance = this.#shelf.take(call.invocation.version.revisionId)
    if (instance !== undefined) this.#run(instance, call)
    return instance !== undefined
  }

  #run(instance: Instance, call: Running): void {
    instance.state = 'busy'
    if (!call.cold) instance.calls.push(call)
    this.#running.add(instance)
    this.#shelf.count(instance.revision)
    if (call.invocation.gate?.closed === true) this.#askFirst(instance, call, call.invocation.gate)
    else this.#send(instance, call)
  }

  #send(instance: Instance, call: Running): void {
    const { invocation } = call
    const timeoutMs = invocation.version.timeoutSeconds * 1_000
    call.startedAt = this.#options.clock.monotonic()
    call.overdueAt = call.startedAt + timeoutMs + limits.GRACE_MS
    if (!this.#turns.enter(instance, call)) return
    if (invocation.logTail) call.log ??= this.#logs.open(invocation, instance.name)
    instance.callCount++
    const header = invokeHeaderOf(instance, invocation, timeoutMs)
    const done: OnReply = (error, reply) => {
      const failure = error ?? instance.executor.process.faultOf(checkedResult, reply)
      if (failure === undefined) this.#onReply(instance, call, reply as Reply)
      else this.#onFailure(instance, call, failure)
    }
    if (invocation.stream === undefined) instance.executor.process.invoke(header, invocation.payload, done)
    else runStreamed(instance, call, header, done, { node: this.nodeId, onBroken: this.#containment.onBroken })
  }

  /** The instance is kept for the call until its caller has answered: the gate keeps the time of this, not the watch over what runs. */
  #askFirst(instance: Instance, call: Running, gate: StartGate): void {
    call.overdueAt = Number.POSITIVE_INFINITY
    gate.ask((allowed) => {
      if (call.done === undefined) return
      if (allowed) this.#send(instance, call)
      else this.#giveBack(instance, call, 'its caller gave it up before it was begun')
    })
  }

  /** The call was not begun; the instance serves others. */
  #giveBack(instance: Instance, call: Running, why: string): void {
    this.#release(instance, call)
    this.#park(instance)
    this.#logs.tell(call, refused('BUSY', why))
  }

  /** Calls that were not sent, because the executor does not come back from another's. */
  #elsewhere(executor: Executor, held: { instance: Instance; call: Running }[]): void {
    this.#shelf.suspend(executor)
    for (const { instance, call } of held) {
      if (call.done === undefined || !instance.calls.includes(call)) continue
      this.#release(instance, call)
      this.#park(instance)
      this.#place(call)
    }
  }

  #onReply(instance: Instance, call: Running, reply: Reply): void {
    if (call.done === undefined) return
    const header = reply.header as ResultHeader
    const flags = header[4]
    const outcome = answered(this.nodeId, instance, call, header, reply.payload)
    this.#shelf.learn(instance.revision, flags)
    this.#release(instance, call)
    this.#shelf.notePrompt(instance, (flags & FLAG_PROMPT) !== 0)
    if ((flags & FLAG_GONE) !== 0) this.#containment.gone(instance)
    else this.#shelf.park(instance)
    const { executor, revision } = instance
    this.#freed(revision)
    if (revision.standing !== 'proven' && (flags & FLAG_GONE) === 0) this.#containment.good(revision)
    this.#shelf.resume(executor)
    noteUse(instance, call, header, outcome.status === 'ok')
    this.#logs.tell(call, outcome)
    this.#latency.add(header[1] / 1_000)
    this.warm.ended(revision.id, header[1] / 1_000, (flags & FLAG_GONE) === 0)
  }

  /** The request failed: turned away before it was begun, or the process is gone, and then why it went decides. */
  #onFailure(instance: Instance, call: Running, error: PeerlessError): void {
    if (call.done === undefined) return
    const { executor } = instance
    const death = error.code === 'CONNECTION_LOST' ? this.#pool.deathOf(executor) : undefined
    if (death !== undefined) this.#containment.offended(executor, instance.revision.id, death)
    this.#release(instance, call)
    if (error.code === 'BUSY') this.#shelf.notePrompt(instance, false)
    else this.#shelf.remove(instance)
    // An executor is ended as idle when its last instance was taken away: what still waited for that one was not begun.
    if ((error.code === 'CONNECTION_LOST' && executor.killedFor !== 'idle') || call.intake?.bytes !== undefined) {
      instance.errors++
      this.warm.ended(instance.revision.id, 0, false)
      this.#logs.tell(call, severed(this.nodeId, instance, call, this.#options.clock.monotonic()))
      return
    }
    if (++call.turnedAway > limits.TURNED_AWAY_MAX) this.#logs.tell(call, refused('BUSY', error.message))
    else if (this.#options.clock.now() > call.invocation.deadline) this.#logs.tell(call, refused('BUSY', PASSED))
    else this.#place(call)
  }

  #release(instance: Instance, call: Running): void {
    const at = instance.calls.indexOf(call)
    if (at < 0) return
    this.#turns.leave(instance, call)
    if (at === 0) instance.calls.shift()
    else instance.calls.splice(at, 1)
    if (instance.calls.length === 0) this.#running.delete(instance)
    this.#taken.leave(call)
  }

  /** It has its slot already, and gives it back where no instance can be started. */
  #launch(call: Running): void {
    const { invocation } = call
    const late = isPast(invocation, this.#options.clock.now())
    const full = late || this.#memory.pressed || (this.#shelf.size >= limits.INSTANCES_MAX && !this.#shelf.evict())
    const revision = this.#shelf.revisionOf(invocation)
    const executor = full ? undefined : this.#pool.place(revision)
    if (executor === undefined) {
      this.#shelf.dropUnused(revision)
      this.#taken.leave(call)
      this.#logs.tell(call, refused('BUSY', late ? PASSED : (this.#memory.refusal() ?? crowded(this.#shelf.size))))
      return
    }
    const instance = this.#shelf.add(invocation, executor)
    call.startOver = this.#limit.enter()
    call.cold = true
    call.startedAt = this.#options.clock.monotonic()
    // Until the bundle is here its source keeps the time.
    call.overdueAt = Number.POSITIVE_INFINITY
    call.log = invocation.logTail ? this.#logs.open(invocation, instance.name) : undefined
    instance.calls.push(call)
    instance.revision.launching++
    this.#running.add(instance)
    if (executor.process.hasBundle(invocation.version.code.bundleCid)) {
      this.#load(instance, call, undefined)
      return
    }
    this.#supply.get(invocation.version, invocation.account).then(
      (supply) => this.#load(instance, call, supply),
      (error: unknown) => this.#failLaunch(instance, call, unreadable(error))
    )
  }

  #load(instance: Instance, call: Running, supply: Supply | undefined): void {
    const { process } = instance.executor
    const orderedAt = this.#options.clock.monotonic()
    call.overdueAt = orderedAt + limits.INIT_MS_MAX + limits.GRACE_MS
    process.load(loadOrderOf(instance, call.invocation, this.#options), supply, (error, reply) => {
      const failure = error ?? process.faultOf(checkedLoaded, reply)
      instance.executor.startedAt = this.#options.clock.monotonic()
      if (failure === undefined) this.#onLoaded(instance, call, orderedAt, reply as Reply)
      else this.#failLaunch(instance, call, this.#containment.loadFailure(this.nodeId, instance, call, failure))
    })
  }

  #onLoaded(instance: Instance, call: Running, orderedAt: number, reply: Reply): void {
    if (call.done === undefined) return
    const [status, , flags] = reply.header as LoadedHeader
    const now = this.#options.clock.monotonic()
    call.initMs = now - call.startedAt
    this.#shelf.learn(instance.revision, flags)
    if (status !== 0) {
      const json = Buffer.from(reply.payload).toString()
      this.#failLaunch(instance, call, ended(this.nodeId, instance, call, RESULT_STATUSES[status] ?? 'exit', json, 0))
      return
    }
    instance.revision.launching--
    this.#limit.took(this.#line.started(instance.revision.id, call.initMs))
    call.startOver?.()
    noteStart(instance, reply.header as LoadedHeader, orderedAt - call.startedAt, now)
    this.#supply.launched(call.invocation.version, call.invocation.account, (flags & FLAG_CACHE_REFUSED) !== 0)
    if (this.#options.clock.now() <= call.invocation.deadline) this.#run(instance, call)
    else this.#giveBack(instance, call, PASSED)
  }

  #failLaunch(instance: Instance, call: Running, outcome: Outcome): void {
    if (call.done === undefined) return
    instance.revision.launching--
    instance.errors++
    this.#release(instance, call)
    this.#shelf.remove(instance)
    call.startOver?.()
    this.#line.freed(instance.revision.id)
    this.#logs.tell(call, outcome)
  }

  #park(instance: Instance): void {
    this.#shelf.park(instance)
    this.#freed(instance.revision)
  }

  /** An instance may be idle: who has waited longest for one of the revision takes it, also before the start that was ordered for it ends. */
  #freed(revision: Revision): void {
    if (revision.launching > 0 && this.hasIdle(revision.id)) {
      const call = callOfStart(this.#running, revision)
      if (call !== undefined) {
        this.#taken.orphaned()
        this.#place(call)
      }
    }
    if (this.#line.waiting) this.#line.freed(revision.id)
  }

  #reap(): void {
    this.#shelf.reap(this.#idleMs, this.warm.kept)
    this.#pool.reap()
  }

  #onExit(executor: Executor): void {
    for (const instance of [...executor.instances.values()]) if (instance.calls.length === 0) this.#shelf.remove(instance)
  }

  #onCatastrophe(executor: Executor, instance: Instance | undefined, message: string, revisionId: string): void {
    // It is believed about what it has run, not about others.
    if (executor.hosted.has(revisionId)) this.#containment.offended(executor, revisionId, 'catastrophe')
    const call = instance?.calls[0]
    if (instance !== undefined && call !== undefined && /out.of.memory/i.test(message)) {
      const json = memoryErrorJson(call.invocation.requestId, call.invocation.version.memoryMb)
      const durationMs = this.#options.clock.monotonic() - call.startedAt
      if (instance.state === 'starting') instance.revision.launching--
      this.#release(instance, call)
      this.#shelf.remove(instance)
      this.#logs.tell(call, ended(this.nodeId, instance, call, 'exit', json, durationMs))
    }
    this.#containment.drain(executor, message)
  }

  expect(version: FunctionVersion, account: string): void {
    if (this.slots > 0) this.#supply.expect(version, account)
  }

  retire(revisionId: string): void {
    this.warm.forget(revisionId)
    this.#shelf.retire(revisionId)
  }

  async drain(timeoutMs: number): Promise<boolean> {
    this.#draining = true
    return await this.#taken.quietWithin(this.#options.clock, timeoutMs)
  }

  async stop(): Promise<void> {
    this.#draining = true
    for (const timer of this.#timers) timer.cancel()
    this.#line.stop()
    await this.#supply.stop()
    await this.#pool.stop()
    await this.#trust.close()
  }
}
