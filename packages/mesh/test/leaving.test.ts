import { copyFile, cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encode } from '@peerless/wire'
import test from 'ava'
import { MEMBERS_MAX } from '../src/constants.ts'
import { issueDeparture } from '../src/departure.ts'
import { verifyChain } from '../src/membership.ts'
import { RemovalBook } from '../src/removal-book.ts'
import { connected, gone, type Node, startMesh, startNode, temporaryFolder } from './_nodes.ts'

const invite = (node: Node, uses = 1) => node.mesh.invite({ role: 'node', ttlMs: 60_000, uses })
const idOf = ({ mesh }: Node) => mesh.peerId
const turn = () => new Promise((next) => setImmediate(next))

/** Resolves when the node has heard that another is a member no more. */
async function hears(node: Node, of: string): Promise<void> {
  while (!node.mesh.isRemoved(of)) await turn()
}

async function logged(node: Node, pattern: RegExp): Promise<void> {
  while (!node.logger.lines.some((line) => pattern.test(JSON.stringify(line)))) await turn()
}

test('a node that leaves is left alone, and whom it let in stays, with all that is below', async (t) => {
  const founder = await startNode(t, 'founder')
  const leaver = await startNode(t, 'leaver', { join: await invite(founder) })
  const child = await startNode(t, 'child', { join: await invite(leaver) })
  const grandchild = await startNode(t, 'grandchild', { join: await invite(child) })
  const stay = [founder, child, grandchild]
  for (const one of stay) await connected(leaver.mesh, idOf(one))
  const { told, untold } = await leaver.mesh.leaving.leave()
  t.deepEqual([told.sort(), untold], [stay.map(idOf).sort(), []])
  t.true(leaver.mesh.leaving.done)
  await Promise.all(stay.map(({ mesh }) => gone(mesh, idOf(leaver))))
  for (const one of stay) {
    for (const other of stay) if (one !== other) await connected(one.mesh, idOf(other))
    t.false(one.mesh.isMember(idOf(leaver)))
    t.true(one.mesh.isRemoved(idOf(leaver)))
    for (const other of stay) t.true(one.mesh.isMember(idOf(other)))
  }
  await logged(founder, /a node left the mesh/)
  t.false(founder.logger.lines.some((line) => /was removed/.test(JSON.stringify(line))))
  // Whoever comes now can check lines that run through it.
  const late = await startNode(t, 'late', { join: await invite(grandchild) })
  await Promise.all(stay.map((one) => connected(late.mesh, idOf(one))))
  await hears(late, idOf(leaver))
  t.true(late.mesh.isMember(idOf(child)))
  await t.throwsAsync(leaver.mesh.connect(founder.mesh.addresses()), { message: /is no member any more: it left at/ })
})

test('one that was away when a node left hears of it from the others, after its own start, too', async (t) => {
  const [founder, leaver, away] = (await startMesh(t, 3)) as [Node, Node, Node]
  await away.mesh.stop()
  await gone(leaver.mesh, idOf(away))
  await leaver.mesh.leaving.leave()
  await hears(founder, idOf(leaver))
  await leaver.mesh.stop()
  const back = await startNode(t, 'away', { directory: away.directory })
  await connected(back.mesh, idOf(founder))
  await hears(back, idOf(leaver))
  await back.mesh.stop()
  const again = await startNode(t, 'away', { directory: away.directory })
  t.true(again.mesh.isRemoved(idOf(leaver)))
})

test('where one side of a partition hears that a node left, and the other removes it meanwhile, both are heard', async (t) => {
  const founder = await startNode(t, 'founder')
  const leaver = await startNode(t, 'leaver', { join: await invite(founder) })
  const child = await startNode(t, 'child', { join: await invite(leaver) })
  await connected(child.mesh, idOf(founder))
  await founder.mesh.stop()
  await gone(leaver.mesh, idOf(founder))
  await leaver.mesh.leaving.leave()
  await hears(child, idOf(leaver))
  await Promise.all([leaver, child].map(({ mesh }) => mesh.stop()))
  const alone = await startNode(t, 'founder', { directory: founder.directory })
  t.true(alone.mesh.isMember(idOf(leaver)))
  await alone.mesh.remove(idOf(leaver), () => true)
  const back = await startNode(t, 'child', { directory: child.directory })
  await connected(back.mesh, idOf(alone))
  for (const { mesh } of [alone, back]) {
    t.true(mesh.isMember(idOf(child)))
    t.true(mesh.isRemoved(idOf(leaver)))
  }
  // Who is above it may still take along whom it had let in.
  t.deepEqual((await alone.mesh.remove(idOf(leaver), () => false)).slice(0, 2), [idOf(leaver), idOf(child)])
  await gone(alone.mesh, idOf(child))
})

