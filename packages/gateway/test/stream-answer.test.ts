import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Socket } from 'node:net'
import type { InvokeOrder, Ran, StreamSource } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { ANSWER_STALL_MS_MAX } from '../src/limits.ts'
import { signed } from './_http.ts'
import { type Fixture, NODE_ID, ran, ranHttp, recordOf, start } from './_ports.ts'

const SOURCE: StreamSource = { credit: () => undefined, cancel: () => undefined }
const CHUNK = Buffer.alloc(65_536)
/** More than the kernel keeps for a client that reads nothing. */
const CHUNKS = 512

/** Opens a connection, asks, and reads nothing. Returns the gateway's end of it. */
async function deafClient(
  t: ExecutionContext,
  node: Fixture,
  text: string,
  then: (client: Socket) => unknown = () => undefined
): Promise<Socket> {
  const { promise, resolve } = Promise.withResolvers<Socket>()
  const accepted = (message: unknown) => resolve((message as { socket: Socket }).socket)
  subscribe('http.server.request.start', accepted)
  const client = connect(node.port, node.host)
  client.pause()
  client.write(text)
  void then(client)
  t.teardown(() => {
    unsubscribe('http.server.request.start', accepted)
    client.destroy()
  })
  return await promise
}

/** With a body, so that Node's own server reads it. */
const POST = 'POST /fn/hello HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx'
const QUIET_TURNS = 200

/** Waits until nothing moves any more. */
async function quiet(progress: () => number): Promise<void> {
  let before = progress()
  for (let turn = 0; turn < QUIET_TURNS; turn++) {
    await new Promise((next) => setImmediate(next))
    if (progress() === before) continue
    before = progress()
    turn = 0
  }
}

const PATHS: Record<string, (node: Fixture) => Promise<string>> = {
  'a function URL': async () => 'GET /fn/streams HTTP/1.1\r\nHost: h\r\n\r\n',
  InvokeWithResponseStream: async (node) => {
    const path = '/2021-11-15/functions/streams/response-streaming-invocations'
    const options = { method: 'POST', path, body: '{}', headers: { host: `${node.host}:${node.port}`, 'content-length': '2' } }
    const { headers } = await signed(node, node.admin, options, { date: new Date(node.clock.now()) })
    const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
    return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n{}`
  }
}

for (const [title, requestOf] of Object.entries(PATHS)) {
  test.serial(
    `a client that takes nothing of a streamed answer that has ended does not keep its connection for ever: ${title}`,
    async (t) => {
      const node = await start(t)
      const url = { auth: 'NONE', invokeMode: 'RESPONSE_STREAM', createdAt: 1, modifiedAt: 1 } as const
      await node.catalog.put('function', 'streams', recordOf('streams', { qualifiers: { $LATEST: { url } } }))
      const { promise: ended, resolve } = Promise.withResolvers<void>()
      node.behave(({ stream }: InvokeOrder) => {
        stream?.open({ http: { statusCode: 200, headers: [] }, node: NODE_ID, cold: false }, SOURCE)
        for (let chunk = 0; chunk < CHUNKS; chunk++) stream?.chunk(CHUNK)
        setImmediate(resolve)
        return ran('')
      })
      const socket = await deafClient(t, node, await requestOf(node))
      await ended
      await new Promise((turn) => setImmediate(turn))
      t.true(socket.writableLength > 0)
      t.is(socket.timeout, ANSWER_STALL_MS_MAX)
    }
  )
}

test.serial('nor does one that asks again and again and takes none of the small answers', async (t) => {
  const node = await start(t)
  node.behave(() => ranHttp(200, [], Buffer.alloc(16_000)))
  const socket = await deafClient(t, node, POST.repeat(2_000))
  await quiet(() => node.orders.length + socket.bytesWritten)
  t.is(node.orders.length, 2_000)
  t.true(socket.writableLength > 0)
  t.is(socket.timeout, ANSWER_STALL_MS_MAX)
})

test.serial('a call behind an answer that its client took late has its own time', async (t) => {
  const node = await start(t)
  const { promise: second, resolve } = Promise.withResolvers<void>()
  const { promise: pending, resolve: answer } = Promise.withResolvers<Ran>()
  node.behave(() => {
    if (node.orders.length === 1) return ranHttp(200, [], Buffer.alloc(6_000_000))
    resolve()
    return pending
  })
  const { promise: goes, resolve: go } = Promise.withResolvers<void>()
  const socket = await deafClient(t, node, POST.repeat(2), (client) => goes.then(() => client.resume()))
  await second
  await quiet(() => socket.bytesWritten)
  t.is(socket.timeout, ANSWER_STALL_MS_MAX)
  go()
  await quiet(() => socket.writableLength)
  t.is(socket.writableLength, 0)
  t.is(socket.timeout, 0)
  answer(ranHttp(200, []))
})
