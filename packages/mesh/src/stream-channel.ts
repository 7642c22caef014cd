import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { ByteChannel } from '@peerless/interface'

/** A byte channel over a libp2p stream, whose reading can be stopped. */
export interface StreamChannel extends ByteChannel {
  /** While true, nothing more is read: yamux grants no window, so the peer stops sending. */
  setHeld(held: boolean): void
}

export interface StreamChannelOptions {
  onReceived: () => void
  /** Stop reading while what we send is not taken: the side that answers must not take more requests than it can answer. */
  pauseWhenFull: boolean
}

/**
 * A libp2p stream that is closed throws on `send`; here the bytes go nowhere, because `onClose` tells it, and whoever waits for an
 * answer is told by the connection above.
 */
export function streamChannel(stream: Stream, options: StreamChannelOptions): StreamChannel {
  let full = false
  let held = false
  const update = () => {
    if (full || held) {
      if (stream.readStatus === 'readable') stream.pause()
    } else if (stream.readStatus === 'paused') resumeOf(stream)
  }
  // A peer that half-closes its end is done with the stream: nothing of ours is ever sent one way only.
  stream.addEventListener('remoteCloseWrite', () => closeStream(stream))
  return {
    send: (bytes) => {
      if (stream.writeStatus !== 'writable') return true
      const more = sendOn(stream, bytes)
      if (!more && options.pauseWhenFull && !full) {
        full = true
        update()
      }
      return more
    },
    onBytes: (receive) => {
      stream.addEventListener('message', (event: StreamMessageEvent) => {
        options.onReceived()
        if (event.data instanceof Uint8Array) receive(event.data)
        else for (const chunk of event.data) receive(chunk)
      })
    },
    onDrain: (drained) => {
      // The stream itself goes on sending in a microtask of this event; only then it is known whether it is full again.
      stream.addEventListener('drain', () =>
        queueMicrotask(() => {
          if (stream.writableNeedsDrain) return
          full = false
          update()
          drained()
        })
      )
    },
    onClose: (closed) => {
      if (stream.status === 'open' || stream.status === 'closing') {
        stream.addEventListener('close', (event: StreamCloseEvent) => closed(event.error), { once: true })
      } else queueMicrotask(() => closed(undefined))
    },
    close: (error) => {
      if (error === undefined) closeStream(stream)
      else stream.abort(error)
    },
    setHeld: (value) => {
      held = value
      update()
    }
  }
}

/** The connection below may be closing at this very moment; that is a closed stream, not a failure of the sender. */
function sendOn(stream: Stream, bytes: Uint8Array): boolean {
  try {
    return stream.send(bytes)
  } catch (error) {
    stream.abort(asError(error))
    return true
  }
}

/** Resuming tells the other side so: on a connection that is closing at this very moment that throws, and here nobody would catch it. */
function resumeOf(stream: Stream): void {
  try {
    stream.resume()
  } catch (error) {
    stream.abort(asError(error))
  }
}

function closeStream(stream: Stream): void {
  stream.close().catch((error) => stream.abort(asError(error)))
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
