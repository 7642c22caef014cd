import test from 'ava'
import { functionRecord, signer, TestMesh } from './_kit.ts'

test('a write is over when the mates have it on disk', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1, { mates: () => [signer(2).peerId, signer(4).peerId] })
  const [b, c] = [await mesh.node(2), await mesh.node(3)]
  await mesh.settle()
  for (let round = 0; round < 5; round++) {
    const record = functionRecord('hello', { memoryMb: 128 + round })
    await a.catalog.put('function', 'hello', record)
    // Node 4 is not there, and nothing is waited for that was not told.
    t.deepEqual(b.catalog.get('function', 'hello'), record)
  }
  await a.catalog.remove('function', 'hello')
  t.is(b.catalog.get('function', 'hello'), undefined)
  await mesh.settle()
  t.is(c.catalog.digest(), a.catalog.digest())
})

test('a mate that stands still is waited for a second, and what it missed comes later', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1, { mates: () => [signer(2).peerId] })
  const b = await mesh.node(2)
  await mesh.settle()
  mesh.network.freeze(b.signer.peerId, () => 0)
  let over = false
  const written = a.catalog.put('function', 'hello', functionRecord('hello')).then(() => {
    over = true
  })
  await mesh.settle()
  t.false(over)
  await mesh.clock.advance(1_000)
  await written
  mesh.network.thaw(b.signer.peerId)
  await mesh.advance(10_000)
  t.is(b.catalog.digest(), a.catalog.digest())
})
