import { PEER_SILENT_MS_MIN } from '@peerless/interface'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { MESH_MESSAGE, PING_PERIOD_MS, PINGS_MISSED_MAX } from '../src/constants.ts'
import { PeerLink } from '../src/peer-link.ts'

interface Peer {
  readonly link: PeerLink
  readonly clock: VirtualClock
  /** When it was pinged. */
  readonly pings: number[]
  aborted: boolean
  /** Milliseconds from a ping to its answer; undefined when none comes. */
  roundTripMs: number | undefined
}

/** A link whose streams answer pings, ticked as the table does. */
function peerOf(roundTripMs: number | undefined): Peer {
  const clock = new VirtualClock(0)
  const link = new PeerLink({ peerId: 'peer', clock, logger: new MemoryLogger(), onUp: () => undefined })
  const self: Peer = { link, clock, pings: [], aborted: false, roundTripMs }
  const wire = {
    notify: () => undefined,
    request: (type: number, _header: unknown, _payload: Uint8Array, done: (error: undefined, reply: unknown) => void) => {
      if (type !== MESH_MESSAGE.PING) return
      self.pings.push(clock.monotonic())
      if (self.roundTripMs === undefined) return
      clock.after(self.roundTripMs, () => {
        link.received()
        done(undefined, { header: { draining: false, now: clock.now() } })
      })
    }
  }
  link.calls.wire = wire as never
  link.bulk.wire = wire as never
  link.addConnection({
    status: 'open',
    abort: () => {
      self.aborted = true
    }
  } as never)
  link.up = true
  clock.every(PING_PERIOD_MS, () => link.tick())
  return self
}

/** The longest silence in so many milliseconds. */
async function longestSilence(peer: Peer, ms: number): Promise<number> {
  let longest = 0
  for (let waited = 0; waited < ms; waited += 10) {
    await peer.clock.advance(10)
    longest = Math.max(longest, peer.clock.monotonic() - peer.link.receivedAt)
  }
  return longest
}

test('a peer that says nothing of its own is pinged each period and kept', async (t) => {
  const peer = peerOf(2)
  t.true((await longestSilence(peer, 60_000)) <= PING_PERIOD_MS + 2)
  t.is(peer.pings.length, 40)
  t.false(peer.aborted)
})

test('a peer that falls silent is given up after four ticks without a byte', async (t) => {
  const peer = peerOf(2)
  await peer.clock.advance(6_010)
  peer.roundTripMs = undefined
  await peer.clock.advance(PINGS_MISSED_MAX * PING_PERIOD_MS)
  t.false(peer.aborted)
  await peer.clock.advance(PING_PERIOD_MS)
  t.true(peer.aborted)
})

test('a peer that is heard of is pinged at one tick in four', async (t) => {
  const peer = peerOf(2)
  await peer.clock.advance(10)
  peer.clock.every(500, peer.link.received)
  await peer.clock.advance(60_000)
  t.true(peer.pings.length >= 10 && peer.pings.length <= 12, `${peer.pings.length} pings`)
})

for (const roundTripMs of [1, 300, 700]) {
  test(`whenever a peer at ${roundTripMs} ms falls silent, a ping is answered before it counts as silent`, async (t) => {
    for (let lastMs = 60; lastMs <= PING_PERIOD_MS; lastMs += 100) {
      for (let ticks = 4; ticks < 7; ticks++) {
        const peer = peerOf(roundTripMs)
        const talk = peer.clock.every(100, peer.link.received)
        // So long after a tick it says its last of its own accord.
        await peer.clock.advance(ticks * PING_PERIOD_MS + lastMs)
        talk.cancel()
        const silence = await longestSilence(peer, 6_000)
        t.true(silence < PEER_SILENT_MS_MIN, `${silence} ms, the last word ${lastMs} ms after tick ${ticks}`)
      }
    }
  })
}
