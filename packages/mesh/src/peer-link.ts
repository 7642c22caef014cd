import type { Connection as Libp2pConnection } from '@libp2p/interface'
import { type Carrier as CarrierName, type Clock, type Logger, PeerlessError } from '@peerless/interface'
import { Carrier } from './carrier.ts'
import {
  BULK_KEPT_TICKS,
  CONNECTIONS_PER_PEER_MAX,
  MESH_MESSAGE,
  PING_HEARD_MS,
  PING_MEASURED_TICKS,
  PINGS_MISSED_MAX
} from './constants.ts'
import { RoundTrip } from './round-trip.ts'

const NOTHING = new Uint8Array(0)

export interface PeerLinkOptions {
  peerId: string
  clock: Clock
  logger: Logger
  /** Called once when both carriers are open for the first time. */
  onUp: () => void
}

/** All there is between this node and one member: its connections, our two carriers over them, and whether it still answers. */
export class PeerLink {
  readonly peerId: string
  readonly calls: Carrier
  readonly bulk: Carrier
  up = false
  readonly #roundTrip = new RoundTrip()
  /** As the peer last said. */
  draining = false
  /** Its wall clock minus ours, milliseconds, as the last ping found. */
  clockOffsetMs: number | undefined
  readonly #options: PeerLinkOptions
  readonly #connections: Libp2pConnection[] = []
  /** Monotonic milliseconds of the last bytes from it. */
  receivedAt: number
  #received = 0
  #receivedAtTick = 0
  #missed = 0
  #ticks = 0
  #pinging = false

  constructor(options: PeerLinkOptions) {
    this.#options = options
    this.peerId = options.peerId
    this.receivedAt = options.clock.monotonic()
    this.calls = this.#carrier('calls')
    this.bulk = this.#carrier('bulk')
  }

  get rttMs(): number | undefined {
    return this.#roundTrip.ms
  }

  get connected(): boolean {
    return this.#connections.length > 0
  }

  addConnection(connection: Libp2pConnection): void {
    this.#connections.push(connection)
    if (this.#connections.length > CONNECTIONS_PER_PEER_MAX) {
      this.#connections[0]?.abort(
        new PeerlessError('CONNECTION_LOST', `more than ${CONNECTIONS_PER_PEER_MAX} connections of one peer`)
      )
    }
    this.calls.renew()
    this.bulk.renew()
  }

  /** Returns whether it was the last one. */
  removeConnection(connection: Libp2pConnection): boolean {
    const index = this.#connections.indexOf(connection)
    if (index >= 0) this.#connections.splice(index, 1)
    if (this.#connections.length > 0) return false
    const lost = new PeerlessError('CONNECTION_LOST', 'the connection to the peer ended')
    this.calls.close(lost)
    this.bulk.close(lost)
    return true
  }

  /** Bytes came from the peer, on whatever stream: it lives. */
  readonly received = (): void => {
    this.#received++
    this.receivedAt = this.#options.clock.monotonic()
  }

  /** One period has passed: counts a silent one, and asks for the next sign of life. */
  tick(): void {
    if (this.#received !== this.#receivedAtTick || !this.up) this.#missed = 0
    else this.#missed++
    this.#receivedAtTick = this.#received
    if (this.#missed >= PINGS_MISSED_MAX) {
      this.abort(new PeerlessError('CONNECTION_LOST', `no sign of life in ${PINGS_MISSED_MAX} pings`))
      return
    }
    // In a mesh of sixty that are told each other's load, pings would be most of what an idle node says.
    const { rttMs } = this
    const heard = rttMs !== undefined && this.#options.clock.monotonic() - this.receivedAt + rttMs < PING_HEARD_MS
    if (!heard || this.#ticks % PING_MEASURED_TICKS === 0) this.#ping()
    // Its answer may wait behind blocks, so it proves nothing: the stream is only kept from being closed as idle.
    if (this.#ticks++ % BULK_KEPT_TICKS === 0) this.bulk.wire?.notify(MESH_MESSAGE.PING, undefined)
  }

  abort(error: Error): void {
    for (const connection of [...this.#connections]) connection.abort(error)
  }

  #ping(): void {
    const wire = this.calls.wire
    if (wire === undefined || this.#pinging) return
    const { clock } = this.#options
    const sentAt = clock.monotonic()
    this.#pinging = true
    wire.request(MESH_MESSAGE.PING, undefined, NOTHING, (error, reply) => {
      this.#pinging = false
      if (error !== undefined) return
      const elapsed = clock.monotonic() - sentAt
      this.#roundTrip.add(elapsed)
      const header = reply?.header
      const { draining, now } = (typeof header === 'object' && header !== null ? header : {}) as {
        draining?: unknown
        now?: unknown
      }
      this.draining = draining === true
      // It was read half a round trip ago (Cristian, "Probabilistic clock synchronization", 1989).
      if (Number.isSafeInteger(now)) this.clockOffsetMs = Math.round((now as number) + elapsed / 2 - clock.now())
    })
  }

  #carrier(name: CarrierName): Carrier {
    const { clock, logger } = this.#options
    return new Carrier({
      name,
      clock,
      logger,
      connection: () => this.#connections.findLast((connection) => connection.status === 'open'),
      onReceived: this.received,
      onOpen: () => this.#opened()
    })
  }

  #opened(): void {
    if (this.up || this.calls.wire === undefined || this.bulk.wire === undefined) return
    this.up = true
    this.#ping()
    this.#options.onUp()
  }
}
