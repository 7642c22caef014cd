import { MemoryLogger, MemoryNetwork, SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { PAYLOAD_CACHE_BYTES_MAX, RECORD_BYTES_MAX } from '../src/constants.ts'
import type { QueuedEvent } from '../src/event.ts'
import { GroupCommit } from '../src/group-commit.ts'
import { Holders } from '../src/holders.ts'
import type { QueueOptions } from '../src/options.ts'
import type { OwnedEvent } from '../src/owned-event.ts'
import { Owner } from '../src/owner.ts'

test('of events and records on disk no more are kept in memory as well than fit the cache', async (t) => {
  const mesh = new MemoryNetwork(new SeededRandom(1)).join('a')
  const clock = new VirtualClock()
  const logger = new MemoryLogger()
  const disk = { commit: (_ops: unknown, done: (error: undefined) => void) => setImmediate(done, undefined) }
  const options = { mesh, clock, logger, disk } as unknown as QueueOptions
  const owner = new Owner(
    options,
    new GroupCommit(options.disk, clock, logger),
    new Holders(0, { mesh, clock, logger, machineOf: (peerId) => peerId })
  )
  const payload = Buffer.alloc(RECORD_BYTES_MAX)
  const kept: OwnedEvent[] = []
  for (let record = 0; record < 20; record++) {
    const event = {
      id: `${record}`,
      target: { address: 'https://example.com', contentType: '' },
      lineage: { root: '', hops: {} }
    }
    await new Promise<void>((resolve) => {
      kept.push(owner.create(event as unknown as QueuedEvent, payload, [], () => resolve()))
      void clock.advance(5)
    })
  }
  t.is(owner.bytes, 20 * RECORD_BYTES_MAX)
  t.true(kept.filter((owned) => owned.payload !== undefined).length <= PAYLOAD_CACHE_BYTES_MAX / RECORD_BYTES_MAX)
})
