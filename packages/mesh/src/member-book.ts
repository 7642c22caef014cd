import { messageOf, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { type AddressRecord, verifyAddressRecord } from './address-record.ts'
import { MEMBERS_MAX } from './constants.ts'
import { type Membership, verifyChain } from './membership.ts'
import { RemovalBook } from './removal-book.ts'

const FORMAT = 1

export interface Member {
  readonly membership: Membership
  /** undefined until it was heard of from the node itself. */
  record: AddressRecord | undefined
  /** Epoch milliseconds of the last connection; 0 when only heard of. */
  seenAt: number
}

/**
 * Every member this node knows of. Pure: no network, no disk, no clock. What comes in as bytes is verified from the mesh key down, so
 * it does not matter who passed it on; and it converges, because the higher sequence wins.
 */
export class MemberBook {
  readonly #meshId: string
  readonly #members = new Map<string, Member>()
  /** Certificate bytes, as text, to their holder: most of every exchange is what we hold already, and that is spared the signatures. */
  readonly #holders = new Map<string, string>()
  readonly #isConnected: (peerId: string) => boolean
  readonly #removals: RemovalBook

  /** @param removals whoever is removed in it is not taken in */
  constructor(meshId: string, isConnected: (peerId: string) => boolean, removals: RemovalBook = new RemovalBook(meshId)) {
    this.#meshId = meshId
    this.#isConnected = isConnected
    this.#removals = removals
  }

  get(peerId: string): Member | undefined {
    return this.#members.get(peerId)
  }

  values(): Member[] {
    return [...this.#members.values()]
  }

  /** Forgets whom the removals are against now, and returns them. */
  sweep(): Membership[] {
    const out = this.values().flatMap(({ membership }) => (this.#removals.against(membership) === undefined ? [] : [membership]))
    for (const membership of out) this.#forget(membership)
    return out
  }

  /** Returns whether that was news. */
  learn(membership: Membership, record: AddressRecord | undefined): boolean {
    if (this.#removals.against(membership) !== undefined) return false
    const known = this.#members.get(membership.peerId)
    if (known === undefined) {
      this.#makeRoom()
      this.#members.set(membership.peerId, { membership, record, seenAt: 0 })
      this.#holders.set(keyOf(membership), membership.peerId)
      return true
    }
    if (record === undefined || (known.record !== undefined && known.record.sequence >= record.sequence)) return false
    known.record = record
    return true
  }

  /**
   * The member presents this line itself: that counts for more than what others passed on, since any member can sign one for any node, and then be removed, or say
   * that the node is. Returns whether that was news.
   */
  meet(membership: Membership): boolean {
    const known = this.#members.get(membership.peerId)
    if (known === undefined) return this.learn(membership, undefined)
    if (isSameLine(known.membership, membership) || this.#removals.against(membership) !== undefined) return false
    this.#holders.delete(keyOf(known.membership))
    this.#members.set(membership.peerId, { ...known, membership })
    this.#holders.set(keyOf(membership), membership.peerId)
    return true
  }

  seen(peerId: string, now: number): void {
    const member = this.#members.get(peerId)
    if (member !== undefined) member.seenAt = now
  }

  /** One member as it travels: [chain, address record]. */
  static pack(member: Member): [Uint8Array[], Uint8Array | null] {
    return [[...member.membership.chain], member.record?.bytes ?? null]
  }

  /** Members by the latest seen, at most `countMax`, encoded. */
  packAll(countMax: number = MEMBERS_MAX): Uint8Array {
    const members = this.values().sort((a, b) => b.seenAt - a.seenAt)
    return encode(members.slice(0, countMax).map(MemberBook.pack))
  }

  /**
   * Takes in members from a peer or disk.
   * @returns those that were news, and what was wrong with the ones that were dropped
   * @throws MALFORMED when it is no list, or a list too long
   */
  unpack(alleged: unknown): { news: string[]; faults: string[] } {
    if (!Array.isArray(alleged) || alleged.length > MEMBERS_MAX) {
      throw new PeerlessError('MALFORMED', `member records must be a list of at most ${MEMBERS_MAX}`)
    }
    const news: string[] = []
    const faults: string[] = []
    for (const entry of alleged) {
      try {
        const peerId = this.#take(entry)
        if (peerId !== undefined) news.push(peerId)
      } catch (error) {
        // One bad record says nothing about its neighbours; the caller logs the faults.
        faults.push(messageOf(error))
      }
    }
    return { news, faults }
  }

  /** For disk. */
  encode(): Uint8Array {
    return encode([FORMAT, this.values().map((member) => [...MemberBook.pack(member), member.seenAt])])
  }

  /** From disk; the same checks as from a peer. @throws MALFORMED */
  restore(bytes: Uint8Array): { faults: string[] } {
    const value = decode(bytes, 'remembered members')
    const [format, rows] = Array.isArray(value) ? value : []
    if (format !== FORMAT || !Array.isArray(rows))
      throw new PeerlessError('MALFORMED', `remembered members: not format ${FORMAT}`)
    const { faults } = this.unpack(rows)
    for (const row of rows) {
      const peerId = Array.isArray(row) && Array.isArray(row[0]) ? this.#holderOf(row[0]) : undefined
      if (peerId !== undefined && Number.isSafeInteger(row[2])) this.seen(peerId, row[2])
    }
    return { faults }
  }

  #take(alleged: unknown): string | undefined {
    const [chain, record] = Array.isArray(alleged) ? alleged : []
    if (this.#isKnown(chain, record)) return undefined
    const membership = verifyChain(chain, this.#meshId)
    const verified = record === null ? undefined : verifyAddressRecord(record, this.#meshId, membership.peerId)
    return this.learn(membership, verified) ? membership.peerId : undefined
  }

  /** Byte for byte what we hold. */
  #isKnown(chain: unknown, record: unknown): boolean {
    const peerId = Array.isArray(chain) ? this.#holderOf(chain) : undefined
    const held = peerId === undefined ? undefined : this.#members.get(peerId)?.record?.bytes
    return held !== undefined && record instanceof Uint8Array && Buffer.compare(held, record) === 0
  }

  #holderOf(chain: unknown[]): string | undefined {
    const leaf = chain[0]
    return leaf instanceof Uint8Array ? this.#holders.get(textOf(leaf)) : undefined
  }

  #makeRoom(): void {
    if (this.#members.size < MEMBERS_MAX) return
    let oldest: Member | undefined
    for (const member of this.#members.values()) {
      if (!this.#isConnected(member.membership.peerId) && (oldest === undefined || member.seenAt < oldest.seenAt)) oldest = member
    }
    if (oldest === undefined) return
    this.#forget(oldest.membership)
  }

  #forget(membership: Membership): void {
    this.#members.delete(membership.peerId)
    this.#holders.delete(keyOf(membership))
  }
}

function isSameLine(a: Membership, b: Membership): boolean {
  return keyOf(a) === keyOf(b) && a.issuers.join(' ') === b.issuers.join(' ')
}

function keyOf(membership: Membership): string {
  return textOf(membership.chain[0] as Uint8Array)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
