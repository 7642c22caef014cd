import { SeededRandom } from '@peerless/testing'
import { decodeEnvelope, encode, type Signer, signerOf } from '@peerless/wire'
import test from 'ava'
import fc from 'fast-check'
import { CHAIN_LENGTH_MAX, REMOVAL_BYTES_MAX, REMOVAL_KEEPS_MAX, REMOVALS_MAX } from '../src/constants.ts'
import { MemberBook } from '../src/member-book.ts'
import { type Chain, issueCertificate, type Membership, verifyChain } from '../src/membership.ts'
import { issueRemoval, type Removal, verifyRemoval } from '../src/removal.ts'
import { RemovalBook } from '../src/removal-book.ts'
import { removalsOf } from '../src/remove-member.ts'

const FUZZ_SEED = 20261130
const seeds = new SeededRandom(FUZZ_SEED)
const meshKey = signerOf(seeds.bytes(32))
const meshId = meshKey.peerId

interface Node {
  signer: Signer
  chain: Chain
  membership: Membership
}

function invitedBy(inviter: Node | undefined, name = 'n', signer = signerOf(seeds.bytes(32))): Node {
  const leaf = issueCertificate(inviter?.signer ?? meshKey, meshId, { peerId: signer.peerId, name, issuedAt: 0 })
  const chain = [leaf, ...(inviter?.chain ?? [])]
  return { signer, chain, membership: verifyChain(chain, meshId) }
}

const founder = invitedBy(undefined, 'founder')
const a = invitedBy(founder, 'a')
const b = invitedBy(a, 'b')
const c = invitedBy(b, 'c')
const other = invitedBy(founder, 'other')
const ALL = [founder, a, b, c, other]

function removal(by: Node, of: Node, keeps: Node[] = [], at = 1): Removal {
  return issueRemoval(by.signer, meshId, of.membership, { at, keeps: keeps.map(({ signer }) => signer.peerId) })
}

/** Who is left of ALL. */
function left(...removals: Removal[]): Node[] {
  const book = new RemovalBook(meshId)
  for (const one of removals) book.learn(one)
  return ALL.filter(({ membership }) => book.against(membership) === undefined)
}

test('a removal is what a node above the removed one signed, and nothing else', (t) => {
  for (const by of [founder, a]) t.is(verifyRemoval(removal(by, b).bytes, meshId, b.membership).by, by.signer.peerId)
  for (const by of [b, c, other]) t.throws(() => removal(by, b), { code: 'FORBIDDEN' })
  const { bytes } = removal(a, b)
  t.throws(() => verifyRemoval(bytes, meshId, other.membership), { code: 'NOT_A_MEMBER' })
  // By the founder, but of another node.
  t.throws(() => verifyRemoval(removal(founder, b).bytes, meshId, a.membership), { code: 'MALFORMED' })
  t.throws(() => verifyRemoval(bytes, signerOf(seeds.bytes(32)).peerId, b.membership), { code: 'MALFORMED' })
  t.throws(() => verifyRemoval(new Uint8Array(REMOVAL_BYTES_MAX + 1), meshId, b.membership), { code: 'MALFORMED' })
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const altered = Uint8Array.from(bytes)
      altered[at % altered.length] = (altered[at % altered.length] as number) ^ flip
      t.throws(() => verifyRemoval(altered, meshId, b.membership))
    }),
    { seed: FUZZ_SEED, numRuns: 200 }
  )
})

test('who was removed is out, and whom it invited, but for those that are kept', (t) => {
  t.deepEqual(left(removal(a, c)), [founder, a, b, other])
  t.deepEqual(left(removal(founder, a)), [founder, other])
  t.deepEqual(left(removal(founder, a, [b])), [founder, b, c, other])
  // Kept is whom the removed one invited itself; who is further below stays or goes with that.
  t.deepEqual(left(removal(founder, a, [c])), [founder, other])
  t.deepEqual(left(removal(founder, a, [b]), removal(founder, b)), [founder, other])
})

test('the word of a removed node does not count, and who removes it says anew what that one had said', (t) => {
  const malicious = removal(a, b)
  t.deepEqual(left(malicious, removal(founder, a, [b])), [founder, b, c, other])
  const book = new RemovalBook(meshId)
  book.learn(malicious)
  const signed = removalsOf({
    signer: founder.signer,
    meshId,
    now: 2,
    target: a.membership,
    // Without b, which is out already, and what is below it.
    members: [founder, a, other].map(({ membership }) => membership),
    removals: book,
    keeps: () => true
  })
  t.deepEqual(
    signed.map(({ membership, by }) => [membership.name, by]),
    [
      ['a', founder.signer.peerId],
      ['b', founder.signer.peerId]
    ]
  )
  for (const one of signed) t.true(book.learn(one))
  t.deepEqual(
    ALL.filter(({ membership }) => book.against(membership) === undefined),
    [founder, other]
  )
})

