import { encode, encodeEnvelope, seal, signerOf } from '@peerless/wire'
import test from 'ava'
import fc from 'fast-check'
import {
  CHAIN_LENGTH_MAX,
  DEPARTURE_BYTES_MAX,
  EXCHANGE_BYTES_MAX,
  FOUNDER_DEPARTURE_BYTES_MAX,
  FOUNDER_STAYS_MAX,
  MARK_BYTES,
  MEMBERS_MAX,
  REMOVALS_BYTES_MAX,
  REMOVALS_MAX,
  STANDS_MAX
} from '../src/constants.ts'
import { issueDeparture, Marks, verifyDeparture } from '../src/departure.ts'
import { issueRemoval, lineOf, type Removal, verifyRemoval } from '../src/removal.ts'
import { RemovalBook } from '../src/removal-book.ts'
import { removalsOf } from '../src/remove-member.ts'
import { bookOf, departure, invitedBy, type Lined, left, meshId, removal, seeds } from './_lines.ts'

const FUZZ_SEED = 20261201
const founder = invitedBy(undefined, 'founder')
const a = invitedBy(founder, 'a')
const b = invitedBy(a, 'b')
const c = invitedBy(b, 'c')
const other = invitedBy(founder, 'other')
const ALL = [founder, a, b, c, other]

/** What a node signs that is to say, as no honest one does. */
function forged(of: Lined, words: unknown[]): Uint8Array {
  return encodeEnvelope(seal(of.signer, meshId, 'departure', encode(words)))
}

test('a departure is what the node itself signed, and nothing else', (t) => {
  const { bytes } = departure(a, [b])
  t.is(verifyDeparture(bytes, meshId, a.membership).by, a.peerId)
  // Of another node: as if that one had said so.
  for (const another of [founder, b, other]) {
    const error = t.throws(() => verifyDeparture(bytes, meshId, another.membership), { code: 'NOT_A_MEMBER' })
    t.true(error?.message.includes(`${a.peerId} cannot say that ${another.peerId} left`), error?.message)
  }
  // Who is above it removes it; to say that it left is not theirs either.
  const said = encode([1, lineOf(a.membership), 1, new Uint8Array(0), new Uint8Array(0), null])
  for (const by of [founder, b, other]) {
    const envelope = encodeEnvelope(seal(by.signer, meshId, 'departure', said))
    t.throws(() => verifyDeparture(envelope, meshId, a.membership), { code: 'NOT_A_MEMBER' })
    const { news, faults } = new RemovalBook(meshId).take(encode([[[...a.chain], envelope]]))
    t.deepEqual([news.length, faults.length], [0, 1])
  }
  // A signature for another purpose, and one for another mesh.
  t.throws(() => verifyDeparture(encodeEnvelope(seal(a.signer, meshId, 'removal', said)), meshId, a.membership), {
    code: 'MALFORMED'
  })
  t.throws(() => verifyDeparture(bytes, signerOf(seeds.bytes(32)).peerId, a.membership), { code: 'MALFORMED' })
  // A removal of itself, as if it had another's right to that.
  const own = encode([2, lineOf(a.membership), founder.peerId, 1, [], founder.peerId])
  const itself = encodeEnvelope(seal(a.signer, meshId, 'removal', own))
  t.throws(() => verifyRemoval(itself, meshId, a.membership), { code: 'MALFORMED' })
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const altered = Uint8Array.from(bytes)
      altered[at % altered.length] = (altered[at % altered.length] as number) ^ flip
      t.throws(() => verifyDeparture(altered, meshId, a.membership))
    }),
    { seed: FUZZ_SEED, numRuns: 200 }
  )
})

