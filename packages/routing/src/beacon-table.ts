import type { Beacon } from '@peerless/interface'
import { EJECT_FAILURES, EJECT_MS_MAX, EJECT_MS_MIN, PEERS_MAX } from './constants.ts'

/** What rides on a reply: the executing node's load, and its idle instances of the one revision that was asked for. */
export interface LoadHint {
  readonly boot: number
  readonly sequence: number
  readonly slots: number
  readonly busy: number
  readonly inFlight: number
  readonly latencyMs: number
  readonly idle: number
}

/** One peer as this node knows it: what it said last, and what this node did since. */
export interface PeerLoad {
  readonly node: string
  slots: number
  busy: number
  inFlight: number
  latencyMs: number
  draining: boolean
  /** Local monotonic milliseconds at which the report came; -Infinity before the first. */
  reportedAt: number
  readonly idle: Map<string, number>
  /** Requests of this node that are under way there. */
  mine: number
  /** Of those, the ones sent after the last report, which it cannot include: all, and per revision. */
  mineSince: number
  readonly mineSinceOf: Map<string, number>
  failures: number
  ejectedUntil: number
  boot: number
  sequence: number
}

/**
 * Everything that routing knows of the peers. Told the time (monotonic milliseconds), never reads it. The freshest report wins, whether it rode on
 * a reply or came by gossip; this node's own requests are counted on top, which is what keeps one caller from stampeding.
 */
export class BeaconTable {
  readonly #peers = new Map<string, PeerLoad>()

  get(node: string): PeerLoad | undefined {
    return this.#peers.get(node)
  }

  all(): IterableIterator<PeerLoad> {
    return this.#peers.values()
  }

  get size(): number {
    return this.#peers.size
  }

  /** A peer that can be reached. Unknown load until it reports. Beyond PEERS_MAX it is ignored. */
  add(node: string): void {
    if (this.#peers.has(node) || this.#peers.size >= PEERS_MAX) return
    this.#peers.set(node, {
      node,
      slots: 0,
      busy: 0,
      inFlight: 0,
      latencyMs: 0,
      draining: false,
      reportedAt: Number.NEGATIVE_INFINITY,
      idle: new Map(),
      mine: 0,
      mineSince: 0,
      mineSinceOf: new Map(),
      failures: 0,
      ejectedUntil: Number.NEGATIVE_INFINITY,
      boot: 0,
      sequence: 0
    })
  }

  remove(node: string): void {
    this.#peers.delete(node)
  }

  /** A whole report. Returns false when it is older than what is known, or of a peer that is not connected. */
  observe(beacon: Beacon, now: number): boolean {
    const peer = this.#fresh(beacon.node, beacon.boot, beacon.sequence)
    if (peer === undefined) return false
    this.#report(peer, beacon, now)
    peer.draining = beacon.draining
    peer.idle.clear()
    for (const [revision, count] of beacon.idle) peer.idle.set(revision, count)
    peer.mineSinceOf.clear()
    return true
  }

  /** A report that rode on a reply: it says nothing of other revisions. */
  hint(node: string, revisionId: string, hint: LoadHint, now: number): boolean {
    const peer = this.#fresh(node, hint.boot, hint.sequence)
    if (peer === undefined) return false
    this.#report(peer, hint, now)
    if (hint.idle > 0) peer.idle.set(revisionId, hint.idle)
    else peer.idle.delete(revisionId)
    peer.mineSinceOf.delete(revisionId)
    return true
  }

  /** This node sent a request there. */
  sent(node: string, revisionId: string): void {
    const peer = this.#peers.get(node)
    if (peer === undefined) return
    peer.mine++
    peer.mineSince++
    peer.mineSinceOf.set(revisionId, (peer.mineSinceOf.get(revisionId) ?? 0) + 1)
  }

  /** It was answered, refused or lost. `failed`: the peer's fault, not the function's. */
  settled(node: string, failed: boolean, now: number): void {
    const peer = this.#peers.get(node)
    if (peer === undefined) return
    if (peer.mine > 0) peer.mine--
    if (!failed) {
      peer.failures = 0
      return
    }
    peer.failures++
    if (peer.failures >= EJECT_FAILURES) {
      peer.ejectedUntil = now + Math.min(EJECT_MS_MAX, EJECT_MS_MIN * 2 ** (peer.failures - EJECT_FAILURES))
    }
  }

  #fresh(node: string, boot: number, sequence: number): PeerLoad | undefined {
    const peer = this.#peers.get(node)
    if (peer === undefined) return undefined
    if (boot < peer.boot || (boot === peer.boot && sequence <= peer.sequence)) return undefined
    peer.boot = boot
    peer.sequence = sequence
    return peer
  }

  #report(peer: PeerLoad, report: { slots: number; busy: number; inFlight: number; latencyMs: number }, now: number): void {
    peer.slots = report.slots
    peer.busy = report.busy
    peer.inFlight = report.inFlight
    peer.latencyMs = report.latencyMs
    peer.reportedAt = now
    peer.mineSince = 0
  }
}
