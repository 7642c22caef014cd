import {
  type AsyncInvoker,
  type Catalog,
  type Clock,
  functionArn,
  type Logger,
  type Mesh,
  messageOf,
  type Timer
} from '@peerless/interface'
import { Claims } from './claims.ts'
import { DOUBTFUL_MS, LATE_MS_MAX, SETTLE_MS, TICK_MS } from './constants.ts'
import { ownerOf, Schedule } from './schedule.ts'
import { eventOf, type Place } from './schedule-event.ts'

export interface SchedulerOptions extends Place {
  catalog: Catalog
  mesh: Mesh
  queue: Pick<AsyncInvoker, 'accept' | 'result'>
  clock: Clock
  logger: Logger
}

/**
 * Fires the schedules that are this node's while these peers are connected. Each firing goes into the queue under an id that follows from schedule and
 * scheduled time, so one that was made already is recognised. Of what was missed at most the last is made up for.
 */
export class Scheduler {
  readonly #o: SchedulerOptions
  readonly #claims: Claims
  readonly #schedules = new Map<string, Schedule>()
  /** Names whose firing is under way. */
  readonly #firing = new Set<string>()
  #owners = new Map<string, string>()
  #timer: Timer | undefined
  #startedAt = 0
  #stopListening: (() => void) | undefined

  constructor(options: SchedulerOptions) {
    this.#o = options
    this.#claims = new Claims(options.mesh, options.clock)
  }

  /** Before the mesh starts, as all handlers. */
  listen(): void {
    this.#claims.listen()
    this.#o.mesh.onPeer(() => {
      this.#owners = new Map()
    })
  }

  start(): void {
    this.#startedAt = this.#o.clock.monotonic()
    for (const { name } of this.#o.catalog.list('trigger')) this.#read(name)
    this.#stopListening = this.#o.catalog.onChange((kind, name) => kind === 'trigger' && this.#read(name))
    this.#timer = this.#o.clock.every(TICK_MS, () => this.#tick())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#stopListening?.()
  }

  ownerOf(name: string): string {
    let owner = this.#owners.get(name)
    if (owner === undefined) {
      owner = ownerOf(name, [this.#o.mesh.peerId, ...this.#o.mesh.peers()])
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

  #tick(): void {
    const now = this.#o.clock.now()
    for (const schedule of this.#schedules.values()) {
      const { trigger } = schedule
      if (trigger.paused || this.#firing.has(trigger.name)) continue
      const scheduled = schedule.due(now)
      if (scheduled === undefined) continue
      const lateMs = now - scheduled - schedule.shiftMs
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
      // After a start, the news of what was fired meanwhile come first.
      if (lateMs > LATE_MS_MAX && this.#o.clock.monotonic() - this.#startedAt < SETTLE_MS) continue
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
    const { name, functionName, qualifier } = trigger
    const made = catalog.get('firing', name)
    if (made !== undefined && made.createdAt === trigger.createdAt && made.scheduledAt >= scheduled) {
      schedule.done(scheduled)
      return
    }
    const id = schedule.idOf(scheduled)
    const claim = await this.#claims.claim(id)
    // Theirs: they are connected and fire it; if they go before they have, the next tick finds it free.
    if (claim === 'theirs') return
    const known = claim === 'fired' || ((claim === 'doubtful' || lateMs > DOUBTFUL_MS) && (await queue.result(id)) !== undefined)
    if (!known) {
      await queue.accept({
        requestId: id,
        functionName,
        qualifier,
        payload: Buffer.from(eventOf(trigger, scheduled, id, this.#o)),
        clientContext: undefined,
        invokedArn: functionArn(this.#o.region, this.#o.accountId, functionName, qualifier)
      })
    }
    this.#claims.fired(id)
    schedule.done(scheduled)
    // For those that are made up for, the record must outlive the queue's.
    if (!known && trigger.missed === 'one')
      await catalog.put('firing', name, { name, createdAt: trigger.createdAt, scheduledAt: scheduled })
  }
}
