import { MemoryLogger, MemoryNetwork, SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import {
  ACCOUNT_SHARE,
  EVENT_BYTES_MAX,
  EVENTS_MAX,
  FUNCTION_SHARE,
  PAYLOAD_CACHE_BYTES_MAX,
  RECORD_BYTES_MAX
} from '../src/constants.ts'
import type { QueuedEvent } from '../src/event.ts'
import { GroupCommit } from '../src/group-commit.ts'
import { Holders } from '../src/holders.ts'
import type { QueueOptions } from '../src/options.ts'
import type { OwnedEvent } from '../src/owned-event.ts'
import { Owner } from '../src/owner.ts'

/** An owner whose disk takes everything, and peers nothing. */
function ownerOf() {
  const mesh = new MemoryNetwork(new SeededRandom(1)).join('a')
  const clock = new VirtualClock()
  const logger = new MemoryLogger()
  const disk = { commit: () => undefined }
  const options = { mesh, clock, logger, disk } as unknown as QueueOptions
  return new Owner(
    options,
    new GroupCommit(options.disk, clock, logger),
    new Holders(0, { mesh, clock, logger, machineOf: (peerId) => peerId })
  )
}

const STATE = { term: 1, starts: 0, failures: 0, notBefore: 0, holders: [] }
let last = 0

/** An event that is on disk already. */
function adopt(owner: Owner, account: string, functionName: string, bytes: number): OwnedEvent {
  const event = { id: `${last++}`, account, target: { functionName } } as unknown as QueuedEvent
  return owner.adopt({ event, state: STATE }, bytes, 'waiting')
}

test('one account leaves the queue room for the others, in number and in bytes', (t) => {
  const many = ownerOf()
  const first = adopt(many, 'loud', 'f0', 1)
  for (let event = 1; event < EVENTS_MAX * ACCOUNT_SHARE; event++) adopt(many, 'loud', `f${event % 10}`, 1)
  t.throws(() => many.checkRoom('loud', 'f0', 1), {
    code: 'THROTTLED',
    message: /87500 of them are of account 'loud', at most 87500/
  })
  t.notThrows(() => many.checkRoom('quiet', 'f0', 1))
  many.forget(first, 'settled')
  t.notThrows(() => many.checkRoom('loud', 'f0', 1))
  const large = ownerOf()
  for (let event = 0; event < 7; event++) adopt(large, 'loud', `f${event}`, EVENT_BYTES_MAX / 8)
  t.throws(() => large.checkRoom('loud', 'f8', 1), { code: 'THROTTLED', message: /of account 'loud', at most 939524096 bytes/ })
  t.notThrows(() => large.checkRoom('quiet', 'f8', EVENT_BYTES_MAX / 8))
})

test('one function leaves the others of its account room, in bytes as well', (t) => {
  const owner = ownerOf()
  for (let event = 0; event < 3; event++) adopt(owner, 'a', 'f', (EVENT_BYTES_MAX * FUNCTION_SHARE) / 3)
  t.throws(() => owner.checkRoom('a', 'f', 1), { code: 'THROTTLED', message: /are of f, at most 805306368 bytes/ })
  t.notThrows(() => owner.checkRoom('a', 'g', 1))
  t.notThrows(() => owner.checkRoom('b', 'f', 1), 'a function of another account, for a name is one account’s at a time')
})

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
