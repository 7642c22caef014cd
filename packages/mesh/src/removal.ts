import { PeerlessError } from '@peerless/interface'
import { decode, decodeEnvelope, encode, encodeEnvelope, type Signer, seal, verifyEnvelope } from '@peerless/wire'
import { REMOVAL_BYTES_MAX, REMOVAL_KEEPS_MAX } from './constants.ts'
import type { Membership } from './membership.ts'

/**
 * A removal says: this node is no member any more, and with it those that it invited, except the ones that are named. It is signed by a node above it, one
 * that invited it or invited the one that did, up to the mesh key: whoever vouched for a node may take that back, and nobody else can, so that a
 * machine in the wrong hands removes nobody but those that it let in itself. Like a chain it can be checked by anybody without asking anyone.
 */
const KIND = 'removal'
const FORMAT = 1

export interface Removal {
  /** What it ends; verified from the mesh key down. */
  readonly membership: Membership
  /** Who signed it: one of the membership's issuers. */
  readonly by: string
  /** Epoch milliseconds on the signer's clock. */
  readonly at: number
  /** Nodes that the removed one invited and that stay, by peer id. */
  readonly keeps: ReadonlySet<string>
  /** The signed envelope as it travels. */
  readonly bytes: Uint8Array
}

/** @throws FORBIDDEN when the signer is not above the node, INVALID_ARGUMENT when too many are kept */
export function issueRemoval(
  signer: Signer,
  meshId: string,
  membership: Membership,
  { at, keeps }: { at: number; keeps: readonly string[] }
): Removal {
  if (!membership.issuers.includes(signer.peerId)) {
    throw new PeerlessError('FORBIDDEN', `${membership.peerId} was not invited by this node, nor by one that it invited`)
  }
  if (keeps.length > REMOVAL_KEEPS_MAX) {
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `${membership.peerId} invited ${keeps.length} nodes that are to stay, at most ${REMOVAL_KEEPS_MAX}`
    )
  }
  const bytes = encodeEnvelope(seal(signer, meshId, KIND, encode([FORMAT, membership.peerId, at, [...keeps]])))
  return { membership, by: signer.peerId, at, keeps: new Set(keeps), bytes }
}

/** @throws MALFORMED when it is none, NOT_A_MEMBER when its signer may not remove that node */
export function verifyRemoval(alleged: unknown, meshId: string, membership: Membership): Removal {
  if (!(alleged instanceof Uint8Array) || alleged.length > REMOVAL_BYTES_MAX) {
    throw new PeerlessError('MALFORMED', `a removal is a signed envelope of at most ${REMOVAL_BYTES_MAX} bytes`)
  }
  const envelope = decodeEnvelope(alleged)
  const by = envelope.signer
  if (!membership.issuers.includes(by)) {
    throw new PeerlessError('NOT_A_MEMBER', `${by.slice(0, 64)} is not above ${membership.peerId}, and cannot remove it`)
  }
  if (!verifyEnvelope(envelope, meshId, KIND)) {
    throw new PeerlessError('MALFORMED', `the removal of ${membership.peerId} is not signed by ${by}`)
  }
  const value = decode(envelope.bytes, 'removal')
  const [format, peerId, at, keeps] = Array.isArray(value) && value.length === 4 ? value : []
  const whole =
    format === FORMAT &&
    peerId === membership.peerId &&
    Number.isSafeInteger(at) &&
    Array.isArray(keeps) &&
    keeps.length <= REMOVAL_KEEPS_MAX &&
    keeps.every((kept) => typeof kept === 'string')
  if (!whole) throw new PeerlessError('MALFORMED', `the removal by ${by} is not one of ${membership.peerId} in format ${FORMAT}`)
  return { membership, by, at: at as number, keeps: new Set(keeps as string[]), bytes: alleged }
}

/**
 * Of two removals of one node every node keeps the same: that of whoever is closer to the mesh key, else the later, else the one with the larger bytes.
 * So whoever signed one can sign another that keeps more, or fewer.
 */
export function outranks(a: Removal, b: Removal): boolean {
  const order = rankOf(a) - rankOf(b) || a.at - b.at || Buffer.compare(a.bytes, b.bytes)
  return order > 0
}

/** How many vouched between the node and who removed it; the mesh key ranks highest. */
export function rankOf({ membership, by }: Removal): number {
  return membership.issuers.indexOf(by)
}

/** The node and who vouched for it, up to the mesh key. */
export function lineOf({ peerId, issuers }: Membership): string[] {
  return [peerId, ...issuers]
}
