import type { Stream } from '@libp2p/interface'
import { type IncomingRequest, LIMITS, PeerlessError } from '@peerless/interface'
import { Connection } from '@peerless/wire'
import {
  CARRIER_WRITE_BYTES_MAX,
  REPLIES_WAITING_BYTES_MAX,
  SERVED_BYTES_MAX,
  SERVED_COUNTED_BYTES_MIN,
  STREAM_READ_BYTES_MAX
} from './constants.ts'
import { streamChannel } from './stream-channel.ts'
import { grantWindowSparingly } from './thrifty-window.ts'

export interface ServeOptions {
  onRequest: (request: IncomingRequest) => void
  onReceived: () => void
}

/**
 * Serves the peer's requests that come on a stream that the peer opened. It reads no further while its replies are not taken, or while
 * unanswered requests exceed their bound. What was read before is refused while too much waits to be taken: a few bytes can ask for
 * megabytes, and thousands of such requests come in one read.
 */
export function serveStream(stream: Stream, options: ServeOptions): void {
  boundStream(stream)
  let heldBytes = 0
  const hold = (bytes: number) => {
    heldBytes += bytes
    channel.setHeld(heldBytes > SERVED_BYTES_MAX)
  }
  const channel = streamChannel(stream, { onReceived: options.onReceived, pauseWhenFull: true })
  const wire = new Connection(channel, {
    onRequest: (request, bytes) => {
      if (request.notification) options.onRequest(request)
      else if (stream.writeBufferLength + wire.pendingBytes > REPLIES_WAITING_BYTES_MAX) request.fail(notTaken())
      else options.onRequest(bytes >= SERVED_COUNTED_BYTES_MIN ? new CountedRequest(request, bytes, hold) : request)
    },
    schedule: setImmediate,
    pieces: true,
    requestsInFlightMax: LIMITS.requestsInFlightMax
  })
}

/** Streams of both directions buffer at most so much; beyond it libp2p resets them. */
export function boundStream(stream: Stream): void {
  stream.maxReadBufferLength = STREAM_READ_BYTES_MAX
  stream.maxWriteBufferLength = CARRIER_WRITE_BYTES_MAX
  grantWindowSparingly(stream)
}

function notTaken(): PeerlessError {
  return new PeerlessError(
    'BUSY',
    `more than ${REPLIES_WAITING_BYTES_MAX} bytes of answers wait to be taken; nothing was started`
  )
}

/** A request that counts, with header and payload, until it was answered or withdrawn. */
class CountedRequest implements IncomingRequest {
  readonly type: number
  readonly header: unknown
  readonly payload: Uint8Array
  readonly notification = false
  readonly #inner: IncomingRequest
  readonly #bytes: number
  readonly #hold: (bytes: number) => void
  #held = true
  #onCancel: (() => void) | undefined

  constructor(inner: IncomingRequest, bytes: number, hold: (bytes: number) => void) {
    this.type = inner.type
    this.header = inner.header
    this.payload = inner.payload
    this.#inner = inner
    this.#bytes = bytes
    this.#hold = hold
    hold(bytes)
    inner.onCancel(() => {
      this.#release()
      this.#onCancel?.()
    })
  }

  reply(header: unknown, payload?: Uint8Array): void {
    this.#release()
    this.#inner.reply(header, payload)
  }

  fail(error: PeerlessError): void {
    this.#release()
    this.#inner.fail(error)
  }

  onCancel(cancelled: () => void): void {
    this.#onCancel = cancelled
  }

  part(header: unknown, payload?: Uint8Array): void {
    this.#inner.part(header, payload)
  }

  onCredit(granted: (bytes: number) => void): void {
    this.#inner.onCredit(granted)
  }

  #release(): void {
    if (!this.#held) return
    this.#held = false
    this.#hold(-this.#bytes)
  }
}
