import { type IncomingRequest, PeerlessError } from '@peerless/interface'
import { memoryChannelPair, settle } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { Connection, encode, FrameReader, PREFIX_BYTES } from '../src/index.ts'

const FUZZ_SEED = 20261124

function pair(onRequest: (request: IncomingRequest) => void) {
  const [a, b] = memoryChannelPair()
  const client = new Connection(a, { onRequest: () => undefined, schedule: setImmediate })
  const server = new Connection(b, { onRequest, schedule: setImmediate })
  return { client, server, a, b }
}

test('a request is answered with header and payload as they were sent', async (t) => {
  const { client } = pair((request) => request.reply({ type: request.type, got: request.header }, request.payload))
  const reply = await client.call(7, { name: 'Ada', list: [1, 'two'] }, Buffer.from('payload'))
  t.deepEqual(reply.header, { type: 7, got: { name: 'Ada', list: [1, 'two'] } })
  t.is(Buffer.from(reply.payload).toString(), 'payload')
})

test('what the handler throws arrives by its code; a foreign error tells nothing', async (t) => {
  const { client } = pair((request) => {
    throw request.type === 1 ? new PeerlessError('NOT_FOUND', 'no such thing') : new Error('secret path /home')
  })
  const known = await t.throwsAsync(client.call(1, undefined))
  t.like(known, { code: 'NOT_FOUND', message: 'no such thing' })
  const foreign = await t.throwsAsync(client.call(2, undefined))
  t.like(foreign, { code: 'INTERNAL', message: 'internal error' })
})

test('payloads of every size around the joining bounds survive', async (t) => {
  const { client } = pair((request) => request.reply(undefined, request.payload))
  for (const size of [0, 1, 16_383, 16_384, 65_535, 65_536, 1_000_000]) {
    const payload = Buffer.alloc(size, size % 251)
    const reply = await client.call(1, undefined, payload)
    t.true(payload.equals(reply.payload), `${size}`)
  }
})

test('a frame above the bound is refused before anything is sent', async (t) => {
  const { client } = pair((request) => request.reply(undefined))
  t.like(await t.throwsAsync(client.call(1, undefined, Buffer.alloc(9_000_000))), { code: 'TOO_LARGE' })
  t.deepEqual((await client.call(1, undefined)).header, undefined)
})

test('closing fails what is outstanding with CONNECTION_LOST and tells the serving side', async (t) => {
  let cancelled = 0
  const { client, server } = pair((request) => request.onCancel(() => cancelled++))
  const call = client.call(1, undefined)
  await settle()
  server.close()
  t.like(await t.throwsAsync(call), { code: 'CONNECTION_LOST' })
  t.is(cancelled, 1)
})

test('an aborted call is withdrawn: the server is told and a late answer is dropped', async (t) => {
  let held: IncomingRequest | undefined
  let cancelled = 0
  const { client } = pair((request) => {
    held = request
    request.onCancel(() => cancelled++)
  })
  const controller = new AbortController()
  const call = client.call(1, undefined, undefined, controller.signal)
  await settle()
  controller.abort()
  t.like(await t.throwsAsync(call), { code: 'DEADLINE_EXCEEDED' })
  await settle()
  t.is(cancelled, 1)
  held?.reply('late')
  await settle()
  t.is(client.outstanding, 0)
})

test('a withdrawn request that is never answered takes no place among those outstanding', async (t) => {
  const [a, b] = memoryChannelPair()
  const client = new Connection(a, { onRequest: () => undefined, schedule: setImmediate, requestsInFlightMax: 4 })
  const server = new Connection(b, { onRequest: () => undefined, schedule: setImmediate, requestsInFlightMax: 4 })
  for (let round = 0; round < 10; round++) {
    const controller = new AbortController()
    const call = client.call(1, undefined, undefined, controller.signal)
    await settle()
    controller.abort()
    t.like(await t.throwsAsync(call), { code: 'DEADLINE_EXCEEDED' })
    await settle()
  }
  t.false(server.closed)
})

test('a malformed frame closes the connection', async (t) => {
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([0, 0, 0, 8, 0, 0, 0, 1, 1, 0, 0, 9])]) {
    const [a, b] = memoryChannelPair()
    const reason = new Promise<Error | undefined>((resolve) => {
      new Connection(b, { onRequest: () => undefined, onClose: resolve, schedule: setImmediate })
    })
    a.send(bytes)
    t.like(await reason, { code: 'MALFORMED' })
  }
})

test('frames cut anywhere come out whole', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 20 }),
      (payloads, cuts) => {
        const stream = Buffer.concat(payloads.map((payload, index) => frame(index + 1, payload)))
        const seen: Buffer[] = []
        const reader = new FrameReader((_id, _type, _header, payload) => seen.push(Buffer.from(payload)))
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = cuts[turn % cuts.length] as number
          reader.push(stream.subarray(at, at + size))
          at += size
        }
        t.deepEqual(
          seen.map((payload) => [...payload]),
          payloads.map((payload) => [...payload])
        )
      }
    ),
    { seed: FUZZ_SEED, numRuns: 300 }
  )
  t.pass()
})

test('a frame of megabytes in chunks of one byte takes memory for its bytes, not for its chunks', (t) => {
  const payload = Buffer.alloc(2_000_000, 'abc')
  const stream = Buffer.concat([frame(1, payload), frame(2, Buffer.from('next'))])
  const seen: Buffer[] = []
  const reader = new FrameReader((_id, _type, _header, bytes) => seen.push(Buffer.from(bytes)))
  const before = process.memoryUsage().heapUsed
  for (let at = 0; at < 1_999_999; at++) reader.push(stream.subarray(at, at + 1))
  const held = process.memoryUsage().heapUsed - before
  reader.push(stream.subarray(1_999_999))
  t.true(held < 64 * 2 ** 20, `${held} bytes held`)
  t.true(seen[0]?.equals(payload))
  t.is(seen[1]?.toString(), 'next')
})

test('no bytes whatsoever make the reader throw anything but MALFORMED', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 10 }), (chunks) => {
      const reader = new FrameReader(() => undefined)
      try {
        for (const chunk of chunks) reader.push(chunk)
      } catch (error) {
        if (!(error instanceof PeerlessError) || error.code !== 'MALFORMED') throw error
      }
    }),
    { seed: FUZZ_SEED, numRuns: 1_000 }
  )
  t.pass()
})

function frame(id: number, payload: Uint8Array): Buffer {
  const header = encode(id)
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(PREFIX_BYTES - 4 + header.length + payload.length, 0)
  prefix.writeUInt32BE(id, 4)
  prefix.writeUInt32BE(((1 << 24) | header.length) >>> 0, 8)
  return Buffer.concat([prefix, header, payload])
}
