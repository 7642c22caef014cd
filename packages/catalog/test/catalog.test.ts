import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MemoryLogger, MemoryNetwork, SeededRandom, VirtualClock } from '@peerless/testing'
import { decodeEnvelope } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { decodeContent } from '../src/entry.ts'
import { createCatalog } from '../src/index.ts'
import {
  accessKey,
  functionRecord,
  MESH_SECRET,
  nodeRecord,
  SECRET,
  signer,
  skewedClock,
  TestMesh,
  temporaryDirectory
} from './_kit.ts'

test('a value is read back as it was put, and again after a restart', async (t) => {
  const mesh = new TestMesh(t)
  const first = await mesh.node(1)
  const record = functionRecord('hello', { environment: { GREETING: 'hei', EMPTY_ONE: '' } })
  await first.catalog.put('function', 'hello', { ...record, reservedConcurrency: 7 })
  await first.catalog.put('key', accessKey().accessKeyId, accessKey())
  await first.catalog.put('node', first.signer.peerId, nodeRecord(first.signer.peerId))
  const digest = first.catalog.digest()
  await first.stop()
  const second = await mesh.node(1, { directory: first.directory })
  for (const { catalog } of [first, second]) {
    t.deepEqual(catalog.get('function', 'hello'), { ...record, reservedConcurrency: 7 })
    t.deepEqual(catalog.get('key', accessKey().accessKeyId), accessKey())
    t.like(catalog.get('node', first.signer.peerId), { name: 'a node', account: 'operator' })
    t.is(catalog.digest(), digest)
  }
})

test('a removal leaves nothing to read, is remembered over a restart, and says whether there was something', async (t) => {
  const mesh = new TestMesh(t)
  const first = await mesh.node(1)
  await first.catalog.put('function', 'hello', functionRecord('hello'))
  t.true(await first.catalog.remove('function', 'hello'))
  t.false(await first.catalog.remove('function', 'hello'))
  t.false(await first.catalog.remove('function', 'never'))
  await first.stop()
  const { catalog } = await mesh.node(1, { directory: first.directory })
  t.is(catalog.get('function', 'hello'), undefined)
  t.deepEqual(catalog.list('function'), [])
  t.is(catalog.digest(), first.catalog.digest())
})

test('lists are in order of name and belong to the caller', async (t) => {
  const { catalog } = await new TestMesh(t).node(1)
  await Promise.all(['b', 'a', 'C', 'a-1'].map((name) => catalog.put('function', name, functionRecord(name))))
  const names = () => catalog.list('function').map((record) => record.name)
  t.deepEqual(names(), ['C', 'a', 'a-1', 'b'])
  catalog.list('function').length = 0
  t.is(names().length, 4)
})

test('of several writes in one tick the last stays', async (t) => {
  const { catalog } = await new TestMesh(t).node(1)
  await Promise.all([128, 256, 512].map((memoryMb) => catalog.put('function', 'f', functionRecord('f', { memoryMb }))))
  t.is(catalog.get('function', 'f')?.latest.memoryMb, 512)
})

test('what a reader gets cannot be changed', async (t) => {
  const { catalog } = await new TestMesh(t).node(1)
  const own = functionRecord('f', { environment: { LEVEL: '1' } })
  await catalog.put('function', 'f', own)
  own.latest.environment.LEVEL = '2'
  const read = catalog.get('function', 'f')
  t.is(read?.latest.environment.LEVEL, '1')
  t.throws(() => Object.assign(read?.latest.environment ?? {}, { LEVEL: '3' }), { instanceOf: TypeError })
})

test('listeners hear each change once, a failing one disturbs nobody, and a stopped one hears nothing', async (t) => {
  const { catalog, logger } = await new TestMesh(t).node(1)
  const heard: string[] = []
  catalog.onChange(() => {
    throw new Error('a bug in a listener')
  })
  const stop = catalog.onChange((kind, name) => heard.push(`${kind}/${name} ${catalog.get(kind, name) === undefined}`))
  await catalog.put('function', 'f', functionRecord('f'))
  await catalog.remove('function', 'f')
  stop()
  await catalog.put('function', 'f', functionRecord('f'))
  t.deepEqual(heard, ['function/f false', 'function/f true'])
  t.is(logger.lines.filter((line) => line.message === 'a catalog listener failed').length, 3)
})

test('a write that the disk refuses rejects and is not read', async (t) => {
  const node = await new TestMesh(t).node(1)
  const lock = new DatabaseSync(join(node.directory, 'catalog.sqlite'))
  lock.exec('BEGIN IMMEDIATE')
  await t.throwsAsync(node.catalog.put('function', 'f', functionRecord('f')), { code: 'UNAVAILABLE' })
  t.is(node.catalog.get('function', 'f'), undefined)
  lock.exec('ROLLBACK')
  lock.close()
  await node.catalog.put('function', 'f', functionRecord('f'))
  t.truthy(node.catalog.get('function', 'f'))
})

