import type { Beacon } from '@peerless/interface'
import {
  EJECT_SHARE_MAX,
  FADE_MS_MIN,
  FORWARDS_REMEMBERED_MS,
  FORWARDS_WORTH_A_LAUNCH,
  IDLE_REVISIONS_MAX,
  PEERS_MAX,
  UNABLE_REVISION_MS,
  UNABLE_REVISIONS_MIN,
  UNKNOWN_REVISION_MS
} from './constants.ts'
import { PeerHealth } from './peer-health.ts'
import { type Place, PlacementOrder } from './placement-order.ts'
import { hashOf } from './rendezvous.ts'
import { isNewer, type Report, ReportBoard } from './report-board.ts'
import { RevisionMarks } from './revision-marks.ts'
import type { Stock } from './usual-idle.ts'

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

/**
 * How a call to a peer ended, as far as it says something of the peer. `refused`: it had no room. `unknown`: it does not know the revision. `unable`: it does,
 * and could not begin the call. `lost`: it lost the call and says so. `failed`: it went away, or gave no answer that could be read.
 */
export type Settled = 'answered' | 'refused' | 'unknown' | 'unable' | 'lost' | 'failed'

/** One peer as this node knows it: what it said last, and what this node did since. */
export class PeerLoad {
  readonly node: string
  /** In another zone. */
  far = false
  slots = 0
  busy = 0
  inFlight = 0
  latencyMs = 0
  draining = false
  /** Local monotonic milliseconds at which the last word came; -Infinity before the first. */
  reportedAt = Number.NEGATIVE_INFINITY
  boot = 0
  sequence = 0
  /** Requests of this node that are under way there. */
  mine = 0
  /** Sent after the last word, which cannot include them: all, and per revision. */
  mineSince = 0
  mineSinceOf: Map<string, number> | undefined
  /** The report that the fields above come from, and what replies said of single revisions since. */
  report: Report | undefined
  #idleHints: Map<string, number> | undefined
  #unknown: RevisionMarks | undefined
  #unable: RevisionMarks | undefined
  #health: PeerHealth | undefined

  constructor(node: string) {
    this.node = node
  }

  /** Made when it is first asked for: nearly all peers never fail, and a decision looks at forty. */
  get health(): PeerHealth {
    this.#health ??= new PeerHealth()
    return this.#health
  }

  /** It never failed, or all is as if it had not. */
  get spotless(): boolean {
    return this.#health === undefined || this.#health.spotless
  }

  /** Whether it is trusted with a call now. */
  open(now: number): boolean {
    return this.#health === undefined || this.#health.open(now, this.mine)
  }

  answered(): void {
    this.#health?.succeeded()
  }

  /** Takes over a whole report if it is newer than the last word. */
  take(report: Report): void {
    this.report = report
    if (!isNewer(report, this)) return
    this.#take(report, report.at)
    this.draining = report.draining
    this.#idleHints = undefined
    this.mineSinceOf = undefined
  }

  /** Returns false when it is older than the last word. */
  hint(revisionId: string, hint: LoadHint, now: number): boolean {
    if (!isNewer(hint, this)) return false
    this.#take(hint, now)
    this.#idleHints ??= new Map()
    this.#idleHints.set(revisionId, hint.idle)
    this.mineSinceOf?.delete(revisionId)
    return true
  }