test('an invite of a node that leaves lets nobody in, and one that it came with still does', async (t) => {
  const founder = await startNode(t, 'founder')
  const shared = await invite(founder, 5)
  const leaver = await startNode(t, 'leaver', { join: shared })
  const unused = await invite(leaver)
  leaver.mesh.leaving.begun = true
  const refused = { code: 'INVALID_INVITE', message: /is leaving the mesh and lets nobody in/ }
  await t.throwsAsync(startNode(t, 'late', { join: unused }), refused)
  await t.throwsAsync(invite(leaver), { code: 'UNAVAILABLE', message: /is leaving the mesh/ })
  await leaver.mesh.leaving.leave()
  await hears(founder, idOf(leaver))
  await t.throwsAsync(startNode(t, 'late', { join: unused }), { code: 'INVALID_INVITE' })
  // Leaving is no accusation.
  const late = await startNode(t, 'late', { join: shared })
  await connected(founder.mesh, idOf(late))
})

/** The record of one invite that so many nodes came with. */
async function writeInvites(directory: string, count: number): Promise<void> {
  const holders = Array.from({ length: count }, (_, index) => [`12D3KooWholder${index}`, new Uint8Array(1)])
  const entry = ['aa', new Uint8Array(32), 'node', Date.now() + 86_400_000, count, 0, holders]
  await writeFile(join(directory, 'invites.cbor'), encode([1, [entry]]))
}

test('a founder that let in thousands of nodes can leave, and they stay', async (t) => {
  const directory = await temporaryFolder(t)
  await writeInvites(directory, 5_000)
  const founder = await startNode(t, 'founder', { directory })
  const [one, two] = [
    await startNode(t, 'one', { join: await invite(founder) }),
    await startNode(t, 'two', { join: await invite(founder) })
  ]
  for (const node of [one, two]) await connected(founder.mesh, idOf(node))
  t.is((await founder.mesh.leaving.leave({ successor: idOf(one) })).told.length, 2)
  for (const node of [one, two]) await hears(node, idOf(founder))
  t.true(one.mesh.isMember(idOf(two)))
  t.is(two.mesh.leaving.head, idOf(one))
  // It is kept, and told on.
  await two.mesh.stop()
  const again = await startNode(t, 'two', { directory: two.directory })
  t.true(again.mesh.isRemoved(idOf(founder)))
  const late = await startNode(t, 'late', { join: await invite(again) })
  await hears(late, idOf(founder))
})

test('whom a node let in and nobody is below any more takes no place of those that stay when it leaves', async (t) => {
  const founder = await startNode(t, 'founder')
  const leaver = await startNode(t, 'leaver', { join: await invite(founder) })
  await leaver.mesh.stop()
  await writeInvites(leaver.directory, MEMBERS_MAX - 1)
  const back = await startNode(t, 'leaver', { directory: leaver.directory })
  const [gone, stays] = [
    await startNode(t, 'gone', { join: await invite(back) }),
    await startNode(t, 'stays', { join: await invite(back) })
  ]
  for (const node of [gone, stays]) await connected(back.mesh, idOf(node))
  await back.mesh.remove(idOf(gone), () => true)
  await connected(founder.mesh, idOf(stays))
  await back.mesh.leaving.leave()
  await hears(founder, idOf(leaver))
  t.true(founder.mesh.isMember(idOf(stays)))
  t.true(founder.mesh.isRemoved(idOf(gone)))
  t.false(founder.mesh.isMember(idOf(gone)))
})

