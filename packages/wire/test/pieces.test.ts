import { type ByteChannel, type IncomingRequest, PeerlessError } from '@peerless/interface'
import { memoryChannelPair, settle } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { Connection, encode, FrameWriter } from '../src/index.ts'

const FUZZ_SEED = 20261129
const LARGE = 5_000_000
const TYPE_PIECE = 0x7d
const NOTHING = new Uint8Array(0)

/** Turns of a loop that the test turns. */
function turns(): { schedule: (run: () => void) => void; turn: () => Promise<void> } {
  const due: (() => void)[] = []
  return {
    schedule: (run) => due.push(run),
    turn: async () => {
      for (const run of due.splice(0)) run()
      await settle()
    }
  }
}

function pair(onRequest: (request: IncomingRequest) => void, wrap: (channel: ByteChannel) => ByteChannel = (channel) => channel) {
  const [a, b] = memoryChannelPair()
  const loop = turns()
  const client = new Connection(wrap(a), { onRequest: () => undefined, schedule: loop.schedule, pieces: true })
  const server = new Connection(b, { onRequest, schedule: loop.schedule, pieces: true })
  return { client, server, ...loop }
}

test('a large request and its large answer arrive whole, and small ones overtake them both ways', async (t) => {
  const { client, turn } = pair((request) => request.reply({ got: request.payload.length }, request.payload))
  const payload = Buffer.alloc(LARGE, 'large payload ')
  let large: Uint8Array | undefined
  let small = 0
  let smallDuring = 0
  client.request(1, { name: 'large' }, payload, (error, reply) => {
    t.is(error, undefined)
    t.deepEqual(reply?.header, { got: LARGE })
    large = reply?.payload
  })
  let rounds = 0
  for (; large === undefined && rounds < 1_000; rounds++) {
    client.request(2, undefined, Buffer.from('small'), () => {
      small++
      if (large === undefined) smallDuring++
    })
    await turn()
  }
  t.true(payload.equals(large ?? NOTHING))
  // Each small one was answered within a turn or two of being sent, not after the large one.
  t.true(smallDuring >= rounds - 3, `${smallDuring} of ${rounds}`)
  t.true(rounds > 100, `${rounds} turns`)
  t.true(small >= smallDuring)
  t.is(client.pendingBytes, 0)
})

test('any number of large requests at once arrive whole', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 7_000_000 }), { minLength: 1, maxLength: 9 }), async (sizes) => {
      const { client, turn } = pair((request) => request.reply(request.header, request.payload))
      const payloads = sizes.map((size, index) => Buffer.alloc(size, `${index}:${size};`))
      const answered = new Map<number, Uint8Array>()
      for (const [index, payload] of payloads.entries()) {
        client.request(1, index, payload, (_error, reply) => answered.set(reply?.header as number, reply?.payload ?? NOTHING))
      }
      for (let round = 0; answered.size < sizes.length && round < 5_000; round++) await turn()
      for (const [index, payload] of payloads.entries()) t.true(payload.equals(answered.get(index) ?? NOTHING))
    }),
    { seed: FUZZ_SEED, numRuns: 6 }
  )
})

test('while the channel takes nothing, nothing is sent; a withdrawn request is called off and the next one goes', async (t) => {
  let open = true
  let sentBytes = 0
  let drained: () => void = () => undefined
  const served: number[] = []
  const { client, server, turn } = pair(
    (request) => {
      served.push(request.payload.length)
      request.reply(undefined)
    },
    (channel) => ({
      ...channel,
      send: (bytes) => {
        sentBytes += bytes.length
        channel.send(bytes)
        return open
      },
      onBytes: (receive) => channel.onBytes(receive),
      onDrain: (run) => {
        drained = run
      },
      onClose: (closed) => channel.onClose(closed),
      close: (error) => channel.close(error)
    })
  )
  const errors: (string | undefined)[] = []
  open = false
  const id = client.request(1, undefined, Buffer.alloc(LARGE), (error) => errors.push(error?.code))
  for (let round = 0; round < 20; round++) await turn()
  t.true(sentBytes > 50_000 && sentBytes < 70_000, `${sentBytes} bytes: one piece`)
  t.true(client.pendingBytes > LARGE - 70_000)
  client.cancel(id, new PeerlessError('DEADLINE_EXCEEDED', 'too late'))
  t.is(client.pendingBytes, 0)
  client.request(1, undefined, Buffer.alloc(100_000), (error) => errors.push(error?.code))
  open = true
  drained()
  for (let round = 0; round < 20; round++) await turn()
  t.deepEqual(served, [100_000])
  t.deepEqual(errors, ['DEADLINE_EXCEEDED', undefined])
  t.false(server.closed)
})

/** What closes the connection that these frames reach. */
async function closedBy(
  frames: (write: (id: number, header: Uint8Array, payload: Uint8Array) => void) => void
): Promise<unknown> {
  const [a, b] = memoryChannelPair()
  let reason: unknown
  const closing: ByteChannel = {
    send: (bytes) => b.send(bytes),
    onBytes: (receive) => b.onBytes(receive),
    onDrain: () => undefined,
    onClose: (closed) => b.onClose(closed),
    close: (error) => {
      reason = error
      b.close(error)
    }
  }
  const { schedule } = turns()
  new Connection(closing, { onRequest: () => undefined, schedule, pieces: true })
  const writer = new FrameWriter(a, () => undefined)
  frames((id, header, payload) => writer.write(id, TYPE_PIECE, header, payload))
  writer.flush()
  await settle()
  return reason
}

const head = (...values: unknown[]) => encode(values)
const piece = Buffer.alloc(61_440)

for (const [title, frames] of [
  ['a piece of what was not begun', [[1, NOTHING, piece]]],
  [
    'more than was announced',
    [
      [1, head(5, 1, NOTHING, 70_000), piece],
      [1, NOTHING, piece]
    ]
  ],
  ['a frame above the bound', [[1, head(5, 1, NOTHING, 9_000_000), piece]]],
  ['a head that is none', [[1, head(5, 1, 'text', 70_000), piece]]],
  ['a piece within pieces', [[1, head(5, TYPE_PIECE, NOTHING, 70_000), piece]]],
  [
    'a number that is in use',
    [
      [1, head(5, 1, NOTHING, 70_000), piece],
      [1, head(6, 1, NOTHING, 70_000), piece]
    ]
  ],
  ['too many at once', [1, 2, 3].map((number) => [number, head(number, 1, NOTHING, 7_000_000), piece])]
] as [string, [number, Uint8Array, Uint8Array][]][]) {
  test(`${title} closes the channel`, async (t) => {
    const reason = await closedBy((write) => {
      for (const [id, header, payload] of frames) write(id, header, payload)
    })
    t.like(reason, { code: 'MALFORMED' })
  })
}

test('a frame that is called off leaves room for others', async (t) => {
  const reason = await closedBy((write) => {
    for (let number = 1; number < 20; number++) {
      write(number, head(number, 1, NOTHING, 7_000_000), piece)
      write(number, NOTHING, NOTHING)
    }
  })
  t.is(reason, undefined)
})