test('a node that is not above another is told who is', (t) => {
  const order = {
    meshId,
    now: 1,
    members: ALL.map(({ membership }) => membership),
    removals: new RemovalBook(meshId),
    keeps: () => true
  }
  const remove = (by: Node, of: Node) => removalsOf({ ...order, signer: by.signer, target: of.membership })
  const error = t.throws(() => remove(other, b), { code: 'FORBIDDEN' })
  t.true(error?.message.includes(`a (${a.signer.peerId}), or founder (${founder.signer.peerId})`), error?.message)
  t.regex(t.throws(() => remove(a, founder), { code: 'FORBIDDEN' })?.message ?? '', /founded the mesh/)
  const withAll = removalsOf({ ...order, signer: founder.signer, target: a.membership, keeps: () => false })
  t.deepEqual(
    withAll.map(({ membership }) => membership.name),
    ['a', 'b', 'c']
  )
})

test('books that heard the same removals in any order are the same, and so is who is left', (t) => {
  const possible = [
    removal(founder, a, [b]),
    removal(founder, a, [], 2),
    removal(founder, b),
    removal(a, b, [c]),
    removal(a, b, [], 3),
    removal(a, c),
    removal(b, c),
    removal(founder, other)
  ]
  const some = fc
    .subarray(possible, { minLength: 1 })
    .chain((chosen) =>
      fc.tuple(fc.constant(chosen), fc.shuffledSubarray(chosen, { minLength: chosen.length, maxLength: chosen.length }))
    )
  fc.assert(
    fc.property(some, ([one, another]) => {
      const books = [one, another].map((order) => {
        const book = new RemovalBook(meshId)
        for (const each of order) book.learn(each)
        return book
      })
      t.deepEqual(books[0]?.digest(), books[1]?.digest())
      t.deepEqual(left(...one), left(...another))
      // Through the bytes that travel and lie on the disk, too.
      const copy = new RemovalBook(meshId)
      t.deepEqual(copy.take(books[0]?.encode() as Uint8Array).faults, [])
      t.deepEqual(copy.digest(), books[1]?.digest())
    }),
    { seed: FUZZ_SEED, numRuns: 200 }
  )
})

test('a node that signs itself above whom others let in, removes nobody, nor keeps others from it', (t) => {
  // Any member can sign a certificate for any node.
  for (const victim of [founder, a, b]) {
    const alleged = invitedBy(other, 'x', victim.signer)
    const forged = removal(other, alleged, [], Number.MAX_SAFE_INTEGER)
    t.deepEqual(left(forged), ALL)
    t.deepEqual(left(forged, removal(founder, a)), [founder, other])
    t.deepEqual(left(removal(a, b), forged), [founder, a, other])
  }
  // A node that vouches for itself is out under every line through whoever removed it.
  const again = invitedBy(invitedBy(a, 'k'), 'a', a.signer)
  const book = new RemovalBook(meshId)
  book.learn(removal(founder, again))
  for (const { membership } of [a, b, again]) t.truthy(book.against(membership))
})

test('what a removed node had made up is signed anew for lines through it only', (t) => {
  const book = new RemovalBook(meshId)
  const forged = [founder, other].map(({ signer }) => invitedBy(a, 'x', signer))
  for (const one of forged) book.learn(removal(a, one))
  const order = { meshId, now: 2, target: a.membership, removals: book, keeps: () => false }
  // In the members of the one who removes, too: it heard of the made up line first.
  const members = [founder, a, b, c, ...forged].map(({ membership }) => membership)
  for (const one of removalsOf({ ...order, signer: founder.signer, members })) t.true(book.learn(one))
  const out = ALL.filter(({ membership }) => book.against(membership) !== undefined)
  t.deepEqual(out, [a, b, c])
  for (const { membership } of forged) t.truthy(book.against(membership))
})

test('who removes a node again is heard, be its clock set back or at the same millisecond', (t) => {
  const book = new RemovalBook(meshId)
  const order = { signer: founder.signer, meshId, target: a.membership, removals: book }
  const members = ALL.map(({ membership }) => membership)
  for (const [now, kept] of [
    [5, true],
    [5, false],
    [1, true]
  ] as const) {
    const [first] = removalsOf({ ...order, now, members, keeps: () => kept })
    t.true(book.learn(first as Removal))
    t.is(book.against(b.membership) === undefined, kept)
  }
})

test('a full book takes what is about nodes closer to the mesh key, and keeps it', (t) => {
  const book = new RemovalBook(meshId)
  // A member that invites and removes as it likes.
  for (let index = 0; index < REMOVALS_MAX; index++) t.true(book.learn(removal(other, invitedBy(other))))
  book.learn(removal(other, invitedBy(other)))
  t.is(book.values().length, REMOVALS_MAX)
  for (let index = 0; index < 10; index++) t.false(book.learn(removal(b, invitedBy(b))))
  // One that was let in by the same node has its share.
  t.true(book.learn(removal(a, b)))
  t.true(book.learn(removal(founder, other)))
  t.true(book.learn(removal(founder, a)))
  t.is(book.values().length, REMOVALS_MAX)
  for (const { signer } of [a, b, other]) t.truthy(book.of(signer.peerId))
})

