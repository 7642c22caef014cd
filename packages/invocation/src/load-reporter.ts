import { type Beacon, type Clock, type Logger, MESSAGE, type Mesh, messageOf, type Random, type Timer } from '@peerless/interface'
import {
  BEACON_PERIOD_MS,
  BEACON_QUIET_PERIOD_MS,
  type BeaconTable,
  beaconFromWire,
  beaconToWire,
  type LoadHint
} from '@peerless/routing'
import type { LocalInstances } from './local-instances.ts'

const BEACON_TIMEOUT_MS = 2_000
const JITTER = 0.2

/**
 * Tells the peers this node's load, and keeps the table of theirs: at once when they connect, as it changes, and on every reply. Straight to each: a report is of use to
 * those only who are connected. Gossipsub, which is for what all are to know, would have each of them pass it on to eight who have it, and sign and verify it for that.
 */
export class LoadReporter {
  /** It takes nothing from peers, and sends on what comes here. */
  draining = false
  /** Nor does it take anything else: it is to finish what it has. */
  refusing = false
  /** The same, for good. */
  stopping = false
  /** Requests taken from peers and clients and not yet answered here. */
  inFlight = 0
  /** Called when a peer takes work no more, or again. */
  readonly onDraining: (() => void)[] = []
  readonly #boot: number
  readonly #mesh: Mesh
  readonly #instances: LocalInstances
  readonly #table: BeaconTable
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  #sequence = 0
  #latencyMs = 0
  #timer: Timer | undefined
  #lastSent = ''
  #lastSentAt = Number.NEGATIVE_INFINITY

  constructor(options: {
    mesh: Mesh
    instances: LocalInstances
    table: BeaconTable
    clock: Clock
    random: Random
    logger: Logger
  }) {
    this.#mesh = options.mesh
    this.#instances = options.instances
    this.#table = options.table
    this.#clock = options.clock
    this.#random = options.random
    this.#logger = options.logger
    this.#boot = options.clock.now()
  }

  /** Registers with the mesh and begins to report. `changed` is called whenever a peer's load became known anew. */
  start(changed: () => void): void {
    this.#mesh.handle(MESSAGE.BEACON, (from, request) => {
      this.#take(from, () => request.header, changed)
      if (!request.notification) request.reply(beaconToWire(this.beacon()))
    })
    this.#mesh.onPeer((peerId, connected) => {
      if (connected) void this.#greet(peerId, changed)
      else this.#table.remove(peerId)
    })
    for (const peerId of this.#mesh.peers()) void this.#greet(peerId, changed)
    this.#schedule()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  get closed(): boolean {
    return this.refusing || this.stopping
  }

  /** Why nothing is taken here, not even to be sent on; undefined where it is. */
  get refusal(): string | undefined {
    if (this.closed) return 'this node is draining; call another'
    // Nobody who waited here would get a place. Who has not told its load yet may have one.
    if (this.draining && this.#mesh.peers().every((peerId) => this.#table.get(peerId)?.draining === true))
      return 'this node is draining, and no other one is connected that takes work'
    return undefined
  }

  /** A whole report, newer than any before. */
  beacon(): Beacon {
    const { slots, busy } = this.#instances
    return {
      node: this.#mesh.peerId,
      boot: this.#boot,
      sequence: ++this.#sequence,
      slots,
      busy,
      inFlight: this.inFlight,
      idle: this.#instances.idle(),
      latencyMs: this.#latencyMs,
      draining: this.draining,
      failing: this.#table.failing(this.#clock.monotonic())
    }
  }

  /** What rides on a reply about `revisionId`. */
  hint(revisionId: string): LoadHint {
    const { slots, busy } = this.#instances
    return {
      boot: this.#boot,
      sequence: ++this.#sequence,
      slots,
      busy,
      inFlight: this.inFlight,
      latencyMs: this.#latencyMs,
      idle: this.#instances.idle().get(revisionId) ?? 0
    }
  }

  /** Publishes now: when draining begins, say. */
  publish(): void {
    this.#lastSentAt = this.#clock.monotonic()
    const beacon = beaconToWire(this.beacon())
    this.#lastSent = fingerprint(beacon)
    this.#mesh.tell(MESSAGE.BEACON, beacon)
  }

  #schedule(): void {
    const period = BEACON_PERIOD_MS * (1 - JITTER + 2 * JITTER * this.#random.next())
    this.#timer = this.#clock.after(period, () => {
      this.#latencyMs = this.#instances.latencyMs()
      this.#table.rezone((peerId) => this.#mesh.rttMs(peerId))
      const quiet = this.#clock.monotonic() - this.#lastSentAt >= BEACON_QUIET_PERIOD_MS
      if (this.#mesh.peers().length > 0 && (quiet || fingerprint(beaconToWire(this.beacon())) !== this.#lastSent)) this.publish()
      this.#schedule()
    })
  }

  async #greet(peerId: string, changed: () => void): Promise<void> {
    this.#table.add(peerId)
    const controller = new AbortController()
    const timer = this.#clock.after(BEACON_TIMEOUT_MS, () => controller.abort())
    try {
      const reply = await this.#mesh.call(peerId, MESSAGE.BEACON, beaconToWire(this.beacon()), undefined, {
        signal: controller.signal
      })
      this.#take(peerId, () => reply.header, changed)
    } catch (error) {
      // Its next beacon comes within a second; a peer that went away again is reported by the mesh.
      this.#logger.debug('no beacon from a new peer', { peerId, reason: messageOf(error) })
    } finally {
      timer.cancel()
    }
  }

  #take(from: string, read: () => unknown, changed: () => void): void {
    try {
      const drained = this.#table.get(from)?.draining
      if (this.#table.observe(beaconFromWire(from, read()), this.#clock.monotonic())) changed()
      if (this.#table.get(from)?.draining !== drained) for (const listener of this.onDraining) listener()
    } catch (error) {
      this.#logger.warn('refused a beacon', { peerId: from, reason: messageOf(error) })
    }
  }
}

/** Everything but the sequence. */
function fingerprint(beacon: unknown[]): string {
  return JSON.stringify(beacon.toSpliced(1, 1))
}
