import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { BodyBudget, Gathered } from '../src/http-body.ts'
import { GATEWAY_LIMITS } from '../src/limits.ts'
import type { PlainReceipt } from '../src/plain-body.ts'
import { PlainFront, type PlainFrontOptions } from '../src/plain-front.ts'
import { ask, signed } from './_http.ts'
import { echo, type Fixture, start } from './_ports.ts'

const INVOKE = '/2015-03-31/functions/hello/invocations'

/** What has been sent before is read when this resolves: the same thread has answered somebody else since. */
const barrier = (node: Fixture) => ask(node, { path: '/healthz' })

function open(t: ExecutionContext, { port, host }: Pick<Fixture, 'port' | 'host'>, allowHalfOpen = false): Socket {
  const socket = connect({ port, host, allowHalfOpen }).setNoDelay(true).setEncoding('latin1')
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  return socket
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
