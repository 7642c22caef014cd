import { createHash } from 'node:crypto'
import { PeerlessError } from '@peerless/interface'
import { decode, decodeEnvelope, encode, encodeEnvelope, type Signer, seal, verifyEnvelope } from '@peerless/wire'
import {
  DEPARTURE_BYTES_MAX,
  FOUNDER_DEPARTURE_BYTES_MAX,
  FOUNDER_STAYS_MAX,
  MARK_BYTES,
  MEMBERS_MAX,
  PEER_ID_CHARACTERS_MAX,
  REMOVALS_MAX,
  STANDS_MAX
} from './constants.ts'
import type { Membership } from './membership.ts'
import { isSame, isTime, lineOf, type Removal } from './removal.ts'

/**
 * A departure says: I am no member any more. The node signs it about itself, so that nobody needs to be asked and nobody else can. It is no accusation: whom it
 * let in stays, and whom it removed stays out. Both are listed, because its key may be found on a disk that was sold: what that signs later is in no list.
 */
const KIND = 'departure'
const FORMAT = 1

/** What a departure says beyond that the node is gone. */
export interface Departure {
  /** Whom it let in, as marks of their peer ids: nobody else is a member by its word. */
  readonly stays: Marks
  /** What it had removed, as marks of the envelopes: nothing else counts as its word. */
  readonly stands: Marks
  /** Peer id of the node that has its right to remove from now on; only the word of a founder, or of who has it from one, makes one. */
  readonly successor: string | undefined
}

/** A set of texts or bytes of which only the beginnings of their hashes are known. */
export class Marks {
  readonly #marks: ReadonlySet<string>

  private constructor(marks: Iterable<string>) {
    this.#marks = new Set(marks)
  }

  static of(items: Iterable<string | Uint8Array>): Marks {
    return new Marks([...items].map(markOf))
  }

  /** @throws MALFORMED unless it is a whole number of marks, at most so many */
  static decode(alleged: unknown, countMax: number, what: string): Marks {
    const bytes = alleged instanceof Uint8Array ? Buffer.from(alleged) : undefined
    if (bytes === undefined || bytes.length % MARK_BYTES !== 0 || bytes.length > countMax * MARK_BYTES) {
      const said = bytes === undefined ? typeof alleged : `${bytes.length} bytes`
      throw new PeerlessError(
        'MALFORMED',
        `the ${what} of a departure (${said}) must be marks of ${MARK_BYTES} bytes, at most ${countMax}`
      )
    }
    const count = bytes.length / MARK_BYTES
    return new Marks(Array.from({ length: count }, (_, at) => bytes.toString('latin1', at * MARK_BYTES, (at + 1) * MARK_BYTES)))
  }

  get size(): number {
    return this.#marks.size
  }

  has(item: string | Uint8Array): boolean {
    return this.#marks.has(markOf(item))
  }

  /** In one order, whatever that of the items was. */
  encode(): Uint8Array {
    return Buffer.from([...this.#marks].sort().join(''), 'latin1')
  }
}

export interface DepartureWords {
  /** Epoch milliseconds on the node's clock. */
  readonly at: number
  /** Peer ids. */
  readonly stays: readonly string[]
  readonly stands: readonly Removal[]
  readonly successor?: string | undefined
}

/** @throws INVALID_ARGUMENT when it let in, or removed, too many */
export function issueDeparture(signer: Signer, meshId: string, membership: Membership, words: DepartureWords): Removal {
  const { at, successor } = words
  const stays = Marks.of(words.stays)
  const stands = Marks.of(words.stands.map(({ bytes }) => bytes))
  const { staysMax, standsMax } = boundsOf(membership)
  if (stays.size > staysMax || stands.size > standsMax) {
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `${membership.peerId} let in ${stays.size} nodes that are to stay, at most ${staysMax}, and removed ${stands.size}, at most ${standsMax}`
    )
  }
  const said = encode([FORMAT, lineOf(membership), at, stays.encode(), stands.encode(), successor ?? null])
  return departureOf(membership, at, { stays, stands, successor }, encodeEnvelope(seal(signer, meshId, KIND, said)))
}

/** @throws MALFORMED when it is none, NOT_A_MEMBER when another than the node itself has signed it */
export function verifyDeparture(alleged: unknown, meshId: string, membership: Membership): Removal {
  const { peerId } = membership
  const { staysMax, standsMax, bytesMax } = boundsOf(membership)
  if (!(alleged instanceof Uint8Array) || alleged.length > bytesMax) {
    const said = alleged instanceof Uint8Array ? `${alleged.length} bytes` : typeof alleged
    throw new PeerlessError('MALFORMED', `a departure (${said}) is a signed envelope of at most ${bytesMax} bytes`)
  }
  const envelope = decodeEnvelope(alleged)
  if (envelope.signer !== peerId) {
    throw new PeerlessError('NOT_A_MEMBER', `${envelope.signer.slice(0, 64)} cannot say that ${peerId} left: only that one can`)
  }
  if (!verifyEnvelope(envelope, meshId, KIND)) {
    throw new PeerlessError('MALFORMED', `the departure of ${peerId} is not signed by it`)
  }
  const value = decode(envelope.bytes, 'departure')
  const [format, line, at, stays, stands, successor] = Array.isArray(value) && value.length === 6 ? value : []
  const whole =
    format === FORMAT &&
    Array.isArray(line) &&
    isSame(line, lineOf(membership)) &&
    isTime(at) &&
    (successor === null || (typeof successor === 'string' && successor !== peerId))
  if (!whole) throw new PeerlessError('MALFORMED', `the departure of ${peerId} is not one in format ${FORMAT}`)
  if (typeof successor === 'string' && successor.length > PEER_ID_CHARACTERS_MAX) {
    throw new PeerlessError(
      'MALFORMED',
      `the successor of a departure (${successor.length} characters) must be a peer id of at most ${PEER_ID_CHARACTERS_MAX}`
    )
  }
  const said = {
    stays: Marks.decode(stays, staysMax, 'nodes that stay'),
    stands: Marks.decode(stands, standsMax, 'removals that stand'),
    successor: (successor as string | null) ?? undefined
  }
  // Encoded anew: the same words could be wrapped in many ways, and each would be news to everybody.
  return departureOf(membership, at as number, said, encodeEnvelope(envelope))
}

/** What the departure of a node may hold: of a founder, whom the mesh key itself let in, all that it can have let in and removed. */
export function boundsOf({ issuers }: Pick<Membership, 'issuers'>): { staysMax: number; standsMax: number; bytesMax: number } {
  return issuers.length === 1
    ? { staysMax: FOUNDER_STAYS_MAX, standsMax: REMOVALS_MAX, bytesMax: FOUNDER_DEPARTURE_BYTES_MAX }
    : { staysMax: MEMBERS_MAX, standsMax: STANDS_MAX, bytesMax: DEPARTURE_BYTES_MAX }
}

function departureOf(membership: Membership, at: number, left: Departure, bytes: Uint8Array): Removal {
  const { peerId } = membership
  return { membership, by: peerId, as: peerId, within: peerId, at, keeps: new Set(), bytes, left }
}

function markOf(item: string | Uint8Array): string {
  return createHash('sha256').update(item).digest().toString('latin1', 0, MARK_BYTES)
}
