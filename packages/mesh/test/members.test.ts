import { randomBytes } from 'node:crypto'
import { PeerlessError } from '@peerless/interface'
import { SeededRandom, settle, VirtualClock } from '@peerless/testing'
import { decode, encode, encodeEnvelope, seal, signerOf } from '@peerless/wire'
import test from 'ava'
import fc from 'fast-check'
import { issueAddressRecord } from '../src/address-record.ts'
import {
  ADDRESS_CHARACTERS_MAX,
  ADDRESS_RECORD_BYTES_MAX,
  ADDRESSES_MAX,
  ANSWER_BYTES_MAX,
  CERTIFICATE_BYTES_MAX,
  CHAIN_LENGTH_MAX,
  EXCHANGE_BYTES_MAX,
  MEMBERS_MAX,
  REDIAL_MS_MAX,
  WELCOME_MEMBERS_MAX
} from '../src/constants.ts'
import { MemberBook } from '../src/member-book.ts'
import { type Chain, issueCertificate, type Membership, verifyChain } from '../src/membership.ts'
import { backoffMs, Redial } from '../src/redial.ts'

const FUZZ_SEED = 20261124
const seeds = new SeededRandom(FUZZ_SEED)
const meshKey = signerOf(seeds.bytes(32))
const meshId = meshKey.peerId

/** A chain of `length` nodes, each invited by the one before. */
function chainOf(length: number): { chain: Chain; last: ReturnType<typeof signerOf> } {
  let issuer = meshKey
  let chain: Uint8Array[] = []
  for (let index = 0; index < length; index++) {
    const node = signerOf(seeds.bytes(32))
    chain = [issueCertificate(issuer, meshId, { peerId: node.peerId, name: `n${index}`, issuedAt: index }), ...chain]
    issuer = node
  }
  return { chain, last: issuer }
}

function memberOf(port: number, sequence = 1): { membership: Membership; pack: [Uint8Array[], Uint8Array] } {
  const { chain, last } = chainOf(1)
  const record = issueAddressRecord(last, meshId, sequence, [`/ip4/127.0.0.1/tcp/${port}/p2p/${last.peerId}`])
  return { membership: verifyChain(chain, meshId), pack: [[...chain], record.bytes] }
}

test('a chain verifies at every depth up to its bound and not beyond', (t) => {
  for (const length of [1, 2, CHAIN_LENGTH_MAX]) {
    const { chain, last } = chainOf(length)
    t.like(verifyChain(chain, meshId), { peerId: last.peerId, name: `n${length - 1}` })
  }
  t.throws(() => verifyChain(chainOf(CHAIN_LENGTH_MAX + 1).chain, meshId), { code: 'NOT_A_MEMBER' })
})

test('a member that is remembered keeps nothing of the chunk that it came in', (t) => {
  const { pack, membership } = memberOf(4001)
  const chunk = Buffer.alloc(65_536)
  const arrived = [...pack[0], pack[1]].map((bytes, index) => {
    chunk.set(bytes, 4_096 * index)
    return chunk.subarray(4_096 * index, 4_096 * index + bytes.length)
  })
  const book = new MemberBook(meshId, () => false)
  book.unpack([[arrived.slice(0, -1), arrived.at(-1)]])
  const member = book.get(membership.peerId)
  const kept = [...(member?.membership.chain ?? []), member?.record?.bytes]
  t.is(kept.length, 2)
  for (const bytes of kept) t.is(bytes?.buffer.byteLength, bytes?.length)
})

test('a chain with any link missing, swapped, repeated or altered does not verify', (t) => {
  const { chain } = chainOf(4)
  fc.assert(
    fc.property(fc.nat(3), fc.nat(3), fc.nat(), fc.integer({ min: 1, max: 255 }), (i, j, at, flip) => {
      const altered = chain.map((link, index) => {
        const copy = Uint8Array.from(link)
        if (index === i) copy[at % copy.length] = (copy[at % copy.length] as number) ^ flip
        return copy
      })
      t.throws(() => verifyChain(altered, meshId))
      if (i === j) return
      const swapped = [...chain]
      ;[swapped[i], swapped[j]] = [swapped[j] as Uint8Array, swapped[i] as Uint8Array]
      t.throws(() => verifyChain(swapped, meshId))
      if (i > 0)
        t.throws(() =>
          verifyChain(
            chain.filter((_, index) => index !== i),
            meshId
          )
        )
    }),
    { seed: FUZZ_SEED, numRuns: 100 }
  )
  t.throws(() => verifyChain(chain, signerOf(randomBytes(32)).peerId), { code: 'NOT_A_MEMBER' })
})

