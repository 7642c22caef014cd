import { type Clock, isPeerlessError, PeerlessError } from '@peerless/interface'
import type { Signer } from '@peerless/wire'
import { DEPARTURE_TOLD_MS } from './constants.ts'
import { boundsOf, issueDeparture } from './departure.ts'
import type { MeshIdentity } from './identity.ts'
import type { InviteBook } from './invite-book.ts'
import type { MemberBook } from './member-book.ts'
import type { Membership } from './membership.ts'
import type { DepartureTold, LeaveWords, MeshLeaving } from './peerless-mesh.ts'
import type { Removal } from './removal.ts'
import type { RemovalRoster } from './removal-roster.ts'
import { removalsOf } from './remove-member.ts'

export interface LeavingOptions {
  readonly signer: Signer
  readonly identity: MeshIdentity
  readonly book: MemberBook
  readonly removals: RemovalRoster
  readonly invites: InviteBook
  readonly clock: Clock
}

/** What a node does to end its own membership, and what it has to know for that. */
export class Leaving implements MeshLeaving {
  /** Whom it let in from then on would be in no list. */
  begun = false
  readonly #o: LeavingOptions
  /** Peers that refused this node because it had left. */
  readonly #refusing = new Set<string>()

  constructor(options: LeavingOptions) {
    this.#o = options
  }

  /** What it said when it left, which it may have done before its last stop. */
  get #departure(): Removal | undefined {
    return this.#o.removals.book.departureOf(this.#o.signer.peerId)
  }

  get done(): boolean {
    return this.#departure !== undefined
  }

  /** The founder of this mesh, which may have left long ago. */
  get founder(): string {
    const { membership } = this.#o.identity
    return membership.issuers.at(-2) ?? membership.peerId
  }

  /** Who has the founder's right to remove; undefined when nobody has it any more. */
  get head(): string | undefined {
    return this.#o.removals.book.headAfter(this.founder)
  }

  /** What this node signs to remove another. @throws FORBIDDEN naming who may, when this node is not above it; INVALID_ARGUMENT */
  removalsOf(target: Membership, keeps: (peerId: string) => boolean): Removal[] {
    const { signer, identity, book, removals, clock } = this.#o
    const members = book.values().map(({ membership }) => membership)
    const as = this.head === signer.peerId && this.founder !== this.head ? this.founder : undefined
    const { meshId } = identity
    return removalsOf({ signer, meshId, now: clock.now(), target, members, removals: removals.book, as, keeps })
  }

  /**
   * Who may inherit that right from this node, those that have been members for the longest first: whom nobody else can remove, or who does that could make the
   * successor go. Nobody where this node has not got it.
   */
  successors(): string[] {
    const { signer, book, removals } = this.#o
    if (this.head !== signer.peerId) return []
    const isGone = (peerId: string) => peerId === signer.peerId || removals.book.of(peerId) !== undefined
    return book
      .values()
      .map(({ membership }) => membership)
      .filter(({ peerId, issuers }) => peerId !== signer.peerId && issuers.slice(0, -1).every(isGone))
      .sort((a, b) => a.issuedAt - b.issuedAt || (a.peerId < b.peerId ? -1 : 1))
      .map(({ peerId }) => peerId)
  }

  /**
   * Signs that this node left, and with it those that go, in one word: were they removed before, and the run ended then, this machine would be a member without its
   * fronts. On disk, and told to the peers, when it resolves.
   * @throws FORBIDDEN when that one cannot succeed it, INVALID_ARGUMENT when it let in or removed too many, CONFLICT when it has left already, UNAVAILABLE when it could not be written: it is a member then as before
   */
  async leave({ successor, goes = [] }: LeaveWords = {}): Promise<DepartureTold> {
    const { signer, identity, book, removals, clock } = this.#o
    const { peerId } = signer
    if (this.#departure !== undefined) throw new PeerlessError('CONFLICT', 'this node has left its mesh already')
    if (book.get(peerId) === undefined) {
      throw new PeerlessError('CONFLICT', 'this node was removed from its mesh: there is nothing to leave any more')
    }
    this.#checkSuccessor(successor)
    this.begun = true
    const isGoing = (id: string) => goes.includes(id)
    const going = book
      .values()
      .filter(({ membership }) => isGoing(membership.peerId))
      .flatMap(({ membership }) => this.removalsOf(membership, (id) => !isGoing(id)))
    const all = removals.book.values()
    const departure = issueDeparture(signer, identity.meshId, identity.membership, {
      at: clock.now(),
      stays: await this.#stays(),
      stands: [...all.filter((removal) => removal.by === peerId), ...going],
      successor
    })
    await removals.addOnceWritten([departure, ...going])
    // Who has heard talks with this node for a moment only.
    return await this.tell()
  }

  /** A member book forgets when it is full, and the record of invites after a while; what is in either was let in. */
  async #stays(): Promise<string[]> {
    const { signer, identity, book, removals, invites } = this.#o
    const ownOf = (lines: readonly { membership: Membership }[]) =>
      lines.map(({ membership }) => membership).filter(({ issuer }) => issuer === signer.peerId)
    // Those that are gone as well: what removes them says who of theirs stays, and that is nobody below whoever is not in this list.
    const gone = removals.book.values()
    const members = ownOf(book.values()).map(({ peerId }) => peerId)
    const stays = new Set([...members, ...ownOf(gone).map(({ peerId }) => peerId), ...(await invites.holders())])
    if (stays.size <= boundsOf(identity.membership).staysMax) return [...stays]
    const keepsSome = new Set(gone.filter(({ keeps, left }) => keeps.size > 0 || (left?.stays.size ?? 0) > 0).map(peerIdOf))
    const idle = new Set(ownOf(gone).map(({ peerId }) => peerId)).difference(keepsSome).difference(new Set(members))
    return [...stays.difference(idle)]
  }

  /** Waits until the connected peers have said that they know, for DEPARTURE_TOLD_MS at most. */
  async tell(): Promise<DepartureTold> {
    const { book, removals, clock } = this.#o
    const departure = this.#departure
    if (departure === undefined) return { told: [], untold: [] }
    const late = new AbortController()
    const timer = clock.after(DEPARTURE_TOLD_MS, () => late.abort())
    try {
      const { told, untold } = await removals.confirm(departure, (peerId) => book.get(peerId) !== undefined, late.signal)
      return { told: [...new Set([...this.#refusing, ...told])], untold: untold.filter((peerId) => !this.#refusing.has(peerId)) }
    } finally {
      timer.cancel()
    }
  }

  /** A dial of a member was refused. */
  refusedBy(peerId: string, error: unknown): void {
    if (this.done && isPeerlessError(error, 'NOT_A_MEMBER')) this.#refusing.add(peerId)
  }

  get isKnown(): boolean {
    return this.#refusing.size > 0
  }

  #checkSuccessor(successor: string | undefined): void {
    if (successor === undefined || this.successors().includes(successor)) return
    const { book, signer } = this.#o
    const named = successor.slice(0, 64)
    if (book.get(successor) === undefined || successor === signer.peerId) {
      throw new PeerlessError('FORBIDDEN', `${named} cannot succeed this node: it is no other member of this mesh`)
    }
    throw new PeerlessError(
      'FORBIDDEN',
      this.head === signer.peerId
        ? `${named} cannot succeed this node: somebody else let it in, who is here still and could remove it. It must be one that this node let in`
        : `${named} cannot succeed this node, which has nothing to hand on: those that let it in can remove whom it let in`
    )
  }
}

function peerIdOf({ membership }: Removal): string {
  return membership.peerId
}