test('what a removed node had filled a book with goes first', (t) => {
  const book = new RemovalBook(meshId)
  // Nodes of its own making, each with a share.
  for (let index = 0; index < REMOVALS_MAX; index++) {
    const own = invitedBy(other)
    book.learn(removal(own, invitedBy(own)))
  }
  t.true(book.learn(removal(founder, other)))
  const deep = [1, 2, 3].map(() => removal(b, invitedBy(b)))
  for (const one of deep) t.true(book.learn(one))
  for (const one of deep) t.true(book.holds(one))
  t.is(book.values().length, REMOVALS_MAX)
})

test('full books that heard the same removals in any order are the same', (t) => {
  const signers = [founder, a, other, b]
  const all = Array.from({ length: REMOVALS_MAX + 100 }, (_, index) => {
    const by = signers[index % 7 < 4 ? index % 7 : 2] as Node
    return removal(by, invitedBy(by), [], index)
  })
  const first = new RemovalBook(meshId)
  for (const one of all) first.learn(one)
  fc.assert(
    fc.property(fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }), (order) => {
      const book = new RemovalBook(meshId)
      for (const one of order) book.learn(one)
      t.deepEqual(book.digest(), first.digest())
    }),
    { seed: FUZZ_SEED, numRuns: 10 }
  )
})

test('one removal is news once, however it is wrapped, and its time is one that can be shown', (t) => {
  const one = removal(a, b)
  const { signer, bytes, signature } = decodeEnvelope(one.bytes)
  const text = Buffer.from(signer)
  const long = (head: number, part: Uint8Array) =>
    Buffer.concat([Buffer.from([head, part.length >> 8, part.length & 0xff]), part])
  const wrapped = Buffer.concat([Buffer.from([0x83]), long(0x79, text), long(0x59, bytes), long(0x59, signature)])
  t.notDeepEqual(wrapped, Buffer.from(one.bytes))
  const book = new RemovalBook(meshId)
  t.true(book.learn(one))
  t.deepEqual(book.take(encode([[[...b.chain], wrapped]])), { news: [], faults: [] })
  for (const at of [-1, 8.64e15 + 1]) {
    t.throws(() => verifyRemoval(removal(a, b, [], at).bytes, meshId, b.membership), { code: 'MALFORMED' })
  }
})

test('what a peer says of removals is checked, one by one', (t) => {
  const book = new RemovalBook(meshId)
  const good = removal(founder, other)
  const { news, faults } = book.take(
    encode([[[...b.chain], good.bytes], 'nonsense', [[...other.chain], good.bytes], [[], good.bytes], [[...other.chain]]])
  )
  t.deepEqual(
    news.map(({ membership }) => membership.name),
    ['other']
  )
  // What is held already is not looked at again.
  t.is(faults.length, 3)
  t.throws(() => book.take(encode({})), { code: 'MALFORMED' })
  t.throws(() => book.take(encode(Array.from({ length: REMOVALS_MAX + 1 }))), { code: 'MALFORMED' })
  t.throws(
    () =>
      removal(
        founder,
        a,
        Array.from({ length: REMOVAL_KEEPS_MAX + 1 }, () => b)
      ),
    { code: 'INVALID_ARGUMENT' }
  )
  let deepest = founder
  while (deepest.chain.length < CHAIN_LENGTH_MAX) deepest = invitedBy(deepest)
  const largest = removal(
    founder,
    deepest,
    Array.from({ length: REMOVAL_KEEPS_MAX }, () => b)
  )
  t.true(largest.bytes.length <= REMOVAL_BYTES_MAX)
})

test('a member book takes in nobody who was removed, and forgets who is', (t) => {
  const removals = new RemovalBook(meshId)
  const book = new MemberBook(meshId, () => true, removals)
  for (const { membership } of [founder, a, b, c]) t.true(book.learn(membership, undefined))
  removals.learn(removal(founder, a, [b]))
  t.deepEqual(
    book.sweep().map(({ name }) => name),
    ['a']
  )
  t.is(book.get(a.signer.peerId), undefined)
  t.false(book.learn(a.membership, undefined))
  t.deepEqual(book.unpack([[[...a.chain], null]]), { news: [], faults: [] })
  t.truthy(book.get(c.signer.peerId))
})

test('a member that presents its line itself is known by that one, whatever others signed for it before', (t) => {
  const removals = new RemovalBook(meshId)
  const book = new MemberBook(meshId, () => true, removals)
  const forged = invitedBy(other, 'x', b.signer)
  for (const { membership } of [founder, a, other, forged]) t.true(book.learn(membership, undefined))
  // What is passed on changes nothing.
  t.false(book.learn(b.membership, undefined))
  t.is(book.get(b.signer.peerId)?.membership, forged.membership)
  t.true(book.meet(b.membership))
  t.false(book.meet(b.membership))
  for (const one of [removal(other, forged), removal(founder, other)]) t.true(removals.learn(one))
  t.deepEqual(
    book.sweep().map(({ name }) => name),
    ['other']
  )
  t.is(book.get(b.signer.peerId)?.membership, b.membership)
  t.false(book.meet(forged.membership))
})
