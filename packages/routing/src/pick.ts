import type { BeaconTable, PeerLoad } from './beacon-table.ts'
import {
  BOUNDED_LOAD_MAX,
  BOUNDED_LOAD_MIN,
  IDLE_AGE_MS_MAX,
  LAST_LOAD_WEIGHT,
  LAUNCH_SHARE_MAX,
  ONLY_IDLE_TRIES_MAX,
  REPORT_AGE_MS_MAX,
  SAMPLES_IDLE,
  USUAL_LOAD_WEIGHT
} from './constants.ts'
import type { Place } from './placement-order.ts'
import type { Stock } from './usual-idle.ts'

/** This node, asked at the moment of the decision. */
export interface SelfLoad {
  readonly node: string
  readonly slots: number
  readonly busy: number
  readonly draining: boolean
  /** Idle instances of the revision here. */
  readonly idle: number
}

export interface PickRequest {
  readonly revisionId: string
  /** Nodes that refused this invocation already, this one included if it did. */
  readonly refused: ReadonlySet<string>
}

/** Why a place was picked, for metrics and tests. */
export type PickReason = 'idle-here' | 'idle-peer' | 'launch-here' | 'launch-home' | 'two-samples' | 'blind'

export interface Pick {
  readonly node: string
  readonly reason: PickReason
  /** It may be run there by an instance that is idle, and must be refused when there is none: others have one, too. */
  readonly onlyIdle: boolean
}

/**
 * Where an invocation runs. In order:
 * 1. an idle instance here;
 * 2. near nodes before far ones: of the first of the revision's rendezvous order, and of a few random ones that stand for all others, one that usually has idle
 *    instances, with chance by how many, minus what this node sent since, and by how loaded it is (not the idlest: that makes herds). Where others have
 *    some, too, it is asked for an idle one only: it refuses rather than launch, and the others are asked;
 * 3. else a launch at the first of the order that is within its bounded share, which may be this node; else here; else at the better of two random
 *    nodes by the hot–cold rule;
 * 4. else whatever of the order has a free slot at all, this node first;
 * 5. no fresh report: the better of a few random peers by what this node itself has under way there.
 *
 * What is looked at does not grow with the mesh.
 *
 * @param random uniform in [0, 1)
 * @param now monotonic milliseconds, the clock of the table
 * @returns undefined when every place looked at is full or refused: wait, or answer that there is no capacity
 */
export function pick(
  table: BeaconTable,
  self: SelfLoad,
  request: PickRequest,
  random: () => number,
  now: number
): Pick | undefined {
  const selfOpen = !self.draining && self.busy < self.slots && !request.refused.has(self.node)
  if (selfOpen && self.idle > 0) return { node: self.node, reason: 'idle-here', onlyIdle: false }
  return new Decision(table, self, selfOpen, request, random, now).place()
}

/** The looking around, when there is no idle instance here. */
class Decision {
  readonly #table: BeaconTable
  readonly #self: SelfLoad
  readonly #selfOpen: boolean
  readonly #request: PickRequest
  readonly #random: () => number
  readonly #now: number
  readonly #factor: number
  readonly #usual: ReadonlyMap<string, Stock> | undefined
  /** This node's own, if it is in the order. */
  readonly #own: Place | undefined
  #mean = 0
  /** Of those seen so far that show an idle instance: which one, how many it shows, and all together. */
  #idle: PeerLoad | undefined
  #idleThere = 0
  #idleCount = 0
  #launch: Pick | undefined

  constructor(table: BeaconTable, self: SelfLoad, selfOpen: boolean, request: PickRequest, random: () => number, now: number) {
    this.#table = table
    this.#self = self
    this.#selfOpen = selfOpen
    this.#request = request
    this.#random = random
    this.#now = now
    this.#own = table.order.get(self.node)
    this.#usual = table.board.usualIdle.of(request.revisionId)
    this.#factor = BOUNDED_LOAD_MIN + (BOUNDED_LOAD_MAX - BOUNDED_LOAD_MIN) * random()
  }

  place(): Pick | undefined {
    const order = this.#table.order.of(this.#request.revisionId)
    return this.#ofZone(order, false) ?? this.#ofZone(order, true) ?? this.#here() ?? this.#anyFree(order) ?? this.#blind()
  }

  #ofZone(order: readonly Place[], far: boolean): Pick | undefined {
    if (far && this.#table.order.count(true) === 0) return undefined
    this.#mean = this.#table.meanShare(this.#self.busy, this.#self.slots, far, this.#now)
    this.#launch = undefined
    this.#look(order, far)
    return this.#ofSamples(far, order)
  }

  #look(order: readonly Place[], far: boolean): void {
    const factor = Math.min(this.#factor, LAUNCH_SHARE_MAX / this.#mean)
    for (const place of order) {
      if (place === this.#own) {
        if (!far) this.#launch ??= this.#here()
        continue
      }
      const peer = this.#free(place)
      if (peer === undefined || peer.far !== far) continue
      this.#weigh(peer)
      if (this.#launch === undefined && this.#within(peer.load(this.#now, this.#mean), peer.slots, factor)) {
        this.#launch = { node: peer.node, reason: 'launch-home', onlyIdle: false }
      }
    }
  }

