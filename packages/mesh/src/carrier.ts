import type { Connection as Libp2pConnection, Stream } from '@libp2p/interface'
import {
  type Carrier as CarrierName,
  type Clock,
  type Logger,
  messageOf,
  type OnReply,
  PeerlessError,
  type Timer
} from '@peerless/interface'
import { Connection } from '@peerless/wire'
import {
  CARRIER_ATTEMPTS_MAX,
  CARRIER_OPEN_TIMEOUT_MS,
  CARRIER_QUEUE_BYTES_MAX,
  CARRIER_RETRY_MS,
  PROTOCOL,
  SERVED_COUNTED_BYTES_MIN,
  UNANSWERED_BYTES_MAX
} from './constants.ts'
import { boundStream } from './serve-stream.ts'
import { streamChannel } from './stream-channel.ts'

export interface CarrierOptions {
  name: CarrierName
  clock: Clock
  logger: Logger
  /** A live connection to the peer, the newest; undefined when there is none. */
  connection: () => Libp2pConnection | undefined
  onOpen: () => void
  onReceived: () => void
}

/**
 * The stream for our requests to one peer, of one kind. It is opened as soon as there is a connection and again when the stream dies
 * while the connection lives. What was outstanding on it fails at once.
 */
export class Carrier {
  /** Read on the hot path; undefined while there is no stream. */
  wire: Connection | undefined
  readonly #options: CarrierOptions
  /** Of large calls that the peer holds. */
  #unansweredBytes = 0
  #stream: Stream | undefined
  #opening = false
  #attempts = 0
  #retry: Timer | undefined

  constructor(options: CarrierOptions) {
    this.#options = options
  }

  /** Whether one more request would wait behind too many bytes. */
  get full(): boolean {
    const { wire } = this
    if (wire === undefined) return false
    const queued = wire.saturated ? (this.#stream?.writeBufferLength ?? 0) : 0
    return queued + wire.pendingBytes > CARRIER_QUEUE_BYTES_MAX
  }

  /**
   * Counts a call with a large payload until it is answered.
   * @returns what to call instead of `done`; undefined where the peer holds as much as it may
   */
  count(payloadBytes: number, done: OnReply): OnReply | undefined {
    if (payloadBytes < SERVED_COUNTED_BYTES_MIN) return done
    if (this.#unansweredBytes + payloadBytes > UNANSWERED_BYTES_MAX) return undefined
    this.#unansweredBytes += payloadBytes
    return (error, reply) => {
      this.#unansweredBytes -= payloadBytes
      done(error, reply)
    }
  }

  /** Opens the stream unless it is open or being opened. */
  ensure(): void {
    if (this.wire !== undefined || this.#opening || this.#retry !== undefined) return
    const connection = this.#options.connection()
    if (connection === undefined) return
    this.#opening = true
    void this.#open(connection)
  }

  /** The same at once and with fresh patience: there is a new connection. */
  renew(): void {
    this.#rest()
    this.ensure()
  }

  close(error: Error): void {
    this.#rest()
    this.wire?.close(error)
  }

  #rest(): void {
    this.#retry?.cancel()
    this.#retry = undefined
    this.#attempts = 0
  }

  async #open(connection: Libp2pConnection): Promise<void> {
    const { clock, logger, name } = this.#options
    const controller = new AbortController()
    const timer = clock.after(CARRIER_OPEN_TIMEOUT_MS, () =>
      controller.abort(new Error(`no ${name} stream within ${CARRIER_OPEN_TIMEOUT_MS} ms`))
    )
    try {
      const stream = await connection.newStream(PROTOCOL[name], { signal: controller.signal })
      this.#attach(stream)
    } catch (error) {
      logger.debug('could not open a carrier', { carrier: name, reason: messageOf(error) })
      this.#again(connection)
    } finally {
      timer.cancel()
      this.#opening = false
    }
    if (this.wire === undefined) this.ensure()
  }

  #attach(stream: Stream): void {
    const { onOpen, onReceived } = this.#options
    boundStream(stream)
    this.#stream = stream
    this.#attempts = 0
    const wire = new Connection(streamChannel(stream, { onReceived, pauseWhenFull: false }), {
      // The other side has its own stream for its requests.
      onRequest: (request) => request.fail(new PeerlessError('MALFORMED', 'requests go on the requester’s own stream')),
      onClose: () => {
        this.wire = undefined
        this.#stream = undefined
        this.ensure()
      },
      schedule: setImmediate,
      pieces: true
    })
    if (wire.closed) return
    this.wire = wire
    onOpen()
  }

  /** A connection on which no stream opens is of no use: it goes, and with it the peer, which is then dialled again. */
  #again(connection: Libp2pConnection): void {
    this.#attempts++
    if (this.#attempts >= CARRIER_ATTEMPTS_MAX) {
      this.#attempts = 0
      connection.abort(
        new PeerlessError('CONNECTION_LOST', `no ${this.#options.name} stream in ${CARRIER_ATTEMPTS_MAX} attempts`)
      )
      return
    }
    this.#retry = this.#options.clock.after(CARRIER_RETRY_MS * 2 ** this.#attempts, () => {
      this.#retry = undefined
      this.ensure()
    })
  }
}
