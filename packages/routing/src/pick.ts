import type { BeaconTable, PeerLoad } from './beacon-table.ts'
import { BOUNDED_LOAD_FACTOR, HOT_QUANTILE, IDLE_AGE_MS_MAX, REPORT_AGE_MS_MAX } from './constants.ts'
import { rendezvousWeight } from './rendezvous.ts'

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
 * 2. a uniformly random peer among those whose fresh beacon shows an idle instance, minus what this node sent since (not the idlest: that makes herds);
 * 3. a launch: here, while this node carries no more than its bounded share; else at the first node of the revision's rendezvous order within its share;
 * 4. the better of two random nodes with a free slot by the hot–cold rule (the cold one with the lower latency; both hot: the less loaded);
 * 5. no fresh report at all: the better of two random peers by what this node itself has under way there.
 *
 * @param random uniform in [0, 1)
 * @param now monotonic milliseconds, the clock of the table
 * @returns undefined when every known place is full or refused: wait, or answer that there is no capacity
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

  const candidates = usable(table, request.refused, now)
  const idle = candidates.filter((peer) => now - peer.reportedAt <= IDLE_AGE_MS_MAX && idleEstimate(peer, request.revisionId) > 0)
  if (idle.length > 0) return { node: one(idle, random).node, reason: 'idle-peer' }

  const free = candidates.filter((peer) => now - peer.reportedAt <= REPORT_AGE_MS_MAX && peer.slots - load(peer) > 0)
  const launch = launchPlace(self, selfOpen, free, request.revisionId)
  if (launch !== undefined) return launch
  if (free.length > 0) return { node: hotCold(sampleTwo(free, random), free, random).node, reason: 'two-samples' }
  if (selfOpen) return { node: self.node, reason: 'launch-here' }

  const unknown = candidates.filter((peer) => now - peer.reportedAt > REPORT_AGE_MS_MAX)
  if (unknown.length === 0) return undefined
  return { node: less(sampleTwo(unknown, random), (peer) => peer.mine, random).node, reason: 'blind' }
}

function usable(table: BeaconTable, refused: ReadonlySet<string>, now: number): PeerLoad[] {
  const usablePeers: PeerLoad[] = []
  for (const peer of table.all()) {
    if (!peer.draining && peer.ejectedUntil <= now && !refused.has(peer.node)) usablePeers.push(peer)
  }
  return usablePeers
}

/** Busy slots there as far as this node can know: what it reported and what went there since. */
function load(peer: PeerLoad): number {
  return peer.busy + peer.mineSince
}

function idleEstimate(peer: PeerLoad, revisionId: string): number {
  const reported = peer.idle.get(revisionId)
  return reported === undefined ? 0 : reported - (peer.mineSinceOf.get(revisionId) ?? 0)
}

/** Bounded load: no node takes more than `factor` times its fair share of what is running, one included for the new instance. */
function launchPlace(self: SelfLoad, selfOpen: boolean, free: readonly PeerLoad[], revisionId: string): Pick | undefined {
  let busy = self.busy + 1
  let slots = self.slots
  for (const peer of free) {
    busy += load(peer)
    slots += peer.slots
  }
  const within = (nodeLoad: number, nodeSlots: number) =>
    nodeLoad + 1 <= Math.max(1, Math.ceil((BOUNDED_LOAD_FACTOR * busy * nodeSlots) / slots))
  if (selfOpen && within(self.busy, self.slots)) return { node: self.node, reason: 'launch-here' }
  let home: PeerLoad | undefined
  let homeWeight = -1
  for (const peer of free) {
    const weight = rendezvousWeight(peer.node, revisionId)
    if (weight > homeWeight && within(load(peer), peer.slots)) {
      home = peer
      homeWeight = weight
    }
  }
  return home === undefined ? undefined : { node: home.node, reason: 'launch-home' }
}

/** Prequal's rule: hot means more loaded than the quantile of all; among cold ones latency decides, among hot ones load. */
function hotCold(sample: readonly PeerLoad[], all: readonly PeerLoad[], random: () => number): PeerLoad {
  const loads = all.map((peer) => share(peer)).sort((a, b) => a - b)
  const bound = loads[Math.min(loads.length - 1, Math.floor(HOT_QUANTILE * loads.length))] as number
  const cold = sample.filter((peer) => share(peer) <= bound)
  return cold.length > 0 ? less(cold, (peer) => peer.latencyMs, random) : less(sample, share, random)
}

function share(peer: PeerLoad): number {
  return load(peer) / peer.slots
}

function less(peers: readonly PeerLoad[], by: (peer: PeerLoad) => number, random: () => number): PeerLoad {
  let best: PeerLoad[] = []
  for (const peer of peers) {
    const value = best[0] === undefined ? Number.POSITIVE_INFINITY : by(best[0])
    if (by(peer) < value) best = [peer]
    else if (by(peer) === value) best.push(peer)
  }
  return one(best.length > 0 ? best : peers, random)
}

function sampleTwo(peers: readonly PeerLoad[], random: () => number): PeerLoad[] {
  if (peers.length <= 2) return [...peers]
  const first = Math.floor(random() * peers.length)
  const second = Math.floor(random() * (peers.length - 1))
  return [peers[first] as PeerLoad, peers[second >= first ? second + 1 : second] as PeerLoad]
}

function one<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)] as Item
}
