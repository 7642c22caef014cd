import { randomBytes } from 'node:crypto'
import { realClock } from '@peerless/testing'
import { encode, encodeEnvelope, seal, signerOf } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import type { InviteRedeemed } from '../src/index.ts'
import { encodeToken } from '../src/invite-token.ts'
import { connected, type Node, openNode, startNode, temporaryFolder } from './_nodes.ts'

const FUZZ_SEED = 20261124
const HOUR_MS = 3_600_000

function nodeInvite(node: Node, uses = 1): Promise<string> {
  return node.mesh.invite({ role: 'node', ttlMs: HOUR_MS, uses })
}

/** Asserts that joining with the token fails and says why, and that nothing was founded instead. */
async function refusesToJoin(t: ExecutionContext, token: string, reason: RegExp): Promise<void> {
  const error = await t.throwsAsync(openNode(t, 'joiner', { join: token }))
  t.like(error, { code: 'INVALID_INVITE' })
  t.regex(error?.message ?? '', reason)
}

test('a token has its prefix, fits a line, and joins exactly one node', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await nodeInvite(founder)
  t.true(token.startsWith('plinv1.'))
  t.true(token.length < 600, `${token.length}`)
  await startNode(t, 'first', { join: token })
  await refusesToJoin(t, token, /was used: 1 of 1 use is spent/)
})

test('two nodes that redeem a one-use token at once: exactly one joins', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await nodeInvite(founder)
  const results = await Promise.allSettled([1, 2, 3, 4].map((n) => openNode(t, `joiner-${n}`, { join: token })))
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const result of results) if (result.status === 'rejected') t.like(result.reason, { code: 'INVALID_INVITE' })
})

test('a token of three uses joins three nodes and no fourth, also when the issuer restarts in between', async (t) => {
  const first = await startNode(t, 'founder')
  const token = await nodeInvite(first, 3)
  await openNode(t, 'a', { join: token })
  const port = /tcp\/(\d+)/.exec(first.mesh.addresses()[0] ?? '')?.[1]
  await first.mesh.stop()
  await startNode(t, 'founder', { directory: first.directory, listen: [`/ip4/127.0.0.1/tcp/${port}`] })
  await openNode(t, 'b', { join: token })
  await openNode(t, 'c', { join: token })
  await refusesToJoin(t, token, /3 of 3 uses are spent/)
})

test('a node that lost the answer redeems again and gets the same certificate', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await nodeInvite(founder)
  const joiner = await openNode(t, 'joiner', { join: token })
  const { rm } = await import('node:fs/promises')
  await rm(`${joiner.directory}/membership.cbor`)
  const again = await openNode(t, 'joiner', { join: token, directory: joiner.directory })
  t.is(again.mesh.peerId, joiner.mesh.peerId)
  t.deepEqual(again.mesh.memberOf(again.mesh.peerId), joiner.mesh.memberOf(joiner.mesh.peerId))
})

test('a restart may repeat the spent token, but not one of another mesh', async (t) => {
  const [founder, other] = await Promise.all([startNode(t, 'founder'), startNode(t, 'other')])
  const token = await nodeInvite(founder)
  const joiner = await openNode(t, 'joiner', { join: token })
  const again = await openNode(t, 'joiner', { join: token, directory: joiner.directory })
  t.false(again.mesh.joinedNow)
  t.true(again.mesh.joined)
  const error = await t.throwsAsync(openNode(t, 'joiner', { join: await nodeInvite(other), directory: joiner.directory }))
  t.like(error, { code: 'CONFLICT' })
  t.regex(error?.message ?? '', /is for mesh .* but this data folder belongs to mesh/)
})

test('an expired token is refused with the time, by a joiner whose clock is right and by the issuer when it is not', async (t) => {
  let skewMs = 0
  const clock = { ...realClock, now: () => realClock.now() + skewMs }
  const founder = await startNode(t, 'founder', { clock })
  const token = await founder.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 })
  const late = { ...realClock, now: () => realClock.now() + HOUR_MS }
  t.like(await t.throwsAsync(openNode(t, 'joiner', { join: token, clock: late })), { code: 'INVALID_INVITE' })
  skewMs = HOUR_MS
  await refusesToJoin(t, token, /expired at \d{4}-\d\d-\d\dT.+; the clock that says so shows \d{4}-\d\d-\d\dT/)
  t.true(founder.logger.lines.some(({ level, fields }) => level === 'warn' && /expired/.test(String(fields.reason))))
})

