import type { BeaconTable, PeerLoad } from './beacon-table.ts'
import {
  BOUNDED_LOAD_MAX,
  BOUNDED_LOAD_MIN,
  IDLE_AGE_MS_MAX,
  IDLE_LOAD_MAX,
  OWN_DEMAND_MIN,
  REPORT_AGE_MS_MAX,
  SAMPLES_IDLE
} from './constants.ts'

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
}

/**
 * Where an invocation runs. In order:
 * 1. an idle instance here;
 * 2. a launch here, within the bounded share, of what this node sends to peers all the time: its own demand is worth an instance;
 * 3. of the first nodes of the revision's rendezvous order, near ones before far ones: a random one whose fresh report shows an idle instance, each
 *    with chance in proportion to how many it shows minus what this node sent since (not the idlest: that makes herds), while it is not much more
 *    loaded than the mean; else a random node anywhere that shows one;
 * 4. else the first of them within its bounded share: a launch there. This node may be that one;
 * 5. else a launch here, within the bounded share;
 * 6. else a few random nodes: one that shows an idle instance, or the better of two with a free slot by the hot–cold rule;
 * 7. else whatever of the order has a free slot at all, this node first;
 * 8. no fresh report: the better of two random peers by what this node itself has under way there.
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
  if (selfOpen && self.idle > 0) return { node: self.node, reason: 'idle-here' }
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
  readonly #mean: number
  readonly #factor: number

  constructor(table: BeaconTable, self: SelfLoad, selfOpen: boolean, request: PickRequest, random: () => number, now: number) {
    this.#table = table
    this.#self = self
    this.#selfOpen = selfOpen
    this.#request = request
    this.#random = random
    this.#now = now
    this.#mean = table.meanShare(self.busy, self.slots)
    this.#factor = BOUNDED_LOAD_MIN + (BOUNDED_LOAD_MAX - BOUNDED_LOAD_MIN) * random()
  }

  place(): Pick | undefined {
    const order = this.#table.order.of(this.#request.revisionId)
    return (
      this.#ofDemand() ??
      this.#ofOrder(order, false) ??
      this.#ofOrder(order, true) ??
      this.#here() ??
      this.#anyFree(order) ??
      this.#blind()
    )
  }

  #ofDemand(): Pick | undefined {
    return this.#table.away(this.#request.revisionId) >= OWN_DEMAND_MIN ? this.#here() : undefined
  }

  /** Everything of one zone: idle in the order, idle by chance, a launch in the order, a launch here, a launch by chance. */
  #ofOrder(order: readonly string[], far: boolean): Pick | undefined {
    let idle: string | undefined
    let idleCount = 0
    let launch: Pick | undefined
    for (const node of order) {
      if (node === this.#self.node) {
        if (launch === undefined && !far) launch = this.#here()
        continue
      }
      const peer = this.#free(node)
      if (peer === undefined || peer.far !== far) continue
      const load = peer.load(this.#now, this.#mean)
      const shown = this.#shown(peer)
      if (shown > 0 && this.#within(load, peer.slots, IDLE_LOAD_MAX)) {
        // Chance in proportion to what is left of what was shown.
        idleCount += shown
        if (this.#random() * idleCount < shown) idle = node
      } else if (launch === undefined && this.#within(load, peer.slots, this.#factor)) {
        launch = { node, reason: 'launch-home' }
      }
    }
    if (idle !== undefined) return { node: idle, reason: 'idle-peer' }
    return this.#ofSamples(far, launch ?? (far ? undefined : this.#here()))
  }

  #here(): Pick | undefined {
    const open = this.#selfOpen && this.#within(this.#self.busy, this.#self.slots, this.#factor)
    return open ? { node: this.#self.node, reason: 'launch-here' } : undefined
  }

  /** A random node that shows an idle instance; else `launch`; else the better of two. */
  #ofSamples(far: boolean, launch: Pick | undefined): Pick | undefined {
    const { order } = this.#table
    let one: PeerLoad | undefined
    let other: PeerLoad | undefined
    for (let turn = Math.min(SAMPLES_IDLE, 2 * order.count(far)); turn > 0; turn--) {
      const node = order.sample(far, this.#random)
      const peer = node === undefined ? undefined : this.#free(node)
      if (peer === undefined || peer === one) continue
      if (this.#shown(peer) > 0) return { node: peer.node, reason: 'idle-peer' }
      if (one === undefined) one = peer
      else other ??= peer
    }
    if (launch !== undefined || one === undefined) return launch
    return { node: (other === undefined ? one : this.#hotCold(one, other)).node, reason: 'two-samples' }
  }

  /** Prequal's rule: hot means more loaded than the quantile of all; among cold ones latency decides, else load. */
  #hotCold(one: PeerLoad, other: PeerLoad): PeerLoad {
    const hot = this.#table.board.hotShare()
    const [a, b] = [one.load(this.#now, this.#mean) / one.slots, other.load(this.#now, this.#mean) / other.slots]
    const difference = a <= hot && b <= hot ? one.latencyMs - other.latencyMs : a - b
    if (difference === 0) return this.#random() < 0.5 ? one : other
    return difference < 0 ? one : other
  }

  #anyFree(order: readonly string[]): Pick | undefined {
    if (this.#selfOpen) return { node: this.#self.node, reason: 'launch-here' }
    for (const node of order) if (this.#free(node) !== undefined) return { node, reason: 'launch-home' }
    return undefined
  }

  #blind(): Pick | undefined {
    const order = this.#table.order
    let best: PeerLoad | undefined
    for (let turn = 0; turn < SAMPLES_IDLE; turn++) {
      const node = order.sample(order.count(false) <= 1, this.#random)
      const peer = node === undefined ? undefined : this.#usable(node)
      if (peer === undefined || this.#now - peer.reportedAt <= REPORT_AGE_MS_MAX) continue
      if (best === undefined || peer.mine < best.mine) best = peer
    }
    return best === undefined ? undefined : { node: best.node, reason: 'blind' }
  }

  #usable(node: string): PeerLoad | undefined {
    if (node === this.#self.node || this.#request.refused.has(node)) return undefined
    const peer = this.#table.get(node)
    return peer === undefined || peer.draining || !peer.health.open(this.#now, peer.mine) ? undefined : peer
  }

  /** Usable, and a fresh report shows a free slot. */
  #free(node: string): PeerLoad | undefined {
    const peer = this.#usable(node)
    if (peer === undefined || this.#now - peer.reportedAt > REPORT_AGE_MS_MAX) return undefined
    return Math.round(peer.load(this.#now, this.#mean)) < peer.slots ? peer : undefined
  }

  /** Idle instances of the revision that a fresh report shows, less what this node sent there since. */
  #shown(peer: PeerLoad): number {
    return this.#now - peer.reportedAt <= IDLE_AGE_MS_MAX ? peer.idle(this.#request.revisionId) : 0
  }

  /** With one call more, does a node still carry at most `factor` times its share of the mean? One call is always within. */
  #within(load: number, slots: number, factor: number): boolean {
    return load + 1 <= Math.max(1, Math.ceil(factor * this.#mean * slots))
  }
}
