import { MESSAGE, type Mesh, TOPIC } from '@peerless/interface'
import { SeededRandom } from '@peerless/testing'
import { decodeEnvelope, encode, encodeEnvelope } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import type { EntryContent } from '../src/entry.ts'
import { createKeyVault } from '../src/key-vault.ts'
import { accessKey, forged, functionRecord, nodeRecord, SECRET, signer, TestMesh, type TestNode } from './_kit.ts'

const MEMBER = signer(40)
const MESH_ID = 'test-mesh'
const UUID = '00000000-0000-4000-8000-000000000000'

interface Scene {
  readonly mesh: TestMesh
  readonly node: TestNode
  /** A member that says what it likes. */
  readonly peer: Mesh
  readonly now: number
  push(...envelopes: Uint8Array[]): Promise<unknown>
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const mesh = new TestMesh(t)
  const node = await mesh.node(1)
  const peer = mesh.network.join(MEMBER.peerId)
  const push = (...envelopes: Uint8Array[]) =>
    peer.call(node.signer.peerId, MESSAGE.CATALOG_PUSH, { spread: true }, encode(envelopes))
  return { mesh, node, peer, now: mesh.clock.now(), push }
}

function functionEntry(now: number, name: string, change: Partial<EntryContent> = {}): EntryContent {
  return { kind: 'function', name, time: { ms: now, counter: 0 }, stored: functionRecord(name), ...change }
}

/** One bad entry between two good ones: the good ones must come in, the bad one must not. */
const refused = test.macro({
  exec: async (t: ExecutionContext, make: (now: number, mesh: TestMesh) => Uint8Array, reason: RegExp) => {
    const { mesh, node, now, push } = await scene(t)
    const good = ['before', 'after'].map((name) => forged(MEMBER, MESH_ID, functionEntry(now, name)))
    const bad = make(now, mesh)
    await push(good[0] as Uint8Array, bad, good[1] as Uint8Array)
    t.deepEqual(
      node.catalog.list('function').map((record) => record.name),
      ['after', 'before']
    )
    t.deepEqual([node.catalog.list('key'), node.catalog.list('node')], [[], []])
    const warnings = node.logger.lines.filter((line) => line.level === 'warn')
    t.is(warnings.length, 1)
    t.regex(String(warnings[0]?.fields.reason), reason)
    const digest = node.catalog.digest()
    await node.stop()
    const again = await mesh.node(1, { directory: node.directory })
    t.is(again.catalog.digest(), digest, 'and nothing of it is on disk')
  },
  title: (provided) => `refused and not stored: ${provided}`
})