test('a token that the issuer never issued is refused, even when its secret is guessed at or its issuer is claimed', async (t) => {
  const founder = await startNode(t, 'founder')
  const bytes = { inviteId: randomBytes(12), secret: randomBytes(16) }
  const order = { meshId: founder.mesh.meshId, role: 'node' as const, expiresAt: Date.now() + HOUR_MS }
  const addresses = founder.mesh.addresses()
  // A stranger that signs for itself, but has the joiner dial the founder: the address names another peer than the signer.
  await refusesToJoin(t, encodeToken(signerOf(randomBytes(32)), { ...order, ...bytes, addresses }), /malformed/)
  // A stranger that claims the founder's signature.
  const payload = encode([1, order.meshId, bytes.inviteId, bytes.secret, 'node', order.expiresAt, addresses])
  const sealed = seal(signerOf(randomBytes(32)), order.meshId, 'invite', payload)
  const claimed = encodeEnvelope({ ...sealed, signer: founder.mesh.peerId })
  await refusesToJoin(t, `plinv1.${Buffer.from(claimed).toString('base64url')}`, /forged/)
  // Signed by the founder's key, but not on its record, as after a withdrawn invite.
  await refusesToJoin(t, encodeToken(founder.mesh.signer, { ...order, ...bytes, addresses }), /not on record/)
})

test('a token whose issuer is gone says so, with the addresses that were tried', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await nodeInvite(founder)
  const [address] = founder.mesh.addresses()
  await founder.mesh.stop()
  await refusesToJoin(t, token, new RegExp(`could not be reached; tried ${address}`))
})

test('any damage to a token is refused as malformed or forged', async (t) => {
  const founder = await startNode(t, 'founder')
  const token = await nodeInvite(founder)
  const { decodeToken } = await import('../src/invite-token.ts')
  const refused = (text: string) =>
    t.like(
      t.throws(() => decodeToken(text)),
      { code: 'INVALID_INVITE' }
    )
  for (const text of ['', 'plinv1.', 'plinv2.abc', 'plinv1.!!!', `plinv1.${'A'.repeat(5_000)}`, token.slice(0, -8), `${token}A`])
    refused(text)
  fc.assert(
    fc.property(fc.nat(token.length - 8), fc.integer({ min: 1, max: 63 }), (at, by) => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const index = 7 + (at % (token.length - 9))
      const other = alphabet[(alphabet.indexOf(token[index] as string) + by) % 64]
      refused(token.slice(0, index) + other + token.slice(index + 1))
    }),
    { seed: FUZZ_SEED, numRuns: 60 }
  )
})

test('an access key token is redeemed at its issuer alone, exactly as often as it says, and joins no node', async (t) => {
  const redeemed: InviteRedeemed[] = []
  const founder = await startNode(t, 'founder', { onInviteRedeemed: (event) => redeemed.push(event) })
  const token = await founder.mesh.invite({ role: 'deployer', ttlMs: HOUR_MS, uses: 2 })
  await refusesToJoin(t, token, /for role 'deployer'/)
  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(() => founder.mesh.redeem(token)))
  t.is(results.filter(({ status }) => status === 'fulfilled').length, 2)
  t.deepEqual(redeemed, [
    { role: 'deployer', peerId: undefined },
    { role: 'deployer', peerId: undefined }
  ])
  const member = await startNode(t, 'member', { join: await nodeInvite(founder) })
  t.regex((await t.throwsAsync(member.mesh.redeem(token)))?.message ?? '', /only that node redeems it/)
  t.regex((await t.throwsAsync(founder.mesh.redeem(await nodeInvite(founder))))?.message ?? '', /joins a node/)
})

test('whose keys an invite makes is on record across starts', async (t) => {
  const first = await startNode(t, 'founder')
  const order = { role: 'invoker', ttlMs: HOUR_MS, uses: 1 } as const
  const [named, plain] = [await first.mesh.invite({ ...order, account: 'shop' }), await first.mesh.invite(order)]
  await first.mesh.stop()
  const again = await startNode(t, 'founder', { directory: first.directory })
  t.deepEqual(await again.mesh.redeem(named), { role: 'invoker', account: 'shop' })
  t.deepEqual(await again.mesh.redeem(plain), { role: 'invoker', account: undefined })
})