test('whatever bytes come as a chain or as member records, only a PeerlessError comes out', (t) => {
  const book = new MemberBook(meshId, () => false)
  fc.assert(
    fc.property(fc.anything(), fc.uint8Array(), (anything, bytes) => {
      t.throws(() => verifyChain(anything, meshId), { instanceOf: PeerlessError })
      t.throws(() => verifyChain([bytes], meshId), { instanceOf: PeerlessError })
      try {
        t.deepEqual(book.unpack([anything, [[bytes], bytes]]).news, [])
      } catch (error) {
        t.is((error as Error).name, 'PeerlessError')
      }
    }),
    { seed: FUZZ_SEED, numRuns: 200 }
  )
  t.is(book.values().length, 0)
})

test('books that exchange in any order converge to the latest address of everyone', (t) => {
  const nodes = [1, 2, 3].map(() => chainOf(1))
  const records = nodes.flatMap(({ chain, last }) =>
    [1, 2, 3].map((sequence) => {
      const address = `/ip4/127.0.0.1/tcp/${1_000 + sequence}/p2p/${last.peerId}`
      return [[...chain], issueAddressRecord(last, meshId, sequence, [address]).bytes]
    })
  )
  fc.assert(
    fc.property(fc.shuffledSubarray(records, { minLength: records.length }), (order) => {
      const book = new MemberBook(meshId, () => false)
      for (const record of order) book.unpack([record])
      t.deepEqual(
        book.values().map(({ record }) => record?.sequence),
        [3, 3, 3]
      )
      t.deepEqual(book.unpack(records).news, [])
    }),
    { seed: FUZZ_SEED, numRuns: 30 }
  )
})

test('a record signed by another, or for another mesh, or with somebody else’s address is dropped and named; its neighbours stay', (t) => {
  const good = memberOf(1)
  const { chain, last } = chainOf(1)
  const other = signerOf(seeds.bytes(32))
  const address = `/ip4/127.0.0.1/tcp/1/p2p/${last.peerId}`
  const book = new MemberBook(meshId, () => false)
  const { news, faults } = book.unpack([
    [chain, issueAddressRecord(other, meshId, 1, [address]).bytes],
    [chain, issueAddressRecord(last, other.peerId, 1, [address]).bytes],
    [chain, issueAddressRecord(last, meshId, 1, [`/ip4/127.0.0.1/tcp/1/p2p/${other.peerId}`]).bytes],
    [chain, issueAddressRecord(last, meshId, 1, ['/dns4/x/tcp/80/ws']).bytes],
    good.pack
  ])
  t.deepEqual(news, [good.membership.peerId])
  t.is(faults.length, 4)
})

test('no member can make its record so large that books cannot be exchanged', (t) => {
  const { chain, last } = chainOf(1)
  const address = `/dns4/${'a'.repeat(ADDRESS_CHARACTERS_MAX - 73)}/tcp/65535/p2p/${last.peerId}`
  const addresses = new Array(ADDRESSES_MAX).fill(address)
  const book = new MemberBook(meshId, () => false)
  for (const padding of [[Buffer.alloc(3_000_000)], [0]]) {
    const padded = encodeEnvelope(seal(last, meshId, 'addresses', encode([1, 1, addresses, ...padding])))
    t.is(book.unpack([[[...chain], padded]]).faults.length, 1)
  }
  t.is(book.unpack([[[...chain], issueAddressRecord(last, meshId, 1, addresses).bytes]]).news.length, 1)
  // Each byte string and list has a head of at most 3 bytes.
  const member = CHAIN_LENGTH_MAX * (CERTIFICATE_BYTES_MAX + 3) + ADDRESS_RECORD_BYTES_MAX + 9
  t.true(MEMBERS_MAX * member < EXCHANGE_BYTES_MAX)
  t.true((WELCOME_MEMBERS_MAX + 1) * member < ANSWER_BYTES_MAX)
})