test('after stop reads go on and writes are refused', async (t) => {
  const node = await new TestMesh(t).node(1)
  const pending = node.catalog.put('function', 'f', functionRecord('f'))
  await node.catalog.stop()
  await pending
  await node.catalog.stop()
  t.truthy(node.catalog.get('function', 'f'))
  await t.throwsAsync(node.catalog.put('function', 'g', functionRecord('g')), { code: 'UNAVAILABLE' })
})

test('the secret of a key is in no file of the folder', async (t) => {
  const node = await new TestMesh(t).node(1)
  await node.catalog.put('key', accessKey().accessKeyId, accessKey())
  const holds = async (text: string) => {
    const files = await readdir(node.directory)
    t.true(files.includes('catalog.sqlite-wal'))
    const contents = await Promise.all(files.map((file) => readFile(join(node.directory, file))))
    return contents.some((bytes) => bytes.includes(text) || bytes.includes(Buffer.from(text, 'utf16le')))
  }
  t.true(await holds(accessKey().accessKeyId), 'the search itself works')
  t.false(await holds(SECRET))
  t.false(await holds(Buffer.from(SECRET).toString('base64').slice(0, 40)))
  await node.catalog.stop()
  t.false((await readFile(join(node.directory, 'catalog.sqlite'))).includes(SECRET))
  t.false(JSON.stringify(node.logger.lines).includes(SECRET))
})

const refused = test.macro({
  exec: async (t: ExecutionContext, kind: string, name: string, value: unknown, message: RegExp) => {
    const { catalog } = await new TestMesh(t).node(1)
    const error = await t.throwsAsync(catalog.put(kind as 'function', name, value as never), {
      code: 'INVALID_ARGUMENT',
      message
    })
    t.false(String(error?.message).includes(SECRET))
    t.deepEqual(catalog.list(kind as 'function'), [])
  },
  title: (provided) => `refused: ${provided}`
})

const record = functionRecord('f')
test('a function under another name', refused, 'function', 'g', record, /function 'g' holds the value of 'f'/)
test('a name that is none', refused, 'function', 'no spaces', functionRecord('no spaces'), /function 'no spaces'/)
test('no value at all', refused, 'function', 'f', undefined, /function 'f'/)
test('an unknown field', refused, 'function', 'f', { ...record, admin: true }, /Unrecognized key: "admin"/)
test(
  'an entry that the check would leave out',
  refused,
  'function',
  'f',
  { ...record, tags: JSON.parse('{"__proto__":"v"}') },
  /tags: must have no entry named '__proto__'/
)
test('memory below the least', refused, 'function', 'f', functionRecord('f', { memoryMb: 64 }), /latest\.memoryMb: .*128/)
test(
  'an environment above 4 KB',
  refused,
  'function',
  'f',
  functionRecord('f', { environment: { BIG: 'x'.repeat(4_096) } }),
  /latest\.environment: .* at most 4096 bytes/
)
test('an empty account', refused, 'function', 'f', { ...record, account: '' }, /account/)
test(
  'a secret of the wrong type',
  refused,
  'key',
  accessKey().accessKeyId,
  { ...accessKey(), secretAccessKey: 1 },
  /secretAccessKey/
)
test(
  'a key with an unknown role; the message does not tell the secret',
  refused,
  'key',
  accessKey().accessKeyId,
  { ...accessKey(), role: SECRET },
  /role/
)
test(
  "another node's record",
  refused,
  'node',
  signer(9).peerId,
  nodeRecord(signer(9).peerId),
  /record of node '12D3KooW\w+' must be signed by it/
)
test('a node that is no peer id', refused, 'node', 'me', nodeRecord('me'), /must be the peer id/)
test(
  'a description of 200,000 characters',
  refused,
  'function',
  'f',
  functionRecord('f', { description: 'x'.repeat(200_000) }),
  /description/
)

test('a folder of another mesh, a broken file and a foreign signer are refused', async (t) => {
  const mesh = new TestMesh(t)
  const node = await mesh.node(1)
  await node.stop()
  const own = signer(1)
  const open = (directory: string, meshId: string, peerId = own.peerId) =>
    createCatalog({
      directory,
      signer: own,
      mesh: new MemoryNetwork(new SeededRandom(1), meshId).join(peerId),
      meshSecret: MESH_SECRET,
      isMember: () => true,
      clock: new VirtualClock(),
      random: new SeededRandom(1),
      logger: new MemoryLogger()
    })
  await t.throwsAsync(open(node.directory, 'other-mesh'), { code: 'INVALID_ARGUMENT', message: /belongs to mesh 'test-mesh'/ })
  await t.throwsAsync(open(node.directory, 'test-mesh', signer(2).peerId), { code: 'INVALID_ARGUMENT', message: /the signer is/ })
  const broken = await temporaryDirectory(t)
  await writeFile(join(broken, 'catalog.sqlite'), 'this is no database, it only sits where one should be'.repeat(100))
  await t.throwsAsync(open(broken, 'test-mesh'), { code: 'CORRUPT' })
})

