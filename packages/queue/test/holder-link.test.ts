import { LIMITS, MESSAGE } from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { UNACKED_MAX } from '../src/constants.ts'
import { HolderLink } from '../src/holder-link.ts'
import { decodeStore, decodeUpdate } from '../src/messages.ts'

test('copies go in messages that fit a frame, a large record after small events too', async (t) => {
  const network = new MemoryNetwork(new SeededRandom(1))
  const mesh = network.join('a')
  const sizes: number[][] = []
  network.join('b').handle(MESSAGE.QUEUE_STORE, (_peerId, request) => {
    sizes.push(decodeStore(request.payload).map(([, , payload]) => payload.length))
    request.reply([])
  })
  const clock = new VirtualClock()
  const link = new HolderLink('b', { mesh, clock, logger: new MemoryLogger() })
  const ends: unknown[] = []
  const small = LIMITS.asyncPayloadBytesMax
  // What a record may have: the event and the largest answer.
  const record = LIMITS.asyncPayloadBytesMax + LIMITS.payloadBytesMax
  const order = [small, small, small, small, record, small, small, small, record]
  for (const [index, bytes] of order.entries())
    link.store({ id: `${index}`, meta: Buffer.from('m'), payload: Buffer.alloc(bytes), done: (error) => ends.push(error?.code) })
  for (let turn = 0; turn < 50 && ends.length < order.length; turn++) await clock.advance(5)
  t.deepEqual(
    ends,
    order.map(() => undefined)
  )
  t.deepEqual(sizes.flat(), order)
})

test('more events than one message may name are handed over in several', async (t) => {
  const network = new MemoryNetwork(new SeededRandom(1))
  const mesh = network.join('a')
  const released: string[] = []
  network.join('b').handle(MESSAGE.QUEUE_UPDATE, (_peerId, request) => {
    released.push(...decodeUpdate(request.payload)[2])
    request.reply(undefined)
  })
  const link = new HolderLink('b', { mesh, clock: new VirtualClock(), logger: new MemoryLogger() })
  const ids = Array.from({ length: 2 * UNACKED_MAX }, (_, index) => `event-${index}`)
  t.true(await new Promise((resolve) => link.release(ids, resolve)))
  t.deepEqual(released, ids)
})
