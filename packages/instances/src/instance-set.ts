import {
  type InstanceStatus,
  type Invocation,
  isPeerlessError,
  messageOf,
  type OnPart,
  type OnReply,
  type Outcome,
  PeerlessError,
  type Reply,
  type StreamSink
} from '@peerless/interface'
import {
  FLAG_GONE,
  FLAG_PROMPT,
  type InvokeHeader,
  LOG_LEVELS,
  type LoadedHeader,
  type LogHeader,
  memoryErrorJson,
  RESULT_STATUSES,
  type ResultHeader,
  type SandboxCode,
  timeoutErrorJson
} from '@peerless/sandbox'
import { StreamIntake } from '@peerless/wire'
import { CallLog } from './call-log.ts'
import { ExecutorPool } from './executor-pool.ts'
import { InstanceShelf } from './instance-shelf.ts'
import { isolationLayers } from './isolation.ts'
import * as limits from './limits.ts'
import { invokeHeaderOf, loadOrderOf } from './load-order.ts'
import { answered, billedMsOf, ended, headOfExecutor, severed } from './outcomes.ts'
import { RecentLatency } from './recent-latency.ts'
import type { Executor, Instance, Running } from './records.ts'
import { refused } from './refusals.ts'
import { SharedLoads } from './shared-loads.ts'
import type { Instances, InstancesOptions, OnOutcome } from './types.ts'

const PASSED = 'the deadline passed before the call was begun'

/**
 * The instances of this node. A call takes the most recently used idle instance of its revision, else a free slot and a new instance,
 * else it is refused as BUSY, and then nothing was started. An instance runs one call at a time.
 */
export class InstanceSet implements Instances {
  readonly nodeId: string
  readonly slots: number
  readonly #options: InstancesOptions
  readonly #code: SandboxCode
  readonly #pool: ExecutorPool
  readonly #bundles: SharedLoads
  readonly #latency = new RecentLatency()
  readonly #shelf: InstanceShelf
  readonly #running = new Set<Instance>()
  readonly #timers: { cancel(): void }[] = []
  readonly #idleMs: number
  #busy = 0
  #draining = false
  #onQuiet: (() => void) | undefined

