import { createHash } from 'node:crypto'
import { messageOf, PeerlessError } from '@peerless/interface'
import { decode, decodeEnvelope, encode } from '@peerless/wire'
import { REMOVALS_BYTES_MAX, REMOVALS_MAX } from './constants.ts'
import { boundsOf, verifyDeparture } from './departure.ts'
import { type Membership, verifyChain } from './membership.ts'
import { depthOf, inviterOf, isKept, keyOf, lineOf, outranks, type Removal, verifyRemoval } from './removal.ts'

type Line = Pick<Membership, 'peerId' | 'issuers'>

/**
 * Every removal this node knows of. Pure: no network, no disk, no clock. Each is verified from the mesh key down, and of two with one key all keep the same, so
 * that books which exchanged theirs are alike in whatever order they heard.
 */
export class RemovalBook {
  readonly #meshId: string
  /** By key. */
  readonly #removals = new Map<string, Removal>()
  /** The same by whom they remove. */
  readonly #byPeer = new Map<string, Set<Removal>>()
  /** Their bytes, as text: most of every exchange is what we hold already, and that is spared the signatures. */
  readonly #held = new Set<string>()
  /** Of all of them, as they travel. */
  #bytes = 0
  /** undefined when it has to be made again. */
  #digest: Uint8Array | undefined

  constructor(meshId: string) {
    this.#meshId = meshId
  }

  values(): Removal[] {
    return [...this.#removals.values()]
  }

  holds(removal: Removal): boolean {
    return this.#removals.get(keyOf(removal)) === removal
  }

  /** One that ended a membership of this peer id; undefined for who was never removed, or by one whose word does not count. */
  of(peerId: string): Removal | undefined {
    for (const removal of this.#byPeer.get(peerId) ?? []) {
      if (this.against(removal.membership) !== undefined) return removal
    }
    return undefined
  }

  /** What a node said when it left; undefined for who did not. */
  departureOf(peerId: string): Removal | undefined {
    for (const removal of this.#byPeer.get(peerId) ?? []) if (removal.left !== undefined) return removal
    return undefined
  }

  /**
   * Who has the right of a founder to remove: the founder itself until it leaves, then its successor, and so on.
   * @returns undefined when the last one named nobody
   */
  headAfter(founder: string): string | undefined {
    let head: string | undefined = founder
    // A node that is named twice has left, and leads round in a circle.
    for (let steps = 0; head !== undefined && steps <= REMOVALS_MAX; steps++) {
      const departure: Removal | undefined = this.departureOf(head)
      if (departure === undefined) return head
      head = departure.left?.successor
    }
    return undefined
  }

  /**
   * Why whoever holds this membership is no member: it was removed or left, or it was invited by one that was removed, and not kept.
   *
   * What a removed node signed does not count, be it before or after: it may say when it likes. Who removes a node therefore signs anew what that one had
   * removed, see `removalsOf`; one that leaves lists what stands. From the mesh key down, so that every step is taken once: a line is a peer's to make up.
   * @param except a removal that is looked away from
   */
  against(membership: Line, except?: Removal): Removal | undefined {
    const line = lineOf(membership)
    const out: (Removal | undefined)[] = []
    // Against whoever stands here, from above.
    let above: Removal | undefined
    for (let index = line.length - 1; index >= 0; index--) {
      const own = this.#strongest(line, index, out, except)
      out[index] = own ?? above
      if (own !== undefined && !isKept(own, line[index - 1] ?? '')) above = own
    }
    return out[0]
  }

  /** Whether what a removal says is the word of somebody who may say it. */
  counts(removal: Removal): boolean {
    const { membership, as, left } = removal
    // Who leaves may say so itself; but one that is out anyway, for what is above it, says nothing new.
    if (left !== undefined) return this.against(membership, removal) === undefined
    const line = lineOf(membership)
    const signer = line.lastIndexOf(as)
    const away = this.against({ peerId: as, issuers: line.slice(signer + 1) })
    return this.#speaks(removal, away, signer === line.length - 2)
  }

  /**
   * Of the removals of one node in a line the word of whoever is closest to the mesh key, its latest. What the node says itself is the least.
   * @param out why those above are no members
   */
  #strongest(
    line: readonly string[],
    index: number,
    out: readonly (Removal | undefined)[],
    except: Removal | undefined
  ): Removal | undefined {
    let strongest: Removal | undefined
    let highest = 0
    for (const removal of this.#byPeer.get(line[index] as string) ?? []) {
      if (removal === except) continue
      if (removal.left !== undefined) {
        strongest ??= removal
        continue
      }
      const within = line.indexOf(removal.within, index + 1)
      const signer = line.lastIndexOf(removal.as)
      if (within < 0 || signer < within || signer < highest) continue
      if (!this.#speaks(removal, out[signer], signer === line.length - 2)) continue
      if (signer === highest && strongest !== undefined && !outranks(removal, strongest)) continue
      strongest = removal
      highest = signer
    }
    return strongest
  }

  /**
   * @param away why the node whose word it is is no member
   * @param founded whether that one is the founder, whose right goes to a successor; those above any other have it anyway
   */
  #speaks(removal: Removal, away: Removal | undefined, founded: boolean): boolean {
    if (away === undefined) return removal.by === removal.as
    for (let steps = 0; away?.left !== undefined && steps <= REMOVALS_MAX; steps++) {
      if (removal.by === away.by) return away.left.stands.has(removal.bytes)
      const { successor }: { successor: string | undefined } = away.left
      if (!founded || successor === undefined) return false
      away = this.departureOf(successor)
      if (away === undefined) return removal.by === successor
    }
    return false
  }

  /** Whether that was news. A full book prefers those about what is closer to the mesh key, and then those of whom it has fewest: nobody fills it with its own. */
  learn(removal: Removal): boolean {
    if (!this.#add(removal)) return false
    this.#trim()
    return this.holds(removal)
  }

  #add(removal: Removal): boolean {
    const key = keyOf(removal)
    const known = this.#removals.get(key)
    if (known !== undefined) {
      if (!outranks(removal, known)) return false
      this.#drop(known)
    }
    this.#removals.set(key, removal)
    this.#held.add(textOf(removal.bytes))
    this.#bytes += sizeOf(removal)
    this.#digest = undefined
    const { peerId } = removal.membership
    const others = this.#byPeer.get(peerId)
    if (others === undefined) this.#byPeer.set(peerId, new Set([removal]))
    else others.add(removal)
    return true
  }

  get #isOver(): boolean {
    return this.#removals.size > REMOVALS_MAX || this.#bytes > REMOVALS_BYTES_MAX
  }