test('a departure with too much in it is refused with value, rule and bound', (t) => {
  const marks = (count: number) => new Uint8Array(count * MARK_BYTES)
  const line = lineOf(a.membership)
  const none = marks(0)
  const refused: [unknown[], RegExp][] = [
    [[1, line, 1, marks(MEMBERS_MAX + 1), none, null], /nodes that stay .*\(8208 bytes\).* at most 512/],
    [[1, line, 1, none, marks(STANDS_MAX + 1), null], /removals that stand .*\(4112 bytes\).* at most 256/],
    [[1, line, 1, new Uint8Array(MARK_BYTES + 1), none, null], /17 bytes/],
    [[1, line, 1, 'stays', none, null], /\(string\)/],
    [[1, line, -1, none, none, null], /format 1/],
    [[1, line, 8.64e15 + 1, none, none, null], /format 1/],
    [[1, line, 1, none, none, a.peerId], /format 1/],
    [[1, line, 1, none, none, 7], /format 1/],
    [[1, line, 1, none, none, 'x'.repeat(129)], /successor .*\(129 characters\) .* at most 128/],
    [[1, line, 1, none, none], /format 1/],
    [[1, line, 1, none, none, null, 0], /format 1/],
    [[2, line, 1, none, none, null], /format 1/],
    [[1, [...line, meshId], 1, none, none, null], /format 1/],
    [['x'.repeat(DEPARTURE_BYTES_MAX)], new RegExp(`\\(\\d+ bytes\\) .* at most ${DEPARTURE_BYTES_MAX} bytes`)]
  ]
  for (const [words, message] of refused) {
    const code = 'MALFORMED'
    t.throws(() => verifyDeparture(forged(a, words), meshId, a.membership), { code, message })
    const { news, faults } = new RemovalBook(meshId).take(encode([[[...a.chain], forged(a, words)]]))
    t.deepEqual([news.length, faults.length], [0, 1])
  }
  const many = Array.from({ length: MEMBERS_MAX + 1 }, (_, index) => `peer-${index}`)
  t.throws(() => issueDeparture(a.signer, meshId, a.membership, { at: 1, stays: many, stands: [] }), {
    code: 'INVALID_ARGUMENT',
    message: /let in 513 nodes that are to stay, at most 512/
  })
})

test('the largest departures of a full book fit into an exchange', (t) => {
  let deepest = founder
  while (deepest.chain.length < CHAIN_LENGTH_MAX) deepest = invitedBy(deepest, 'n'.repeat(64))
  const stands = Array.from({ length: STANDS_MAX }, () => removal(founder, invitedBy(founder)))
  const stays = Array.from({ length: MEMBERS_MAX }, (_, index) => `peer-${index}`)
  const words = { at: 8.64e15, stays, stands, successor: other.peerId }
  const { bytes } = issueDeparture(deepest.signer, meshId, deepest.membership, words)
  t.true(bytes.length <= DEPARTURE_BYTES_MAX, String(bytes.length))
  t.is(verifyDeparture(bytes, meshId, deepest.membership).left?.stays.size, MEMBERS_MAX)
  // And that of the one founder, which lists all that it can know of.
  const everybody = Array.from({ length: FOUNDER_STAYS_MAX }, (_, index) => `peer-${index}`)
  const last = issueDeparture(founder.signer, meshId, founder.membership, { ...words, stays: everybody })
  t.true(last.bytes.length <= FOUNDER_DEPARTURE_BYTES_MAX, String(last.bytes.length))
  t.true(FOUNDER_DEPARTURE_BYTES_MAX + 255 * (DEPARTURE_BYTES_MAX + CHAIN_LENGTH_MAX * 515) < REMOVALS_BYTES_MAX)
  t.true(REMOVALS_BYTES_MAX < EXCHANGE_BYTES_MAX)
  const { news } = new RemovalBook(meshId).take(encode([[[...founder.chain], last.bytes]]))
  t.is(news[0]?.left?.stays.size, FOUNDER_STAYS_MAX)
  t.true(news[0]?.left?.stays.has('peer-10000'))
})

test('a book is bounded in bytes as well, and gives up the same in whatever order it hears', (t) => {
  let parent = founder
  while (parent.chain.length < CHAIN_LENGTH_MAX - 1) parent = invitedBy(parent, 'n'.repeat(64))
  const stays = Array.from({ length: MEMBERS_MAX }, (_, index) => `peer-${index}`)
  const all = Array.from({ length: 500 }, () => {
    const { signer, membership } = invitedBy(parent, 'n'.repeat(64))
    return issueDeparture(signer, meshId, membership, { at: 1, stays, stands: [] })
  })
  const oneByOne = bookOf(...all)
  t.true(oneByOne.values().length < all.length)
  t.true(oneByOne.encode().length <= REMOVALS_BYTES_MAX)
  t.true(oneByOne.encode().length > 0.99 * REMOVALS_BYTES_MAX)
  const atOnce = new RemovalBook(meshId)
  const halves = [all.slice(250).toReversed(), all.slice(0, 250)]
  for (const half of halves) atOnce.take(new RemovalBook(meshId).encode(half))
  t.deepEqual(atOnce.digest(), oneByOne.digest())
  // What is closer to the mesh key finds a place, whatever it takes.
  const close = departure(a, [b])
  t.true(oneByOne.learn(close))
  t.true(oneByOne.encode().length <= REMOVALS_BYTES_MAX)
})

