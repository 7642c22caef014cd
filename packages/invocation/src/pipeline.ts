import {
  type Catalog,
  type Clock,
  didRun,
  type Invocation,
  type InvokeAnswer,
  type InvokeOrder,
  type Invoker,
  type Ledger,
  type Logger,
  MESSAGE,
  type Mesh,
  messageOf,
  type OnAnswer,
  type OnPart,
  type OnReply,
  type Outcome,
  PeerlessError,
  type Ran,
  type Random,
  type Reply,
  type StreamedRequest,
  type Tariff,
  type Timer
} from '@peerless/interface'
import { type BeaconTable, pick } from '@peerless/routing'
import { StreamIntake } from '@peerless/wire'
import {
  FUNCTIONS_BLOCKED_MAX,
  LAUNCH_ALLOWANCE_MS,
  NETWORK_ALLOWANCE_MS,
  PLACES_TRIED_MAX,
  RECEIPT_TIME_OFF_MS_MAX,
  RETRY_AFTER_MS,
  SWEEP_PERIOD_MS,
  WAITING_BYTES_MAX,
  WAITING_CALLS_MAX,
  WAITING_MS_MAX,
  WAITING_PER_FUNCTION_MAX
} from './constants.ts'
import { headFromWire, invocationToWire, replyFromWire, type Settlement } from './invoke-message.ts'
import type { LatencyTargets } from './latency-targets.ts'
import type { LoadReporter } from './load-reporter.ts'
import type { LocalInstances } from './local-instances.ts'
import { NOT_READY, noCapacity, whyNowhere } from './no-capacity.ts'
import { malformedAnswer, outcomeOfFailure, settledBy } from './peer-failures.ts'
import { receiptOf, settle } from './receipts.ts'
import { ReservedConcurrency } from './reserved-concurrency.ts'
import { GO, STARTS, WAITS } from './start-gate.ts'
import { WaitingCalls } from './waiting-calls.ts'

export interface PipelineOptions {
  mesh: Mesh
  catalog: Catalog
  instances: LocalInstances
  ledger: Ledger
  table: BeaconTable
  reporter: LoadReporter
  latency: Pick<LatencyTargets, 'enter'>
  tariff: Tariff
  clock: Clock
  random: Random
  logger: Logger
}

const NOBODY: ReadonlySet<string> = new Set()

/** One call on its way: the order, where it was refused, and when everyone stops waiting. */
interface Call {
  readonly invocation: Invocation
  readonly bytes: number
  readonly done: OnAnswer
  refused: ReadonlySet<string>
  placesTried: number
  /** Monotonic milliseconds: when it began to wait for a place, and when the attempt that runs now is given up. */
  waitUntil: number
  giveUpAt: number
  sentAt: number
  cancel: (() => void) | undefined
  /** Where a peer streams the answer. */
  intake: StreamIntake | undefined
  /** True while a peer makes an instance ready for it and has no leave yet to start the call itself; undefined where the peer asks for none. */
  unstarted: boolean | undefined
  /** Why a place that had room could not begin it: what the last one said or had not. */
  unable: string | undefined
}

/**
 * The road of an invocation after it was authorised and resolved: pick a place, run it there, try elsewhere what was not started,
 * wait where there is no room, charge what ran. A place far or near ends in the same `#settled`.
 */
