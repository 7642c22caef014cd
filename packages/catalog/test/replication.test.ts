import test from 'ava'
import { accessKey, functionRecord, TestMesh } from './_kit.ts'

test('what one node writes is read at every other, without the clock moving', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1)
  const b = await mesh.node(2)
  const c = await mesh.node(3)
  await mesh.settle()
  const changes: string[] = []
  c.catalog.onChange((kind, name) => changes.push(`${kind}/${name}`))
  await a.catalog.put('function', 'hello', functionRecord('hello'))
  await a.catalog.put('key', accessKey().accessKeyId, accessKey())
  await mesh.settle()
  for (const { catalog } of [b, c]) {
    t.deepEqual(catalog.get('function', 'hello'), functionRecord('hello'))
    t.deepEqual(catalog.get('key', accessKey().accessKeyId), accessKey())
    t.is(catalog.digest(), a.catalog.digest())
  }
  t.deepEqual(changes, ['function/hello', 'key/PLKATESTTESTTESTTEST'])
})