test('only a founder may list more than a book of members holds', (t) => {
  const many = new Uint8Array((FOUNDER_STAYS_MAX + 1) * MARK_BYTES)
  const words = (of: Lined, stays: Uint8Array) => [1, lineOf(of.membership), 1, stays, new Uint8Array(0), null]
  const refused = { code: 'MALFORMED', message: new RegExp(`at most ${FOUNDER_STAYS_MAX}`) }
  t.throws(() => verifyDeparture(forged(founder, words(founder, many)), meshId, founder.membership), refused)
  const { news, faults } = new RemovalBook(meshId).take(encode([[[...a.chain], forged(a, words(a, many))]]))
  t.deepEqual([news.length, faults.length], [0, 1])
})

test('who left is out, and whom it let in stays; nobody that its key lets in later', (t) => {
  t.deepEqual(left(ALL, departure(a, [b])), ['founder', 'b', 'c', 'other'])
  t.deepEqual(left(ALL, departure(founder, [a, other])), ['a', 'b', 'c', 'other'])
  t.deepEqual(left(ALL, departure(founder, [a, other]), departure(a, [b])), ['b', 'c', 'other'])
  const later = invitedBy(a, 'later')
  const below = invitedBy(later, 'below')
  t.deepEqual(left([...ALL, later, below], departure(a, [b])), ['founder', 'b', 'c', 'other'])
  // In whatever line it stands: another member can sign one for it.
  const again = invitedBy(other, 'again', a.signer)
  t.deepEqual(left([again, invitedBy(again, 'z')], departure(a, [b])), [])
})

test('what a node had removed stays so when it has left, and nothing that its key removes later', (t) => {
  const before = removal(a, b, [c])
  const gone = departure(a, [b], { at: 5, stands: [before] })
  t.deepEqual(left(ALL, before, gone), ['founder', 'c', 'other'])
  t.deepEqual(left(ALL, gone, before), ['founder', 'c', 'other'])
  // Its clock says when it likes.
  for (const at of [1, 9])
    t.deepEqual(left(ALL, departure(a, [b], { at: 5 }), removal(a, b, [], at)), ['founder', 'b', 'c', 'other'])
})

test('a node leaves once: what its key says afterwards of leaving is no news, whatever it names', (t) => {
  const first = departure(founder, [a, other], { at: 5, successor: a.peerId })
  const book = bookOf(first)
  t.false(book.learn(departure(founder, [], { at: 6, successor: other.peerId })))
  t.false(book.learn(departure(founder, [a, other], { at: 5, successor: a.peerId })))
  t.is(book.headAfter(founder.peerId), a.peerId)
  // Told again by who was away, it changes nothing.
  const bytes = book.encode()
  t.deepEqual(book.take(bytes), { news: [], faults: [] })
  // Under another line, too.
  const alias = invitedBy(other, 'x', founder.signer)
  t.false(book.learn(issueDeparture(founder.signer, meshId, alias.membership, { at: 7, stays: [], stands: [] })))
  t.is(book.values().length, 1)
})

test('who is above a node that left still decides about whom that one had let in', (t) => {
  const gone = departure(a, [b])
  const book = bookOf(gone)
  const members = [founder, b, c, other].map(({ membership }) => membership)
  const order = { signer: founder.signer, meshId, now: 2, members, removals: book }
  t.deepEqual(left(ALL, gone, ...removalsOf({ ...order, target: b.membership, keeps: () => true })), ['founder', 'c', 'other'])
  t.deepEqual(left(ALL, gone, ...removalsOf({ ...order, target: a.membership, keeps: () => false })), ['founder', 'other'])
  t.deepEqual(left(ALL, gone, ...removalsOf({ ...order, target: a.membership, keeps: () => true })), [
    'founder',
    'b',
    'c',
    'other'
  ])
  // One that left, of a node that is removed now: whom it had let in stays with the others.
  const middle = departure(b, [c])
  const removals = bookOf(middle)
  const signed = removalsOf({
    ...order,
    removals,
    members: [founder, a, c, other].map((one) => one.membership),
    target: a.membership,
    keeps: () => true
  })
  t.deepEqual(left(ALL, middle, ...signed), ['founder', 'c', 'other'])
})

