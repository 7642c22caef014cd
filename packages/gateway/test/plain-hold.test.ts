import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
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
