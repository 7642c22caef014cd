import test from 'ava'
import { functionRecord, TestMesh } from './_kit.ts'

test('a node that is about to go writes nothing more, takes what others write, and writes again when it stays', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b] = [await mesh.node(1), await mesh.node(2)]
  await mesh.settle()
  await a.catalog.put('function', 'before', functionRecord('before'))
  a.catalog.setClosed(true)
  for (const write of [
    () => a.catalog.put('function', 'hello', functionRecord('hello')),
    () => a.catalog.remove('function', 'before')
  ])
    await t.throwsAsync(write, { code: 'UNAVAILABLE', message: /is leaving its mesh: nothing is changed here/ })
  await b.catalog.put('function', 'hello', functionRecord('hello'))
  await mesh.settle()
  t.truthy(a.catalog.get('function', 'hello'))
  t.truthy(a.catalog.get('function', 'before'))
  a.catalog.setClosed(false)
  t.true(await a.catalog.remove('function', 'before'))
})

test('a peer has all that a node has when the two have compared', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b] = [await mesh.node(1), await mesh.node(2)]
  await mesh.settle()
  mesh.network.partition([a.signer.peerId], [b.signer.peerId])
  await a.catalog.put('function', 'hello', functionRecord('hello'))
  await mesh.settle()
  await t.throwsAsync(a.catalog.compareWith(b.signer.peerId))
  mesh.network.heal()
  const compared = a.catalog.compareWith(b.signer.peerId)
  await mesh.settle()
  await compared
  t.truthy(b.catalog.get('function', 'hello'))
})
