import { copyFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signerOf } from '@peerless/wire'
import test from 'ava'
import { issueCertificate, verifyChain } from '../src/membership.ts'
import { issueRemoval } from '../src/removal.ts'
import { RemovalBook } from '../src/removal-book.ts'
import { connected, gone, type Node, startMesh, startNode } from './_nodes.ts'

const invite = (node: Node, uses = 1) => node.mesh.invite({ role: 'node', ttlMs: 60_000, uses })
const keepAll = () => true

/** Resolves when the node has refused a connection, or was refused one, for that reason. */
async function logged(node: Node, pattern: RegExp): Promise<void> {
  while (!node.logger.lines.some((line) => pattern.test(JSON.stringify(line)))) await new Promise((next) => setImmediate(next))
}

/** Dials until it is refused, and gives the reason: a connection that was let in before the removal was known there lasts a moment longer. */
async function refusedAsRemoved(node: Node, addresses: string[]): Promise<string> {
  for (;;) {
    // Where one is open still, `connect` resolves without anything being read.
    await new Promise((next) => setImmediate(next))
    const refusal = await node.mesh.connect(addresses).then(
      () => undefined,
      (error) => error
    )
    if (refusal?.code === 'NOT_A_MEMBER') return refusal.message
  }
}

test('a removed node loses every connection, and gets none any more, whoever starts', async (t) => {
  const [founder, other, lost] = (await startMesh(t, 3)) as [Node, Node, Node]
  const { peerId } = lost.mesh
  const ends = [founder, other].map((node) => gone(node.mesh, peerId))
  t.deepEqual(await founder.mesh.remove(peerId, keepAll), [peerId])
  await Promise.all(ends)
  await logged(lost, /this node was removed from its mesh/)
  for (const { mesh } of [founder, other]) {
    t.false(mesh.isMember(peerId))
    t.true(mesh.isRemoved(peerId))
    t.false(mesh.members().some((member) => member.peerId === peerId))
  }
  const message = await refusedAsRemoved(lost, other.mesh.addresses())
  t.regex(message, new RegExp(`is no member any more: it was removed at .* by ${founder.mesh.peerId}`))
  await refusedAsRemoved(other, lost.mesh.addresses())
  t.deepEqual(founder.mesh.peers(), [other.mesh.peerId])
})

test('what is removed stays so: after a restart, for who was away, and for who comes later', async (t) => {
  const [founder, away, lost] = (await startMesh(t, 3)) as [Node, Node, Node]
  const { peerId } = lost.mesh
  await away.mesh.stop()
  await founder.mesh.remove(peerId, keepAll)
  await founder.mesh.stop()
  const again = await startNode(t, 'node-0', { directory: founder.directory })
  t.true(again.mesh.isRemoved(peerId))
  await t.throwsAsync(lost.mesh.connect(again.mesh.addresses()), { code: 'NOT_A_MEMBER' })
  const back = await startNode(t, 'node-1', { directory: away.directory })
  await connected(back.mesh, again.mesh.peerId)
  while (!back.mesh.isRemoved(peerId)) await new Promise((next) => setImmediate(next))
  const late = await startNode(t, 'late', { join: await invite(again) })
  await connected(late.mesh, again.mesh.peerId)
  while (!late.mesh.isRemoved(peerId)) await new Promise((next) => setImmediate(next))
  for (const { mesh } of [back, late]) {
    await refusedAsRemoved(lost, mesh.addresses())
    t.false(mesh.peers().includes(peerId))
  }
})

test('nodes that a removed one invited stay or go, and what it joined with lets nobody in', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await invite(founder, 5)
  const lost = await startNode(t, 'lost', { join: token })
  const kept = await startNode(t, 'kept', { join: await invite(lost) })
  const dropped = await startNode(t, 'dropped', { join: await invite(lost) })
  await Promise.all([kept, dropped].map(({ mesh }) => connected(founder.mesh, mesh.peerId)))
  const removed = await founder.mesh.remove(lost.mesh.peerId, (peerId) => peerId === kept.mesh.peerId)
  t.deepEqual(removed, [lost.mesh.peerId, dropped.mesh.peerId])
  await Promise.all([lost, dropped].map(({ mesh }) => gone(founder.mesh, mesh.peerId)))
  t.deepEqual(founder.mesh.peers(), [kept.mesh.peerId])
  // It invites on, and it comes again under another key.
  const friend = await startNode(t, 'friend', { join: await invite(lost) })
  await t.throwsAsync(friend.mesh.connect(founder.mesh.addresses()), { message: /which let it in, was removed/ })
  await t.throwsAsync(startNode(t, 'again', { join: token }), { code: 'INVALID_INVITE' })
  // Who was kept carries the mesh on: it can invite.
  const late = await startNode(t, 'late', { join: await invite(kept) })
  await connected(late.mesh, founder.mesh.peerId)
})