test(
  'an entry with a changed byte',
  refused,
  (now) => {
    const envelope = decodeEnvelope(forged(MEMBER, MESH_ID, functionEntry(now, 'bad')))
    const bytes = Buffer.from(envelope.bytes)
    bytes.write('evil', bytes.indexOf('acme'))
    return encodeEnvelope({ ...envelope, bytes })
  },
  /signature of function\/bad by .* does not verify/
)
test(
  "an entry under another member's name",
  refused,
  (now) => encodeEnvelope({ ...decodeEnvelope(forged(MEMBER, MESH_ID, functionEntry(now, 'bad'))), signer: signer(41).peerId }),
  /does not verify/
)
test(
  'an entry signed for another mesh',
  refused,
  (now) => forged(MEMBER, 'other-mesh', functionEntry(now, 'bad')),
  /does not verify/
)
test(
  'an entry of a stranger',
  refused,
  (now, mesh) => {
    mesh.strangers.add(signer(66).peerId)
    return forged(signer(66), MESH_ID, functionEntry(now, 'bad'))
  },
  /signed by '12D3KooW\w+', not a member/
)
test(
  'an entry from the future',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { time: { ms: now + 300_001, counter: 0 } })),
  /is 300001 ms ahead of this node's clock, at most 300000/
)
test(
  'an entry of the end of time',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { time: { ms: 2 ** 48 - 1, counter: 65_535 } })),
  /ahead of this node's clock/
)
test(
  'a time of more than 48 bits',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { time: { ms: 2 ** 48, counter: 0 } })),
  /a catalog entry is/
)
test(
  'a time with a fraction',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { time: { ms: now + 0.5, counter: 0 } })),
  /a catalog entry is/
)
test(
  'an entry above the bound of bytes',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { stored: 'x'.repeat(131_072) })),
  /a catalog entry of 131\d\d\d bytes, at most 131072/
)
test('bytes that are no envelope', refused, () => Buffer.from('garbage'), /not one CBOR value|a signed envelope is/)
test(
  'a nest of a hundred thousand arrays',
  refused,
  () => new Uint8Array(100_000).fill(0x81),
  /not one CBOR value|a signed envelope is/
)
test(
  'a kind that is none',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { kind: 'constructor' as never })),
  /a catalog entry is/
)
test(
  'a value of the wrong shape',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { stored: { ...functionRecord('bad'), latest: null } })),
  /function 'bad': latest/
)
test(
  'a value under another name',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { stored: functionRecord('good') })),
  /function 'bad' holds the value of 'good'/
)
test(
  'kept settings that are no JSON, and would fail every list of functions',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { stored: keeping('{') })),
  /function 'bad': latest\.kept: must be the JSON of an object/
)
test(
  'kept settings that are null',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { stored: keeping('null') })),
  /latest\.kept: must be the JSON of an object/
)
test(
  'kept settings too deep to be written again',
  refused,
  (now) =>
    forged(MEMBER, MESH_ID, functionEntry(now, 'bad', { stored: keeping(`{"a":${'['.repeat(8_000)}${']'.repeat(8_000)}}`) })),
  /latest\.kept: must be the JSON of an object, at most 16 deep/
)
test(
  'a mapping whose settings are no JSON',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, UUID, { kind: 'mapping', stored: mappingOf('settings') })),
  /mapping '\S+': settings: must be the JSON of an object/
)
test(
  "another node's record, which would redirect its pay",
  refused,
  (now) => {
    const victim = signer(1).peerId
    return forged(MEMBER, MESH_ID, functionEntry(now, victim, { kind: 'node', stored: nodeRecord(victim, { account: 'thief' }) }))
  },
  /record of node '\w+' must be signed by it/
)
test(
  'a key with its secret in the clear',
  refused,
  (now) => forged(MEMBER, MESH_ID, functionEntry(now, accessKey().accessKeyId, { kind: 'key', stored: accessKey() })),
  /key 'PLKATESTTESTTESTTEST'/
)
test(
  'a key sealed under another mesh secret',
  refused,
  (now) => sealedKey(now, Buffer.from('the secret of some other mesh'), accessKey().accessKeyId),
  /was not sealed for it in this mesh/
)
test(
  'a sealed secret that was moved from another key',
  refused,
  (now) => sealedKey(now, undefined, 'PLKAOTHEROTHEROTHERO'),
  /was not sealed for it in this mesh/
)

function keeping(kept: string): unknown {
  const record = functionRecord('bad')
  return { ...record, latest: { ...record.latest, kept } }
}

function mappingOf(settings: string): unknown {
  const times = { createdAt: 0, modifiedAt: 0 }
  return { uuid: UUID, account: 'acme', functionName: 'f', enabled: true, lastResult: '', tags: {}, settings, ...times }
}

function sealedKey(now: number, secret: Uint8Array | undefined, sealedFor: string): Uint8Array {
  const vault = createKeyVault(secret ?? Buffer.from('a secret that all members of the test mesh share'), new SeededRandom(3))
  const { secretAccessKey, ...fields } = accessKey()
  const stored = { ...fields, sealedSecret: vault.seal(sealedFor, secretAccessKey) }
  return forged(MEMBER, MESH_ID, functionEntry(now, fields.accessKeyId, { kind: 'key', stored }))
}

test('an entry from the future is taken when its time has come', async (t) => {
  const { mesh, node, now, push } = await scene(t)
  const entry = forged(MEMBER, MESH_ID, functionEntry(now, 'f', { time: { ms: now + 301_000, counter: 0 } }))
  await push(entry)
  t.is(node.catalog.get('function', 'f'), undefined)
  await mesh.advance(2_000)
  await push(entry)
  t.truthy(node.catalog.get('function', 'f'))
})

test('an entry as far ahead as is allowed can still be overwritten at once', async (t) => {
  const { node, now, push } = await scene(t)
  await push(forged(MEMBER, MESH_ID, functionEntry(now, 'f', { time: { ms: now + 300_000, counter: 65_535 } })))
  t.truthy(node.catalog.get('function', 'f'))
  await node.catalog.put('function', 'f', functionRecord('f', { memoryMb: 512 }))
  t.is(node.catalog.get('function', 'f')?.latest.memoryMb, 512)
})

