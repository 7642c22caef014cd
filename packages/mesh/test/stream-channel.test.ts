import type { Stream } from '@libp2p/interface'
import test from 'ava'
import { streamChannel } from '../src/stream-channel.ts'

/** As a yamux stream on a connection that has just closed: still paused, and it throws when it is to say that it reads again. */
class ClosingStream extends EventTarget {
  readStatus = 'paused'
  writeStatus = 'writable'
  status = 'open'
  writableNeedsDrain = false
  aborted: Error | undefined
  resume(): void {
    throw new Error('Cannot write to a stream that is closed')
  }
  abort(error: Error): void {
    this.aborted = error
  }
}

test('a stream whose connection closes while it waits to be read again is ended, and nothing is thrown', async (t) => {
  for (const wake of ['drain', 'release'] as const) {
    const stream = new ClosingStream()
    const channel = streamChannel(stream as unknown as Stream, { onReceived: () => undefined, pauseWhenFull: true })
    channel.onDrain(() => undefined)
    if (wake === 'release') t.notThrows(() => channel.setHeld(false))
    else stream.dispatchEvent(new Event('drain'))
    await new Promise((resolve) => setImmediate(resolve))
    t.is(stream.aborted?.message, 'Cannot write to a stream that is closed')
  }
})
