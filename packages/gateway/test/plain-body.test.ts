import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { LIMITS } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { BodyBudget } from '../src/http-body.ts'
import { PlainBody } from '../src/plain-body.ts'
import { ask, signed } from './_http.ts'
import { echo, type Fixture, ran, start } from './_ports.ts'

const INVOKE = '/2015-03-31/functions/hello/invocations'

/** What has been sent before is read when this resolves: the same thread has answered somebody else since. */
const barrier = (node: Fixture) => ask(node, { path: '/healthz' })

interface Client {
  readonly socket: Socket
  /** The next answer, whole; latin1. */
  answer(): Promise<string>
}

function open(t: ExecutionContext, node: Fixture): Client {
  const socket = connect(node.port, node.host).setNoDelay(true)
  t.teardown(() => socket.destroy())
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  return {
    socket,
    answer: async () => {
      for (;;) {
        const head = text.indexOf('\r\n\r\n') + 4
        const end = head + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
        if (head >= 4 && text.length >= end) {
          const whole = text.slice(0, end)
          text = text.slice(end)
          return whole
        }
        await once(socket, 'data')
      }
    }
  }
}

const headOf = (path: string, bytes: number, more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${bytes}\r\n${more}\r\n`

const isPlain = (answer: string) => /^date: /m.test(answer)
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)

test('in whatever parts a body comes, it is the one that was sent, and what was held for it is given back', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }), fc.boolean(), (parts, wanted) => {
      const budget = new BodyBudget(1_000)
      const sent = Buffer.concat(parts)
      let looked = Buffer.alloc(0)
      let got: Buffer | undefined
      const head = 'head'
      const body = new PlainBody(head, sent.length, budget, {
        look: (part) => {
          looked = Buffer.concat([looked, part])
        },
        take: ({ bytes, release }) => {
          got = Buffer.from(bytes)
          if (wanted) release()
          return wanted
        },
        lost: () => undefined
      })
      const read = Buffer.alloc(64)
      for (const part of parts) {
        read.set(part)
        if (!body.add(read.subarray(0, part.length))) return false
        // The next read lands in the same place.
        read.fill(0xee)
      }
      const taken = body.take()
      const whole = wanted || body.unread().equals(Buffer.concat([Buffer.from(head), sent]))
      return (
        taken === wanted && whole && body.left === 0 && looked.equals(sent) && got?.equals(sent) === true && budget.bytes === 0
      )
    }),
    { seed: 11 }
  )
  t.pass()
})

test('a call whose body comes after its head is answered as one that comes whole', async (t) => {
  const node = await start(t)
  node.behave(echo)
  for (const size of [1, 2_000, 400_000]) {
    const body = '"ü'.repeat(size).slice(0, size)
    const bytes = Buffer.from(body)
    const client = open(t, node)
    const parts = [0, 1, Math.ceil(bytes.length / 20), Math.ceil(bytes.length / 2), bytes.length]
    client.socket.write(headOf('/fn/hello', bytes.length))
    for (let index = 1; index < parts.length; index++) {
      await barrier(node)
      client.socket.write(bytes.subarray(parts[index - 1], parts[index]))
    }
    const answer = await client.answer()
    t.true(isPlain(answer), `${size}`)
    const event = JSON.parse(Buffer.from(bodyOf(answer), 'latin1').toString()) as { body: string; isBase64Encoded: boolean }
    t.is(event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body, body)
    // The connection goes on.
    client.socket.write('GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n')
    t.true(isPlain(await client.answer()))
  }
})

test('an Invoke in two packets, as boto3 sends it, is answered as one in one', async (t) => {
  const node = await start(t)
  node.behave(() => ran('{"a":1}'))
  const request = await signed(
    node,
    node.admin,
    { method: 'POST', path: INVOKE, body: '{}' },
    { date: new Date(node.clock.now()) }
  )
  const lines = Object.entries(request.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
  for (const body of ['{}', '{]']) {
    const client = open(t, node)
    client.socket.write(`POST ${INVOKE} HTTP/1.1\r\n${lines.join('')}content-length: 2\r\n\r\n`)
    await barrier(node)
    client.socket.write(body)
    const answer = await client.answer()
    t.true(isPlain(answer))
    t.regex(answer, body === '{}' ? /^HTTP\/1\.1 200 .*\{"a":1\}$/s : /^HTTP\/1\.1 403 .*InvalidSignatureException/s)
  }
  t.is(node.orders.length, 1)
})

test('what is behind a body in the same packet is the next request', async (t) => {
  const node = await start(t)
  node.behave(echo)
  const client = open(t, node)
  client.socket.write(headOf('/fn/hello/first', 4))
  await barrier(node)
  client.socket.write('bodyGET /fn/hello/second HTTP/1.1\r\nHost: x\r\n\r\n')
  t.regex(await client.answer(), /"rawPath":"\/first"/)
  t.regex(await client.answer(), /"rawPath":"\/second"/)
})

test('a client that goes away in the middle of its body holds nothing, and runs nothing', async (t) => {
  const node = await start(t, { limits: { bodyBytesHeldMax: 8 } })
  node.behave(echo)
  for (const leave of [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.end()]) {
    const { socket } = open(t, node)
    socket.write(`${headOf('/fn/hello', 8)}four`)
    await barrier(node)
    const closed = once(socket, 'close')
    leave(socket)
    await closed
    await barrier(node)
    t.is(node.orders.length, 0)
  }
  const client = open(t, node)
  client.socket.write(headOf('/fn/hello', 8))
  await barrier(node)
  client.socket.write('12345678')
  t.regex(await client.answer(), /^HTTP\/1\.1 200 /)
})

test('a body for which there is no room is refused by node:http, also one that grew too large on its way', async (t) => {
  const node = await start(t, { limits: { bodyBytesHeldMax: 8 } })
  node.behave(echo)
  for (const parts of [['1234567890'], ['12345', '67890']]) {
    const client = open(t, node)
    client.socket.write(headOf('/fn/hello', 10))
    for (const part of parts) {
      await barrier(node)
      client.socket.write(part)
    }
    const answer = await client.answer()
    t.false(isPlain(answer))
    t.regex(answer, /^HTTP\/1\.1 503 /)
  }
  t.is(node.orders.length, 0)
})

test('a text that is too large as an event is refused, and one that announces too much at once', async (t) => {
  const node = await start(t)
  node.behave(echo)
  const quotes = Buffer.alloc(LIMITS.payloadBytesMax - 10_000, '"')
  const client = open(t, node)
  client.socket.write(headOf('/fn/hello', quotes.length))
  await barrier(node)
  client.socket.write(quotes)
  t.regex(await client.answer(), /^HTTP\/1\.1 413 .*the request as an event has/s)
  const other = open(t, node)
  other.socket.write(headOf('/fn/hello', LIMITS.payloadBytesMax + 1))
  t.regex(await other.answer(), /^HTTP\/1\.1 413 /)
  t.is(node.orders.length, 0)
})

test('a body that takes too long is ended', async (t) => {
  const node = await start(t)
  const client = open(t, node)
  const closed = once(client.socket, 'close')
  client.socket.write(`${headOf('/fn/hello', 8)}four`)
  await barrier(node)
  await node.clock.advance(290_000)
  t.false(client.socket.destroyed)
  await node.clock.advance(20_000)
  t.regex(await client.answer(), /^HTTP\/1\.1 408 /)
  await closed
  t.is(node.orders.length, 0)
})