test('the entries of a newcomer are taken when this node has learnt of its membership', async (t) => {
  const { mesh, node, now, push } = await scene(t)
  const newcomer = signer(60)
  mesh.strangers.add(newcomer.peerId)
  const entry = forged(newcomer, MESH_ID, functionEntry(now, 'f'))
  await push(entry)
  t.is(node.catalog.get('function', 'f'), undefined)
  mesh.strangers.delete(newcomer.peerId)
  await push(entry)
  t.truthy(node.catalog.get('function', 'f'))
})

test('a node that connects before it knows all members asks again and is whole within a second', async (t) => {
  const mesh = new TestMesh(t)
  const author = await mesh.node(2)
  const relay = await mesh.node(3)
  await mesh.settle()
  await author.catalog.put('function', 'f', functionRecord('f'))
  await mesh.settle()
  await author.stop()
  mesh.strangers.add(author.signer.peerId)
  const joiner = await mesh.node(1)
  await mesh.settle()
  t.false(joiner.catalog.caughtUp())
  t.is(joiner.catalog.get('function', 'f'), undefined)
  mesh.strangers.clear()
  await mesh.advance(300)
  t.truthy(joiner.catalog.get('function', 'f'))
  t.true(joiner.catalog.caughtUp())
  t.is(joiner.catalog.digest(), relay.catalog.digest())
})

test('an author that stays a stranger does not keep a node from being ready', async (t) => {
  const mesh = new TestMesh(t)
  const author = await mesh.node(2)
  await mesh.node(3)
  await mesh.settle()
  await author.catalog.put('function', 'f', functionRecord('f'))
  await mesh.settle()
  await author.stop()
  mesh.strangers.add(author.signer.peerId)
  const joiner = await mesh.node(1)
  await mesh.advance(3_000)
  t.true(joiner.catalog.caughtUp())
  t.is(joiner.catalog.get('function', 'f'), undefined)
})

test('a replayed older entry changes nothing', async (t) => {
  const { node, now, push } = await scene(t)
  const old = forged(MEMBER, MESH_ID, functionEntry(now - 1_000, 'f'))
  await push(old)
  await node.catalog.remove('function', 'f')
  await push(old)
  t.is(node.catalog.get('function', 'f'), undefined)
})

test('a removal that is older than tombstones are kept is not stored again', async (t) => {
  const { node, now, push } = await scene(t)
  const digest = node.catalog.digest()
  await push(forged(MEMBER, MESH_ID, functionEntry(now - 31 * 86_400_000, 'f', { stored: null })))
  t.is(node.catalog.digest(), digest)
})

test('anyone may remove a node that is gone', async (t) => {
  const { node, mesh, now, push } = await scene(t)
  await node.catalog.put('node', node.signer.peerId, nodeRecord(node.signer.peerId))
  await mesh.settle()
  await push(forged(MEMBER, MESH_ID, functionEntry(now + 1, node.signer.peerId, { kind: 'node', stored: null })))
  t.is(node.catalog.get('node', node.signer.peerId), undefined)
})

const malformed = test.macro({
  exec: async (t: ExecutionContext, type: number, header: unknown, payload: Uint8Array) => {
    const { node, peer, push, now } = await scene(t)
    await t.throwsAsync(peer.call(node.signer.peerId, type, header, payload), { code: 'MALFORMED' })
    await push(forged(MEMBER, MESH_ID, functionEntry(now, 'still-works')))
    t.truthy(node.catalog.get('function', 'still-works'))
  },
  title: (provided) => `answered with MALFORMED: ${provided}`
})
const nothing = new Uint8Array(0)
test('a digest without header', malformed, MESSAGE.CATALOG_DIGEST, undefined, nothing)
test('a digest of 31 bytes', malformed, MESSAGE.CATALOG_DIGEST, { root: new Uint8Array(31) }, nothing)
test('a digest with an unknown field', malformed, MESSAGE.CATALOG_DIGEST, { root: new Uint8Array(32), more: 1 }, nothing)
test('no buckets', malformed, MESSAGE.CATALOG_BUCKETS, { buckets: [] }, nothing)
test('a bucket that is none', malformed, MESSAGE.CATALOG_BUCKETS, { buckets: [256] }, nothing)
test('too many buckets', malformed, MESSAGE.CATALOG_BUCKETS, { buckets: new Array(257).fill(0) }, nothing)
test('a hash and a half', malformed, MESSAGE.CATALOG_BUCKETS, { buckets: [0] }, new Uint8Array(48))
test('more hashes than a catalog has', malformed, MESSAGE.CATALOG_BUCKETS, { buckets: [0] }, new Uint8Array(32 * 100_001))
test('a push that is no array', malformed, MESSAGE.CATALOG_PUSH, { spread: true }, encode({ length: 1 }))
test('a push of numbers', malformed, MESSAGE.CATALOG_PUSH, { spread: true }, encode([1, 2]))
test('a push of too many', malformed, MESSAGE.CATALOG_PUSH, { spread: true }, encode(new Array(257).fill(nothing)))
test('a push of garbage', malformed, MESSAGE.CATALOG_PUSH, { spread: true }, Buffer.from('garbage'))

