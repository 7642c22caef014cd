import { ACCOUNT_SHARE, FUNCTION_SHARE, PAUSE_MS_MAX, PAUSE_MS_MIN } from './constants.ts'
import { Delayed } from './delayed.ts'

/** Whose turn an item has: the lane of its function or address, of those of its account. */
export interface Place {
  readonly account: string
  readonly lane: string
}

interface Lane<Item> {
  readonly key: string
  readonly group: Group<Item>
  /** A deque: refused items go back to its front. */
  items: Item[]
  head: number
  running: number
  /** Monotonic milliseconds; nothing is taken before. */
  pausedUntil: number
  pauseMs: number
  /** It pauses, and has no turn. */
  paused: boolean
}

/** The lanes of an account. */
interface Group<Item> {
  readonly account: string
  readonly lanes: Map<string, Lane<Item>>
  /** Lanes in turn: those that pause are not among them, and take nothing from the share of the others. */
  readonly ring: Ring<Lane<Item>>
  running: number
}

/** Takes turns over its members; one that leaves does not cost the others theirs. */
class Ring<Member> {
  readonly #members: Member[] = []
  #turn = 0

  get size(): number {
    return this.#members.length
  }

  add(member: Member): void {
    this.#members.push(member)
  }

  /** The one whose turn it is. Not of an empty ring. */
  next(): Member {
    const member = this.#members[this.#turn % this.#members.length] as Member
    this.#turn = (this.#turn + 1) % this.#members.length
    return member
  }

  /** Those behind it keep their turn. */
  remove(member: Member): void {
    const at = this.#members.indexOf(member)
    if (at < 0) return
    this.#members.splice(at, 1)
    if (at < this.#turn) this.#turn--
  }
}

/**
 * Items that wait for their turn, in one lane per function: accounts take turns, and so do the lanes of each; none runs more than its share while others want
 * to run, and a lane that finds no room is left alone for a while instead of knocking again for each of its items. Pure: it is told the time.
 */
export class FairQueue<Item extends Place> {
  readonly #runsMax: number
  readonly #groups = new Map<string, Group<Item>>()
  /** Accounts that have a lane in turn. */
  readonly #ring = new Ring<Group<Item>>()
  /** Lanes by the end of their pause; one may have gone on, or be gone, before that. */
  readonly #pauses = new Delayed<Lane<Item>>()
  #waiting = 0
  #running = 0

  /** @param runsMax items under way at once, all lanes together; at least 1 */
  constructor(runsMax: number) {
    this.#runsMax = runsMax
  }

  get waiting(): number {
    return this.#waiting
  }

  get running(): number {
    return this.#running
  }

  add(item: Item): void {
    this.#lane(item).items.push(item)
    this.#waiting++
  }

  /** Takes the next item and counts it as running; undefined when none may run now. */
  next(now: number): Item | undefined {
    if (this.#waiting === 0 || this.#running >= this.#runsMax) return undefined
    this.#endPauses(now)
    const share = this.#share(ACCOUNT_SHARE, this.#runsMax, this.#ring.size)
    for (let looked = this.#ring.size; looked > 0; looked--) {
      const group = this.#ring.next()
      const lane = group.running < share ? this.#laneOf(group, share) : undefined
      if (lane !== undefined) return this.#take(lane)
    }
    return undefined
  }

  /** The lane of the account whose turn it is, of those that have something and may run more. */
  #laneOf({ ring }: Group<Item>, accountShare: number): Lane<Item> | undefined {
    const share = this.#share(FUNCTION_SHARE, accountShare, ring.size)
    for (let looked = ring.size; looked > 0; looked--) {
      const lane = ring.next()
      if (lane.head < lane.items.length && lane.running < share) return lane
    }
    return undefined
  }

  #take(lane: Lane<Item>): Item {
    const item = lane.items[lane.head] as Item
    ;(lane.items as (Item | undefined)[])[lane.head++] = undefined
    if (lane.head > 1_024 && lane.head * 2 > lane.items.length) {
      lane.items = lane.items.slice(lane.head)
      lane.head = 0
    }
    lane.running++
    lane.group.running++
    this.#running++
    this.#waiting--
    return item
  }