test('what was not the word of a node that left is not signed anew by who removes it', (t) => {
  const stands = removal(a, b)
  const stolen = removal(a, invitedBy(a, 'd'), [], 2)
  const removals = bookOf(departure(a, [b], { stands: [stands] }), stands, stolen)
  const members = [founder, other].map(({ membership }) => membership)
  const signed = removalsOf({
    signer: founder.signer,
    meshId,
    now: 3,
    members,
    removals,
    target: a.membership,
    keeps: () => true
  })
  t.deepEqual(
    signed.map(({ membership }) => membership.name),
    ['a', 'b']
  )
})

test('the successor of a founder removes whom that one could, and no other node does', (t) => {
  const gone = departure(founder, [a, other], { successor: other.peerId })
  const bySuccessor = removal(other, a, [b], 2, founder)
  t.deepEqual(left(ALL, gone, bySuccessor), ['b', 'c', 'other'])
  t.deepEqual(left(ALL, bySuccessor, gone), ['b', 'c', 'other'])
  // Before it is known that the founder left, and where it named nobody, or another.
  t.deepEqual(left(ALL, bySuccessor), ['founder', 'a', 'b', 'c', 'other'])
  t.deepEqual(left(ALL, departure(founder, [a, other]), bySuccessor), ['a', 'b', 'c', 'other'])
  t.deepEqual(left(ALL, gone, removal(c, a, [], 2, founder)), ['a', 'b', 'c', 'other'])
  // Neither does a stranger.
  t.deepEqual(left(ALL, gone, removal(invitedBy(invitedBy(undefined)), a, [], 2, founder)), ['a', 'b', 'c', 'other'])
  // Those that a node had let in which is no founder are still those of whom is above it.
  const notOne = departure(a, [b], { successor: other.peerId })
  t.deepEqual(left(ALL, notOne, removal(other, b, [], 2, a)), ['founder', 'b', 'c', 'other'])
})

test('the right of a founder goes from successor to successor, with what each of them removed', (t) => {
  const d = invitedBy(other, 'd')
  const all = [...ALL, d]
  const first = departure(founder, [a, other], { successor: other.peerId })
  const removed = removal(other, b, [c], 2, founder)
  const second = departure(other, [d], { at: 3, stands: [removed], successor: d.peerId })
  t.deepEqual(left(all, first, removed, second), ['a', 'c', 'd'])
  t.deepEqual(left(all, first, removed, second, removal(d, a, [b], 4, founder)), ['c', 'd'])
  t.is(bookOf(first, second).headAfter(founder.peerId), d.peerId)
  // The one that went says nothing any more.
  t.deepEqual(left(all, first, second, removal(other, a, [], 2, founder)), ['a', 'b', 'c', 'd'])
  t.is(bookOf(first, departure(other)).headAfter(founder.peerId), undefined)
  // Round in a circle, as only a key that leaked would have it.
  t.is(bookOf(first, departure(other, [], { successor: founder.peerId })).headAfter(founder.peerId), undefined)
})

test('who cannot remove a node is told who can, after the founder has left, too', (t) => {
  const members = [a, b, c, other].map(({ membership }) => membership)
  const removals = bookOf(departure(founder, [a, other], { successor: other.peerId }))
  const order = { meshId, now: 2, members, removals, keeps: () => true }
  const error = t.throws(() => removalsOf({ ...order, signer: c.signer, target: b.membership }), { code: 'FORBIDDEN' })
  t.true(error?.message.includes(`ask a (${a.peerId}), or other (${other.peerId})`), error?.message)
  const signed = removalsOf({ ...order, signer: other.signer, as: founder.peerId, target: a.membership })
  t.deepEqual(
    signed.map(({ by, as }) => [by, as]),
    [[other.peerId, founder.peerId]]
  )
  // The successor itself is nobody's to remove, as the founder was.
  t.throws(() => removalsOf({ ...order, signer: a.signer, target: other.membership }), {
    code: 'FORBIDDEN',
    message: /nobody can/
  })
  const orphans = bookOf(departure(founder, [a, other]))
  t.throws(() => removalsOf({ ...order, removals: orphans, signer: other.signer, target: a.membership }), {
    code: 'FORBIDDEN',
    message: /who let it in has left, and nobody has inherited that right/
  })
})

