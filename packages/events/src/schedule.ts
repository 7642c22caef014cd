import { createHash } from 'node:crypto'
import type { ScheduleTrigger } from '@peerless/interface'
import { MINUTE_MS } from './constants.ts'
import { parseExpression, type Times } from './expression.ts'

/** A schedule with its expression read. Pure: it is told the time. */
export class Schedule {
  readonly trigger: ScheduleTrigger
  readonly times: Times
  /**
   * Milliseconds by which its firings are put off: a place in its flexible window that every node finds by itself. The same for all firings, so that none
   * overtakes another.
   */
  readonly shiftMs: number
  /** Scheduled time up to which all is done, or was never this schedule's to do. */
  doneUntil: number
  /** The furthest that was done before the clock was put back. */
  #doneAhead = Number.NEGATIVE_INFINITY
  #last: number | undefined
  #soughtAt = 0
  #seekAt = 0

  /** @throws INVALID_ARGUMENT */
  constructor(trigger: ScheduleTrigger, doneUntil: number) {
    this.trigger = trigger
    const { expression, timezone, createdAt: anchor, startAt, endAt } = trigger
    this.times = parseExpression(expression, timezone, { anchor, startAt, endAt })
    this.shiftMs = shiftOf(trigger)
    this.doneUntil = doneUntil
  }

  /** When it fires next, shift included; undefined when never. */
  nextAt(now: number): number | undefined {
    const next = this.times.next(now - this.shiftMs)
    return next === undefined ? undefined : next + this.shiftMs
  }

  /** The scheduled time that is due and not done: of several, only the last. */
  due(now: number): number | undefined {
    // What is done and lies ahead was done under a clock that has been put back since: the times between are not done with it.
    if (this.doneUntil > now) {
      this.#doneAhead = Math.max(this.#doneAhead, this.doneUntil)
      this.doneUntil = now
    }
    // Seeking costs more than all else; between two firings there is nothing to seek, unless the clock was put back.
    if (now >= this.#seekAt || now < this.#soughtAt) {
      this.#last = this.times.last(now - this.shiftMs)
      this.#seekAt = this.nextAt(now) ?? Number.POSITIVE_INFINITY
      this.#soughtAt = now
    }
    return this.#last !== undefined && this.#last > this.doneUntil ? this.#last : undefined
  }

  done(scheduled: number): void {
    this.doneUntil = Math.max(this.doneUntil, scheduled)
  }

  /** Whether it may have fired before the clock was put back. */
  mayBeDone(scheduled: number): boolean {
    return scheduled <= this.#doneAhead
  }

  /** The id of one firing, the same on every node: by it a second firing is recognised. */
  idOf(scheduled: number): string {
    const { name, createdAt } = this.trigger
    const hash = createHash('sha256').update(`schedule\0${name}\0${createdAt}\0${scheduled}`).digest()
    hash[6] = ((hash[6] as number) & 0x0f) | 0x80
    hash[8] = ((hash[8] as number) & 0x3f) | 0x80
    const hex = hash.toString('hex', 0, 16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }
}

function shiftOf({ name, createdAt, windowMinutes }: ScheduleTrigger): number {
  if (windowMinutes === 0) return 0
  const number = createHash('sha256').update(`window\0${name}\0${createdAt}`).digest().readUIntBE(0, 6)
  return Math.floor((number / 2 ** 48) * windowMinutes * MINUTE_MS)
}

/** The node that fires a schedule while these are alive: the highest by rendezvous hashing, so that few change when one comes or goes. */
export function ownerOf(name: string, alive: readonly string[]): string {
  let best = ''
  let owner = ''
  for (const peerId of alive) {
    const weight = createHash('sha256').update(`${name}\0${peerId}`).digest('hex')
    if (weight > best) [best, owner] = [weight, peerId]
  }
  return owner
}
