import { MemoryLogger, SeededRandom } from '@peerless/testing'
import { type Signer, signerOf } from '@peerless/wire'
import test from 'ava'
import { REMOVALS_MAX } from '../src/constants.ts'
import { issueDeparture } from '../src/departure.ts'
import { Directory } from '../src/directory.ts'
import { issueCertificate, type Membership, verifyChain } from '../src/membership.ts'
import type { PeerLink } from '../src/peer-link.ts'
import { issueRemoval } from '../src/removal.ts'
import { RemovalBook } from '../src/removal-book.ts'
import { RemovalRoster } from '../src/removal-roster.ts'
import { removalsOf } from '../src/remove-member.ts'
import { temporaryFolder } from './_nodes.ts'

const seeds = new SeededRandom(20261130)
const meshKey = signerOf(seeds.bytes(32))
const meshId = meshKey.peerId

interface Node {
  signer: Signer
  membership: Membership
}

function invitedBy(inviter: Node | undefined): Node {
  const signer = signerOf(seeds.bytes(32))
  const leaf = issueCertificate(inviter?.signer ?? meshKey, meshId, { peerId: signer.peerId, name: 'n', issuedAt: 0 })
  return { signer, membership: verifyChain([leaf, ...(inviter?.membership.chain ?? [])], meshId) }
}

const founder = invitedBy(undefined)
const lost = invitedBy(founder)

async function rosterOf(folder: string, sent: Uint8Array[] = [], directory = new Directory(folder)): Promise<RemovalRoster> {
  const wire = { notify: (_type: number, _header: unknown, payload: Uint8Array) => sent.push(payload) }
  const roster = new RemovalRoster({
    meshId,
    directory,
    logger: new MemoryLogger(),
    links: () => [{ peerId: 'peer', bulk: { wire } } as unknown as PeerLink],
    onNews: () => undefined
  })
  await roster.load()
  return roster
}

test('a node that invited more than a mesh remembers is removed with all of them, and others after it', async (t) => {
  const folder = await temporaryFolder(t)
  const sent: Uint8Array[] = []
  const roster = await rosterOf(folder, sent)
  const invited = Array.from({ length: REMOVALS_MAX + 50 }, () => invitedBy(lost))
  const members = [founder, lost, ...invited].map(({ membership }) => membership)
  const order = { signer: founder.signer, meshId, now: 1, members, removals: roster.book, keeps: () => false }
  await roster.add(removalsOf({ ...order, target: lost.membership }))
  const later = Array.from({ length: 20 }, () => invitedBy(founder))
  for (const { membership } of later) await roster.add(removalsOf({ ...order, target: membership }))
  const again = await rosterOf(folder)
  t.deepEqual(again.book.digest(), roster.book.digest())
  const told = new RemovalBook(meshId)
  for (const payload of sent) told.take(payload)
  for (const { membership } of [lost, ...later, ...invited]) {
    t.truthy(again.book.against(membership))
    t.truthy(told.against(membership))
  }
})

test('what is news is told alone, not with all that was known before', async (t) => {
  const sent: Uint8Array[] = []
  const roster = await rosterOf(await temporaryFolder(t), sent)
  const removals = [lost, invitedBy(founder)].map(({ membership }) =>
    issueRemoval(founder.signer, meshId, membership, { at: 1, keeps: [] })
  )
  for (const removal of removals) await roster.add([removal])
  const told = sent.map((payload) => new RemovalBook(meshId).take(payload).news.map(({ membership }) => membership.peerId))
  t.deepEqual(
    told,
    removals.map(({ membership }) => [membership.peerId])
  )
})

test('a removal that cannot be written holds and is told all the same, and whoever asked for it hears of that', async (t) => {
  const folder = await temporaryFolder(t)
  const sent: Uint8Array[] = []
  const full = new Directory(folder)
  full.write = () => Promise.reject(new Error('ENOSPC: no space left on device'))
  const roster = await rosterOf(folder, sent, full)
  const removal = issueRemoval(founder.signer, meshId, lost.membership, { at: 1, keeps: [] })
  await t.throwsAsync(roster.add([removal]), { code: 'UNAVAILABLE', message: /could not be written/ })
  t.truthy(roster.book.against(lost.membership))
  t.is(sent.length, 1)
})

test('that a node left is on disk before anybody hears of it, and where it cannot be written, nobody does', async (t) => {
  const folder = await temporaryFolder(t)
  const sent: Uint8Array[] = []
  const disk = new Directory(folder)
  const write = disk.write.bind(disk)
  const roster = await rosterOf(folder, sent, disk)
  const words = { at: 1, stays: [], stands: [] }
  const departure = issueDeparture(lost.signer, meshId, lost.membership, words)
  disk.write = () => Promise.reject(new Error('ENOSPC: no space left on device'))
  await t.throwsAsync(roster.addOnceWritten([departure]), { code: 'UNAVAILABLE', message: /left could not be written.*ENOSPC/ })
  t.is(roster.book.against(lost.membership), undefined)
  t.is(sent.length, 0)
  const told = () => sent.some((payload) => Buffer.from(payload).includes(departure.bytes))
  let toldBefore: boolean | undefined
  disk.write = async (name, bytes) => {
    disk.write = write
    toldBefore = told()
    t.is(roster.book.departureOf(lost.membership.peerId), undefined)
    await write(name, bytes)
  }
  const leaving = roster.addOnceWritten([departure])
  // What is written meanwhile comes after it, and has it.
  const other = issueRemoval(founder.signer, meshId, invitedBy(founder).membership, { at: 1, keeps: [] })
  await Promise.all([leaving, roster.add([other])])
  t.deepEqual([toldBefore, told()], [false, true])
  const again = await rosterOf(folder)
  t.deepEqual(again.book.digest(), roster.book.digest())
  t.truthy(again.book.departureOf(lost.membership.peerId))
})

test('a departure that finds no place in a full book is neither written nor told', async (t) => {
  const folder = await temporaryFolder(t)
  const sent: Uint8Array[] = []
  const roster = await rosterOf(folder, sent)
  const all = Array.from({ length: REMOVALS_MAX }, () => invitedBy(founder).membership)
  await roster.add(all.map((membership) => issueRemoval(founder.signer, meshId, membership, { at: 1, keeps: [] })))
  const below = invitedBy(lost)
  const departure = issueDeparture(below.signer, meshId, below.membership, { at: 1, stays: [], stands: [] })
  await t.throwsAsync(roster.addOnceWritten([departure]), { code: 'CONFLICT', message: /remembers at most/ })
  t.is(sent.length, 1)
  t.deepEqual((await rosterOf(folder)).book.digest(), roster.book.digest())
})
