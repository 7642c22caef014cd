import { performance } from 'node:perf_hooks'
import { type IncomingRequest, PeerlessError } from '@peerless/interface'
import type ivm from 'isolated-vm'
import { bootGlue } from './boot-glue.ts'
import { ENTER, TELL } from './bridge-operations.ts'
import type { ShelvedBundle } from './bundle-shelf.ts'
import { entryOf } from './call-entry.ts'
import { evaluateBundle } from './evaluate-bundle.ts'
import {
  exitErrorJson,
  FLAG_GONE,
  FLAG_MANNER_SHIFT,
  FLAG_PROMPT,
  functionErrorJson,
  type InvokeHeader,
  type LoadOrder,
  MANNERS,
  type Manner,
  timeoutErrorJson
} from './executor-protocol.ts'
import { streamBounds } from './glue-config.ts'
import { GuestJobs, type News } from './guest-jobs.ts'
import { deathJson, loadFailure, rejectionJson, toldOf } from './host-errors.ts'
import type { HostServices } from './host-services.ts'
import { type Call, doom, newCall, replyTo, takeAnswer, takeRejection } from './hosted-call.ts'
import { HostedStream } from './hosted-stream.ts'
import { InstanceTimer } from './instance-timer.ts'
import { kindOf } from './isolate-kind.ts'
import { IsolateUsage } from './isolate-usage.ts'
import { LogAllowance } from './log-allowance.ts'
import { KIND_STREAM, STATUS_ERROR, STATUS_EXIT, STATUS_OK, STATUS_TIMEOUT } from './outcome-numbers.ts'
import type { Cross, Enter, PreparedIsolate } from './prepared-isolate.ts'
import { StartStages } from './start-stages.ts'

/** After the isolate was told to stop, its thread has this long before the process is given up. */
const STOP_MS_MAX = 500
/** The watchdog's clock and this one may differ by so much. */
const CLOCK_MS_MAX = 10

type Entered = (string | number | undefined | ivm.Copy<Uint8Array>)[]
type Loaded = (status: number, errorJson: string) => void