test('nobody removes itself, a stranger, or a node that others let in', async (t) => {
  const [founder, one, two] = (await startMesh(t, 3)) as [Node, Node, Node]
  await t.throwsAsync(one.mesh.remove(one.mesh.peerId, keepAll), { code: 'INVALID_ARGUMENT' })
  await t.throwsAsync(one.mesh.remove('12D3KooWnobody', keepAll), { code: 'NOT_FOUND' })
  const error = await t.throwsAsync(one.mesh.remove(two.mesh.peerId, keepAll), { code: 'FORBIDDEN' })
  t.true(error?.message.includes(founder.mesh.peerId))
  await t.throwsAsync(one.mesh.remove(founder.mesh.peerId, keepAll), { code: 'FORBIDDEN' })
  t.is(one.mesh.peers().length, 2)
})

test('a removed node that starts again says so, removes nobody, and spends no invite under its old key', async (t) => {
  const [founder, lost] = (await startMesh(t, 2)) as [Node, Node]
  const { peerId } = lost.mesh
  const friend = await startNode(t, 'friend', { join: await invite(lost) })
  await founder.mesh.remove(peerId, keepAll)
  await logged(lost, /this node was removed from its mesh/)
  await lost.mesh.stop()
  const again = await startNode(t, 'node-1', { directory: lost.directory })
  await logged(again, /this node was removed from its mesh/)
  t.false(again.mesh.isMember(peerId))
  await t.throwsAsync(again.mesh.remove(friend.mesh.peerId, keepAll), { code: 'FORBIDDEN', message: /was removed .* itself/ })
  await again.mesh.stop()
  await rm(join(lost.directory, 'membership.cbor'))
  const token = await invite(founder)
  await t.throwsAsync(startNode(t, 'node-1', { directory: lost.directory, join: token }), {
    code: 'INVALID_INVITE',
    message: /no member any more: it was removed .* an empty data folder/
  })
  await startNode(t, 'node-1', { join: token })
})

test('what a removed node joined with is withdrawn also after a stop between the two writes', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await invite(founder, 5)
  const lost = await startNode(t, 'lost', { join: token })
  const file = join(founder.directory, 'invites.cbor')
  await copyFile(file, `${file}.before`)
  await founder.mesh.remove(lost.mesh.peerId, keepAll)
  await founder.mesh.stop()
  await copyFile(`${file}.before`, file)
  const [, port] = /tcp\/(\d+)/.exec(founder.mesh.addresses()[0] ?? '') ?? []
  await startNode(t, 'founder', { directory: founder.directory, ...(port ? { listen: [`/ip4/127.0.0.1/tcp/${port}`] } : {}) })
  await t.throwsAsync(startNode(t, 'again', { join: token }), { code: 'INVALID_INVITE', message: /was used/ })
})

test('a member that signs itself above another removes it from nowhere, and takes no invite back', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await invite(founder, 5)
  const victim = await startNode(t, 'victim', { join: token })
  const hostile = await startNode(t, 'hostile', { join: await invite(founder) })
  const { signer, meshId } = hostile.mesh
  const own = hostile.mesh.memberOf(signer.peerId)?.chain ?? []
  const forged = [founder, victim].map(({ mesh: { peerId } }) => {
    const chain = [issueCertificate(signer, meshId, { peerId, name: 'x', issuedAt: 0 }), ...own]
    return issueRemoval(signer, meshId, verifyChain(chain, meshId), { at: 1, keeps: [] })
  })
  // And one that counts, so that it is known when all have come.
  const unknown = signerOf(new Uint8Array(32).fill(7))
  const chain = [issueCertificate(signer, meshId, { peerId: unknown.peerId, name: 'x', issuedAt: 0 }), ...own]
  const counts = issueRemoval(signer, meshId, verifyChain(chain, meshId), { at: 1, keeps: [] })
  const book = new RemovalBook(meshId)
  for (const removal of [...forged, counts]) book.learn(removal)
  await hostile.mesh.stop()
  await writeFile(join(hostile.directory, 'removals.cbor'), book.encode())
  await startNode(t, 'hostile', { directory: hostile.directory })
  for (const { mesh } of [founder, victim]) {
    while (!mesh.isRemoved(unknown.peerId)) await new Promise((next) => setImmediate(next))
    t.true(mesh.isMember(founder.mesh.peerId))
    t.true(mesh.isMember(victim.mesh.peerId))
    t.false(mesh.isRemoved(victim.mesh.peerId))
  }
  await startNode(t, 'late', { join: token })
})
