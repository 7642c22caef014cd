import type { Connection as Libp2pConnection, Stream } from '@libp2p/interface'
import {
  type Clock,
  type IncomingRequest,
  type Logger,
  messageOf,
  type PeerListener,
  PeerlessError,
  type Timer
} from '@peerless/interface'
import {
  CARRIER_STREAMS_MAX,
  CLOCK_LOOKED_TICKS,
  CLOCK_OFFSET_MS_TOLD,
  MESH_MESSAGE,
  PING_PERIOD_MS,
  PROTOCOL,
  STALL_MS_MIN
} from './constants.ts'
import type { MeshLibp2p } from './libp2p-node.ts'
import { PeerLink } from './peer-link.ts'
import { serveStream } from './serve-stream.ts'

export type RequestHandler = (peerId: string, request: IncomingRequest) => void

export interface PeerTableOptions {
  clock: Clock
  logger: Logger
  draining: () => boolean
  isMember: (peerId: string) => boolean
  /** The last connection of a peer ended, whether it ever became usable or not. */
  onUnlinked: (peerId: string) => void
}

/** The members that are connected, and the handlers of what they ask. */
export class PeerTable {
  /** Read on the hot path. */
  readonly links = new Map<string, PeerLink>()
  readonly #options: PeerTableOptions
  readonly #handlers = new Map<number, RequestHandler>()
  readonly #listeners: PeerListener[] = []
  #peers: string[] = []
  #ticker: Timer | undefined
  /** Monotonic milliseconds of the last tick, and of the last one that came late because this process stood still. */
  #tickedAt: number
  #wokeAt = Number.NEGATIVE_INFINITY
  #ticks = 0

  constructor(options: PeerTableOptions) {
    this.#options = options
    this.#tickedAt = options.clock.monotonic()
    this.handle(MESH_MESSAGE.PING, (_peerId, request) => {
      if (!request.notification) request.reply({ draining: options.draining(), now: options.clock.now() })
    })
  }

  /** Replaced, never changed, when someone comes or goes. */
  get peers(): string[] {
    return this.#peers
  }

  /** Wires it to libp2p, before libp2p starts. */
  async attach(libp2p: MeshLibp2p): Promise<void> {
    libp2p.addEventListener('connection:open', (event) => this.#opened(event.detail))
    libp2p.addEventListener('connection:close', (event) => this.#closed(event.detail))
    for (const protocol of Object.values(PROTOCOL)) {
      await libp2p.handle(protocol, (stream, connection) => this.#serve(stream, connection), {
        maxInboundStreams: CARRIER_STREAMS_MAX,
        maxOutboundStreams: CARRIER_STREAMS_MAX
      })
    }
    this.#tickedAt = this.#options.clock.monotonic()
    this.#ticker = this.#options.clock.every(PING_PERIOD_MS, () => {
      const now = this.#options.clock.monotonic()
      if (this.#stoodStill(now)) this.#wokeAt = now
      this.#tickedAt = now
      for (const link of [...this.links.values()]) link.tick()
      if (++this.#ticks % CLOCK_LOOKED_TICKS === 0) this.#compareClocks()
    })
  }

  detach(): void {
    this.#ticker?.cancel()
    this.#ticker = undefined
  }

  /** Milliseconds since the last bytes from a peer; undefined when it is not connected. */
  silentMs(peerId: string): number | undefined {
    const link = this.links.get(peerId)
    if (link?.up !== true) return undefined
    const now = this.#options.clock.monotonic()
    return this.#stoodStill(now) ? 0 : now - Math.max(link.receivedAt, this.#wokeAt)
  }

  /** What most of the peers have is taken to be the time; of two nodes each says that the other's differs. */
  #compareClocks(): void {
    const offsets = [...this.links.values()].flatMap(({ up, clockOffsetMs }) =>
      up && clockOffsetMs !== undefined ? [clockOffsetMs] : []
    )
    const median = offsets.sort((a, b) => a - b)[Math.floor(offsets.length / 2)] ?? 0
    if (Math.abs(median) <= CLOCK_OFFSET_MS_TOLD) return
    this.#options.logger.warn('the clock of this machine is not that of its peers', {
      [median > 0 ? 'behindMs' : 'aheadMs']: Math.abs(median),
      peers: offsets.length
    })
  }

  /** What did not come meanwhile is no silence of the peers. */
  #stoodStill(now: number): boolean {
    return now - this.#tickedAt > PING_PERIOD_MS + STALL_MS_MIN
  }

  /** @throws CONFLICT when the type has its handler, INVALID_ARGUMENT when it is out of range */
  handle(type: number, handler: RequestHandler): void {
    if (!Number.isInteger(type) || type < 1 || type > REQUEST_TYPE_MAX) {
      throw new PeerlessError('INVALID_ARGUMENT', `request type ${type} must be an integer of 1 to ${REQUEST_TYPE_MAX}`)
    }
    if (this.#handlers.has(type)) throw new PeerlessError('CONFLICT', `request type ${type} has its one handler already`)
    this.#handlers.set(type, handler)
  }

  onPeer(listener: PeerListener): void {
    this.#listeners.push(listener)
  }

  #opened(connection: Libp2pConnection): void {
    const peerId = connection.remotePeer.toString()
    // It can take its time between being admitted and this, and be removed meanwhile.
    if (!this.#options.isMember(peerId)) {
      connection.abort(new PeerlessError('NOT_A_MEMBER', `${peerId} is no member any more`))
      return
    }
    let link = this.links.get(peerId)
    if (link === undefined) {
      const { clock, logger } = this.#options
      link = new PeerLink({ peerId, clock, logger: logger.child({ peer: peerId }), onUp: () => this.#tell(peerId, true) })
      this.links.set(peerId, link)
    }
    link.addConnection(connection)
  }

  #closed(connection: Libp2pConnection): void {
    const peerId = connection.remotePeer.toString()
    const link = this.links.get(peerId)
    if (link?.removeConnection(connection) !== true) return
    this.links.delete(peerId)
    this.#options.onUnlinked(peerId)
    if (link.up) {
      link.up = false
      this.#tell(peerId, false)
    }
  }

  #tell(peerId: string, connected: boolean): void {
    this.#peers = [...this.links.values()].filter((link) => link.up).map((link) => link.peerId)
    this.#options.logger.info(connected ? 'peer connected' : 'peer disconnected', { peer: peerId })
    for (const listener of this.#listeners) {
      try {
        listener(peerId, connected)
      } catch (error) {
        this.#options.logger.error('a peer listener failed', { peer: peerId, reason: messageOf(error) })
      }
    }
  }

  #serve(stream: Stream, connection: Libp2pConnection): void {
    const peerId = connection.remotePeer.toString()
    serveStream(stream, {
      onRequest: (request) => this.#dispatch(peerId, request),
      onReceived: () => this.links.get(peerId)?.received()
    })
  }

  #dispatch(peerId: string, request: IncomingRequest): void {
    const handler = this.#handlers.get(request.type)
    if (handler !== undefined) handler(peerId, request)
    else if (!request.notification) request.fail(new PeerlessError('MALFORMED', `no handler of request type ${request.type}`))
  }
}

/** Types with the seventh bit or 0x7f belong to packages/wire. */
const REQUEST_TYPE_MAX = 0x7e
