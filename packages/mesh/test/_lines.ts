import { SeededRandom } from '@peerless/testing'
import { type Signer, signerOf } from '@peerless/wire'
import { type DepartureWords, issueDeparture } from '../src/departure.ts'
import { type Chain, issueCertificate, type Membership, verifyChain } from '../src/membership.ts'
import { issueRemoval, type Removal } from '../src/removal.ts'
import { RemovalBook } from '../src/removal-book.ts'

export const seeds = new SeededRandom(20261201)
const meshKey = signerOf(seeds.bytes(32))
export const meshId = meshKey.peerId

/** A node with its key and its line up to the mesh key; no process. */
export interface Lined {
  signer: Signer
  peerId: string
  chain: Chain
  membership: Membership
}

export function invitedBy(inviter: Lined | undefined, name = 'n', signer = signerOf(seeds.bytes(32)), issuedAt = 0): Lined {
  const { peerId } = signer
  const leaf = issueCertificate(inviter?.signer ?? meshKey, meshId, { peerId, name, issuedAt })
  const chain = [leaf, ...(inviter?.chain ?? [])]
  return { signer, peerId, chain, membership: verifyChain(chain, meshId) }
}

export function removal(by: Lined, of: Lined, keeps: Lined[] = [], at = 1, as?: Lined): Removal {
  const words = { at, keeps: keeps.map(({ peerId }) => peerId), ...(as === undefined ? {} : { as: as.peerId }) }
  return issueRemoval(by.signer, meshId, of.membership, words)
}

export function departure(of: Lined, stays: Lined[] = [], words: Partial<DepartureWords> = {}): Removal {
  return issueDeparture(of.signer, meshId, of.membership, {
    at: 1,
    stands: [],
    ...words,
    stays: stays.map(({ peerId }) => peerId)
  })
}

export function bookOf(...removals: Removal[]): RemovalBook {
  const book = new RemovalBook(meshId)
  for (const one of removals) book.learn(one)
  return book
}

/** Names of those that are members by what the book knows. */
export function left(all: readonly Lined[], ...removals: Removal[]): string[] {
  const book = bookOf(...removals)
  return all.filter(({ membership }) => book.against(membership) === undefined).map(({ membership: { name } }) => name)
}
