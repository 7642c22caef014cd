import { PeerlessError } from '@peerless/interface'
import { decode, decodeEnvelope, encode, encodeEnvelope, type Signer, seal, verifyEnvelope } from '@peerless/wire'
import { REMOVAL_BYTES_MAX, REMOVAL_KEEPS_MAX } from './constants.ts'
import type { Membership } from './membership.ts'

/**
 * A removal says: this node is no member any more, and with it those that it invited, except the ones that are named. It is signed by a node above it, one
 * that invited it or invited the one that did, up to the mesh key: whoever vouched for a node may take that back, and nobody else can, so that a
 * machine in the wrong hands removes nobody but those that it let in itself. Like a chain it can be checked by anybody without asking anyone.
 *
 * Any member can sign a certificate for any node, be it one that others let in long before, or its own inviter. So a removal counts only for
 * who has `within` above it in the line that it presents itself with.
 */
const KIND = 'removal'
const FORMAT = 1

export interface Removal {
  /** What it ends; verified from the mesh key down. */
  readonly membership: Membership
  /** Who signed it: one of the membership's issuers. */
  readonly by: string
  /** One of the issuers, the signer or below it: the removal is only for lines through this node. */
  readonly within: string
  /** Epoch milliseconds on the signer's clock. */
  readonly at: number
  /** Nodes that the removed one invited and that stay, by peer id. */
  readonly keeps: ReadonlySet<string>
  /** The signed envelope as it travels. */
  readonly bytes: Uint8Array
}

export interface RemovalWords {
  readonly at: number
  readonly keeps: readonly string[]
  /** Default: the signer. */
  readonly within?: string
}

/** @throws FORBIDDEN when the signer is not above the node, INVALID_ARGUMENT when too many are kept */
export function issueRemoval(signer: Signer, meshId: string, membership: Membership, words: RemovalWords): Removal {
  const { at, keeps, within = signer.peerId } = words
  if (!isAbove(membership, signer.peerId, within)) {
    throw new PeerlessError('FORBIDDEN', `${membership.peerId} was not invited by this node, nor by one that it invited`)
  }
  if (keeps.length > REMOVAL_KEEPS_MAX) {
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `${membership.peerId} invited ${keeps.length} nodes that are to stay, at most ${REMOVAL_KEEPS_MAX}; it can be removed with all of them`
    )
  }
  const said = encode([FORMAT, lineOf(membership), within, at, [...keeps]])
  const bytes = encodeEnvelope(seal(signer, meshId, KIND, said))
  return { membership, by: signer.peerId, within, at, keeps: new Set(keeps), bytes }
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
  const [format, line, within, at, keeps] = Array.isArray(value) && value.length === 5 ? value : []
  const whole =
    format === FORMAT &&
    Array.isArray(line) &&
    isSame(line, lineOf(membership)) &&
    typeof within === 'string' &&
    isAbove(membership, by, within) &&
    isTime(at) &&
    Array.isArray(keeps) &&
    keeps.length <= REMOVAL_KEEPS_MAX &&
    keeps.every((kept) => typeof kept === 'string')
  if (!whole) throw new PeerlessError('MALFORMED', `the removal by ${by} is not one of ${membership.peerId} in format ${FORMAT}`)
  // Encoded anew: the same words could be wrapped in many ways, and each would be news to everybody.
  return { membership, by, within, at: at as number, keeps: new Set(keeps as string[]), bytes: encodeEnvelope(envelope) }
}

/**
 * Of two removals with the same key every node keeps the same: the later, else the one with the larger bytes. So whoever signed one can sign another that
 * keeps more, or fewer.
 */
export function outranks(a: Removal, b: Removal): boolean {
  return (a.at - b.at || Buffer.compare(a.bytes, b.bytes)) > 0
}

/** What it is about and whose word it is: nobody can take the place of another's. */
export function keyOf({ membership, by, within }: Removal): string {
  return [by, within, ...lineOf(membership)].join(' ')
}

/** Steps below the mesh key of the node whose invitations it is about: the founder is one below. */
export function depthOf({ membership: { issuers }, within }: Removal): number {
  return issuers.length - 1 - issuers.lastIndexOf(within)
}

/** The node and who vouched for it, up to the mesh key. */
export function lineOf({ peerId, issuers }: Pick<Membership, 'peerId' | 'issuers'>): string[] {
  return [peerId, ...issuers]
}

/** Whether a node may speak of those that `within` let in: it is that one, or above it. */
export function isAbove({ issuers }: Membership, by: string, within: string): boolean {
  const index = issuers.indexOf(within)
  return index >= 0 && issuers.lastIndexOf(by) >= index
}

/** Milliseconds that a Date can show (ECMA-262, 21.4.1.1). */
const TIME_MAX = 8.64e15

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= TIME_MAX
}

function isSame(alleged: unknown[], line: string[]): boolean {
  return alleged.length === line.length && line.every((peerId, index) => alleged[index] === peerId)
}