  #take(word: Omit<LoadHint, 'idle'>, at: number): void {
    this.boot = word.boot
    this.sequence = word.sequence
    this.slots = word.slots
    this.busy = word.busy
    this.inFlight = word.inFlight
    this.latencyMs = word.latencyMs
    this.reportedAt = at
    this.mineSince = 0
  }

  /**
   * Busy slots there, as far as this node can know. A report fades: of what it showed above or below the mean of all, calls of `latencyMs` have
   * taken back a half by then, so an old report must not draw everybody to one place, or away from it (Dahlin 2000). On top comes what went there
   * since, and it is never less than what this node knows to be there.
   *
   * @param mean share of its slots that a node carries in the mean
   */
  load(now: number, mean: number): number {
    const age = now - this.reportedAt
    const usual = mean * this.slots
    const faded = age > 0 ? usual + (this.busy - usual) * 2 ** (-age / Math.max(FADE_MS_MIN, this.latencyMs)) : this.busy
    return Math.max(faded + this.mineSince, this.mine) + this.#held(now)
  }

  /** Whether `load`, rounded, leaves a slot. Most often the greatest that it can be does, and nothing has to be faded. */
  hasRoom(now: number, mean: number): boolean {
    const most = Math.max(Math.max(this.busy, mean * this.slots) + this.mineSince, this.mine) + this.#held(now)
    return most + 1 < this.slots || Math.round(this.load(now, mean)) < this.slots
  }

  #held(now: number): number {
    return this.#health === undefined ? 0 : this.#health.held(now)
  }

  /** Whether others should know of its failures. */
  failing(now: number): boolean {
    return this.#health?.failing(now) === true
  }

  ejected(now: number): boolean {
    return this.#health?.ejected(now) === true
  }

  /**
   * Idle instances of a revision that there usually are, minus what went there since the last word. What was idle at the moment of a report is taken when a
   * call comes, and belief in it sends everybody to the same few nodes; how many there usually are lasts.
   *
   * @param usual nodes that usually have some, as `UsualIdle` has it
   */
  idle(revisionId: string, usual: ReadonlyMap<string, Stock> | undefined): number {
    const reported = usual?.get(this.node)?.count ?? 0
    const hinted = this.#idleHints?.get(revisionId) ?? 0
    const most = Math.max(reported, hinted)
    return most === 0 ? 0 : most - (this.mineSinceOf?.get(revisionId) ?? 0)
  }

  /** Whether it is not to be asked for the revision now: a moment ago it did not know it, or could not run it. */
  lacks(revisionId: string, now: number): boolean {
    return this.#unknown?.has(revisionId, now) === true || this.#unable?.has(revisionId, now) === true
  }

  /** It does not know the revision (yet). */
  noteUnknown(revisionId: string, now: number): void {
    this.#unknown ??= new RevisionMarks(UNKNOWN_REVISION_MS)
    this.#unknown.mark(revisionId, now)
  }

  /** It could not run the revision. Returns for how many that goes now. */
  noteUnable(revisionId: string, now: number): number {
    this.#unable ??= new RevisionMarks(UNABLE_REVISION_MS)
    return this.#unable.mark(revisionId, now)
  }

  /** Share of its slots that is usually busy, as the reports of the last seconds showed. */
  get usualShare(): number {
    return this.report === undefined || this.slots === 0 ? 0 : this.report.usualBusy / this.slots
  }
}

/**
 * Everything that routing knows of the peers. Told the time (monotonic milliseconds), never reads it. The freshest report wins, whether it rode on
 * a reply or came as a beacon; this node's own requests are counted on top, which is what keeps one caller from stampeding. The whole reports and
 * the placement order may be shared by many tables: the simulator's nodes all read one board.
 */
export class BeaconTable {
  readonly self: string
  readonly board: ReportBoard
  readonly order: PlacementOrder
  readonly #peers = new Map<string, PeerLoad>()
  readonly #shared: boolean
  /** With a shared board, a bit for each 64th or so of the peers that this table keeps for itself: most decisions look at none of those. */
  #ownMask: Uint32Array | undefined
  /** Calls of this node that peers answered, per revision, fading: own demand that might be met here. */
  readonly #forwarded = new Map<string, { calls: number; at: number }>()