/** One instance: an isolate with a context, a bundle evaluated in it, and at most one call under way. */
export class HostedInstance {
  readonly id: number
  readonly order: LoadOrder
  readonly #services: HostServices
  readonly #bundle: ShelvedBundle
  readonly #prepared: PreparedIsolate
  readonly #isolate: ivm.Isolate
  #enterGlue: Enter | undefined
  readonly #logs: LogAllowance
  #manner: Manner
  #call: Call | undefined
  /** What the glue must be told with the next call. */
  #meta: string | undefined
  /** Set while the instance is being made. */
  #loaded: Loaded | undefined
  #handlerFound = false
  readonly #timer = new InstanceTimer(
    () => !this.#entered,
    () => this.#fireTimer()
  )
  /** An asynchronous entry is under way: nothing else may enter, least of all synchronously (that would wait for its lock). */
  #entered = false
  /** Credit that came while the isolate was entered. */
  #creditDue = 0
  /** Made with the first job that the guest starts. */
  #jobs: GuestJobs | undefined
  /** What jobs have to say, one entry each; bounded by their number and by the windows of bodies. Frozen between calls, like timers. */
  readonly #news: News[] = []
  #gone = false
  #listens = false
  readonly #usage: IsolateUsage
  readonly stages = new StartStages(performance.now())

  constructor(order: LoadOrder, bundle: ShelvedBundle, services: HostServices) {
    this.id = order.instance
    this.order = order
    this.#services = services
    this.#bundle = bundle
    this.#manner = services.manners.of(order.revisionId, order.manner)
    this.#logs = new LogAllowance(order.instance, services.log, bundle.trace)
    this.#prepared = services.spares.take(kindOf(bundle.needs, order))
    this.#prepared.onCatastrophe = (message) => this.#catastrophe(message)
    this.#isolate = this.#prepared.isolate
    this.#usage = new IsolateUsage(this.#isolate)
  }

  get gone(): boolean {
    return this.#gone
  }

  /** Evaluates glue and bundle, on a thread of its own. Returns status and error JSON; the instance is usable only after `ok`. */
  async load(): Promise<[status: number, errorJson: string]> {
    return await new Promise((resolve) => {
      const done: Loaded = (status, errorJson) => {
        if (this.#loaded === undefined) return
        this.#loaded = undefined
        clearTimeout(limit)
        this.#timer.clear()
        if (status === STATUS_OK) this.#ready()
        else this.dispose()
        const { trace } = this.#bundle
        if (status === STATUS_OK) resolve([status, ''])
        else void trace.whole.then(() => resolve([status, trace.apply(errorJson)]))
      }
      this.#loaded = done
      const { initMsMax } = this.order
      const tooLong = functionErrorJson('Sandbox.Timedout', `Init timed out after ${initMsMax / 1_000} seconds`)
      const limit = setTimeout(() => done(STATUS_TIMEOUT, tooLong), initMsMax)
      // Counts as an entry until it has left the isolate: nothing may wait for the isolate's lock on this thread before that.
      this.#entered = true
      this.#evaluate().then(
        () => {
          this.#entered = false
          this.#leftLoading()
        },
        (error: unknown) => {
          this.#entered = false
          done(...loadFailure(error, this.#isolate.isDisposed, this.order.memoryMb))
        }
      )
    })
  }

  /** After a stretch of initialisation: done, or waiting for a timer. */
  #leftLoading(): void {
    if (this.#handlerFound) this.#loaded?.(STATUS_OK, '')
    else if (this.#news.length > 0) this.#tellNews()
    else if (this.#timer.due) this.#fireTimer()
  }

  #ready(): void {
    this.stages.end(performance.now())
    this.#usage.readCpu()
    this.#usage.sampleHeap(performance.now())
    this.#services.watchdog.watch(this.id, this.#isolate)
  }

  async #evaluate(): Promise<void> {
    const told: Cross = (operation, a, b, c, d) => this.#told(operation, a, b, c, d)
    const { context, enterGlue } = await bootGlue(this.#prepared, this.#bundle, this.order, this.#services, this.stages, told)
    this.#enterGlue = enterGlue
    this.stages.end(performance.now())
    const exports = await evaluateBundle(this.#isolate, context, this.#bundle, this.stages)
    await enterGlue.apply(undefined, [ENTER.ADOPT, exports.derefInto(), this.#bundle.manifest.handlerExport])
  }

  /** Runs one call; the answer goes to `request`. @throws PeerlessError BUSY while another call waits for something; then nothing was begun */
  invoke(request: IncomingRequest, header: InvokeHeader): void {
    const [, kind, timeoutMs, requestId, , attempt, caller, invokedArn, clientContext, trace] = header
    // Kept also for a call that is turned away: the daemon sends only what changed.
    if (header.length > 5) this.#meta = JSON.stringify({ attempt, caller, invokedArn, clientContext, trace })
    if (this.#gone || this.#call !== undefined || this.#loaded !== undefined) {
      throw new PeerlessError('BUSY', `instance ${this.id} has a call`)
    }
    const stream = (kind & KIND_STREAM) === 0 ? undefined : this.#streamOf(request)
    this.#call = newCall(request, header, stream, performance.now(), this.#usage.cpuUs)
    this.#logs.open(requestId)
    const meta = this.#meta
    this.#meta = undefined
    this.#enter(ENTER.INVOKE, timeoutMs, entryOf(request.payload, header, meta))
  }

  #streamOf(request: IncomingRequest): HostedStream {
    const stream = new HostedStream(request, streamBounds(this.order))
    request.onCredit((bytes) => {
      const call = this.#call
      if (call?.stream !== stream || call.settled) return
      this.#creditDue += stream.credit(bytes)
      if (!this.#entered) this.#passCredit()
    })
    return stream
  }

  #passCredit(): void {
    const bytes = this.#creditDue
    this.#creditDue = 0
    this.#enter(ENTER.CREDIT, this.#leftMs(), [bytes])
  }

  /** The rest of the call under way, if there is one, holds up nobody: each of its stretches runs on a thread of its own. */
  stepAside(): void {
    if (this.#call !== undefined) this.#call.aside = true
  }

  /** Between calls: V8 collects by allocation, and an instance that waits allocates nothing. Holds this thread while it runs. */
  collect(): void {
    if (this.#call === undefined && this.#loaded === undefined && !this.#entered && !this.#gone) {
      this.#enterGlue?.applySync(undefined, [ENTER.COLLECT])
    }
  }

  dispose(): void {
    if (this.#gone) return
    this.#gone = true
    this.#services.watchdog.forget(this.id)
    this.#timer.clear()
    const call = this.#call
    if (call !== undefined) this.#finish(call, STATUS_EXIT, exitErrorJson(call.requestId, 'the instance was taken away'))
    this.#jobs?.dispose()
    if (!this.#isolate.isDisposed) this.#isolate.dispose()
    if (this.#entered) {
      setTimeout(() => {
        if (this.#entered) this.#catastrophe(`an isolate did not stop within ${STOP_MS_MAX} ms`)
      }, STOP_MS_MAX).unref()
    }
  }

  /** @param leftMs how long this stretch may take at most */
  #enter(entry: number, leftMs: number, values: Entered): void {
    const glue = this.#enterGlue
    if (glue === undefined || this.#gone) return
    if (this.#manner === 'short' && this.#loaded === undefined && this.#call?.aside !== true) {
      const { watchdog } = this.#services
      watchdog.enter(this.id, leftMs)
      try {
        glue.applySync(undefined, [entry | ENTER.DIRECT, ...values])
        watchdog.leave()
      } catch (error) {
        watchdog.leave()
        this.#broke(error)
        return
      }
      this.#left(true)
      return
    }
    this.#entered = true
    // On a thread of its own nothing else ends a stretch that does not come back.
    if (this.#call !== undefined && this.#call.deadline === undefined) this.#armDeadline(this.#call)
    glue.apply(undefined, [entry, ...values]).then(
      () => {
        this.#entered = false
        this.#left(false)
      },
      (error: unknown) => {
        this.#entered = false
        this.#broke(error)
      }
    )
  }

  /** After a stretch: answer, or wait for a timer and the deadline. */
  #left(direct: boolean): void {
    const call = this.#call
    if (this.#gone) return
    if (call === undefined) {
      this.#leftLoading()
      return
    }
    call.stretchUsMax = Math.max(call.stretchUsMax, this.#usage.readCpu())
    const rejection = takeRejection(call)
    if (rejection !== undefined) {
      this.#endRejected(call, rejection)
      return
    }
    if (call.settled) {
      if (call.doomed) {
        this.#discard(call, call.status, call.body)
        return
      }
      // No deadline was armed, so it was never left waiting.
      this.#finish(call, call.status, call.body, direct && call.deadline === undefined ? FLAG_PROMPT : 0)
      return
    }
    if (call.deadline === undefined) this.#armDeadline(call)
    if (this.#creditDue > 0) this.#passCredit()
    else if (this.#news.length > 0) this.#tellNews()
    else if (this.#timer.due) this.#fireTimer()
  }

  /** One piece of news per entry, so that promises settle between two. */
  #tellNews(): void {
    this.#enter(ENTER.RESUME, this.#leftMs(), this.#news.shift() as News)
  }

  #armDeadline(call: Call): void {
    const leftMs = call.timeoutMs - (performance.now() - call.startedAt)
    call.deadline = setTimeout(() => this.#timedOut(call), Math.max(0, leftMs))
  }

  #timedOut(call: Call): void {
    if (this.#call !== call) return
    // It answered, and then went on computing in the same stretch: the answer holds, the instance does not.
    const [status, body] = call.settled
      ? [call.status, call.body]
      : [STATUS_TIMEOUT, timeoutErrorJson(call.requestId, call.timeoutMs)]
    this.#discard(call, status, body)
  }

  /** An entry ended with an error of isolated-vm, or with the guest's unhandled rejection. */
  #broke(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const call = this.#call
    if (call === undefined) {
      this.#loaded?.(...loadFailure(error, this.#isolate.isDisposed, this.order.memoryMb))
      return
    }
    // The watchdog can only dispose of an isolate, so the clock says whether it was the watchdog.
    const overdue = performance.now() - call.startedAt >= call.timeoutMs - CLOCK_MS_MAX && !message.includes('memory limit')
    if (this.#isolate.isDisposed && overdue) this.#timedOut(call)
    else if (this.#isolate.isDisposed) this.#discard(call, STATUS_EXIT, deathJson(call.requestId, message, this.order.memoryMb))
    else if (this.#listens && call.rejection === undefined) this.#reject(call, error)
    else this.#endRejected(call, call.rejection ?? this.#bundle.trace.apply(rejectionJson(error)))
  }

  /** The function hears of it first: what it deals with ends nothing. */
  #reject(call: Call, error: unknown): void {
    call.rejection = this.#bundle.trace.apply(rejectionJson(error))
    this.#enter(ENTER.REJECTED, this.#leftMs(), toldOf(error))
  }

  #endRejected(call: Call, errorJson: string): void {
    this.#discard(call, call.settled ? call.status : STATUS_ERROR, call.settled ? call.body : errorJson)
  }

  #discard(call: Call, status: number, body: string | Uint8Array): void {
    this.#gone = true
    this.#finish(call, status, body)
    this.#gone = false
    this.dispose()
  }

  #finish(call: Call, status: number, body: string | Uint8Array, flag = 0): void {
    const now = performance.now()
    this.#call = undefined
    if (call.deadline !== undefined) clearTimeout(call.deadline)
    this.#timer.clear()
    this.#creditDue = 0
    this.#jobs?.endOfCall()
    const exited = status === STATUS_EXIT
    const flags = this.#gone || exited ? FLAG_GONE : flag
    if (flags !== FLAG_GONE) {
      this.#manner = this.#services.manners.note(this.order.revisionId, call.stretchUsMax)
      this.#usage.sampleHeap(now)
    }
    replyTo(call, status, body, now, this.#usage, flags | (MANNERS.indexOf(this.#manner) << FLAG_MANNER_SHIFT))
    if (exited && !this.#gone) this.dispose()
  }

  /** What the glue tells; its numbers are trusted to be the glue's, its texts are the guest's. */
  #told(operation: unknown, a: unknown, b: unknown, c: unknown, d: unknown): void {
    if (this.#gone) return
    switch (operation) {
      case TELL.ANSWER:
        this.#answered(a, b, c, d)
        return
      case TELL.LOG:
        this.#logs.line(a, b)
        return
      case TELL.CHUNK:
        this.#streamed(this.#call?.stream?.chunk(a))
        return
      case TELL.HEAD:
        this.#streamed(this.#call?.stream?.head(a, b))
        return
      case TELL.LOGS_DROPPED:
        this.#logs.dropped(a)
        return
      case TELL.WAKE:
        this.#wake(Number(a))
        return
      case TELL.JOB:
        this.#jobsOfGuest().start(a, b, c, d)
        return
      case TELL.JOB_MORE:
        this.#jobs?.more(a, b, c, d)
        return
      case TELL.BLOCKED:
        if (this.#call !== undefined) this.#call.stretchUsMax = Math.max(this.#call.stretchUsMax, Number(a) * 1_000)
        return
      case TELL.LISTENS:
        this.#listens = true
        return
      case TELL.HANDLED:
        if (this.#call !== undefined) this.#call.dealtWith = true
        return
      case TELL.LOADED:
        if (a === STATUS_OK) {
          this.#handlerFound = true
          if (!this.#entered) this.#leftLoading()
        } else this.#loaded?.(STATUS_ERROR, typeof b === 'string' ? b : '')
        return
    }
  }

  #streamed(errorJson: string | undefined): void {
    if (errorJson !== undefined && this.#call !== undefined) doom(this.#call, errorJson)
  }

  #answered(status: unknown, body: unknown, statusCode: unknown, headers: unknown): void {
    const call = this.#call
    if (call === undefined) {
      if (status === STATUS_EXIT) this.#loaded?.(STATUS_EXIT, exitErrorJson('init', String(body)))
      return
    }
    if (call.settled) return
    takeAnswer(call, status, body, statusCode, headers, (errorJson) => this.#bundle.trace.apply(errorJson))
    // A process that exits does not go on, whatever its code does after the call.
    if (status === STATUS_EXIT && this.#entered) this.#discard(call, STATUS_EXIT, call.body)
  }

  /** Only while something runs: between invocations timers are frozen. */
  #wake(delayMs: number): void {
    if (this.#call === undefined && this.#loaded === undefined) return
    this.#timer.arm(delayMs)
  }

  #fireTimer(): void {
    this.#timer.due = false
    this.#enter(ENTER.TIMER, this.#leftMs(), [])
  }

  #leftMs(): number {
    return this.#call === undefined ? this.order.initMsMax : this.#call.timeoutMs - (performance.now() - this.#call.startedAt)
  }

  #resume(news: News): void {
    if (this.#gone) return
    this.#news.push(news)
    if (!this.#entered && (this.#call !== undefined || this.#loaded !== undefined)) this.#tellNews()
  }

  #jobsOfGuest(): GuestJobs {
    this.#jobs ??= new GuestJobs({
      services: this.#services,
      instance: this.id,
      resume: (news) => this.#resume(news),
      log: (level, text) => this.#logs.line(level, text),
      leftMs: () => this.#leftMs()
    })
    return this.#jobs
  }

  #catastrophe(message: string): void {
    this.#services.catastrophe(this.id, message, this.order.revisionId)
  }
}
