import type { IncomingRequest } from '@peerless/interface'
import { memoryChannelPair, settle } from '@peerless/testing'
import test from 'ava'
import { Connection, encode } from '../src/index.ts'

const TYPE_CREDIT = 0x7e

function pair(onRequest: (request: IncomingRequest) => void) {
  const [a, b] = memoryChannelPair()
  const client = new Connection(a, { onRequest: () => undefined, schedule: setImmediate })
  const server = new Connection(b, { onRequest, schedule: setImmediate })
  return { client, server, a }
}

test('parts come in order before the reply, each with header and payload', async (t) => {
  const { client } = pair((request) => {
    request.part(['head', 200])
    for (const size of [1, 16_384, 65_536]) request.part(undefined, Buffer.alloc(size, 7))
    request.reply('end')
  })
  const seen: unknown[] = []
  await new Promise<void>((resolve) => {
    client.requestStreamed(
      3,
      undefined,
      Buffer.from('x'),
      (header, payload) => seen.push(header ?? payload.length),
      (error, reply) => {
        seen.push(error ?? reply?.header)
        resolve()
      }
    )
  })
  t.deepEqual(seen, [['head', 200], 1, 16_384, 65_536, 'end'])
})

test('credit reaches the serving side, and none after the answer', async (t) => {
  const granted: number[] = []
  let held: IncomingRequest | undefined
  const { client } = pair((request) => {
    held = request
    request.onCredit((bytes) => granted.push(bytes))
  })
  const id = client.requestStreamed(
    3,
    undefined,
    new Uint8Array(0),
    () => undefined,
    () => undefined
  )
  await settle()
  client.credit(id, 65_536)
  client.credit(id, 1)
  await settle()
  held?.reply(undefined)
  await settle()
  client.credit(id, 5)
  await settle()
  t.deepEqual(granted, [65_536, 1])
})

test('parts after the answer, after a withdrawal, and for a request that asked for none go nowhere', async (t) => {
  let held: IncomingRequest | undefined
  const { client } = pair((request) => {
    held = request
  })
  let parts = 0
  const start = () =>
    client.requestStreamed(
      3,
      undefined,
      new Uint8Array(0),
      () => parts++,
      () => undefined
    )
  const id = start()
  await settle()
  client.cancel(id, new Error('enough') as never)
  await settle()
  held?.part('late')
  start()
  await settle()
  held?.reply(undefined)
  held?.part('late')
  const plain = client.call(3, undefined)
  await settle()
  held?.part('not asked for')
  held?.reply('answer')
  t.is((await plain).header, 'answer')
  t.is(parts, 0)
})

test('credit that is no whole number from 1 closes the channel', async (t) => {
  for (const bad of [0, -1, 1.5, 'many', null, 2 ** 60]) {
    const { server, a } = pair(() => undefined)
    const header = encode(bad)
    const frame = Buffer.alloc(12 + header.length)
    frame.writeUInt32BE(8 + header.length, 0)
    frame.writeUInt32BE(1, 4)
    frame.writeUInt32BE(((TYPE_CREDIT << 24) | header.length) >>> 0, 8)
    frame.set(header, 12)
    a.send(frame)
    await settle()
    t.true(server.closed, String(bad))
  }
})
