import type { Clock, Logger, Mesh, PeerStatus, Random } from '@peerless/interface'
import type { Signer } from '@peerless/wire'
import type { InviteRedeemed } from './admission-policy.ts'
import type { Directory } from './directory.ts'
import type { MeshIdentity, NodeKey } from './identity.ts'
import type { InviteBook, InviteOrder } from './invite-book.ts'
import type { InviteToken, KeyInvite } from './invite-token.ts'
import type { Membership } from './membership.ts'

/** A member as `peerless peers` shows it, without what only a beacon knows. */
export type MemberStatus = Pick<PeerStatus, 'peerId' | 'name' | 'self' | 'status' | 'addresses' | 'rttMs' | 'clockOffsetMs'>

/** Which of the connected peers have said that they know of a departure, and which have not. */
export interface DepartureTold {
  readonly told: string[]
  readonly untold: string[]
}

export interface LeaveWords {
  /** Who has its right to remove from then on, where this node is the head. Default: nobody. */
  readonly successor?: string | undefined
  /** Whom it let in and that goes with it, but not whom those let in. Default: nobody. */
  readonly goes?: readonly string[]
}

export interface MeshLeaving {
  /** While it is true, this node lets nobody in. */
  begun: boolean
  /** It ended its own membership, now or before its last start: its word counts for nothing any more. */
  readonly done: boolean
  /** Who can remove whom the founder let in: the founder, or who inherited that; undefined when nobody can any more. */
  readonly head: string | undefined
  /** Peer ids of those that may inherit that from this node, the eldest members first; none where it has not got it. */
  successors(): string[]
  /**
   * Ends this node's own membership for ever. Whom it let in stays, whom it removed stays out. On disk, and told to the peers that are named, when it resolves; they
   * end their connections then.
   * @throws FORBIDDEN when that one may not, INVALID_ARGUMENT when it let in or removed too many, CONFLICT when it is no member any more, UNAVAILABLE when it could not be written: it is a member then as before
   */
  leave(words?: LeaveWords): Promise<DepartureTold>
  /** Tells the peers that are connected, again; for a node whose last run ended before any had heard. Who refused this node for that knows, too. */
  tell(): Promise<DepartureTold>
  /** Somebody refused this node because it had left. */
  readonly isKnown: boolean
}

/** The mesh as the node's own parts see it: the contract of packages/interface, and what only the daemon may do. */
export interface PeerlessMesh extends Mesh {
  readonly name: string
  /** Signs as this node. */
  readonly signer: Signer
  /** 32 bytes that all members share; seals secrets at rest. Never log it. */
  readonly meshSecret: Uint8Array
  /** The 32 secret bytes behind `signer`, for a part that signs in a thread of its own. Never log it. */
  readonly seed: Uint8Array
  /** This mesh was founded by this call of `createMesh`. */
  readonly foundedNow: boolean
  /** A token was redeemed by this call of `createMesh`. */
  readonly joinedNow: boolean
  /** This node came by invite, now or earlier; false for the founder. */
  readonly joined: boolean
  /** Listens and connects. Register handlers, topics and listeners before. */
  start(): Promise<void>
  /** Ends every connection; outstanding requests fail with CONNECTION_LOST. It cannot be started again. */
  stop(): Promise<void>
  /** Multiaddrs with /p2p/ on which this node listens now. */
  addresses(): string[]
  /**
   * Issues a token; on record when it resolves.
   * @throws INVALID_ARGUMENT, CONFLICT when too many are on record, FORBIDDEN when invited too deep, UNAVAILABLE when not listening
   */
  invite(order: InviteOrder): Promise<string>
  /** Spends one use of a token for an access key, issued by this node. @throws INVALID_INVITE */
  redeem(token: string): Promise<KeyInvite>
  /** Connects with a member at one of these multiaddrs of one peer. Returns its peer id. @throws NOT_A_MEMBER, CONNECTION_LOST */
  connect(addresses: string[]): Promise<string>
  isMember(peerId: string): boolean
  memberOf(peerId: string): Membership | undefined
  /** It was a member, and was removed. */
  isRemoved(peerId: string): boolean
  /**
   * Ends a membership for ever, of a node that this one let in, or one that it let in did. On disk, and told to the peers, when it resolves.
   * @param keeps whether a node stays that the removed one invited
   * @returns peer ids of all that were removed, that one first
   * @throws NOT_FOUND, FORBIDDEN naming who may, INVALID_ARGUMENT for this node itself, CONFLICT when there are too many, UNAVAILABLE when it holds, but could not be written
   */
  remove(peerId: string, keeps: (peerId: string) => boolean): Promise<string[]>
  /** How this node ends its own membership. */
  readonly leaving: MeshLeaving
  /** Why a member refused this node when it was dialled last, in that one's words; undefined where it did not. */
  readonly refused: { by(peerId: string): string | undefined }
  /** undefined for a stranger. */
  status(peerId: string): MemberStatus | undefined
  /** All known members, this node first. */
  members(): MemberStatus[]
  /** Tells the peers, with the next pings, that this node is about to stop. */
  setDraining(draining: boolean): void
}

export interface MeshParts {
  directory: Directory
  node: NodeKey
  identity: MeshIdentity
  invites: InviteBook
  /** See `RosterOptions`. */
  whereabouts: Pick<InviteToken, 'issuer' | 'addresses'> | undefined
  listen: readonly string[]
  clock: Clock
  random: Random
  logger: Logger
  foundedNow: boolean
  joinedNow: boolean
  onInviteRedeemed: ((redeemed: InviteRedeemed) => void) | undefined
}
