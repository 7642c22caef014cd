import { createHash } from 'node:crypto'
import { messageOf, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { REMOVALS_MAX } from './constants.ts'
import { type Membership, verifyChain } from './membership.ts'
import { lineOf, outranks, type Removal, rankOf, verifyRemoval } from './removal.ts'

/**
 * Every removal this node knows of. Pure: no network, no disk, no clock. Each is verified from the mesh key down, and of two of one node all keep the same, so
 * that books which exchanged theirs are alike in whatever order they heard.
 */
export class RemovalBook {
  readonly #meshId: string
  readonly #removals = new Map<string, Removal>()

  constructor(meshId: string) {
    this.#meshId = meshId
  }

  values(): Removal[] {
    return [...this.#removals.values()]
  }

  /** The one that ended a member's membership; undefined for a member that was invited, but never removed. */
  of(peerId: string): Removal | undefined {
    return this.#removals.get(peerId)
  }

  /** Why whoever holds this membership is no member: it was removed, or it was invited by one that was, and not kept. */
  against(membership: Membership): Removal | undefined {
    return this.#againstLine(lineOf(membership))
  }

  /**
   * What a removed node signed does not count, be it before or after: it may say when it likes. Who removes a node therefore signs anew what that one had
   * removed, see `Libp2pMesh.remove`.
   */
  #againstLine(line: readonly string[]): Removal | undefined {
    for (const [index, peerId] of line.entries()) {
      const removal = this.#removals.get(peerId)
      if (removal === undefined || removal.keeps.has(line[index - 1] ?? '')) continue
      if (this.#againstLine(line.slice(line.indexOf(removal.by))) === undefined) return removal
    }
    return undefined
  }

  /** Whether that was news. A full book prefers those that were signed closer to the mesh key: nobody fills it with removals of nodes that it invited itself. */
  learn(removal: Removal): boolean {
    const { peerId } = removal.membership
    const known = this.#removals.get(peerId)
    if (known !== undefined ? !outranks(removal, known) : !this.#makeRoom(removal)) return false
    this.#removals.set(peerId, removal)
    return true
  }

  #makeRoom(removal: Removal): boolean {
    if (this.#removals.size < REMOVALS_MAX) return true
    let lowest = removal
    for (const other of this.#removals.values()) if (depthOf(other) > depthOf(lowest)) lowest = other
    if (lowest === removal) return false
    return this.#removals.delete(lowest.membership.peerId)
  }

  /** Of all that is in it, whatever the order; 32 bytes. */
  digest(): Uint8Array {
    const hash = createHash('sha256')
    for (const bytes of this.values()
      .map((removal) => removal.bytes)
      .sort(Buffer.compare))
      hash.update(bytes)
    return hash.digest()
  }

  /** As it travels and lies on the disk: [chain, envelope] each. */
  encode(): Uint8Array {
    return encode(this.values().map(({ membership, bytes }) => [[...membership.chain], bytes]))
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
    const news: Removal[] = []
    const faults: string[] = []
    for (const entry of alleged) {
      try {
        const [chain, envelope] = Array.isArray(entry) ? entry : []
        const removal = verifyRemoval(envelope, this.#meshId, verifyChain(chain, this.#meshId))
        if (this.learn(removal)) news.push(removal)
      } catch (error) {
        // One that is bad says nothing about its neighbours; the caller logs the faults.
        faults.push(messageOf(error))
      }
    }
    return { news, faults }
  }
}

/** How many steps below the mesh key it was signed. */
function depthOf(removal: Removal): number {
  return removal.membership.issuers.length - 1 - rankOf(removal)
}
