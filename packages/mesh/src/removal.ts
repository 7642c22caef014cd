import { PeerlessError } from '@peerless/interface'
import { decode, decodeEnvelope, encode, encodeEnvelope, type Signer, seal, verifyEnvelope } from '@peerless/wire'
import { REMOVAL_BYTES_MAX, REMOVAL_KEEPS_MAX } from './constants.ts'
import type { Departure } from './departure.ts'
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
/** With one more member: whose word it is, where the signer is the successor of a node that left. Whether it is that, the book of removals says. */
const FORMAT_SUCCESSOR = 2

export interface Removal {
  /** What it ends; verified from the mesh key down. */
  readonly membership: Membership
  /** Who signed it. */
  readonly by: string
  /** Whose word it is, one of the membership's issuers: the signer's own, or that of a node that left and whose successor it is. */
  readonly as: string
  /** One of the issuers, `as` or below it: the removal is only for lines through this node. */
  readonly within: string
  /** Epoch milliseconds on the signer's clock. */
  readonly at: number
  /** Nodes that the removed one invited and that stay, by peer id. */
  readonly keeps: ReadonlySet<string>
  /** The signed envelope as it travels. */
  readonly bytes: Uint8Array
  /** The node ended its membership itself: `by`, `as` and `within` are it, and it is in every line with it. */
  readonly left?: Departure
}

export interface RemovalWords {
  readonly at: number
  readonly keeps: readonly string[]
  /** Default: `as`. */
  readonly within?: string
  /** Default: the signer. */
  readonly as?: string
}

/** @throws FORBIDDEN when the signer is not above the node, INVALID_ARGUMENT when too many are kept */
export function issueRemoval(signer: Signer, meshId: string, membership: Membership, words: RemovalWords): Removal {
  const { at, keeps, as = signer.peerId, within = as } = words
  if (!isAbove(membership, as, within)) {
    throw new PeerlessError('FORBIDDEN', `${membership.peerId} was not invited by this node, nor by one that it invited`)
  }
  if (keeps.length > REMOVAL_KEEPS_MAX) {
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `${membership.peerId} invited ${keeps.length} nodes that are to stay, at most ${REMOVAL_KEEPS_MAX}; it can be removed with all of them`
    )
  }
  const common = [lineOf(membership), within, at, [...keeps]]
  const said = encode(as === signer.peerId ? [FORMAT, ...common] : [FORMAT_SUCCESSOR, ...common, as])
  const bytes = encodeEnvelope(seal(signer, meshId, KIND, said))
  return { membership, by: signer.peerId, as, within, at, keeps: new Set(keeps), bytes }
}

/** @throws MALFORMED when it is none, NOT_A_MEMBER when its signer may not remove that node */
export function verifyRemoval(alleged: unknown, meshId: string, membership: Membership): Removal {
  if (!(alleged instanceof Uint8Array) || alleged.length > REMOVAL_BYTES_MAX) {
    throw new PeerlessError('MALFORMED', `a removal is a signed envelope of at most ${REMOVAL_BYTES_MAX} bytes`)
  }
  const envelope = decodeEnvelope(alleged)
  const by = envelope.signer
  const value = decode(envelope.bytes, 'removal')
  const words = Array.isArray(value) ? value : []
  const [format, line, within, at, keeps, alias] = words
  const as = format === FORMAT_SUCCESSOR && typeof alias === 'string' ? alias : by
  if (!membership.issuers.includes(as)) {
    throw new PeerlessError('NOT_A_MEMBER', `${as.slice(0, 64)} is not above ${membership.peerId}, and cannot remove it`)
  }
  if (!verifyEnvelope(envelope, meshId, KIND)) {
    throw new PeerlessError('MALFORMED', `the removal of ${membership.peerId} is not signed by ${by.slice(0, 64)}`)
  }
  const whole =
    (format === FORMAT ? words.length === 5 : format === FORMAT_SUCCESSOR && words.length === 6 && as !== by) &&
    // Who has another's right has it over others.
    by !== membership.peerId &&
    Array.isArray(line) &&
    isSame(line, lineOf(membership)) &&
    typeof within === 'string' &&
    isAbove(membership, as, within) &&
    isTime(at) &&
    Array.isArray(keeps) &&
    keeps.length <= REMOVAL_KEEPS_MAX &&
    keeps.every((kept) => typeof kept === 'string')
  if (!whole)
    throw new PeerlessError(
      'MALFORMED',
      `the removal by ${by} is not one of ${membership.peerId} in format ${FORMAT} or ${FORMAT_SUCCESSOR}`
    )
  // Encoded anew: the same words could be wrapped in many ways, and each would be news to everybody.
  return { membership, by, as, within, at: at as number, keeps: new Set(keeps as string[]), bytes: encodeEnvelope(envelope) }
}

/**
 * Of two removals with the same key every node keeps the same: the later, else the one with the larger bytes. So whoever signed one can sign another that
 * keeps more, or fewer. Of two departures the earlier: a node leaves once, and what it says afterwards is somebody else's word with its key.
 */
export function outranks(a: Removal, b: Removal): boolean {
  const later = a.at - b.at || Buffer.compare(a.bytes, b.bytes)
  return a.left !== undefined && b.left !== undefined ? later < 0 : later > 0
}

/** What it is about and whose word it is: nobody can take the place of another's. A node leaves once, whatever line it says so in. */
export function keyOf({ membership, by, as, within, left }: Removal): string {
  return left === undefined ? [by, as, within, ...lineOf(membership)].join(' ') : `${by} left`
}

/** Whose invitations it is about: of a departure those of the node that had let it in, so that it counts among what that one might say. */
export function inviterOf({ membership, within, left }: Removal): string {
  return left === undefined ? within : membership.issuer
}

/** Steps below the mesh key of the node whose invitations it is about: the founder is one below. */
export function depthOf(removal: Removal): number {
  const { issuers } = removal.membership
  return issuers.length - 1 - issuers.lastIndexOf(inviterOf(removal))
}

/** Whether a node stays that the removed one let in. */
export function isKept({ keeps, left }: Removal, peerId: string): boolean {
  return left === undefined ? keeps.has(peerId) : left.stays.has(peerId)
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

export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= TIME_MAX
}

export function isSame(alleged: unknown[], line: string[]): boolean {
  return alleged.length === line.length && line.every((peerId, index) => alleged[index] === peerId)
}
