import { isRecursive, type Lineage, messageOf, type PeerlessError, type Ran, RECURSIVE_ERROR, traceOf } from '@peerless/interface'
import { backoffMs, judge } from './attempts.ts'
import {
  ATTEMPT_MAX,
  DELIVERY_BASE_MS,
  DELIVERY_TRIES_MAX,
  EVENT_AGE_MS_DEFAULT,
  PAUSE_MS_MIN,
  RETRIES_DEFAULT
} from './constants.ts'
import { Delayed } from './delayed.ts'
import type { Deliveries } from './deliveries.ts'
import { deliveriesOf, type EventPolicy } from './destinations.ts'
import { type End, resultOf } from './event-end.ts'
import { FairQueue } from './fair-queue.ts'
import type { QueueOptions } from './options.ts'
import type { OwnedEvent } from './owned-event.ts'
import type { Owner } from './owner.ts'
import { StartPace } from './start-pace.ts'

const RUNS_MAX_DEFAULT = 64
/** How long a function that is not in the catalog is waited for: a node that was just started, or took over, may learn of it. */
const UNKNOWN_FUNCTION_MS_MAX = 30_000
const SETTLE_RETRY_MS = 1_000
const START_DELAY_BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000, 600_000]

/** Runs what this node owns: in fair turns, as often as it takes, until each has an end; and sends the records where they go. */
export class Runner {
  readonly #o: QueueOptions
  readonly #owner: Owner
  readonly #deliveries: Deliveries
  readonly #fair: FairQueue<OwnedEvent>
  readonly #delayed = new Delayed<OwnedEvent>()
  readonly #pace = new StartPace()
  readonly settled = { succeeded: 0, failed: 0, expired: 0 }
  readonly startDelays = { boundsMs: START_DELAY_BOUNDS_MS, counts: START_DELAY_BOUNDS_MS.map(() => 0).concat(0), sumMs: 0 }
  deadLetters = 0
  stopped = false
  /** No rule asks for a longer wait: one that the disk says was written under another clock. */
  readonly #waitMsMax: number
  /** Nothing begins or ends while it is true: this node may not own what it thinks it owns. */
  readonly #fenced: () => boolean
  /** Ends that wait for that. */
  #held: (() => void)[] = []
  #dispatching = false

