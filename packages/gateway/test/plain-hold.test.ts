import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { BodyBudget, Gathered } from '../src/http-body.ts'
import { GATEWAY_LIMITS } from '../src/limits.ts'
import type { PlainReceipt } from '../src/plain-body.ts'
import { PlainFront, type PlainFrontOptions, type PlainReply } from '../src/plain-front.ts'
import { ask, signed } from './_http.ts'
import { echo, type Fixture, ranHttp, start } from './_ports.ts'

const INVOKE = '/2015-03-31/functions/hello/invocations'

/** What has been sent before is read when this resolves: the same thread has answered somebody else since. */
const barrier = (node: Fixture) => ask(node, { path: '/healthz' })

function open(t: ExecutionContext, { port, host }: Pick<Fixture, 'port' | 'host'>, allowHalfOpen = false): Socket {
  const socket = connect({ port, host, allowHalfOpen }).setNoDelay(true).setEncoding('latin1')
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  return socket
}

/** Everything that comes until the other side says no more. */
async function untilEnd(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'end')
  return text
}

const headOf = (path: string, bytes: number) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`

test('a stranger’s Invoke is refused before its body comes', async (t) => {
  const node = await start(t)
  for (const port of [node.port, await node.gateway.listenAside()]) {
    const socket = open(t, { ...node, port })
    socket.write(headOf(INVOKE, 1_000))
    t.regex(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 403 .*MissingAuthenticationToken/s)
  }
})

test('a request whose client goes away in the middle of its body is counted once', async (t) => {
  const node = await start(t)
  const { headers = {} } = await signed(
    node,
    node.admin,
    { method: 'POST', path: INVOKE, body: '{"a":1}' },
    { date: new Date(node.clock.now()) }
  )
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  for (const head of [headOf('/fn/hello', 7), `POST ${INVOKE} HTTP/1.1\r\n${lines.join('')}content-length: 7\r\n\r\n`]) {
    const socket = open(t, node)
    socket.write(`${head}{`)
    await barrier(node)
    socket.resetAndDestroy()
    await barrier(node)
  }
  const { text } = await ask(node, { path: '/metrics' })
  t.regex(text, /^peerless_http_requests_total\{route="function_url",status="499"\} 1$/m)
  t.regex(text, /^peerless_http_requests_total\{route="lambda",status="499"\} 1$/m)
  t.regex(text, /^peerless_http_requests_in_flight 1$/m)
})

test('the time of a request is from its head to its answer, also when its body comes late', async (t) => {
  const node = await start(t)
  node.behave(echo)
  const socket = open(t, node)
  socket.write(headOf('/fn/hello', 1))
  await barrier(node)
  await node.clock.advance(20_000)
  socket.write('a')
  await once(socket, 'data')
  const { text } = await ask(node, { path: '/metrics' })
  t.regex(text, /^peerless_http_request_duration_seconds_sum\{route="function_url"\} 20$/m)
})

interface Front {
  readonly host: string
  readonly port: number
  readonly clock: VirtualClock
}

/** A front without anything behind it. */
async function fronted(
  t: ExecutionContext,
  options: Partial<PlainFrontOptions>,
  seen?: (socket: Socket) => void
): Promise<Front> {
  const clock = new VirtualClock()
  const front = new PlainFront({
    clock,
    limits: GATEWAY_LIMITS,
    budget: new BodyBudget(1_000_000),
    take: () => false,
    expect: () => undefined,
    handOver: (socket) => socket.destroy(),
    ...options
  })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    seen?.(socket)
    front.accept(socket)
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    front.close()
    front.destroy()
    server.close()
  })
  await once(server, 'listening')
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, clock }
}

const answerOf = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
const GET = 'GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n'

test('what came of a body with its head is not kept beside the body', async (t) => {
  const { promise, resolve } = Promise.withResolvers<number>()
  const receipt: PlainReceipt = { look: undefined, lost: () => undefined, take: () => false }
  const front = await fronted(t, {
    expect: ({ body }) => {
      resolve(body.length)
      return receipt
    }
  })
  open(t, front).write(`${headOf('/fn/hello', 8)}four`)
  t.is(await promise, 0)
})

test('a client that is too slow and reads nothing does not keep its connection', async (t) => {
  let handle: { writeQueueSize: number } | undefined
  const { promise: gone, resolve: lost } = Promise.withResolvers<void>()
  const { promise: expected, resolve: expects } = Promise.withResolvers<void>()
  let reply: PlainReply | undefined
  let answered = () => {}
  const front = await fronted(
    t,
    {
      take: (_, own) => {
        own.send(answerOf('x'.repeat(15_000)), false)
        answered()
        return true
      },
      expect: (_, own) => {
        reply = own
        expects()
        return { look: undefined, take: () => false, lost }
      }
    },
    (socket) => {
      handle = (socket as unknown as { _handle: typeof handle })._handle
    }
  )
  const socket = open(t, front).pause()
  // Until the client's machine and this one hold no more of what it does not read.
  while ((handle?.writeQueueSize ?? 0) === 0) {
    const { promise, resolve } = Promise.withResolvers<void>()
    answered = resolve
    socket.write(GET)
    await promise
  }
  socket.write(headOf('/fn/hello', 8))
  await expected
  await front.clock.advance(310_000)
  await gone
  await front.clock.advance(100_000)
  t.true(reply?.gone)
})

test('behind the last answer of a connection nothing is run', async (t) => {
  const ran: string[] = []
  const { promise: expected, resolve: expects } = Promise.withResolvers<void>()
  const front = await fronted(t, {
    take: ({ url }, reply) => {
      ran.push(url)
      reply.send(answerOf('last'), true)
      return true
    },
    expect: (_, reply) => {
      expects()
      return {
        look: undefined,
        lost: () => undefined,
        take: () => {
          ran.push('body')
          reply.send(answerOf('last'), true)
          return true
        }
      }
    }
  })
  const socket = open(t, front)
  socket.write(headOf('/fn/hello', 4))
  await expected
  socket.write(`body${GET}`)
  t.regex(await untilEnd(socket), /last$/)
  t.deepEqual(ran, ['body'])
})

test('a client that never ends its side does not hold up the gateway’s end', async (t) => {
  const node = await start(t)
  node.behave(() => ranHttp(200, [], 'first'))
  const idle = open(t, node, true)
  idle.write(GET)
  await once(idle, 'data')
  const { promise, resolve } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  node.behave(async () => {
    begin()
    await promise
    return ranHttp(200, [], 'last')
  })
  const busy = open(t, node, true)
  busy.write(GET)
  await begun
  const closed = node.gateway.close(60_000)
  resolve()
  await closed
  t.is(node.clock.pending, 0)
})

test('a connection goes on when its answers were waited for while the next call ran', async (t) => {
  let next: PlainReply | undefined
  const { promise: expected, resolve: expects } = Promise.withResolvers<void>()
  let handle: { writeQueueSize: number } | undefined
  const front = await fronted(
    t,
    {
      take: ({ url }, reply) => {
        if (url === '/fn/held') next = reply
        else reply.send(answerOf('after'), false)
        return true
      },
      expect: (_, reply) => {
        expects()
        return {
          look: undefined,
          lost: () => undefined,
          take: () => {
            reply.send(answerOf('x'.repeat(8_000_000)), false)
            return true
          }
        }
      }
    },
    (socket) => {
      handle = (socket as unknown as { _handle: typeof handle })._handle
    }
  )
  const socket = open(t, front)
  let text = ''
  socket.write(headOf('/fn/hello', 4))
  await expected
  socket.write(`body${GET.replace('hello', 'held')}`)
  const read = async (bytes: number) => {
    while (text.length < bytes) text += (await once(socket, 'data'))[0]
  }
  await read(8_000_000 + answerOf('').length + 6)
  // The other side hears of that in its own turn.
  while (next === undefined || (handle?.writeQueueSize ?? 0) > 0) await new Promise((turn) => setImmediate(turn))
  await new Promise((turn) => setImmediate(turn))
  const before = text.length
  next.send(answerOf('held'), false)
  socket.write(GET)
  await read(before + answerOf('held').length + answerOf('after').length)
  t.regex(text, /held.*after$/s)
})

test('requests that came while an answer was not read are answered, whatever reads them then', async (t) => {
  let accepted: Socket | undefined
  const answers = [answerOf('x'.repeat(8_000_000)), answerOf('second'), answerOf('third')]
  const front = await fronted(
    t,
    {
      take: (_, reply) => {
        reply.send(answers.shift() ?? '', false)
        return true
      }
    },
    (socket) => {
      accepted = socket
    }
  )
  const socket = open(t, front)
  socket.write(GET)
  let text = ''
  text += (await once(socket, 'data'))[0]
  socket.pause()
  for (let round = 1; round <= 2; round++) {
    socket.write(GET)
    while ((accepted?.readableLength ?? 0) < round * GET.length) await new Promise((turn) => setImmediate(turn))
  }
  socket.resume()
  while (!text.endsWith('third')) text += (await once(socket, 'data'))[0]
  t.regex(text, /x\n*HTTP.*second.*third$/s)
})

test('who says no more in the middle of a body hears the same from both readers, and so does who takes too long', async (t) => {
  const node = await start(t)
  const aside = { ...node, port: await node.gateway.listenAside() }
  const cut = await Promise.all(
    [node, aside].map(async (target) => {
      const socket = open(t, target)
      socket.end(`${headOf('/fn/hello', 8)}four`)
      return await untilEnd(socket)
    })
  )
  t.regex(String(cut[0]), /^HTTP\/1\.1 400 /)
  t.is(cut[0], cut[1])
  const slow = open(t, node)
  slow.write(`${headOf('/fn/hello', 8)}four`)
  await barrier(node)
  const said = untilEnd(slow)
  await node.clock.advance(310_000)
  t.is(await said, String(cut[1]).replaceAll('400 Bad Request', '408 Request Timeout').replace('length: 95', 'length: 99'))
})

test('a body that comes byte by byte takes no more memory than its bytes', (t) => {
  const gathered = new Gathered(6_000_000)
  const sent = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index))
  for (let at = 0; at < sent.length; at++) gathered.add(sent.subarray(at, at + 1), true)
  t.true(gathered.parts < 70, `${gathered.parts} parts`)
  t.true(gathered.soFar().equals(sent))
  const first = new Gathered(100)
  first.add(sent.subarray(0, 1), true)
  t.is(first.take().bytes.buffer.byteLength, 1)
})
