import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { adoptSocket, type TakeRead } from '../src/index.ts'

interface Served {
  server: Server
  client: Socket
  /** The server's side of the connection. */
  own: Socket
  /** What came in each read, copied. */
  reads: string[]
}

/** One connection to a server whose sockets are adopted; `take` says whether to read on. */
async function served(t: ExecutionContext, take: TakeRead = () => true): Promise<Served> {
  const reads: string[] = []
  const accepted = Promise.withResolvers<Socket>()
  const server = createServer((socket) => {
    accepted.resolve(
      adoptSocket(socket, (chunk) => {
        reads.push(chunk.toString())
        return take(chunk)
      })
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => {
    client.destroy()
    server.close()
  })
  return { server, client, own: await accepted.promise, reads }
}

test('an adopted socket reads, answers, and ends like any other', async (t) => {
  const { server, client, own, reads } = await served(t)
  client.write('ping')
  await until(() => reads.length > 0)
  own.write('pong')
  t.is(String((await once(client, 'data'))[0]), 'pong')
  t.deepEqual(reads, ['ping'])
  t.is(own.remotePort, client.localPort)
  const closed = once(own, 'close')
  client.end()
  await closed
  await new Promise((resolve) => server.close(resolve))
})

test('a server counts an adopted connection once, and until it is closed', async (t) => {
  const { server, client, own } = await served(t)
  const count = () =>
    new Promise<number>((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n))))
  t.is(await count(), 1)
  server.maxConnections = 1
  const [dropped] = await Promise.all([
    once(server, 'drop'),
    once(
      connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined),
      'close'
    )
  ])
  t.is(dropped.length, 1)
  client.destroy()
  await once(own, 'close')
  t.is(await count(), 0)
})

test('a reader that says no gets nothing more until it resumes', async (t) => {
  const { client, own, reads } = await served(t, () => false)
  client.write('one')
  await until(() => reads.length === 1)
  await new Promise<void>((resolve) => client.write('two', () => resolve()))
  // Another connection's exchange over the same loop: what would come has come by then.
  const other = await served(t)
  other.client.write('other')
  await until(() => other.reads.length === 1)
  t.deepEqual(reads, ['one'])
  own.resume()
  await until(() => reads.length === 2)
  t.deepEqual(reads, ['one', 'two'])
})

test('a socket that is closed already is given back as it is', async (t) => {
  const { own } = await served(t)
  own.destroy()
  await once(own, 'close')
  t.is(
    adoptSocket(own, () => true),
    own
  )
})

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve))
}