  constructor(options: InstancesOptions, code: SandboxCode) {
    this.nodeId = options.nodeId
    this.slots = options.slots
    this.#options = options
    this.#code = code
    this.#idleMs = options.idleMs ?? limits.IDLE_MS_DEFAULT
    this.#bundles = new SharedLoads(options.loadBundle)
    const perAccountMax = options.executorsPerAccountMax ?? limits.EXECUTORS_PER_ACCOUNT_DEFAULT
    this.#pool = new ExecutorPool({
      nodePath: options.nodePath,
      code,
      clock: options.clock,
      logger: options.logger,
      perAccountMax,
      egress: options.egress,
      onLog: (instance, header, text) => this.#onLog(instance, header, text),
      onCatastrophe: (executor, instance, message) => this.#onCatastrophe(executor, instance, message),
      onExit: (executor) => this.#onExit(executor)
    })
    this.#shelf = new InstanceShelf(options.clock, options.random, this.#pool, perAccountMax)
    if (options.slots === 0) return
    this.#pool.prepare()
    const { clock } = options
    this.#timers.push(
      clock.every(limits.WATCH_PERIOD_MS, () => this.#watchDeadlines()),
      clock.every(limits.MEMORY_PERIOD_MS, () => void this.#pool.watchMemory()),
      clock.every(Math.max(1, this.#idleMs / 4), () => this.#reap())
    )
  }

  get busy(): number {
    return this.#busy
  }

  idle(): ReadonlyMap<string, number> {
    return this.#shelf.idle
  }

  hasIdle(revisionId: string): boolean {
    return this.#shelf.idle.has(revisionId)
  }

  launching(revisionId: string): number {
    return this.#shelf.revision(revisionId)?.launching ?? 0
  }

  latencyMs(): number {
    return this.#latency.median()
  }

  invoke(invocation: Invocation): Promise<Outcome> {
    return new Promise((resolve) => this.start(invocation, resolve))
  }

  start(invocation: Invocation, done: OnOutcome): void {
    if (this.#draining) {
      done(refused('UNAVAILABLE', 'this node is draining'))
      return
    }
    if (this.#busy >= this.slots) {
      done(refused('BUSY', `${this.#busy} instances are busy, at most ${this.slots}`))
      return
    }
    this.#place({
      invocation,
      done,
      startedAt: 0,
      overdueAt: 0,
      cold: false,
      turnedAway: 0,
      initMs: undefined,
      log: undefined
    })
  }

  #place(call: Running): void {
    const instance = this.#shelf.take(call.invocation.version.revisionId)
    if (instance === undefined) {
      this.#launch(call)
      return
    }
    this.#busy++
    this.#run(instance, call)
  }

  #run(instance: Instance, call: Running): void {
    const { invocation } = call
    const timeoutMs = invocation.version.timeoutSeconds * 1_000
    const now = this.#options.clock.monotonic()
    call.startedAt = now
    call.overdueAt = now + timeoutMs + limits.GRACE_MS
    if (invocation.logTail) call.log ??= this.#newLog(invocation, instance.name)
    instance.state = 'busy'
    if (!call.cold) instance.calls.push(call)
    instance.callCount++
    this.#running.add(instance)
    this.#shelf.count(instance.revision)
    const header = invokeHeaderOf(instance, invocation, timeoutMs)
    const done: OnReply = (error, reply) => {
      if (error === undefined) this.#onReply(instance, call, reply as Reply)
      else this.#onFailure(instance, call, error)
    }
    if (invocation.stream === undefined) instance.executor.process.invoke(header, invocation.payload, done)
    else this.#runStreamed(instance, call, invocation.stream, header, done)
  }

  #runStreamed(instance: Instance, call: Running, sink: StreamSink, header: InvokeHeader, done: OnReply): void {
    const { process } = instance.executor
    const intake = new StreamIntake(sink, { node: this.nodeId, readHead: headOfExecutor }, () => request)
    call.intake = intake
    const onPart: OnPart = (head, payload) => {
      if (call.done === undefined) return
      try {
        intake.part(head, payload)
      } catch (error) {
        // An executor that breaks the rules of its own protocol is not ours any more.
        this.#options.logger.error('an executor broke the rules of a stream', { reason: messageOf(error) })
        this.#pool.kill(instance.executor, 'catastrophe')
      }
    }
    const request = process.invokeStreamed(header, call.invocation.payload, onPart, done)
  }

  #onReply(instance: Instance, call: Running, reply: Reply): void {
    if (call.done === undefined) return
    const header = reply.header as ResultHeader
    const flags = header[4]
    const outcome = answered(this.nodeId, instance, call, header, reply.payload)
    this.#shelf.learn(instance.revision, flags)
    instance.lastUsedAt = call.startedAt + header[1] / 1_000
    this.#latency.add(header[1] / 1_000)
    if (outcome.status !== 'ok') instance.errors++
    this.#release(instance, call)
    this.#shelf.notePrompt(instance, (flags & FLAG_PROMPT) !== 0)
    if ((flags & FLAG_GONE) !== 0) this.#shelf.remove(instance)
    else this.#shelf.park(instance)
    this.#tell(call, outcome)
  }

  /** The request failed: turned away before it was begun, or the process is gone, and then why it went decides. */
  #onFailure(instance: Instance, call: Running, error: PeerlessError): void {
    if (call.done === undefined) return
    const { executor } = instance
    this.#release(instance, call)
    if (error.code === 'BUSY') this.#shelf.notePrompt(instance, false)
    else this.#shelf.remove(instance)
    // An executor is ended as idle when its last instance was taken away: what still waited for that one was not begun.
    if ((error.code === 'CONNECTION_LOST' && executor.killedFor !== 'idle') || call.intake?.bytes !== undefined) {
      instance.errors++
      this.#tell(call, severed(this.nodeId, instance, call, this.#options.clock.monotonic()))
      return
    }
    if (++call.turnedAway > limits.TURNED_AWAY_MAX) this.#tell(call, refused('BUSY', error.message))
    else if (this.#options.clock.now() > call.invocation.deadline) this.#tell(call, refused('UNAVAILABLE', PASSED))
    else this.#place(call)
  }

  /** Writes the call's last lines, then hands the outcome on. */
  #tell(call: Running, outcome: Outcome): void {
    const done = call.done
    call.done = undefined
    if (done === undefined) return
    if (
      outcome.status === 'refused' ||
      outcome.status === 'lost' ||
      (call.log === undefined && outcome.status === 'ok' && !call.cold)
    ) {
      done(outcome)
      return
    }
    const log = call.log ?? this.#newLog(call.invocation, outcome.usage.instance)
    const tail = log.end(this.#options.clock.now(), outcome.usage, billedMsOf(outcome.usage, call.invocation), outcome.status)
    done(tail === undefined ? outcome : { ...outcome, logTail: tail })
  }

  #release(instance: Instance, call: Running): void {
    const at = instance.calls.indexOf(call)
    if (at < 0) return
    if (at === 0) instance.calls.shift()
    else instance.calls.splice(at, 1)
    if (instance.calls.length === 0) this.#running.delete(instance)
    this.#freeSlot()
  }

  #freeSlot(): void {
    this.#busy--
    if (this.#busy === 0) this.#onQuiet?.()
  }

  #launch(call: Running): void {
    const { invocation } = call
    const full = this.#shelf.size >= limits.INSTANCES_MAX && !this.#shelf.evict()
    const executor = full ? undefined : this.#pool.place(invocation.account)
    if (executor === undefined) {
      const message = `${this.#shelf.size} instances are alive, at most ${limits.INSTANCES_MAX}, or no executor is free`
      this.#tell(call, refused('BUSY', message))
      return
    }
    const instance = this.#shelf.add(invocation, executor)
    call.cold = true
    call.startedAt = this.#options.clock.monotonic()
    // Until the bundle is here its source keeps the time.
    call.overdueAt = Number.POSITIVE_INFINITY
    call.log = invocation.logTail ? this.#newLog(invocation, instance.name) : undefined
    instance.calls.push(call)
    instance.revision.launching++
    this.#busy++
    this.#running.add(instance)
    this.#bundles.get(invocation.version).then(
      (bundle) => {
        call.overdueAt = this.#options.clock.monotonic() + limits.INIT_MS_MAX + limits.GRACE_MS
        executor.process.load(
          loadOrderOf(instance, invocation, { node: this.nodeId, region: this.#options.region, now: this.#options.clock.now() }),
          bundle,
          (error, reply) => {
            if (error === undefined) this.#onLoaded(instance, call, reply as Reply)
            else this.#failLaunch(instance, call, this.#loadFailure(instance, call, error))
          }
        )
      },
      (error: unknown) => {
        const code = isPeerlessError(error, 'NOT_REPLICATED') ? 'NOT_REPLICATED' : 'UNAVAILABLE'
        this.#failLaunch(instance, call, refused(code, `the bundle could not be read: ${messageOf(error)}`))
      }
    )
  }

  #onLoaded(instance: Instance, call: Running, reply: Reply): void {
    if (call.done === undefined) return
    const [status, , flags] = reply.header as LoadedHeader
    const now = this.#options.clock.monotonic()
    call.initMs = now - call.startedAt
    this.#shelf.learn(instance.revision, flags)
    if (status !== 0) {
      const failed = RESULT_STATUSES[status] ?? 'exit'
      const json = Buffer.from(reply.payload).toString()
      this.#failLaunch(instance, call, ended(this.nodeId, instance, call, failed, json, 0))
      return
    }
    instance.revision.launching--
    instance.lastUsedAt = now
    if (this.#options.clock.now() <= call.invocation.deadline) {
      this.#run(instance, call)
      return
    }
    this.#release(instance, call)
    this.#shelf.park(instance)
    this.#tell(call, refused('UNAVAILABLE', PASSED))
  }

  /** The handler was not called. Whether the process died of this function's initialisation decides if that may be tried elsewhere. */
  #loadFailure(instance: Instance, call: Running, error: PeerlessError): Outcome {
    const killedFor = instance.executor.killedFor
    if (error.code !== 'CONNECTION_LOST') return refused('UNAVAILABLE', error.message)
    if (killedFor !== undefined && killedFor !== 'memory') return refused('BUSY', `the executor was ended (${killedFor})`)
    return severed(this.nodeId, instance, call, this.#options.clock.monotonic())
  }

  #failLaunch(instance: Instance, call: Running, outcome: Outcome): void {
    if (call.done === undefined) return
    instance.revision.launching--
    instance.errors++
    this.#release(instance, call)
    this.#shelf.remove(instance)
    this.#tell(call, outcome)
  }

  #reap(): void {
    this.#shelf.reap(this.#options.clock.monotonic() - this.#idleMs)
    this.#pool.reap(this.#idleMs)
  }

  /** The oldest call of each instance is the one that runs, and the longest overdue of an executor's the one that holds it up. */
  #watchDeadlines(): void {
    const now = this.#options.clock.monotonic()
    for (const instance of this.#running) {
      const call = instance.calls[0]
      if (call === undefined || now < call.overdueAt) continue
      const { executor } = instance
      if (instance.state === 'starting') {
        const json = timeoutErrorJson(call.invocation.requestId, limits.INIT_MS_MAX)
        this.#failLaunch(instance, call, ended(this.nodeId, instance, call, 'timeout', json, 0))
        continue
      }
      this.#pool.kill(executor, 'deadline')
      if (executor.culprit === undefined || call.overdueAt < executor.culprit.overdueAt) executor.culprit = call
    }
  }

  #onExit(executor: Executor): void {
    for (const instance of [...executor.instances.values()]) if (instance.calls.length === 0) this.#shelf.remove(instance)
  }

  #onCatastrophe(executor: Executor, instance: Instance | undefined, message: string): void {
    this.#options.logger.error('V8 lost an isolate', {
      executor: executor.process.number,
      function: instance?.functionName,
      message
    })
    executor.draining = true
    const call = instance?.calls[0]
    if (instance !== undefined && call !== undefined && /out.of.memory/i.test(message)) {
      const json = memoryErrorJson(call.invocation.requestId, call.invocation.version.memoryMb)
      const durationMs = this.#options.clock.monotonic() - call.startedAt
      if (instance.state === 'starting') instance.revision.launching--
      this.#release(instance, call)
      this.#shelf.remove(instance)
      this.#tell(call, ended(this.nodeId, instance, call, 'exit', json, durationMs))
    }
    this.#onExit(executor)
    if (executor.instances.size === 0) this.#pool.kill(executor, 'catastrophe')
  }

  #onLog(instance: Instance, [, requestId, level, time]: LogHeader, text: Uint8Array): void {
    // Lines of initialisation belong to the call that it is for.
    const call = instance.calls.find(({ invocation }) => invocation.requestId === requestId) ?? instance.calls[0]
    if (call === undefined) return
    call.log ??= this.#newLog(call.invocation, instance.name)
    call.log.line(time, LOG_LEVELS[level] ?? 'info', Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString())
  }

  #newLog(invocation: Invocation, instanceName: string): CallLog {
    return new CallLog(invocation, instanceName, this.nodeId, this.#options.onLog)
  }

  list(): InstanceStatus[] {
    return this.#shelf.list()
  }

  retire(revisionId: string): void {
    this.#shelf.retire(revisionId)
  }

  isolation(): { layer: string; active: boolean; detail: string }[] {
    return isolationLayers(this.#code, [...this.#pool.all()].find((executor) => executor.process.status)?.process.status)
  }

  async probe(): Promise<void> {
    if (this.slots === 0) return
    const executor = this.#pool.any()
    if (executor === undefined) throw new PeerlessError('UNAVAILABLE', 'no executor is running')
    const abort = new AbortController()
    const timer = this.#options.clock.after(limits.PROBE_MS_MAX, () => abort.abort())
    try {
      await executor.process.ping(abort.signal)
    } finally {
      timer.cancel()
    }
  }

  async drain(timeoutMs: number): Promise<boolean> {
    this.#draining = true
    if (this.#busy === 0) return true
    return await new Promise((resolve) => {
      const timer = this.#options.clock.after(timeoutMs, () => resolve(false))
      this.#onQuiet = () => {
        timer.cancel()
        resolve(true)
      }
    })
  }

  async stop(): Promise<void> {
    this.#draining = true
    for (const timer of this.#timers) timer.cancel()
    await this.#pool.stop()
  }
}
