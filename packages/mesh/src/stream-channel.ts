import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { ByteChannel } from '@peerless/interface'

/**
 * A byte channel over a libp2p stream. A libp2p stream that is closed throws on `send`; here the bytes go nowhere, because `onClose`
 * tells it, and whoever waits for an answer is told by the connection above.
 */
export function streamChannel(stream: Stream, options: { onReceived: () => void; pauseWhenFull: boolean }): ByteChannel {
  let paused = false
  const pause = () => {
    if (paused || stream.readStatus !== 'readable') return
    paused = true
    stream.pause()
  }
  const resume = () => {
    if (!paused || stream.writableNeedsDrain || stream.readStatus !== 'paused') return
    paused = false
    stream.resume()
  }
  // A peer that half-closes its end is done with the stream: nothing of ours is ever sent one way only.
  stream.addEventListener('remoteCloseWrite', () => closeStream(stream))
  return {
    send: (bytes) => {
      if (stream.writeStatus !== 'writable') return true
      const more = stream.send(bytes)
      // Replies wait for a slow reader: take no more of its requests until they have left.
      if (!more && options.pauseWhenFull) pause()
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
      // The stream itself resumes sending in a microtask of this event; only then it is known whether it is full again.
      stream.addEventListener('drain', () =>
        queueMicrotask(() => {
          resume()
          if (!stream.writableNeedsDrain) drained()
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
    }
  }
}

function closeStream(stream: Stream): void {
  stream.close().catch((error) => stream.abort(error instanceof Error ? error : new Error(String(error))))
}
