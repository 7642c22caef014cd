import { SeededRandom, VirtualClock } from '@peerless/testing'
import { signerOf } from '@peerless/wire'
import test from 'ava'
import { createKeys } from '../src/index.ts'
import { TestMesh } from './_kit.ts'

test('a key made at one node is read, listed and revoked at another', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b] = [await mesh.node(1), await mesh.node(2)]
  await mesh.settle()
  const clock = new VirtualClock()
  const here = createKeys({ catalog: a.catalog, clock, random: new SeededRandom(1), isRemoved: () => false })
  const there = createKeys({ catalog: b.catalog, clock, random: new SeededRandom(2), isRemoved: () => false })
  const key = await here.create({ role: 'deployer', account: 'acme' })
  t.regex(key.accessKeyId, /^PLKA[A-Z2-7]{16}$/)
  t.regex(key.secretAccessKey, /^[A-Za-z0-9+/]{40}$/)
  t.is(key.createdAt, clock.now())
  await mesh.settle()
  t.deepEqual(there.get(key.accessKeyId), key)
  t.deepEqual(there.list(), [key])
  t.true(await there.revoke(key.accessKeyId))
  t.false(await there.revoke(key.accessKeyId))
  await mesh.settle()
  t.is(here.get(key.accessKeyId), undefined)
})

test('no two keys are alike', async (t) => {
  const { catalog } = await new TestMesh(t).node(1)
  const keys = createKeys({ catalog, clock: new VirtualClock(), random: new SeededRandom(1), isRemoved: () => false })
  const made = await Promise.all(Array.from({ length: 50 }, () => keys.create({ role: 'invoker', account: 'acme' })))
  t.is(new Set(made.flatMap((key) => [key.accessKeyId, key.secretAccessKey])).size, 100)
  t.is(keys.list().length, 50)
})

test('roles and accounts that are none are refused', async (t) => {
  const { catalog } = await new TestMesh(t).node(1)
  const keys = createKeys({ catalog, clock: new VirtualClock(), random: new SeededRandom(1), isRemoved: () => false })
  await t.throwsAsync(keys.create({ role: 'root' as never, account: 'acme' }), {
    code: 'INVALID_ARGUMENT',
    message: /role 'root' must be one of admin, deployer, invoker/
  })
  await t.throwsAsync(keys.create({ role: 'admin', account: 'no spaces' }), {
    code: 'INVALID_ARGUMENT',
    message: /account 'no spaces'/
  })
  await t.throwsAsync(keys.create({ role: 'admin', account: undefined as never }), { code: 'INVALID_ARGUMENT' })
  t.deepEqual(keys.list(), [])
})

test('the key that a node made for itself goes with the node, others that were made there stay', async (t) => {
  const { catalog } = await new TestMesh(t).node(1)
  const node = signerOf(new Uint8Array(32).fill(7)).peerId
  const removed = new Set<string>()
  const keys = createKeys({ catalog, clock: new VirtualClock(), random: new SeededRandom(1), isRemoved: (id) => removed.has(id) })
  const own = await keys.create({ role: 'admin', account: 'acme', node })
  const other = await keys.create({ role: 'admin', account: 'acme' })
  t.is(keys.get(own.accessKeyId)?.node, node)
  removed.add(node)
  t.is(keys.get(own.accessKeyId), undefined)
  t.deepEqual(keys.list(), [other])
  await t.throwsAsync(keys.create({ role: 'admin', account: 'acme', node: 'nobody' }), { code: 'INVALID_ARGUMENT' })
})
