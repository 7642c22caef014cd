import { PAUSE_MS_MAX, PAUSE_MS_MIN } from './constants.ts'
import { Delayed } from './delayed.ts'

interface Lane<Item> {
  readonly key: string
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

/**
 * Items that wait for their turn, in one lane per function: lanes take turns, none runs more than its share while others want to run, and one that finds no
 * room is left alone for a while instead of knocking again for each of its items. Pure: it is told the time.
 */
export class FairQueue<Item> {
  readonly #runsMax: number
  readonly #lanes = new Map<string, Lane<Item>>()
  /** Lanes in turn: those that pause are not among them, and take nothing from the share of the others. */
  readonly #ring: Lane<Item>[] = []
  /** Lanes by the end of their pause; one may have gone on, or be gone, before that. */
  readonly #pauses = new Delayed<Lane<Item>>()
  #turn = 0
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

  add(key: string, item: Item): void {
    this.#lane(key).items.push(item)
    this.#waiting++
  }

  /** Takes the next item and counts it as running; undefined when none may run now. */
  next(now: number): Item | undefined {
    if (this.#waiting === 0 || this.#running >= this.#runsMax) return undefined
    this.#endPauses(now)
    const share = this.#share()
    for (let looked = 0; looked < this.#ring.length; looked++) {
      const lane = this.#ring[this.#turn % this.#ring.length] as Lane<Item>
      this.#turn = (this.#turn + 1) % this.#ring.length
      if (lane.head >= lane.items.length || lane.running >= share) continue
      const item = lane.items[lane.head] as Item
      lane.items[lane.head++] = undefined as Item
      if (lane.head > 1_024 && lane.head * 2 > lane.items.length) {
        lane.items = lane.items.slice(lane.head)
        lane.head = 0
      }
      lane.running++
      this.#running++
      this.#waiting--
      return item
    }
    return undefined
  }

  /** An item of the lane is no longer under way; there was room for it. */
  finished(key: string): void {
    const lane = this.#end(key)
    lane.pauseMs = 0
    lane.pausedUntil = 0
    this.#goOn(lane)
    this.#forget(lane)
  }

  /** There was no room: the item goes back to the front, and its lane pauses, longer each time. */
  refused(key: string, item: Item, now: number): void {
    const lane = this.#end(key)
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
    for (const lane of [...this.#lanes.values()]) {
      const kept: Item[] = []
      for (const item of lane.items.slice(lane.head)) (matches(item) ? removed : kept).push(item)
      lane.items = kept
      lane.head = 0
      this.#forget(lane)
    }
    this.#waiting -= removed.length
    return removed
  }

  /** Waiting items per lane. */
  depths(): [key: string, waiting: number][] {
    return [...this.#lanes.values()].map((lane) => [lane.key, lane.items.length - lane.head])
  }

  depth(key: string): number {
    const lane = this.#lanes.get(key)
    return lane === undefined ? 0 : lane.items.length - lane.head
  }

  /** A lane alone gets all but a quarter, which stays for whoever comes; several get equal parts, at least one each. */
  #share(): number {
    const alone = Math.max(1, Math.ceil(this.#runsMax * 0.75))
    return Math.max(1, Math.min(alone, Math.ceil(this.#runsMax / Math.max(1, this.#ring.length))))
  }

  #lane(key: string): Lane<Item> {
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { key, items: [], head: 0, running: 0, pausedUntil: 0, pauseMs: 0, paused: false }
      this.#lanes.set(key, lane)
      this.#ring.push(lane)
    }
    return lane
  }

  #end(key: string): Lane<Item> {
    const lane = this.#lane(key)
    lane.running--
    this.#running--
    return lane
  }

  #forget(lane: Lane<Item>): void {
    if (lane.running > 0 || lane.head < lane.items.length) return
    this.#lanes.delete(lane.key)
    if (lane.paused) lane.paused = false
    else this.#leaveRing(lane)
  }

  #endPauses(now: number): void {
    for (let lane = this.#pauses.take(now); lane !== undefined; lane = this.#pauses.take(now)) {
      if (lane.pausedUntil <= now) this.#goOn(lane)
    }
  }

  #goOn(lane: Lane<Item>): void {
    if (!lane.paused) return
    lane.paused = false
    this.#ring.push(lane)
  }

  /** Those behind it keep their turn. */
  #leaveRing(lane: Lane<Item>): void {
    const at = this.#ring.indexOf(lane)
    this.#ring.splice(at, 1)
    if (at < this.#turn) this.#turn--
  }
}
