import test from 'ava'
import { connected, gone, openNode, startMesh, startNode } from './_nodes.ts'

test('a node founds a mesh, a second joins by invite, a third learns of both and connects with both', async (t) => {
  const [a, b, c] = await startMesh(t, 3)
  t.true(a?.mesh.foundedNow)
  t.true(c?.mesh.joinedNow)
  t.is(b?.mesh.meshId, a?.mesh.meshId)
  t.deepEqual(c?.mesh.meshSecret, a?.mesh.meshSecret)
  t.deepEqual(b?.mesh.peers().sort(), [a?.mesh.peerId, c?.mesh.peerId].sort() as string[])
  t.is(b?.mesh.memberOf(c?.mesh.peerId ?? '')?.name, 'node-2')
})

test("an address that is taken fails the start with the system's own error, not with libp2p's text of stacks", async (t) => {
  const first = await startNode(t, 'first')
  const taken = /^\/ip4\/127\.0\.0\.1\/tcp\/\d+/.exec(first.mesh.addresses()[0] ?? '')?.[0] ?? ''
  const second = await openNode(t, 'second', { listen: [taken] })
  const error = await t.throwsAsync<NodeJS.ErrnoException>(() => second.mesh.start(), {
    code: 'EADDRINUSE',
    message: `listen EADDRINUSE: address already in use 127.0.0.1:${taken.split('/').at(-1)}`
  })
  t.is(error.syscall, 'listen')
})

test('a request is answered with header and payload', async (t) => {
  const founder = await openNode(t, 'a')
  founder.mesh.handle(1, (peerId, request) => request.reply({ from: peerId, got: request.header }, request.payload))
  await founder.mesh.start()
  const token = await founder.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 })
  const { mesh } = await startNode(t, 'b', { join: token })
  await connected(mesh, founder.mesh.peerId)
  const reply = await mesh.call(founder.mesh.peerId, 1, { x: 1 }, Buffer.from('hello'))
  t.deepEqual(reply.header, { from: mesh.peerId, got: { x: 1 } })
  t.is(Buffer.from(reply.payload).toString(), 'hello')
  await founder.mesh.stop()
  await gone(mesh, founder.mesh.peerId)
  t.like(await t.throwsAsync(mesh.call(founder.mesh.peerId, 1, {})), { code: 'UNAVAILABLE' })
})

test('what is told reaches every peer that is connected, and asks for no answer', async (t) => {
  const founder = await openNode(t, 'a')
  t.notThrows(() => founder.mesh.tell(1, 'nobody'))
  await founder.mesh.start()
  const token = await founder.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 2 })
  const others = [await openNode(t, 'b', { join: token }), await openNode(t, 'c', { join: token })]
  founder.mesh.handle(1, () => t.fail('it came back'))
  const heard = others.map(
    ({ mesh }) =>
      new Promise((resolve) => {
        mesh.handle(1, (from, { header, notification }) => resolve({ from, header, notification }))
      })
  )
  for (const { mesh } of others) {
    await mesh.start()
    await connected(founder.mesh, mesh.peerId)
  }
  founder.mesh.tell(1, ['load', 7])
  const all = { from: founder.mesh.peerId, header: ['load', 7], notification: true }
  t.deepEqual(await Promise.all(heard), [all, all])
})
