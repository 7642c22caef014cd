import {
  type AsyncInvoker,
  type Catalog,
  type Clock,
  functionArn,
  type Logger,
  type Mesh,
  messageOf,
  PEER_SILENT_MS_MIN,
  type Timer
} from '@peerless/interface'
import { Claims } from './claims.ts'
import { CLAIM_LEASE_MS, DOUBTFUL_MS, LATE_MS_MAX, SETTLE_MS, SLEPT_MS_MIN, TICK_MS } from './constants.ts'
import { ownerOf, Schedule } from './schedule.ts'
import { eventOf, type Place } from './schedule-event.ts'

export interface SchedulerOptions extends Place {
  catalog: Catalog
  mesh: Mesh
  queue: Pick<AsyncInvoker, 'accept' | 'result'>
  /** Whether a node takes no new work, by its own word; for this node too. Default: none does. */
  isDraining?: (peerId: string) => boolean
  clock: Clock
  logger: Logger
}

/**
 * Fires the schedules that are this node's while these peers are connected, not silent and not draining. Each firing goes into the queue under an id that follows from schedule and
 * scheduled time, so one that was made already is recognised. Of what was missed at most the last is made up for.
 */
export class Scheduler {
  readonly #o: SchedulerOptions
  readonly #claims: Claims
  readonly #isDraining: (peerId: string) => boolean
  readonly #schedules = new Map<string, Schedule>()
  /** Names whose firing is under way. */
  readonly #firing = new Set<string>()
  /** Owners while these nodes are there. */
  #owners = new Map<string, string>()
  #there = ''
  #timer: Timer | undefined
  /** Monotonic milliseconds until which nothing fires. */
  #settledAt = 0
  /** Monotonic and wall time of the last tick: a suspended machine stops the one, a stopped process neither. */
  #tickedAt: readonly [number, number] = [0, 0]
  #stopListening: (() => void) | undefined

  constructor(options: SchedulerOptions) {
    this.#o = options
    this.#isDraining = options.isDraining ?? (() => false)
    this.#claims = new Claims(options.mesh, options.clock, this.#isDraining)
  }

  /** Before the mesh starts, as all handlers. */
  listen(): void {
    this.#claims.listen()
  }

  start(): void {
    const { clock } = this.#o
    this.#tickedAt = [clock.monotonic(), clock.now()]
    this.#settledAt = clock.monotonic() + SETTLE_MS
    for (const { name } of this.#o.catalog.list('trigger')) this.#read(name)
    this.#stopListening = this.#o.catalog.onChange((kind, name) => kind === 'trigger' && this.#read(name))
    this.#timer = this.#o.clock.every(TICK_MS, () => this.#tick())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#stopListening?.()
  }

  /** One that drains is connected for as long as it takes to finish, and may fire nothing more. */
  ownerOf(name: string): string {
    const { mesh } = this.#o
    const there = [mesh.peerId, ...mesh.peers().filter((peerId) => (mesh.silentMs(peerId) ?? 0) < PEER_SILENT_MS_MIN)]
    const working = there.filter((peerId) => !this.#isDraining(peerId))
    return this.#ownerOf(name, working.length > 0 ? working : there)
  }

  #ownerOf(name: string, there: readonly string[]): string {
    const key = there.join()
    if (key !== this.#there) {
      this.#there = key
      this.#owners = new Map()
    }
    let owner = this.#owners.get(name)
    if (owner === undefined) {
      owner = ownerOf(name, there)
      this.#owners.set(name, owner)
    }
    return owner
  }

  nextAt(name: string): number | undefined {
    const schedule = this.#schedules.get(name)
    return schedule === undefined || schedule.trigger.paused ? undefined : schedule.nextAt(this.#o.clock.now())
  }

  #read(name: string): void {
    const trigger = this.#o.catalog.get('trigger', name)
    const known = this.#schedules.get(name)
    if (trigger === undefined) {
      this.#schedules.delete(name)
      return
    }
    const same = known !== undefined && known.trigger.createdAt === trigger.createdAt
    // While it was paused nothing was due.
    const resumed = same && known.trigger.paused && !trigger.paused ? trigger.modifiedAt : 0
    try {
      this.#schedules.set(name, new Schedule(trigger, Math.max(same ? known.doneUntil : 0, resumed)))
    } catch (error) {
      this.#schedules.delete(name)
      this.#o.logger.warn('a schedule that this node cannot read', { name, reason: messageOf(error) })
    }
  }

  /** Whether this node has just started or slept: others may have fired for it. */
  #isSettling(): boolean {
    const { clock } = this.#o
    const [monotonic, wall] = this.#tickedAt
    this.#tickedAt = [clock.monotonic(), clock.now()]
    if (clock.monotonic() - monotonic > SLEPT_MS_MIN || clock.now() - wall > SLEPT_MS_MIN)
      this.#settledAt = clock.monotonic() + SETTLE_MS
    return clock.monotonic() < this.#settledAt
  }