test('a database with a whole head and torn pages is refused as CORRUPT, with what to do', async (t) => {
  const mesh = new TestMesh(t)
  const node = await mesh.node(1)
  for (let count = 0; count < 50; count++) await node.catalog.put('function', `f${count}`, functionRecord(`f${count}`))
  await node.stop()
  const path = join(node.directory, 'catalog.sqlite')
  const bytes = await readFile(path)
  // Its second page is the tree of the entries.
  await writeFile(path, bytes.fill(0xa5, 4_096, 8_192))
  await t.throwsAsync(mesh.node(1, { directory: node.directory }), {
    code: 'CORRUPT',
    message: /cannot be read: .*move the file away/
  })
})

test('a changed row on disk is dropped, logged and brought back by a peer', async (t) => {
  const mesh = new TestMesh(t)
  const a = await mesh.node(1)
  const b = await mesh.node(2)
  await mesh.settle()
  await a.catalog.put('function', 'f', functionRecord('f'))
  await a.catalog.put('function', 'g', functionRecord('g'))
  await mesh.settle()
  await b.stop()
  const database = new DatabaseSync(join(b.directory, 'catalog.sqlite'))
  const row = database.prepare("SELECT envelope FROM entries WHERE key = 'function/f'").get()
  const envelope = Buffer.from(row?.envelope as Uint8Array)
  const at = envelope.indexOf('acme')
  envelope.write('evil', at)
  database.prepare("UPDATE entries SET envelope = ? WHERE key = 'function/f'").run(envelope)
  database.close()
  const again = await mesh.node(2, { directory: b.directory, start: false })
  t.is(again.catalog.get('function', 'f'), undefined)
  t.truthy(again.catalog.get('function', 'g'))
  t.true(again.logger.lines.some((line) => line.level === 'error' && line.fields.key === 'function/f'))
  again.catalog.start()
  await mesh.settle()
  t.is(again.catalog.get('function', 'f')?.account, 'acme')
})

test('a row moved under another key is dropped', async (t) => {
  const mesh = new TestMesh(t)
  const node = await mesh.node(1)
  await node.catalog.put('function', 'f', functionRecord('f'))
  await node.stop()
  const database = new DatabaseSync(join(node.directory, 'catalog.sqlite'))
  database.exec("UPDATE entries SET key = 'function/g'")
  database.close()
  const again = await mesh.node(1, { directory: node.directory })
  t.deepEqual(again.catalog.list('function'), [])
  t.is(again.logger.lines.filter((line) => line.level === 'error').length, 1)
  await again.stop()
  const third = await mesh.node(1, { directory: node.directory })
  t.deepEqual(third.logger.lines, [], 'it is gone from the disk too')
})

test('times go on rising over a restart with the clock set back', async (t) => {
  const mesh = new TestMesh(t)
  const node = await mesh.node(1)
  await node.catalog.put('function', 'first', functionRecord('first'))
  await node.stop()
  const clock = skewedClock(mesh.clock, { ms: -100_000 })
  const again = await mesh.node(1, { directory: node.directory, clock })
  await again.catalog.put('function', 'second', functionRecord('second'))
  const database = new DatabaseSync(join(node.directory, 'catalog.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT envelope FROM entries ORDER BY key').all()
  database.close()
  const [first, second] = rows.map((row) => decodeContent(decodeEnvelope(row.envelope as Uint8Array).bytes).time)
  t.deepEqual(second, { ms: mesh.clock.now(), counter: (first?.counter ?? 0) + 1 })
})

test('a node that lost its disk gets its own entries back, also where it is no longer counted as a member', async (t) => {
  const mesh = new TestMesh(t)
  const [a, b] = [await mesh.node(1), await mesh.node(2)]
  await mesh.settle()
  await a.catalog.put('function', 'mine', functionRecord('mine'))
  await mesh.settle()
  await a.stop()
  mesh.strangers.add(a.signer.peerId)
  const again = await mesh.node(1)
  await mesh.settle()
  t.truthy(again.catalog.get('function', 'mine'))
  t.is(again.catalog.digest(), b.catalog.digest())
})

test('tombstones go after their age, those of keys stay', async (t) => {
  const DAY = 86_400_000
  const mesh = new TestMesh(t)
  let node = await mesh.node(1)
  const nextLife = async (days: number) => {
    await node.stop()
    node = await mesh.node(1, { directory: node.directory, clock: new VirtualClock(mesh.clock.now() + days * DAY) })
    return node.catalog.digest()
  }
  await node.catalog.put('key', accessKey().accessKeyId, accessKey())
  await node.catalog.remove('key', accessKey().accessKeyId)
  const onlyKey = node.catalog.digest()
  await node.catalog.put('function', 'f', functionRecord('f'))
  await node.catalog.remove('function', 'f')
  t.not(node.catalog.digest(), onlyKey)
  t.not(await nextLife(29), onlyKey)
  t.is(await nextLife(31), onlyKey)
  t.is(await nextLife(3_000), onlyKey)
})