test('garbage by gossip is logged and harms nothing', async (t) => {
  const { mesh, node, peer, now } = await scene(t)
  peer.publish(TOPIC.CATALOG, Buffer.from('garbage'))
  peer.publish(TOPIC.CATALOG, encode([forged(MEMBER, MESH_ID, functionEntry(now, 'f'))]))
  await mesh.settle()
  t.truthy(node.catalog.get('function', 'f'))
  t.true(node.logger.lines.some((line) => line.message === 'catalog gossip refused'))
})

test('refusals of one author are logged once a minute, not once each', async (t) => {
  const { mesh, node, now, push } = await scene(t)
  const bad = forged(MEMBER, 'other-mesh', functionEntry(now, 'bad'))
  for (let time = 0; time < 10; time++) await push(bad, bad)
  t.is(node.logger.lines.filter((line) => line.level === 'warn').length, 1)
  await mesh.advance(60_001)
  await push(bad)
  t.is(node.logger.lines.filter((line) => line.level === 'warn').length, 2)
})

const lying = test.macro({
  exec: async (t: ExecutionContext, digests: Uint8Array, page: { header: unknown; payload: Uint8Array }, asked: number) => {
    const { mesh, node, peer } = await scene(t)
    let pages = 0
    peer.handle(MESSAGE.CATALOG_DIGEST, (_, request) => request.reply({ same: false }, digests))
    peer.handle(MESSAGE.CATALOG_BUCKETS, (_, request) => {
      pages++
      request.reply(page.header, page.payload)
    })
    peer.handle(MESSAGE.CATALOG_PUSH, (_, request) => request.reply(undefined))
    await mesh.settle()
    t.is(pages, asked)
    t.deepEqual(node.catalog.list('function'), [])
    await node.catalog.put('function', 'f', functionRecord('f'))
    t.truthy(node.catalog.get('function', 'f'))
  },
  title: (provided) => `a lying answer ends the round: ${provided}`
})
const differing = new Uint8Array(4_096).fill(1)
test('digests cut short', lying, new Uint8Array(100), { header: {}, payload: nothing }, 0)
test('a page that is none', lying, differing, { header: {}, payload: Buffer.from('garbage') }, 1)
test('pages in a circle', lying, differing, { header: { next: { bucket: 1, key: 'a' } }, payload: encode([[], []]) }, 2)
test('indexes of hashes that were never sent', lying, differing, { header: {}, payload: encode([[], [7, 4_000_000_000]]) }, 1)

test('a peer that never answers costs one round, not the catalog', async (t) => {
  const { mesh, node, peer } = await scene(t)
  let asked = 0
  peer.handle(MESSAGE.CATALOG_DIGEST, () => asked++)
  const other = await mesh.node(2)
  await mesh.settle()
  mesh.network.faults.loss = 1
  await mesh.advance(60_000)
  t.true(asked > 1, 'it is asked again later')
  t.is(node.catalog.digest(), other.catalog.digest())
  t.true(node.catalog.caughtUp())
  t.false(JSON.stringify(node.logger.lines).includes(SECRET))
})

test('a peer that always has one more page, each at the last moment, does not keep a node from catching up with others', async (t) => {
  const mesh = new TestMesh(t)
  const peer = mesh.network.join(MEMBER.peerId)
  let pages = 0
  peer.handle(MESSAGE.CATALOG_DIGEST, (_, request) => request.reply({ same: false }, new Uint8Array(4_096).fill(1)))
  peer.handle(MESSAGE.CATALOG_BUCKETS, (_, request) => {
    const next = { bucket: 255, key: String(++pages).padStart(9, '0') }
    mesh.clock.after(9_000, () => request.reply({ next }, encode([[], []])))
  })
  const joiner = await mesh.node(1)
  await mesh.settle()
  await mesh.node(2)
  await mesh.advance(30_000)
  t.false(joiner.catalog.caughtUp())
  await mesh.advance(60_000)
  t.true(joiner.catalog.caughtUp())
})
