import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, type Socket } from 'node:net'
import type { InvokeOrder, StreamSource } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { ANSWER_STALL_MS_MAX } from '../src/limits.ts'
import { signed } from './_http.ts'
import { type Fixture, NODE_ID, ran, recordOf, start } from './_ports.ts'

const SOURCE: StreamSource = { credit: () => undefined, cancel: () => undefined }
const CHUNK = Buffer.alloc(65_536)
/** More than the kernel keeps for a client that reads nothing. */
const CHUNKS = 512

/** Opens a connection, asks, and reads nothing. Returns the gateway's end of it. */
async function deafClient(t: ExecutionContext, node: Fixture, text: string): Promise<Socket> {
  const { promise, resolve } = Promise.withResolvers<Socket>()
  const accepted = (message: unknown) => resolve((message as { socket: Socket }).socket)
  subscribe('net.server.socket', accepted)
  const client = connect(node.port, node.host)
  client.pause()
  client.write(text)
  t.teardown(() => {
    unsubscribe('net.server.socket', accepted)
    client.destroy()
  })
  return await promise
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
  test(`a client that takes nothing of a streamed answer that has ended does not keep its connection for ever: ${title}`, async (t) => {
    const node = await start(t)
    const url = { auth: 'NONE', invokeMode: 'RESPONSE_STREAM', createdAt: 1, modifiedAt: 1 } as const
    await node.catalog.put('function', 'streams', recordOf('streams', { qualifiers: { $LATEST: { url } } }))
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    node.behave(({ stream }: InvokeOrder) => {
      stream?.open({ http: { statusCode: 200, headers: [] }, node: NODE_ID }, SOURCE)
      for (let chunk = 0; chunk < CHUNKS; chunk++) stream?.chunk(CHUNK)
      setImmediate(resolve)
      return ran('')
    })
    const socket = await deafClient(t, node, await requestOf(node))
    await ended
    await new Promise((turn) => setImmediate(turn))
    t.true(socket.writableLength > 0)
    t.is(socket.timeout, ANSWER_STALL_MS_MAX)
  })
}
