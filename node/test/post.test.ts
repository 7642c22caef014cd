import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createEgress } from '@peerless/egress'
import { realClock } from '@peerless/testing'
import test from 'ava'
import { createPost } from '../src/post.ts'

test('deliveries of one account that hang take neither the places nor the connections of another', async (t) => {
  const server = createServer((request, response) => {
    if (request.url !== '/hang') response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const lookup = async () => ['127.0.0.1']
  const own = { addresses: () => [], ports: () => [] }
  const egress = createEgress({ clock: realClock, allow: ['127.0.0.1/32'], own, lookup })
  t.teardown(() => {
    egress.stop()
    server.closeAllConnections()
    server.close()
  })
  const post = createPost(egress)
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const send = (account: string, functionName: string, path: string, timeoutMs: number) =>
    post({ account, functionName, url: `${origin}${path}`, headers: {}, body: Buffer.from('{}'), timeoutMs })

  // As many as a node of four cores lets one account run, and more than the wire takes of one function.
  const hanging = Array.from({ length: 112 }, () => send('loud', 'f', '/hang', 20_000).catch(() => 0))
  t.is(await send('quiet', 'f', '/', 3_000), 200)
  t.is(await send('loud', 'g', '/', 3_000), 200)
  t.is(egress.running, 64)
  server.closeAllConnections()
  // Those that waited hang in their turn.
  const over = Promise.all(hanging)
  const closing = setInterval(() => server.closeAllConnections(), 20)
  await over
  clearInterval(closing)
})