  /**
   * @param shared a board and an order that somebody else fills, with `known` of each place, which is then only read here: `add`, `remove` and `observe` are theirs,
   *   too. A peer that this table knows more of, since it sent a call there, it keeps for itself until a report says it all: ten thousand tables would else each keep ten thousand
   */
  constructor(self: string, shared?: { board: ReportBoard; order: PlacementOrder }) {
    this.self = self
    this.board = shared?.board ?? new ReportBoard()
    this.order = shared?.order ?? new PlacementOrder()
    this.#shared = shared !== undefined
    this.order.add(self)
  }

  /** The peer as it is known now, to be read; with a shared board a peer that reported is known. */
  get(node: string): PeerLoad | undefined {
    if (!this.#shared) return this.#peers.get(node)
    const place = this.order.get(node)
    return place === undefined ? this.#peers.get(node) : this.at(place)
  }

  /** The same, of a place in the order. */
  at(place: Place): PeerLoad | undefined {
    return this.#shared && this.#mayOwn(place.hash) ? this.#ownOr(place) : place.known
  }

  #ownOr(place: Place): PeerLoad | undefined {
    const peer = this.#peers.get(place.node)
    if (peer === undefined) return place.known
    const report = place.known?.report
    if (report === undefined || report === peer.report) return peer
    peer.take(report)
    if (saysMore(peer, report)) return peer
    this.#peers.delete(place.node)
    return place.known
  }