  #tick(): void {
    const now = this.#o.clock.now()
    if (this.#isSettling()) return
    for (const schedule of this.#schedules.values()) {
      const { trigger } = schedule
      if (trigger.paused || this.#firing.has(trigger.name)) continue
      const scheduled = schedule.due(now)
      if (scheduled === undefined) continue
      const lateMs = now - scheduled - schedule.shiftMs
      if (this.#claims.hasFired(schedule.idOf(scheduled))) {
        schedule.done(scheduled)
        continue
      }
      if (this.ownerOf(trigger.name) !== this.#o.mesh.peerId) {
        // Its owner has had its time. Who takes over before then, or makes up for it afterwards, asks whether it has used it.
        if (lateMs > LATE_MS_MAX && trigger.missed === 'skip') schedule.done(scheduled)
        continue
      }
      if (lateMs > LATE_MS_MAX && trigger.missed === 'skip') {
        this.#o.logger.debug('a firing lies too far back to be made up for', { schedule: trigger.name, scheduled, lateMs })
        schedule.done(scheduled)
        continue
      }
      this.#firing.add(trigger.name)
      this.#fire(schedule, scheduled, lateMs)
        .catch((error) =>
          this.#o.logger.warn('a schedule could not fire', { schedule: trigger.name, scheduled, reason: messageOf(error) })
        )
        .finally(() => this.#firing.delete(trigger.name))
    }
  }

  async #fire(schedule: Schedule, scheduled: number, lateMs: number): Promise<void> {
    const { queue, catalog } = this.#o
    const { trigger } = schedule
    const { name, functionName, qualifier, account } = trigger
    // Whoever has the name of a function that was removed did not ask for this.
    if ((catalog.get('function', functionName)?.account ?? account) !== account) {
      this.#o.logger.warn('a schedule did not fire: its function was removed, and another account has one of that name', {
        schedule: name,
        function: functionName
      })
      schedule.done(scheduled)
      return
    }
    const firing = catalog.get('firing', name)
    const madeAt = firing?.createdAt === trigger.createdAt ? firing.scheduledAt : Number.NEGATIVE_INFINITY
    // One that lies ahead was made under another clock, and says nothing of the times before it.
    const isAhead = madeAt > this.#o.clock.now()
    if (madeAt >= scheduled && !isAhead) {
      schedule.done(scheduled)
      return
    }
    const id = schedule.idOf(scheduled)
    const known = await this.#isKnown(id, isAhead || lateMs > DOUBTFUL_MS || schedule.mayBeDone(scheduled))
    // Theirs: they are connected and fire it; if they go before they have, the next tick finds it free.
    if (known === 'theirs') return
    if (known !== 'fired') {
      const accepted = queue.accept({
        requestId: id,
        functionName,
        account,
        qualifier,
        payload: Buffer.from(eventOf(trigger, scheduled, id, this.#o)),
        clientContext: undefined,
        invokedArn: functionArn(this.#o.region, this.#o.accountId, functionName, qualifier),
        mineUntilMs: known.mineUntilMs
      })
      await accepted.catch((error) => {
        this.#claims.drop(id)
        throw error
      })
    }
    this.#claims.fired(id)
    schedule.done(scheduled)
    // For those that are made up for, the record must outlive the queue's.
    if (known !== 'fired' && trigger.missed === 'one')
      await catalog.put('firing', name, { name, account, createdAt: trigger.createdAt, scheduledAt: scheduled })
  }

  /**
   * Where somebody may have fired it and gone, the queue's copies of it are asked for, and the claim is made anew: it is good for a short time only.
   * @param doubtful it is known already that somebody may have
   */
  async #isKnown(id: string, doubtful: boolean): Promise<'fired' | 'theirs' | { mineUntilMs: number }> {
    const { queue, clock } = this.#o
    let asked = doubtful
    if (asked && (await queue.result(id)) !== undefined) return 'fired'
    for (;;) {
      const mineUntilMs = clock.monotonic() + CLAIM_LEASE_MS
      const claim = await this.#claims.claim(id)
      if (claim === 'fired' || claim === 'theirs') return claim
      if (claim === 'mine' || asked) return { mineUntilMs }
      asked = true
      if ((await queue.result(id)) !== undefined) return 'fired'
    }
  }
}