test('an invited node may invite while the founder is away', async (t) => {
  const founder = await startNode(t, 'founder')
  const second = await startNode(t, 'second', { join: await nodeInvite(founder) })
  await connected(second.mesh, founder.mesh.peerId)
  await founder.mesh.stop()
  const third = await startNode(t, 'third', { join: await nodeInvite(second) })
  await connected(third.mesh, second.mesh.peerId)
  t.is(third.mesh.memberOf(third.mesh.peerId)?.chain.length, 3)
})

test('orders out of range are refused by name, value and bound', async (t) => {
  const founder = await startNode(t, 'founder')
  const invite = { role: 'node' as const, ttlMs: HOUR_MS, uses: 1 }
  for (const change of [{ ttlMs: 0 }, { ttlMs: Number.NaN }, { ttlMs: 1e15 }, { uses: 0 }, { uses: 1.5 }, { uses: 1_001 }]) {
    t.like(await t.throwsAsync(founder.mesh.invite({ ...invite, ...change })), { code: 'INVALID_ARGUMENT' })
  }
  t.like(await t.throwsAsync(founder.mesh.invite({ ...invite, role: 'root' as 'node' })), { code: 'INVALID_ARGUMENT' })
  t.like(await t.throwsAsync(openNode(t, 'no spaces please')), { code: 'INVALID_ARGUMENT' })
})

test('files of the folder are private, and damaged ones are named', async (t) => {
  const { stat, writeFile } = await import('node:fs/promises')
  const founder = await startNode(t, 'founder')
  await nodeInvite(founder)
  await founder.mesh.stop()
  for (const file of ['node.key', 'mesh.key', 'membership.cbor', 'invites.cbor', 'peers.cbor']) {
    t.is((await stat(`${founder.directory}/${file}`)).mode & 0o777, 0o600, file)
  }
  const damage = async (file: string) => {
    const directory = await temporaryFolder(t)
    await openNode(t, 'x', { directory })
    await writeFile(`${directory}/${file}`, 'garbage')
    return directory
  }
  for (const file of ['node.key', 'membership.cbor']) {
    const directory = await damage(file)
    const error = await t.throwsAsync(openNode(t, 'x', { directory }))
    t.like(error, { code: 'CORRUPT' })
    t.true(error?.message.startsWith(`${directory}/${file} `), file)
    t.regex(error?.message ?? '', /: put it back as it was, or .* join again /)
  }
  for (const file of ['peers.cbor', 'invites.cbor']) {
    const lenient = await startNode(t, 'x', { directory: await damage(file) })
    t.true(lenient.logger.lines.some(({ message }) => message.includes('set aside')))
  }
})

test('a member whose key is gone gets no other one, so that the key can still be put back', async (t) => {
  const { readFile, rm, writeFile } = await import('node:fs/promises')
  const directory = await temporaryFolder(t)
  const { peerId } = (await openNode(t, 'x', { directory })).mesh
  const key = await readFile(`${directory}/node.key`)
  await rm(`${directory}/node.key`)
  const message = new RegExp(`^${directory}/node.key is gone: put it back`)
  t.like(await t.throwsAsync(openNode(t, 'x', { directory }), { message }), { code: 'CORRUPT' })
  await writeFile(`${directory}/node.key`, key)
  t.is((await openNode(t, 'x', { directory })).mesh.peerId, peerId)
})

test('invites whose record is damaged are refused, and new ones are good', async (t) => {
  const { writeFile } = await import('node:fs/promises')
  const directory = await temporaryFolder(t)
  const before = await startNode(t, 'founder', { directory })
  const lost = await nodeInvite(before)
  await before.mesh.stop()
  await writeFile(`${directory}/invites.cbor`, 'garbage')
  const founder = await startNode(t, 'founder', { directory })
  t.like(await t.throwsAsync(startNode(t, 'guest', { join: lost })), { code: 'INVALID_INVITE' })
  await t.notThrowsAsync(startNode(t, 'guest', { join: await nodeInvite(founder) }))
})