test('the key of a node that left is none any more: it joins with no new invite, and spends none', async (t) => {
  const [founder, leaver] = (await startMesh(t, 2)) as [Node, Node]
  await leaver.mesh.leaving.leave()
  await hears(founder, idOf(leaver))
  await leaver.mesh.stop()
  // Its departure is on its own disk: a start knows of it.
  const again = await startNode(t, 'node-1', { directory: leaver.directory })
  t.true(again.mesh.leaving.done)
  await t.throwsAsync(again.mesh.leaving.leave(), { code: 'CONFLICT', message: /has left its mesh already/ })
  await t.throwsAsync(
    again.mesh.remove(idOf(founder), () => true),
    { code: 'FORBIDDEN' }
  )
  await again.mesh.stop()
  for (const file of ['membership.cbor', 'removals.cbor']) await rm(join(leaver.directory, file))
  const token = await invite(founder)
  const refused = { code: 'INVALID_INVITE', message: /it left at .* an empty data folder/ }
  await t.throwsAsync(startNode(t, 'node-1', { directory: leaver.directory, join: token }), refused)
  const anew = await startNode(t, 'node-1', { join: token })
  await connected(founder.mesh, idOf(anew))
  // What was said of the old key, told again, is not of the new one.
  t.true(founder.mesh.isMember(idOf(anew)))
  t.true(founder.mesh.isRemoved(idOf(leaver)))
})

test('a start from a copy of the folder of a node that left says that it is refused, and why, once', async (t) => {
  const [founder, leaver] = (await startMesh(t, 2)) as [Node, Node]
  await leaver.mesh.stop()
  const copy = await temporaryFolder(t)
  await cp(leaver.directory, copy, { recursive: true })
  const last = await startNode(t, 'node-1', { directory: leaver.directory })
  await connected(last.mesh, idOf(founder))
  await last.mesh.leaving.leave()
  await last.mesh.stop()
  const back = await startNode(t, 'node-1', { directory: copy })
  await logged(back, /a member refuses this node.*it left at/)
  t.regex(back.mesh.refused.by(idOf(founder)) ?? '', /it left at/)
  t.is(founder.mesh.refused.by(idOf(back)), undefined)
  const dials = () => founder.logger.lines.filter(({ message }) => message === 'refused a connection').length
  for (const before = dials(); dials() < before + 2; ) await turn()
  t.is(back.logger.lines.filter(({ message }) => message === 'a member refuses this node').length, 1)
  t.deepEqual(founder.mesh.peers(), [])
})

test('whom a copy of its key lets in after a node has left, is nobody', async (t) => {
  const [founder, leaver] = (await startMesh(t, 2)) as [Node, Node]
  const peers = join(leaver.directory, 'removals.cbor')
  await writeFile(`${peers}.before`, new RemovalBook(leaver.mesh.meshId).encode())
  await leaver.mesh.leaving.leave()
  await hears(founder, idOf(leaver))
  await leaver.mesh.stop()
  await copyFile(`${peers}.before`, peers)
  const copy = await startNode(t, 'node-1', { directory: leaver.directory })
  const friend = await startNode(t, 'friend', { join: await invite(copy) })
  const message = /left at .*, and it is none of those that it said it had let in/
  await t.throwsAsync(friend.mesh.connect(founder.mesh.addresses()), { message })
})

test('a departure that another member forged is dropped, and one that is told again is no news', async (t) => {
  const [founder, victim, hostile] = (await startMesh(t, 3)) as [Node, Node, Node]
  const { signer, meshId } = hostile.mesh
  const chain = victim.mesh.memberOf(idOf(victim))?.chain ?? []
  const membership = verifyChain(chain, meshId)
  const words = { at: 1, stays: [], stands: [] }
  const forged = issueDeparture(signer, meshId, membership, words)
  const own = issueDeparture(signer, meshId, verifyChain(hostile.mesh.memberOf(idOf(hostile))?.chain, meshId), words)
  const book = new RemovalBook(meshId)
  for (const one of [forged, own]) book.learn(one)
  await hostile.mesh.stop()
  await writeFile(join(hostile.directory, 'removals.cbor'), book.encode())
  await startNode(t, 'hostile', { directory: hostile.directory })
  // Its own counts, so that it is known when both have come.
  await hears(founder, idOf(hostile))
  t.true(founder.mesh.isMember(idOf(victim)))
  t.false(founder.mesh.isRemoved(idOf(victim)))
})