  /**
   * Chance in proportion to the square of what is in store, times what the load there is worth. Squared, because of two stores the smaller one is empty much more often.
   *
   * @param times nodes that this one stands for
   */
  #weigh(peer: PeerLoad, times = 1): void {
    const shown = this.#shown(peer)
    if (shown <= 0) return
    const weight = times * shown * shown * this.#favour(peer)
    this.#idleCount += weight
    if (this.#random() * this.#idleCount >= weight) return
    this.#idle = peer
    this.#idleThere = weight
  }

  /** Who usually carries more than the mean gets less, slowly and strongly; and who did in the last report, quickly and weakly. */
  #favour(peer: PeerLoad): number {
    const now = peer.load(this.#now, this.#mean) / peer.slots
    return Math.exp(USUAL_LOAD_WEIGHT * (this.#mean - peer.usualShare) + LAST_LOAD_WEIGHT * (this.#mean - now))
  }

  #idlePick(): Pick | undefined {
    if (this.#idle === undefined) return undefined
    const others = this.#idleCount > this.#idleThere && this.#request.refused.size < ONLY_IDLE_TRIES_MAX
    return { node: this.#idle.node, reason: 'idle-peer', onlyIdle: others }
  }

  #here(): Pick | undefined {
    const open = this.#selfOpen && this.#within(this.#self.busy, this.#self.slots, this.#factor)
    return open ? { node: this.#self.node, reason: 'launch-here', onlyIdle: false } : undefined
  }

  /** Random nodes stand for all that are not in the order: what they show counts for so many. Else a launch; else the better of two. */
  #ofSamples(far: boolean, looked: readonly Place[]): Pick | undefined {
    const { order } = this.#table
    let one: PeerLoad | undefined
    let other: PeerLoad | undefined
    const each = Math.max(0, order.count(far) - looked.length) / SAMPLES_IDLE
    for (let turn = Math.min(SAMPLES_IDLE, 2 * order.count(far)); turn > 0; turn--) {
      const place = order.sample(far, this.#random)
      const peer = place === undefined ? undefined : this.#free(place)
      if (place === undefined || peer === undefined || peer === one) continue
      if (each > 0 && this.#shown(peer) > 0 && !looked.includes(place)) this.#weigh(peer, each)
      if (one === undefined) one = peer
      else other ??= peer
    }
    const certain = this.#idlePick() ?? this.#launch ?? (far ? undefined : this.#here())
    if (certain !== undefined || one === undefined) return certain
    return { node: (other === undefined ? one : this.#hotCold(one, other)).node, reason: 'two-samples', onlyIdle: false }
  }

  /** Prequal's rule: hot means more loaded than the quantile of all; among cold ones latency decides, else load. */
  #hotCold(one: PeerLoad, other: PeerLoad): PeerLoad {
    const hot = this.#table.board.hotShare()
    const [a, b] = [one.load(this.#now, this.#mean) / one.slots, other.load(this.#now, this.#mean) / other.slots]
    const difference = a <= hot && b <= hot ? one.latencyMs - other.latencyMs : a - b
    if (difference === 0) return this.#random() < 0.5 ? one : other
    return difference < 0 ? one : other
  }

  #anyFree(order: readonly Place[]): Pick | undefined {
    if (this.#selfOpen) return { node: this.#self.node, reason: 'launch-here', onlyIdle: false }
    for (const place of order)
      if (this.#free(place) !== undefined) return { node: place.node, reason: 'launch-home', onlyIdle: false }
    return undefined
  }

  #blind(): Pick | undefined {
    const order = this.#table.order
    let best: PeerLoad | undefined
    for (let turn = 0; turn < SAMPLES_IDLE; turn++) {
      const place = order.sample(order.count(false) <= 1, this.#random)
      const peer = place === undefined ? undefined : this.#usable(place)
      if (peer === undefined || this.#now - peer.reportedAt <= REPORT_AGE_MS_MAX) continue
      if (best === undefined || peer.mine < best.mine) best = peer
    }
    return best === undefined ? undefined : { node: best.node, reason: 'blind', onlyIdle: false }
  }

  #usable(place: Place): PeerLoad | undefined {
    const { refused } = this.#request
    if (place === this.#own || (refused.size > 0 && refused.has(place.node))) return undefined
    const peer = this.#table.at(place)
    if (peer === undefined || peer.draining || !peer.open(this.#now)) return undefined
    if (peer.lacks(this.#request.revisionId, this.#now)) return undefined
    const chance = this.#table.board.chance(place.node, this.#now)
    return chance === 1 || this.#random() < chance ? peer : undefined
  }

  /** Usable, and a fresh report shows a free slot. */
  #free(place: Place): PeerLoad | undefined {
    const peer = this.#usable(place)
    if (peer === undefined || this.#now - peer.reportedAt > REPORT_AGE_MS_MAX) return undefined
    return peer.hasRoom(this.#now, this.#mean) ? peer : undefined
  }

  /** Idle instances of the revision that a fresh report shows, less what this node sent there since. */
  #shown(peer: PeerLoad): number {
    return this.#now - peer.reportedAt <= IDLE_AGE_MS_MAX ? peer.idle(this.#request.revisionId, this.#usual) : 0
  }

  /** With one call more, does a node still carry at most `factor` times its share of the mean? One call is always within. */
  #within(load: number, slots: number, factor: number): boolean {
    return load + 1 <= Math.max(1, Math.ceil(factor * this.#mean * slots))
  }
}