  #mayOwn(hash: number): boolean {
    const mask = this.#ownMask
    return mask !== undefined && ((mask[(hash >>> 5) % OWN_MASK_WORDS] as number) & (1 << (hash & 31))) !== 0
  }

  /** With a shared board: lets go of what reports have made needless since. It changes nothing but memory, and wants to be called now and then. */
  sweep(): void {
    const mask = this.#ownMask
    if (mask === undefined) return
    mask.fill(0)
    for (const [node, peer] of this.#peers) {
      const place = this.order.get(node)
      const report = place?.known?.report
      if (report !== undefined && report !== peer.report) {
        peer.take(report)
        if (!saysMore(peer, report)) {
          this.#peers.delete(node)
          continue
        }
      }
      this.#mark(hashOf(node))
    }
  }

  #mark(hash: number): void {
    this.#ownMask ??= new Uint32Array(OWN_MASK_WORDS)
    const word = (hash >>> 5) % OWN_MASK_WORDS
    this.#ownMask[word] = (this.#ownMask[word] as number) | (1 << (hash & 31))
  }

  /** The same, to be changed. */
  #own(node: string): PeerLoad | undefined {
    const known = this.get(node)
    if (known === undefined || !this.#shared || this.#peers.has(node)) return known
    const peer = this.#newPeer(node)
    if (known.report !== undefined) peer.take(known.report)
    this.#peers.set(node, peer)
    this.#mark(hashOf(node))
    return peer
  }

  #newPeer(node: string): PeerLoad {
    const peer = new PeerLoad(node)
    peer.far = this.order.isFar(node)
    return peer
  }

  /** A peer that can be reached. Unknown load until it reports. Beyond PEERS_MAX it is ignored. */
  add(node: string): void {
    if (node === this.self || this.#peers.has(node) || this.#peers.size >= PEERS_MAX) return
    const peer = new PeerLoad(node)
    this.#peers.set(node, peer)
    this.order.add(node).known = peer
  }

  remove(node: string): void {
    if (node === this.self) return
    this.#peers.delete(node)
    this.board.remove(node)
    this.order.remove(node)
  }

  /** Round trips may have changed: sorts the peers into near and far anew. */
  rezone(rttOf: (node: string) => number | undefined): void {
    this.order.rezone(rttOf)
    for (const peer of this.#peers.values()) peer.far = this.order.isFar(peer.node)
  }

  /** A whole report. Returns false when it is older than what is known, or of a peer that is not connected. */
  observe(beacon: Beacon, now: number): boolean {
    const peer = this.#peers.get(beacon.node)
    if (peer === undefined || !isNewer(beacon, peer)) return false
    const report = this.board.put({ ...beacon, at: now })
    if (report !== undefined) peer.take(report)
    return true
  }

  /** A report that rode on a reply: it says nothing of other revisions. */
  hint(node: string, revisionId: string, hint: LoadHint, now: number): boolean {
    return this.#own(node)?.hint(revisionId, hint, now) ?? false
  }

  /** So many calls of this node went to peers that an instance here would have paid for itself. Says so once, then it takes as many again. */
  worthALaunch(revisionId: string): boolean {
    const forwarded = this.#forwarded.get(revisionId)
    if (forwarded === undefined || forwarded.calls < FORWARDS_WORTH_A_LAUNCH) return false
    this.#forwarded.delete(revisionId)
    return true
  }

  #countForwarded(revisionId: string, now: number): void {
    const known = this.#forwarded.get(revisionId)
    const calls = known === undefined ? 1 : known.calls * 2 ** ((known.at - now) / FORWARDS_REMEMBERED_MS) + 1
    // The one that was counted longest ago goes first.
    this.#forwarded.delete(revisionId)
    if (this.#forwarded.size >= IDLE_REVISIONS_MAX) {
      for (const oldest of this.#forwarded.keys()) {
        this.#forwarded.delete(oldest)
        break
      }
    }
    this.#forwarded.set(revisionId, { calls, at: now })
  }

  /** This node sent a request there. Each `sent` is followed by one `settled`. */
  sent(node: string, revisionId: string): void {
    const peer = this.#own(node)
    if (peer === undefined) return
    peer.mine++
    peer.mineSince++
    peer.mineSinceOf ??= new Map()
    peer.mineSinceOf.set(revisionId, (peer.mineSinceOf.get(revisionId) ?? 0) + 1)
  }

  /** It was answered, refused or lost. */
  settled(node: string, revisionId: string, how: Settled, now: number): void {
    if (how === 'answered') this.#countForwarded(revisionId, now)
    const peer = this.#own(node)
    if (peer === undefined) return
    if (peer.mine > 0) peer.mine--
    // What ended without a report is not there any more.
    if (peer.mineSince > peer.mine) peer.mineSince = peer.mine
    if (how === 'answered') peer.answered()
    else if (how === 'unknown') peer.noteUnknown(revisionId, now)
    else if (how === 'failed' || how === 'lost' || (how === 'unable' && this.#isUnable(peer, revisionId, now)))
      peer.health.failed(now, this.#mayEject(now), how === 'failed')
  }

  /** Peers that fail for this node now. */
  failing(now: number): string[] {
    const failing: string[] = []
    for (const peer of this.#peers.values()) if (peer.failing(now)) failing.push(peer.node)
    return failing
  }

  /** Whether it is unable to run so many revisions that the fault must be its own. */
  #isUnable(peer: PeerLoad, revisionId: string, now: number): boolean {
    return peer.noteUnable(revisionId, now) >= UNABLE_REVISIONS_MIN
  }

  /** What all near nodes carry, this one included, or all far ones: as a share of their slots. */
  meanShare(selfBusy: number, selfSlots: number, far: boolean, now: number): number {
    const near = this.order.near(this.board, now)
    const busy = far ? this.board.busy - near.busy : near.busy + selfBusy
    const slots = far ? this.board.slots - near.slots : near.slots + selfSlots
    return slots <= 0 ? 0 : Math.max(0, busy / slots)
  }

  /** Counted only when something failed. */
  #mayEject(now: number): boolean {
    let ejected = 0
    for (const peer of this.#peers.values()) if (peer.ejected(now)) ejected++
    return ejected === 0 || ejected + 1 <= EJECT_SHARE_MAX * (this.order.size - 1)
  }
}

/** Of a table that shares a board: 2,048 bits, for some hundred peers. */
const OWN_MASK_WORDS = 64

/** Whether a table knows more of a peer than its newest report, which it has just taken. */
function saysMore(peer: PeerLoad, report: Report): boolean {
  return peer.mine > 0 || !peer.spotless || peer.sequence !== report.sequence
}