export class Pipeline implements Invoker {
  readonly #o: PipelineOptions
  readonly #self: string
  /** Called after those who wait here were let try: what is free now is free for others. */
  onPumped: (() => void) | undefined
  readonly #waiting = new WaitingCalls<Call>({
    callsMax: WAITING_CALLS_MAX,
    callsPerFunctionMax: WAITING_PER_FUNCTION_MAX,
    bytesMax: WAITING_BYTES_MAX
  })
  /** Attempts at peers: their deadlines are swept, those of local instances are theirs to watch. */
  readonly #away = new Set<Call>()
  readonly #next: () => number
  readonly #reserved: ReservedConcurrency
  #sweep: Timer | undefined
  #pumping = false

  constructor(options: PipelineOptions) {
    this.#o = options
    this.#self = options.mesh.peerId
    this.#reserved = new ReservedConcurrency(options)
    this.#next = () => options.random.next()
  }

  start(): void {
    this.#reserved.start()
    this.#sweep = this.#o.clock.every(SWEEP_PERIOD_MS, () => this.#sweepDeadlines())
  }

  stop(): void {
    this.#reserved.stop()
    this.#sweep?.cancel()
    const stopping = new PeerlessError('UNAVAILABLE', 'this node is stopping')
    for (const call of this.#waiting.take(() => true)) this.#fail(call, stopping)
  }

  /** Calls that wait for a place here. */
  get waiting(): number {
    return this.#waiting.length
  }

  awayMs(requestId: string): number {
    const now = this.#o.clock.monotonic()
    for (const { invocation, giveUpAt } of this.#away) if (invocation.requestId === requestId) return giveUpAt - now
    return 0
  }

  invoke(order: InvokeOrder): Promise<InvokeAnswer> {
    return new Promise((resolve, reject) => {
      this.begin(order, (error, answer) => (answer === undefined ? reject(error) : resolve(answer)))
    })
  }

  begin(order: InvokeOrder, done: OnAnswer): void {
    const why = this.#o.reporter.refusal
    if (why !== undefined) {
      done(new PeerlessError('UNAVAILABLE', why, { detail: { retryAfterMs: RETRY_AFTER_MS } }), undefined)
      return
    }
    const { record } = order.target
    const { reservedConcurrency, latencyTargetMs } = record
    const told = latencyTargetMs === undefined ? done : this.#o.latency.enter(order.target, latencyTargetMs, done)
    if (reservedConcurrency === undefined) this.#begin(order, told)
    else this.#beginReserved(order, reservedConcurrency, told)
  }

  #beginReserved(order: InvokeOrder, reserved: number, done: OnAnswer): void {
    this.#reserved.enter(order.target.record, reserved, done, (leave) => {
      if (leave instanceof PeerlessError) done(leave, undefined)
      else this.#begin(order, leave)
    })
  }

  #begin(order: InvokeOrder, done: OnAnswer): void {
    this.#o.reporter.inFlight++
    this.#dispatch(this.#callOf(order, done))
  }

  /** A place may have become free: lets those who wait try again. */
  pump(): void {
    if (this.#pumping) return
    if (this.#waiting.length > 0) this.#pumpWaiting()
    this.onPumped?.()
  }

  #pumpWaiting(): void {
    this.#pumping = true
    const blocked: Call[] = []
    const names = new Set<string>()
    try {
      for (let turns = this.#waiting.length; turns > 0 && blocked.length < FUNCTIONS_BLOCKED_MAX; turns--) {
        const call = this.#waiting.shift(names)
        if (call === undefined) break
        call.refused = NOBODY
        call.placesTried = 0
        if (this.#tryPlace(call)) continue
        // No place for this one; another function may have an idle instance.
        blocked.push(call)
        names.add(call.invocation.functionName)
      }
    } finally {
      for (const call of blocked.reverse()) this.#waiting.unshift(call)
      this.#pumping = false
    }
  }

  #callOf(order: InvokeOrder, done: OnAnswer): Call {
    const { record, version } = order.target
    const allowed = version.timeoutSeconds * 1_000 + LAUNCH_ALLOWANCE_MS
    return {
      invocation: {
        requestId: order.requestId,
        attempt: order.attempt ?? 1,
        kind: order.kind,
        functionName: record.name,
        account: record.account,
        version,
        payload: order.payload,
        body: order.body,
        deadline: this.#o.clock.now() + allowed,
        caller: this.#self,
        logTail: order.logTail,
        clientContext: order.clientContext,
        invokedArn: order.invokedArn,
        trace: order.trace,
        stream: order.stream
      },
      bytes: order.payload.length,
      done,
      refused: NOBODY,
      placesTried: 0,
      waitUntil: 0,
      giveUpAt: 0,
      sentAt: 0,
      cancel: undefined,
      intake: undefined,
      unstarted: undefined,
      unable: undefined
    }
  }

  #dispatch(call: Call): void {
    // Who came earlier and waits goes first.
    if ((this.#waiting.length === 0 || this.#pumping) && this.#tryPlace(call)) return
    this.#wait(call)
  }

  /** Starts the call at the picked place; false when there is none. */
  #tryPlace(call: Call): boolean {
    if (call.placesTried >= PLACES_TRIED_MAX) return false
    const { instances, table, clock, reporter } = this.#o
    const { revisionId } = call.invocation.version
    const here = {
      node: this.#self,
      slots: instances.slots,
      busy: instances.busy,
      // Peers send nothing more when it drains. What this node had taken before it began to stop, it finishes.
      draining: reporter.draining && !reporter.closed,
      idle: instances.idle().get(revisionId) ?? 0
    }
    const now = clock.monotonic()
    const picked = pick(table, here, { revisionId, refused: call.refused }, this.#next, now)
    if (picked === undefined) return false
    call.placesTried++
    call.sentAt = now
    if (picked.node === this.#self) this.#runHere(call)
    else this.#runThere(call, picked.node, picked.onlyIdle)
    return true
  }

  #runHere(call: Call): void {
    this.#o.instances.start(call.invocation, (outcome) => {
      if (didRun(outcome)) {
        this.#ran(call, outcome, settle(outcome, this.#o.clock.now()))
      } else {
        this.#notRan(call, this.#self, outcome)
      }
      this.pump()
    })
  }

  #runThere(call: Call, node: string, onlyIdle: boolean): void {
    const { table, clock, instances } = this.#o
    const { invocation } = call
    const { revisionId } = invocation.version
    const remainingMs = Math.max(0, invocation.deadline - clock.now())
    table.sent(node, revisionId)
    call.giveUpAt = call.sentAt + remainingMs + NETWORK_ALLOWANCE_MS
    call.unstarted = undefined
    this.#away.add(call)
    const done: OnReply = (error, reply) => {
      this.#away.delete(call)
      call.cancel = undefined
      const now = clock.monotonic()
      const answer = reply === undefined ? undefined : this.#read(call, node, reply)
      const ran = answer !== undefined && didRun(answer.outcome)
      table.settled(node, revisionId, settledBy(error, answer?.outcome), now)
      if (answer?.hint !== undefined) table.hint(node, revisionId, answer.hint, now)
      if (answer !== undefined) this.#answered(call, node, answer, now)
      else if (error?.code === 'DEADLINE_EXCEEDED') this.#overtime(call)
      else
        this.#notRan(
          call,
          node,
          error === undefined ? malformedAnswer(node) : outcomeOfFailure(node, error, call.unstarted === true)
        )
      // A refusal makes no place free: who waits and tried again because of it would be refused at the same places.
      if (!ran) return
      if (table.worthALaunch(revisionId)) instances.warm.missed(invocation)
      this.pump()
    }
    this.#send(call, node, invocationToWire(invocation, remainingMs, onlyIdle), done)
  }

  #send(call: Call, node: string, header: unknown, done: OnReply): void {
    const { mesh, logger } = this.#o
    const { payload, stream } = call.invocation
    if (stream !== undefined) call.intake = new StreamIntake(stream, { node, readHead: headFromWire }, () => request)
    let broken = false
    const onPart: OnPart = (head, bytes) => {
      if (broken) return
      try {
        this.#part(call, request, head, bytes)
      } catch (error) {
        broken = true
        logger.warn('a peer broke the rules of an answer in parts', { peerId: node, reason: messageOf(error) })
        request.cancel()
      }
    }
    const ended: OnReply = (error, reply) => {
      // It was withdrawn for what it sent, not for the time that it took.
      if (broken) done(new PeerlessError('MALFORMED', 'the node that ran it gave a malformed answer'), undefined)
      else done(error, reply)
    }
    const request = mesh.requestStreamed(node, MESSAGE.INVOKE, header, payload, onPart, ended)
    call.cancel = () => request.cancel()
  }

  /** @throws PeerlessError MALFORMED */
  #part(call: Call, request: StreamedRequest, head: unknown, bytes: Uint8Array): void {
    if (call.unstarted === undefined && call.intake?.bytes === undefined && head === WAITS) {
      call.unstarted = true
    } else if (call.unstarted === true && head === STARTS) {
      call.unstarted = false
      request.credit(GO)
    } else if (call.intake !== undefined) {
      call.intake.part(head, bytes)
    } else throw new PeerlessError('MALFORMED', 'the answer comes in parts, and was not asked for so')
  }

  /** What a peer says; undefined when it is malformed. */
  #read(call: Call, node: string, reply: Reply): PeerAnswer | undefined {
    try {
      return replyFromWire(node, call.invocation.version.memoryMb, reply.header, reply.payload)
    } catch (error) {
      this.#o.logger.warn('malformed reply to an invocation', { peerId: node, reason: messageOf(error) })
      return undefined
    }
  }

  #answered(call: Call, node: string, { outcome, settlement }: PeerAnswer, now: number): void {
    const { logger, tariff, clock } = this.#o
    if (!didRun(outcome)) {
      this.#notRan(call, node, outcome)
      return
    }
    const streamedBytes = call.intake?.bytes
    const ran = streamedBytes === undefined ? outcome : { ...outcome, streamedBytes }
    const observedUs = (now - call.sentAt + tariff.incrementMs) * 1_000
    const claimed = settlement as Settlement
    const wall = clock.now()
    const near = Math.abs(claimed.time - wall) <= RECEIPT_TIME_OFF_MS_MAX
    if (claimed.durationUs <= observedUs && near) {
      this.#ran(call, ran, claimed)
      return
    }
    // The receipt that this node keeps has what it saw itself, so the peer's statement will not be countersigned.
    const seen = {
      time: near ? claimed.time : wall,
      durationUs: Math.min(claimed.durationUs, Math.ceil(observedUs))
    }
    logger.warn(near ? 'a peer claims more time than passed' : 'a peer claims another day', { peerId: node, claimed, seen })
    this.#ran(call, ran, seen)
  }

  #ran(call: Call, outcome: Ran, settlement: Settlement): void {
    const { ledger, reporter, tariff } = this.#o
    reporter.inFlight--
    const receipt = receiptOf(call.invocation, outcome, settlement, this.#self, tariff)
    // What the client is told is what the receipt says; it is told first, because it waits, and the ledger does not.
    try {
      call.done(undefined, { outcome, attempt: receipt.attempt, charge: { billedMs: receipt.billedMs, charge: receipt.charge } })
    } finally {
      ledger.record(receipt)
    }
  }

  #overtime(call: Call): void {
    // It has no leave to start it, and gets none any more.
    if (call.unstarted === true) {
      this.#fail(call, noCapacity(whyNowhere(call.unable ?? NOT_READY, 'in time')))
    } else this.#fail(call, new PeerlessError('DEADLINE_EXCEEDED', 'the node that ran it gave no answer in time'))
  }

  #notRan(call: Call, node: string, outcome: Exclude<Outcome, Ran>): void {
    // What has begun to answer can't be said not to have been started.
    if (outcome.status === 'lost' || call.intake?.bytes !== undefined) {
      this.#fail(
        call,
        new PeerlessError('CONNECTION_LOST', `${outcome.message}; it was started, so it is not tried again`, { detail: { node } })
      )
      return
    }
    if (outcome.code === 'UNAVAILABLE' || outcome.code === 'NOT_REPLICATED') call.unable = `said: ${outcome.message}`
    call.refused = new Set([...call.refused, node])
    this.#dispatch(call)
  }

  #wait(call: Call): void {
    const now = this.#o.clock.monotonic()
    const again = call.waitUntil !== 0
    if (!again) call.waitUntil = now + WAITING_MS_MAX
    if (now >= call.waitUntil) {
      this.#fail(call, noCapacity(whyNowhere(call.unable, 'in time', this.#o.reporter.draining)))
      return
    }
    if (again) {
      // It was its turn, and the place that it was sent to had none after all.
      this.#waiting.unshift(call)
      return
    }
    const queued = this.#waiting.push(call)
    if (queued.full !== undefined) this.#fail(call, noCapacity(queued.full))
    else {
      if (queued.evicted !== undefined) this.#fail(queued.evicted, noCapacity('others wait for their share'))
      // A slot is free where those who wait are bound to something else: the turns decide who gets it.
      if (this.#o.instances.busy < this.#o.instances.slots) this.pump()
    }
  }

  #fail(call: Call, error: PeerlessError): void {
    this.#o.reporter.inFlight--
    call.done(error, undefined)
  }

  #sweepDeadlines(): void {
    const now = this.#o.clock.monotonic()
    for (const call of this.#waiting.take((waiting) => waiting.waitUntil <= now)) {
      this.#fail(call, noCapacity(whyNowhere(call.unable, `within ${WAITING_MS_MAX} ms`, this.#o.reporter.draining)))
    }
    // Cancelling ends in the callback of the request, which takes the call out of the set.
    for (const call of [...this.#away]) if (call.giveUpAt <= now) call.cancel?.()
    this.pump()
  }
}

type PeerAnswer = ReturnType<typeof replyFromWire>
