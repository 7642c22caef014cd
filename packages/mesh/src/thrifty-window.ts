import type { Stream } from '@libp2p/interface'

/** yamux: both sides know the stream, and it is not paused. */
const ESTABLISHED = 3

/** What of a yamux stream is looked at here; its class keeps it private. */
interface YamuxWindow {
  readonly state: number
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate(): void
}

/**
 * js-libp2p's yamux grants new window after every single message: one more packet, encrypted and read by the other side, for each request and
 * each reply. Here it waits until half of the window is used, as the Go and Rust implementations do, so a sender
 * always has the other half. A stream of another muxer, or of a yamux that looks different, is left as it is.
 */
export function grantWindowSparingly(stream: Stream): void {
  if (!isYamux(stream)) return
  const eager = stream.sendWindowUpdate
  stream.sendWindowUpdate = function (this: YamuxWindow) {
    if (this.state === ESTABLISHED && this.recvWindowCapacity * 2 > this.recvWindow) return
    eager.call(this)
  }
}

function isYamux(stream: Stream): stream is Stream & YamuxWindow {
  const { state, recvWindow, recvWindowCapacity, sendWindowUpdate } = stream as unknown as Partial<YamuxWindow>
  return (
    typeof state === 'number' &&
    typeof recvWindow === 'number' &&
    typeof recvWindowCapacity === 'number' &&
    typeof sendWindowUpdate === 'function'
  )
}