test('when the founder leaves, its successor can remove everybody, and nobody else more than before', async (t) => {
  const founder = await startNode(t, 'founder')
  const heir = await startNode(t, 'heir', { join: await invite(founder) })
  const other = await startNode(t, 'other', { join: await invite(founder) })
  const below = await startNode(t, 'below', { join: await invite(other) })
  for (const one of [heir, other, below]) await connected(founder.mesh, idOf(one))
  t.is(founder.mesh.leaving.head, idOf(founder))
  t.deepEqual(founder.mesh.leaving.successors(), [idOf(heir), idOf(other)])
  t.deepEqual(other.mesh.leaving.successors(), [])
  for (const [named, message] of [
    [idOf(below), /somebody else let it in, who is here still/],
    [idOf(founder), /it is no other member/],
    ['12D3KooWnobody', /12D3KooWnobody cannot succeed this node: it is no other member/]
  ] as const) {
    await t.throwsAsync(founder.mesh.leaving.leave({ successor: named }), { code: 'FORBIDDEN', message })
  }
  await t.throwsAsync(other.mesh.leaving.leave({ successor: idOf(below) }), {
    code: 'FORBIDDEN',
    message: /has nothing to hand on/
  })
  await founder.mesh.leaving.leave({ successor: idOf(heir) })
  for (const one of [heir, other, below]) await hears(one, idOf(founder))
  for (const one of [heir, other, below]) t.is(one.mesh.leaving.head, idOf(heir))
  await t.throwsAsync(
    below.mesh.remove(idOf(other), () => true),
    {
      code: 'FORBIDDEN',
      message: new RegExp(`ask heir \\(${idOf(heir)}\\)`)
    }
  )
  await t.throwsAsync(
    other.mesh.remove(idOf(heir), () => true),
    { code: 'FORBIDDEN', message: /nobody can/ }
  )
  t.deepEqual(await heir.mesh.remove(idOf(other), () => true), [idOf(other)])
  await hears(below, idOf(other))
  t.true(below.mesh.isMember(idOf(below)))
  t.deepEqual(await heir.mesh.remove(idOf(below), () => true), [idOf(below)])
  await gone(heir.mesh, idOf(below))
})

test('a founder that names no successor leaves members that nobody can remove, and that can leave themselves', async (t) => {
  const [founder, one, two] = (await startMesh(t, 3)) as [Node, Node, Node]
  await founder.mesh.leaving.leave()
  for (const node of [one, two]) await hears(node, idOf(founder))
  t.is(one.mesh.leaving.head, undefined)
  await t.throwsAsync(
    one.mesh.remove(idOf(two), () => true),
    { code: 'FORBIDDEN', message: /nobody has inherited that right/ }
  )
  const late = await startNode(t, 'late', { join: await invite(one) })
  await connected(late.mesh, idOf(two))
  t.deepEqual(await one.mesh.remove(idOf(late), () => true), [idOf(late)])
  await gone(two.mesh, idOf(late))
  t.deepEqual((await two.mesh.leaving.leave()).told, [idOf(one)])
})

test('who goes with a node that leaves is out by the same word, and whom it let in stays', async (t) => {
  const founder = await startNode(t, 'founder')
  const leaver = await startNode(t, 'leaver', { join: await invite(founder) })
  const front = await startNode(t, 'front', { join: await invite(leaver) })
  const child = await startNode(t, 'child', { join: await invite(front) })
  for (const one of [founder, front, child]) await connected(leaver.mesh, idOf(one))
  const { told } = await leaver.mesh.leaving.leave({ goes: [idOf(front)] })
  t.deepEqual(told.sort(), [idOf(founder), idOf(child)].sort())
  for (const one of [founder, child]) {
    await Promise.all([leaver, front].map((out) => gone(one.mesh, idOf(out))))
    // Not only a stranger: its key is revoked, and what it had signed holds.
    t.true(one.mesh.isRemoved(idOf(front)))
    t.true(one.mesh.isMember(idOf(child)))
  }
  const nobody = await startNode(t, 'nobody', { join: await invite(founder) })
  await hears(nobody, idOf(front))
})