test('a full book forgets the one not seen for longest, never one that is connected', (t) => {
  const kept = new Set<string>()
  const book = new MemberBook(meshId, (peerId) => kept.has(peerId))
  const first = memberOf(1)
  const second = memberOf(2)
  book.unpack([first.pack, second.pack])
  kept.add(first.membership.peerId)
  for (let index = 2; index < MEMBERS_MAX + 1; index++) {
    const { membership } = memberOf(index)
    book.learn(membership, undefined)
    book.seen(membership.peerId, index)
  }
  t.is(book.values().length, MEMBERS_MAX)
  t.truthy(book.get(first.membership.peerId))
  t.is(book.get(second.membership.peerId), undefined)
  t.throws(() => book.unpack(Array.from({ length: MEMBERS_MAX + 1 })), { code: 'MALFORMED' })
})

test('what is written to disk is read back with the times seen', (t) => {
  const book = new MemberBook(meshId, () => false)
  const member = memberOf(1)
  book.unpack([member.pack])
  book.seen(member.membership.peerId, 1_234)
  const again = new MemberBook(meshId, () => false)
  t.deepEqual(again.restore(book.encode()).faults, [])
  t.like(again.get(member.membership.peerId), { seenAt: 1_234 })
  t.deepEqual(decode(again.packAll(), 'x'), decode(book.packAll(), 'x'))
  t.throws(() => again.restore(encode(['x'])), { code: 'MALFORMED' })
})

test('the wait between dials doubles to its bound and is never less than half of it', (t) => {
  const random = new SeededRandom(FUZZ_SEED)
  for (let failures = 0; failures < 40; failures++) {
    const full = Math.min(REDIAL_MS_MAX, 250 * 2 ** failures)
    const wait = backoffMs(failures, random)
    t.true(wait >= full / 2 && wait <= full, `${failures}: ${wait}`)
  }
})

test('a member that does not answer is dialled for ever, at ever longer intervals, and no more once connected', async (t) => {
  const clock = new VirtualClock()
  const dialled: number[] = []
  let answer = false
  const redial = new Redial({
    self: 'a',
    clock,
    random: new SeededRandom(FUZZ_SEED),
    candidates: () => ['b'],
    isConnected: () => answer,
    connectedCount: () => 0,
    dial: async () => {
      dialled.push(clock.monotonic())
      throw new Error('nobody there')
    }
  })
  redial.start()
  await clock.advance(3_600_000)
  t.true(dialled.length > 120, `${dialled.length}`)
  const last = (dialled.at(-1) as number) - (dialled.at(-2) as number)
  t.true(last >= REDIAL_MS_MAX / 2 && last <= REDIAL_MS_MAX)
  answer = true
  redial.connected('b')
  const count = dialled.length
  await clock.advance(3_600_000)
  t.is(dialled.length, count)
  redial.stop()
  await settle()
  t.is(clock.pending, 0)
})

test('a member that room was made for is dialled no more, and leaves nothing behind', async (t) => {
  const clock = new VirtualClock()
  let known: string[] = []
  let dials = 0
  const redial = new Redial({
    self: 'a',
    clock,
    random: new SeededRandom(FUZZ_SEED),
    candidates: () => known,
    isConnected: () => false,
    connectedCount: () => 0,
    dial: async () => {
      dials++
      throw new Error('nobody there')
    }
  })
  redial.start()
  for (let number = 0; number < 1_000; number++) {
    known = [`b${number}`]
    redial.noticed(`b${number}`)
    await clock.advance(10)
  }
  known = []
  await clock.advance(60_000)
  t.is(clock.pending, 0)
  const before = dials
  await clock.advance(600_000)
  t.is(dials, before)
})

test('of two that hear of each other at once, the one with the smaller peer id dials first', async (t) => {
  const first = async (self: string, other: string) => {
    const clock = new VirtualClock()
    const start = clock.monotonic()
    let at: number | undefined
    const redial = new Redial({
      self,
      clock,
      random: new SeededRandom(FUZZ_SEED),
      candidates: () => [other],
      isConnected: () => false,
      connectedCount: () => 0,
      dial: async () => {
        at ??= clock.monotonic() - start
      }
    })
    redial.start()
    redial.noticed(other)
    await clock.advance(5_000)
    return at as number
  }
  t.is(await first('a', 'b'), 0)
  t.true((await first('b', 'a')) >= 600)
})