  /** What one that goes had said may have kept others back, so that these are looked at again. */
  #trim(): void {
    while (this.#isOver) {
      const ranked = this.#ranked()
      while (this.#isOver) this.#drop(ranked.pop() as Removal)
    }
  }

  /**
   * Those to go first at the end: those whose signer is out, which say nothing any more; then by depth, then by how many about the same node come before it, then by
   * key: what comes after so many others comes after no fewer when more are known, so that who heard them in another order has given up the same.
   */
  #ranked(): Removal[] {
    const ordered = [...this.#removals]
      .map(([key, removal]) => ({ key, removal, depth: this.#depthOf(removal), steps: stepsDown(removal), before: 0 }))
      .sort((a, b) => byDepth(a, b) || a.steps - b.steps || (a.key < b.key ? -1 : 1))
    const shares = new Map<string, number>()
    for (const each of ordered) {
      const share = `${each.depth} ${inviterOf(each.removal)}`
      each.before = shares.get(share) ?? 0
      shares.set(share, each.before + 1)
    }
    // Stable, so by that order where these are the same.
    return ordered.sort((a, b) => byDepth(a, b) || a.before - b.before).map(({ removal }) => removal)
  }

  /** Below all others where it is nobody's word. */
  #depthOf(removal: Removal): number {
    return this.counts(removal) ? depthOf(removal) : Number.POSITIVE_INFINITY
  }

  #drop(removal: Removal): void {
    const { peerId } = removal.membership
    this.#removals.delete(keyOf(removal))
    this.#held.delete(textOf(removal.bytes))
    this.#bytes -= sizeOf(removal)
    this.#digest = undefined
    const others = this.#byPeer.get(peerId)
    others?.delete(removal)
    if (others?.size === 0) this.#byPeer.delete(peerId)
  }

  /** Of all that is in it, whatever the order; 32 bytes. */
  digest(): Uint8Array {
    this.#digest ??= this.#hash()
    return this.#digest
  }

  #hash(): Uint8Array {
    const hash = createHash('sha256')
    for (const bytes of this.values()
      .map((removal) => removal.bytes)
      .sort(Buffer.compare))
      hash.update(bytes)
    return hash.digest()
  }

  /** As they travel and lie on the disk: [chain, envelope] each. */
  encode(removals: readonly Removal[] = this.values()): Uint8Array {
    return encode(removals.map(({ membership, bytes }) => [[...membership.chain], bytes]))
  }

  /**
   * Takes in removals from a peer or disk.
   * @returns those that were news, and what was wrong with the ones that were dropped
   * @throws MALFORMED when it is no list, or a list too long
   */
  take(bytes: Uint8Array): { news: Removal[]; faults: string[] } {
    const alleged = decode(bytes, 'removals')
    if (!Array.isArray(alleged) || alleged.length > REMOVALS_MAX) {
      throw new PeerlessError('MALFORMED', `removals must be a list of at most ${REMOVALS_MAX}`)
    }
    const added: Removal[] = []
    const faults: string[] = []
    for (const entry of alleged) {
      try {
        const [chain, envelope] = Array.isArray(entry) ? entry : []
        if (envelope instanceof Uint8Array && this.#held.has(textOf(envelope))) continue
        const removal = this.#verify(envelope, verifyChain(chain, this.#meshId))
        if (this.#add(removal)) added.push(removal)
      } catch (error) {
        // One that is bad says nothing about its neighbours; the caller logs the faults.
        faults.push(messageOf(error))
      }
    }
    // Once for all of them: it looks at the whole book.
    this.#trim()
    return { news: added.filter((removal) => this.holds(removal)), faults }
  }

  /** What a node signs about itself is that it left. */
  #verify(alleged: unknown, membership: Membership): Removal {
    const own =
      alleged instanceof Uint8Array &&
      alleged.length <= boundsOf(membership).bytesMax &&
      decodeEnvelope(alleged).signer === membership.peerId
    return own ? verifyDeparture(alleged, this.#meshId, membership) : verifyRemoval(alleged, this.#meshId, membership)
  }
}

/** From the signer down to the node whose invitations it is about, the most first: what those above say of these counts for more than that node's own word. */
function stepsDown(removal: Removal): number {
  const { issuers } = removal.membership
  return issuers.lastIndexOf(inviterOf(removal)) - issuers.lastIndexOf(removal.as)
}

/** What nobody's word is lies at no depth; such ones are alike. */
function byDepth(a: { readonly depth: number }, b: { readonly depth: number }): number {
  return a.depth === b.depth ? 0 : a.depth - b.depth
}

/** As it travels: its chain and its envelope, each part behind a few bytes that say its length. */
function sizeOf({ membership, bytes }: Removal): number {
  return membership.chain.reduce((sum, certificate) => sum + certificate.length + 3, bytes.length + 16)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