  /** An item of the lane is no longer under way; there was room for it. */
  finished(place: Place): void {
    const lane = this.#end(place)
    lane.pauseMs = 0
    lane.pausedUntil = 0
    this.#goOn(lane)
    this.#forget(lane)
  }

  /** There was no room: the item goes back to the front, and its lane pauses, longer each time. */
  refused(item: Item, now: number): void {
    const lane = this.#end(item)
    if (lane.head > 0) lane.items[--lane.head] = item
    else lane.items.unshift(item)
    this.#waiting++
    // Several that were under way may be refused at once; that is one refusal.
    if (lane.pausedUntil > now) return
    lane.pauseMs = Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, lane.pauseMs * 2))
    lane.pausedUntil = now + lane.pauseMs
    this.#pauses.add(lane.pausedUntil, lane)
    if (lane.paused) return
    lane.paused = true
    this.#leaveRing(lane)
  }

  /** Takes out what matches, wherever it stands. */
  remove(matches: (item: Item) => boolean): Item[] {
    const removed: Item[] = []
    for (const lane of this.#allLanes()) {
      const kept: Item[] = []
      for (const item of lane.items.slice(lane.head)) (matches(item) ? removed : kept).push(item)
      lane.items = kept
      lane.head = 0
      this.#forget(lane)
    }
    this.#waiting -= removed.length
    return removed
  }

  /** Waiting items per lane; of an address that several accounts send to, all together. */
  depths(): [key: string, waiting: number][] {
    const depths = new Map<string, number>()
    for (const { key, items, head } of this.#allLanes()) depths.set(key, (depths.get(key) ?? 0) + items.length - head)
    return [...depths]
  }

  #allLanes(): Lane<Item>[] {
    return [...this.#groups.values()].flatMap(({ lanes }) => [...lanes.values()])
  }

  /** What one of `sharing` gets of `runs`: alone all but what stays for whoever comes, else equal parts; at least one. */
  #share(alone: number, runs: number, sharing: number): number {
    return Math.max(1, Math.min(Math.ceil(this.#runsMax * alone), Math.ceil(runs / Math.max(1, sharing))))
  }

  #lane({ account, lane: key }: Place): Lane<Item> {
    let group = this.#groups.get(account)
    if (group === undefined) {
      group = { account, lanes: new Map(), ring: new Ring(), running: 0 }
      this.#groups.set(account, group)
    }
    let lane = group.lanes.get(key)
    if (lane === undefined) {
      lane = { key, group, items: [], head: 0, running: 0, pausedUntil: 0, pauseMs: 0, paused: false }
      group.lanes.set(key, lane)
      this.#enterRing(lane)
    }
    return lane
  }

  #end(place: Place): Lane<Item> {
    const lane = this.#lane(place)
    lane.running--
    lane.group.running--
    this.#running--
    return lane
  }

  #forget(lane: Lane<Item>): void {
    if (lane.running > 0 || lane.head < lane.items.length) return
    const { group } = lane
    group.lanes.delete(lane.key)
    if (lane.paused) lane.paused = false
    else this.#leaveRing(lane)
    if (group.lanes.size === 0) this.#groups.delete(group.account)
  }

  #endPauses(now: number): void {
    for (let lane = this.#pauses.take(now); lane !== undefined; lane = this.#pauses.take(now)) {
      if (lane.pausedUntil <= now) this.#goOn(lane)
    }
  }

  #goOn(lane: Lane<Item>): void {
    if (!lane.paused) return
    lane.paused = false
    this.#enterRing(lane)
  }

  #enterRing(lane: Lane<Item>): void {
    const { group } = lane
    if (group.ring.size === 0) this.#ring.add(group)
    group.ring.add(lane)
  }

  #leaveRing(lane: Lane<Item>): void {
    const { group } = lane
    group.ring.remove(lane)
    if (group.ring.size === 0) this.#ring.remove(group)
  }
}
