import { LIMITS, PeerlessError, STREAM_CLOSED_CREDIT, type StreamSource } from '@peerless/interface'
import test from 'ava'
import fc from 'fast-check'
import { StreamIntake } from '../src/index.ts'

const SEED = 20261125
const NOTHING = new Uint8Array(0)

function intake() {
  const granted: number[] = []
  const chunks: number[] = []
  const opened: unknown[] = []
  let source: StreamSource | undefined
  const made = new StreamIntake(
    {
      open: (head, from) => {
        opened.push(head)
        source = from
      },
      chunk: (bytes) => chunks.push(bytes.length)
    },
    {
      node: 'n',
      readHead: (statusCode, headers) => {
        if (typeof statusCode !== 'number' || !Array.isArray(headers)) throw new PeerlessError('MALFORMED', 'no head')
        return { statusCode, headers: headers as string[] }
      }
    },
    () => ({ credit: (bytes) => granted.push(bytes) })
  )
  return { made, granted, chunks, opened, source: () => source as StreamSource }
}

test('the first part is the head, the others go on as they are', (t) => {
  const { made, chunks, opened } = intake()
  t.is(made.bytes, undefined)
  made.part([200, ['a', 'b']], NOTHING)
  made.part(undefined, new Uint8Array(10))
  made.part(undefined, new Uint8Array(LIMITS.streamChunkBytesMax))
  t.deepEqual(opened, [{ http: { statusCode: 200, headers: ['a', 'b'] }, node: 'n', cold: false }])
  t.deepEqual(chunks, [10, LIMITS.streamChunkBytesMax])
  t.is(made.bytes, 10 + LIMITS.streamChunkBytesMax)
})

test('whatever the first part is, it is a head or MALFORMED', (t) => {
  fc.assert(
    fc.property(fc.anything(), (header) => {
      const { made, opened } = intake()
      try {
        made.part(header, NOTHING)
        t.is(opened.length, 1)
      } catch (error) {
        t.true(error instanceof PeerlessError && error.code === 'MALFORMED')
        t.is(opened.length, 0)
      }
    }),
    { seed: SEED, numRuns: 300 }
  )
})

test('an empty chunk, one above the bound, and one beyond the window are refused', (t) => {
  for (const size of [0, LIMITS.streamChunkBytesMax + 1]) {
    const { made } = intake()
    made.part([200, []], NOTHING)
    t.throws(() => made.part(undefined, new Uint8Array(size)), { message: /1 to 65536/ })
  }
  const { made, chunks } = intake()
  made.part([200, []], NOTHING)
  for (let index = 0; index < 4; index++) made.part(undefined, new Uint8Array(LIMITS.streamChunkBytesMax))
  t.throws(() => made.part(undefined, new Uint8Array(1)), { message: /at most 262144 were granted/ })
  t.is(chunks.length, 4)
})

test('a sender that waits for credit is never stuck, and never ahead by more than a window', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 150_000 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 2_000, max: 70_000 }),
      (writes, step) => {
        const { made, granted, chunks, source } = intake()
        made.part([200, []], NOTHING)
        let window: number = LIMITS.streamWindowBytes
        let taken = 0
        let unread = 0
        const total = writes.reduce((sum, bytes) => sum + bytes, 0)
        let left = total
        for (let turns = 0; left > 0 || unread > 0; turns++) {
          t.true(turns < 10_000, 'it goes on')
          while (left > 0 && window > 0) {
            const size = Math.min(left, window, LIMITS.streamChunkBytesMax)
            made.part(undefined, new Uint8Array(size))
            left -= size
            window -= size
            unread += size
          }
          t.true(unread <= LIMITS.streamWindowBytes)
          const read = Math.min(unread, step)
          unread -= read
          taken += read
          if (read > 0) source().credit(read)
          for (const bytes of granted.splice(0)) window += bytes
        }
        t.is(taken, total)
        t.is(
          chunks.reduce((sum, bytes) => sum + bytes, 0),
          total
        )
      }
    ),
    { seed: SEED, numRuns: 100 }
  )
})

test('credit for more than came is not believed, and none is given after the end of interest', (t) => {
  const { made, granted, chunks, source } = intake()
  made.part([200, []], NOTHING)
  made.part(undefined, new Uint8Array(65_536))
  source().credit(1_000_000_000)
  t.deepEqual(granted, [65_536])
  source().cancel()
  source().cancel()
  source().credit(65_536)
  t.deepEqual(granted, [65_536, STREAM_CLOSED_CREDIT])
  for (let index = 0; index < 10; index++) made.part(undefined, new Uint8Array(65_536))
  t.is(chunks.length, 1, 'what was on its way is dropped, and not held against the sender')
})