  constructor(options: QueueOptions, owner: Owner, deliveries: Deliveries, fenced: () => boolean) {
    this.#o = options
    this.#deliveries = deliveries
    this.#fenced = fenced
    this.#owner = owner
    this.#fair = new FairQueue(options.runsMax ?? RUNS_MAX_DEFAULT)
    this.#waitMsMax = Math.max(
      backoffMs('failed', RETRIES_DEFAULT, options.retryBaseMs as number),
      backoffMs('failed', DELIVERY_TRIES_MAX - 1, DELIVERY_BASE_MS)
    )
  }

  get running(): number {
    return this.#fair.running
  }

  get delayed(): number {
    return this.#delayed.length
  }

  depths(): [string, number][] {
    return this.#fair.depths()
  }

  /** A new event of a sender, who has been told. */
  accepted(owned: OwnedEvent): void {
    this.#pace.accepted()
    this.add(owned)
  }

  /** Its turn comes when its time has come and there is room. */
  add(owned: OwnedEvent): void {
    owned.phase = 'waiting'
    const { clock } = this.#o
    const waitMs = Math.min(owned.notBefore - clock.now(), this.#waitMsMax)
    // By the clock that nobody sets: when the other one is put back by hours, a retry comes no later.
    if (waitMs > 0) this.#delayed.add(clock.monotonic() + waitMs, owned)
    else this.#fair.add(owned)
    this.dispatch()
  }

  tick(): void {
    if (this.#held.length > 0 && !this.#fenced()) for (const end of this.#held.splice(0)) end()
    const now = this.#o.clock.monotonic()
    for (let due = this.#delayed.take(now); due !== undefined; due = this.#delayed.take(now)) {
      if (due.phase === 'waiting') this.#fair.add(due)
    }
    this.dispatch()
  }

  /** Those that waited too long are over, even where no attempt can be made. */
  expire(): void {
    if (this.stopped || this.#fenced()) return
    const now = this.#o.clock.now()
    for (const owned of this.#fair.remove((waiting) => waiting.phase !== 'gone' && now > this.#expiresAt(waiting)))
      this.#expired(owned)
  }

  dispatch(): void {
    if (this.#dispatching) return
    this.#dispatching = true
    while (!this.stopped && !this.#fenced()) {
      const now = this.#o.clock.monotonic()
      if (!this.#pace.mayStart(this.#owner.arriving, now)) break
      const owned = this.#fair.next(now)
      if (owned === undefined) break
      this.#pace.started()
      if (owned.phase !== 'waiting') this.#fair.finished(owned)
      else this.#start(owned)
    }
    this.#dispatching = false
  }

  #start(owned: OwnedEvent): void {
    owned.phase = 'running'
    const { event } = owned
    const now = this.#o.clock.now()
    if (owned.starts === 0) {
      this.#startedAfter(Math.max(0, now - event.acceptedAt))
    }
    if (now > this.#expiresAt(owned)) {
      this.#fair.finished(owned)
      this.#expired(owned)
      return
    }
    if (owned.payload !== undefined) {
      this.#begin(owned, owned.payload)
      return
    }
    this.#owner.payloadOf(owned).then(
      (payload) => {
        if (payload === undefined) this.#unreadable(owned, 'its row is gone')
        // The machine slept while it was read, or this node takes no work any more, for now: its turn comes again.
        else if (this.#fenced() || this.stopped || owned.phase === 'gone') this.#refused(owned)
        else this.#begin(owned, payload)
      },
      (error) => this.#unreadable(owned, messageOf(error))
    )
  }

  #startedAfter(delayMs: number): void {
    const { boundsMs, counts } = this.startDelays
    let bucket = 0
    while (bucket < boundsMs.length && delayMs > (boundsMs[bucket] as number)) bucket++
    counts[bucket] = (counts[bucket] as number) + 1
    this.startDelays.sumMs += delayMs
  }

  #complain(owned: OwnedEvent, reason: string): void {
    this.#o.logger.error('a queued event cannot be read', { requestId: owned.id, reason })
  }

  #unreadable(owned: OwnedEvent, reason: string): void {
    this.#complain(owned, reason)
    owned.phase = 'waiting'
    this.#fair.refused(owned, this.#o.clock.monotonic())
  }

  #begin(owned: OwnedEvent, payload: Uint8Array): void {
    if ('address' in owned.event.target) this.#deliver(owned, owned.event.target, payload)
    else this.#invoke(owned, owned.event.target, payload)
  }

  #invoke(
    owned: OwnedEvent,
    { functionName, qualifier }: { functionName: string; qualifier: string | undefined },
    payload: Uint8Array
  ): void {
    const { event } = owned
    const { invoker, clock } = this.#o
    if (isRecursive(event.lineage) && !this.#policyOf(owned).recursionAllowed) {
      this.#fair.finished(owned)
      const response = Buffer.from(JSON.stringify(RECURSIVE_ERROR))
      this.#end(owned, payload, {
        status: 'failed',
        condition: 'RecursiveInvocation',
        ran: undefined,
        executedVersion: undefined,
        response
      })
      return
    }
    const target = this.#resolve(event.account, functionName, qualifier)
    if (target === undefined) {
      const ageMs = clock.now() - event.acceptedAt
      if (ageMs < UNKNOWN_FUNCTION_MS_MAX) this.#aside(owned, Math.max(PAUSE_MS_MIN, ageMs))
      else {
        this.#fair.finished(owned)
        this.#end(owned, payload, {
          status: 'failed',
          condition: 'FunctionNotFound',
          ran: undefined,
          executedVersion: undefined,
          response: undefined
        })
      }
      return
    }
    owned.starts++
    const order = {
      requestId: event.id,
      kind: 'event',
      target,
      payload,
      logTail: false,
      clientContext: event.clientContext,
      invokedArn: event.invokedArn,
      trace: isFirst(event.lineage, event.id) ? undefined : traceOf(event.lineage, event.id),
      attempt: Math.min(owned.starts, ATTEMPT_MAX)
    } as const
    invoker.begin(order, (error, answer) => {
      const verdict = judge(error, answer)
      if (verdict.kind === 'refused') {
        owned.starts--
        this.#refused(owned)
        return
      }
      this.#fair.finished(owned)
      if (owned.phase !== 'gone') {
        if (verdict.kind === 'succeeded') {
          const ran = verdict.answer.outcome
          this.#end(owned, payload, {
            status: 'succeeded',
            condition: 'Success',
            ran,
            executedVersion: target.version.version,
            response: ran.payload
          })
        } else if (verdict.kind === 'failed') this.#failed(owned, payload, verdict.answer.outcome, target.version.version)
        else this.#failed(owned, payload, undefined, undefined, verdict.error)
      }
      this.dispatch()
    })
  }

  /** What another account has made under the name of a function that was removed is not what the event was sent to. */
  #resolve(
    account: string | undefined,
    functionName: string,
    qualifier: string | undefined
  ): ReturnType<QueueOptions['resolve']> {
    const found = this.#o.resolve(functionName, qualifier)
    return account === undefined || found?.record.account === account ? found : undefined
  }

  #failed(
    owned: OwnedEvent,
    payload: Uint8Array,
    ran: Ran | undefined,
    executedVersion: string | undefined,
    lost?: PeerlessError
  ): void {
    owned.failures++
    if (owned.failures > this.#policyOf(owned).retries) {
      const response =
        ran?.payload ?? Buffer.from(JSON.stringify({ errorType: 'Peerless.Lost', errorMessage: lost?.message ?? '' }))
      this.#end(owned, payload, { status: 'failed', condition: 'RetriesExhausted', ran, executedVersion, response })
      return
    }
    const base = this.#o.retryBaseMs
    this.#again(owned, backoffMs(lost === undefined ? 'failed' : 'lost', owned.failures, base as number))
  }

  /** The next attempt, or its end of age, whichever is first. */
  #again(owned: OwnedEvent, delayMs: number): void {
    owned.notBefore = Math.min(this.#o.clock.now() + delayMs, this.#expiresAt(owned) + 1)
    this.#owner.changed(owned)
    this.add(owned)
  }

  /** What it names is not there, which is no reason for others of its function to wait: it leaves the lane, each time for as long again as it has waited. */
  #aside(owned: OwnedEvent, delayMs: number): void {
    this.#fair.finished(owned)
    if (owned.phase === 'gone') return
    owned.notBefore = this.#o.clock.now() + delayMs
    this.add(owned)
  }

  #refused(owned: OwnedEvent): void {
    if (owned.phase === 'gone') {
      this.#fair.finished(owned)
      return
    }
    owned.phase = 'waiting'
    this.#fair.refused(owned, this.#o.clock.monotonic())
  }

  #deliver(owned: OwnedEvent, target: { address: string; contentType: string }, payload: Uint8Array): void {
    const { id, account, note } = owned.event
    owned.starts++
    const ended = (reason: string | undefined) => {
      this.#fair.finished(owned)
      if (owned.phase === 'gone') return
      const end = { ran: undefined, executedVersion: undefined }
      if (reason === undefined) {
        this.#end(owned, payload, { ...end, status: 'succeeded', condition: 'Success', response: undefined })
      } else if (++owned.failures >= DELIVERY_TRIES_MAX) {
        const error = { errorType: 'DestinationDeliveryFailed', errorMessage: reason.slice(0, 500) }
        const response = Buffer.from(JSON.stringify(error))
        this.#o.logger.warn('a record could not be delivered and is a dead letter', { requestId: id, to: target.address, reason })
        this.#end(owned, payload, { ...end, status: 'failed', condition: 'DestinationFailed', response })
      } else this.#again(owned, backoffMs('failed', owned.failures, DELIVERY_BASE_MS))
      this.dispatch()
    }
    if (note === undefined) {
      ended('it says not what it is about')
      return
    }
    this.#deliveries.deliver({ id, account, note, payload, ...target }).then(
      () => ended(undefined),
      (error) => ended(messageOf(error))
    )
  }

  /** It has no turn any more, and needs none. */
  #expired(owned: OwnedEvent): void {
    if (owned.phase === 'gone') return
    if (this.stopped) {
      this.add(owned)
      return
    }
    this.#owner.payloadOf(owned).then(
      (payload) =>
        this.#end(owned, payload ?? new Uint8Array(0), {
          status: 'expired',
          condition: 'EventAgeExceeded',
          ran: undefined,
          executedVersion: undefined,
          response: undefined
        }),
      (error) => {
        this.#complain(owned, messageOf(error))
        this.#o.clock.after(SETTLE_RETRY_MS, () => this.#expired(owned))
      }
    )
  }

  /** Sends what is to be sent, then writes the end: a crash between the two sends it again, under the same ids. */
  #end(owned: OwnedEvent, payload: Uint8Array, end: End): void {
    if (owned.phase === 'gone') return
    if (this.#fenced()) {
      this.#held.push(() => this.#end(owned, payload, end))
      return
    }
    owned.phase = 'settling'
    const result = resultOf(owned, end, this.#o.clock.now(), this.#o.mesh.peerId)
    const policy = this.#policyOf(owned)
    const deliveries = deliveriesOf(owned.event, payload, result, end.response, policy, this.#o)
    if (end.status === 'succeeded' && policy.onSuccess !== undefined && deliveries.length === 0)
      this.#o.logger.warn(
        'a record was not delivered: its destination is no place for records, or a function that may not be invoked',
        {
          requestId: owned.id,
          to: policy.onSuccess
        }
      )
    const write = () => {
      const dead = end.status !== 'succeeded' && deliveries.length === 0
      this.#owner.settle(owned, result, dead, (error) => {
        if (error !== undefined) {
          this.#o.clock.after(SETTLE_RETRY_MS, write)
          return
        }
        this.settled[end.status]++
        if (dead) this.deadLetters++
      })
    }
    let open = deliveries.length
    if (open === 0) {
      write()
      return
    }
    for (const delivery of deliveries) this.#send(delivery, owned, () => --open === 0 && write())
  }

  #send(delivery: ReturnType<typeof deliveriesOf>[number], from: OwnedEvent, done: () => void): void {
    if (this.#owner.get(delivery.event.id) !== undefined || this.#owner.wasSettled(delivery.event.id)) {
      done()
      return
    }
    const event = { ...delivery.event, acceptedAt: this.#o.clock.now() }
    const child = this.#owner.create(event, delivery.payload, from.holders, (error, known) => {
      if (error !== undefined) this.#o.clock.after(SETTLE_RETRY_MS, () => this.#send(delivery, from, done))
      else {
        if (!known) this.add(child)
        done()
      }
    })
  }

  #policyOf(owned: OwnedEvent): EventPolicy {
    const { target, account } = owned.event
    return 'address' in target ? DELIVERY_POLICY : this.#o.policy(target.functionName, target.qualifier, account)
  }

  #expiresAt(owned: OwnedEvent): number {
    return owned.event.acceptedAt + this.#policyOf(owned).ageMsMax
  }
}

/** Whether a chain begins with this call: then whoever runs it knows all there is to know of it. */
function isFirst({ root, hops }: Lineage, id: string): boolean {
  const counts = Object.values(hops)
  return root === id && counts.length === 1 && counts[0] === 1
}

const DELIVERY_POLICY: EventPolicy = {
  retries: DELIVERY_TRIES_MAX,
  ageMsMax: EVENT_AGE_MS_DEFAULT,
  onSuccess: undefined,
  onFailure: undefined,
  deadLetter: undefined,
  recursionAllowed: true
}