test('books that heard the same removals and departures in any order are the same, and so is who is left', (t) => {
  const byA = removal(a, b, [c])
  const possible = [
    removal(founder, a, [b]),
    removal(founder, b),
    byA,
    removal(a, c, [], 3),
    removal(b, c),
    removal(other, a, [b], 2, founder),
    removal(other, c, [], 2, founder),
    removal(c, other, [], 2, founder),
    departure(founder, [a, other], { successor: other.peerId }),
    departure(founder, [a], { at: 2 }),
    departure(a, [b], { stands: [byA] }),
    departure(a, [], { at: 3 }),
    departure(b, [c]),
    departure(other, [], { successor: c.peerId }),
    departure(c)
  ]
  const some = fc
    .subarray(possible, { minLength: 1 })
    .chain((chosen) =>
      fc.tuple(fc.constant(chosen), fc.shuffledSubarray(chosen, { minLength: chosen.length, maxLength: chosen.length }))
    )
  fc.assert(
    fc.property(some, ([one, another]) => {
      const [first, second] = [bookOf(...one), bookOf(...another)]
      t.deepEqual(first.digest(), second.digest())
      t.deepEqual(left(ALL, ...one), left(ALL, ...another))
      // Through the bytes that travel and lie on the disk, too.
      const copy = new RemovalBook(meshId)
      t.deepEqual(copy.take(first.encode()).faults, [])
      t.deepEqual(copy.digest(), second.digest())
      for (const { membership } of ALL) t.is(copy.against(membership) === undefined, first.against(membership) === undefined)
      // Who left is out whatever else is known.
      for (const { left: said, membership } of first.values()) if (said !== undefined) t.truthy(first.against(membership))
    }),
    { seed: FUZZ_SEED, numRuns: 500 }
  )
})

test('nobody but its own words and those above it end a membership, whatever is signed', (t) => {
  // Everything that c, and a node that c let in, can sign about the others.
  const d = invitedBy(c, 'd')
  const alleged: Removal[] = []
  for (const by of [c, d]) {
    for (const victim of [founder, a, b, other]) {
      const line = invitedBy(by, 'x', victim.signer)
      alleged.push(issueRemoval(by.signer, meshId, line.membership, { at: 9, keeps: [] }))
      for (const as of [founder, a, b]) {
        if (victim.membership.issuers.includes(as.peerId)) alleged.push(removal(by, victim, [], 9, as))
      }
    }
    alleged.push(departure(by, [], { successor: by === c ? d.peerId : c.peerId }))
  }
  const known = [departure(founder, [a, other], { successor: other.peerId })]
  fc.assert(
    fc.property(fc.shuffledSubarray(alleged), fc.boolean(), (some, without) => {
      const rest = without ? [] : known
      const expected = without ? ['founder', 'a', 'b', 'other'] : ['a', 'b', 'other']
      t.deepEqual(left([founder, a, b, other], ...some, ...rest), expected)
    }),
    { seed: FUZZ_SEED, numRuns: 200 }
  )
})

test('a book that a member fills with departures of its own making has room for those of others', (t) => {
  const gone = departure(founder, [a, other], { successor: a.peerId })
  const book = bookOf(gone)
  for (let index = 0; index < REMOVALS_MAX; index++) book.learn(departure(invitedBy(other)))
  t.is(book.values().length, REMOVALS_MAX)
  t.true(book.holds(gone))
  const deep = [departure(b, [c]), departure(a, [b])]
  for (const one of deep) t.true(book.learn(one))
  // What is nobody's word goes before all that is somebody's.
  t.false(book.learn(removal(other, c, [], 2, founder)))
  for (const one of [gone, ...deep]) t.true(book.holds(one))
})

test('departures below a node that was removed go before those of others, in a book that is full of them', (t) => {
  const book = bookOf()
  for (let index = 0; index < REMOVALS_MAX; index++) book.learn(departure(invitedBy(invitedBy(other))))
  t.true(book.learn(removal(founder, other)))
  // Deeper than those, and somebody's word.
  const d = invitedBy(invitedBy(c))
  for (const one of [departure(d), departure(c)]) t.true(book.learn(one))
  t.is(book.values().length, REMOVALS_MAX)
  t.truthy(book.departureOf(d.peerId))
})

test('marks are the same in whatever order they were made, and are of those alone', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), fc.string(), (items, another) => {
      const marks = Marks.of(items)
      t.deepEqual(Marks.of(items.toReversed()).encode(), marks.encode())
      const copy = Marks.decode(marks.encode(), items.length, 'texts')
      for (const item of items) t.true(copy.has(item))
      t.is(copy.has(another), items.includes(another))
    }),
    { seed: FUZZ_SEED, numRuns: 100 }
  )
})
