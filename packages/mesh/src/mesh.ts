import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import {
  type Carrier,
  type IncomingRequest,
  messageOf,
  type OnPart,
  type OnReply,
  type PeerListener,
  PeerlessError,
  type Reply,
  type StreamedRequest,
  type Timer,
  type Topic
} from '@peerless/interface'
import type { Signer } from '@peerless/wire'
import { peerIdOfAddress } from './address-record.ts'
import { leaving, MemberPolicy } from './admission-policy.ts'
import { ADDRESSES_MAX, LEFT_TOLD_MS, MESH_MESSAGE, REMOVED_TOLD_MS } from './constants.ts'
import { Gossip } from './gossip.ts'
import { checkDepth } from './identity.ts'
import type { InviteOrder } from './invite-book.ts'
import { encodeToken, type KeyInvite } from './invite-token.ts'
import { Leaving } from './leaving.ts'
import { type MeshLibp2p, makeLibp2p } from './libp2p-node.ts'
import { listenError, rememberPorts, withRememberedPorts } from './listen-ports.ts'
import type { Membership } from './membership.ts'
import type { PeerLink } from './peer-link.ts'
import { notConnected, PeerRequests } from './peer-requests.ts'
import { PeerTable } from './peer-table.ts'
import type { MemberStatus, MeshParts, PeerlessMesh } from './peerless-mesh.ts'
import { PendingAdmissions } from './pending-admissions.ts'
import { reach } from './reach.ts'
import { Redial } from './redial.ts'
import { RefusalLog } from './refusal-log.ts'
import { RefusedHere } from './refused-here.ts'
import { lineOf, type Removal } from './removal.ts'
import { RemovalRoster } from './removal-roster.ts'
import { Roster } from './roster.ts'

export class Libp2pMesh implements PeerlessMesh {
  readonly peerId: string
  readonly meshId: string
  readonly signer: Signer
  readonly meshSecret: Uint8Array
  readonly seed: Uint8Array
  readonly foundedNow: boolean
  readonly joinedNow: boolean
  readonly leaving: Leaving
  readonly #parts: MeshParts
  readonly #table: PeerTable
  readonly #links: ReadonlyMap<string, PeerLink>
  readonly #requests: PeerRequests
  readonly #roster: Roster
  readonly #removals: RemovalRoster
  readonly #redial: Redial
  readonly #gossip: Gossip
  readonly #policy: MemberPolicy
  readonly #refusals = new Map<string, PeerlessError>()
  readonly refused: RefusedHere
  #libp2p: MeshLibp2p | undefined
  #draining = false
  #stopped = false
  /** Of the connections of those who are members no more. */
  readonly #endings = new Set<Timer>()

  constructor(parts: MeshParts) {
    const { node, identity, clock, random, logger, directory } = parts
    this.#parts = parts
    this.signer = node.signer
    this.peerId = node.signer.peerId
    this.meshId = identity.meshId
    this.meshSecret = identity.meshSecret
    this.seed = parts.node.seed
    this.foundedNow = parts.foundedNow
    this.joinedNow = parts.joinedNow
    this.#table = new PeerTable({
      clock,
      logger,
      draining: () => this.#draining,
      isMember: (peerId) => this.isMember(peerId),
      onUnlinked: (peerId) => this.#redial.disconnected(peerId)
    })
    this.#links = this.#table.links
    this.#requests = new PeerRequests(this.#links)
    const isConnected = (peerId: string) => peerId === this.peerId || this.#links.has(peerId)
    const links = () => [...this.#links.values()].filter((link) => link.up)
    this.#removals = new RemovalRoster({
      meshId: this.meshId,
      directory,
      logger,
      links,
      onNews: (news) => this.#onRemovals(news)
    })
    this.#roster = new Roster({
      directory,
      signer: node.signer,
      identity,
      clock,
      random,
      logger,
      links,
      isConnected,
      removals: this.#removals,
      whereabouts: parts.whereabouts,
      onNews: (peerId) => this.#redial.noticed(peerId)
    })
    this.leaving = new Leaving({
      signer: node.signer,
      identity,
      book: this.#roster.book,
      removals: this.#removals,
      invites: parts.invites,
      clock
    })
    this.#redial = new Redial({
      self: this.peerId,
      clock,
      random,
      candidates: () => this.#roster.dialable(),
      isConnected,
      connectedCount: () => this.#links.size,
      dial: (peerId) => this.#dialMember(peerId)
    })
    this.refused = new RefusedHere(logger)
    this.#gossip = new Gossip({ meshId: this.meshId, isMember: (peerId) => this.isMember(peerId), logger })
    this.#policy = new MemberPolicy({
      signer: node.signer,
      identity,
      book: this.#roster.book,
      removals: this.#removals.book,
      invites: parts.invites,
      clock,
      logger,
      isLeaving: () => this.leaving.begun,
      onMember: (membership) => {
        if (this.#roster.book.meet(membership)) this.#roster.changed()
      },
      onInviteRedeemed: (redeemed) => parts.onInviteRedeemed?.(redeemed)
    })
    this.#table.onPeer((peerId, connected) => this.#onPeer(peerId, connected))
    this.#table.handle(MESH_MESSAGE.MEMBERS, (peerId, request) => this.#roster.serve(peerId, request))
    this.#table.handle(MESH_MESSAGE.REMOVALS, (peerId, request) => this.#removals.serve(peerId, request))
  }

  get name(): string {
    return this.#parts.identity.membership.name
  }

  get joined(): boolean {
    return this.#parts.identity.membership.issuer !== this.meshId
  }

  async start(): Promise<void> {
    if (this.#libp2p !== undefined || this.#stopped) throw new PeerlessError('CONFLICT', 'the mesh can be started once')
    const { node, directory, clock, logger } = this.#parts
    const listen = await withRememberedPorts(this.#parts.listen, directory)
    await this.#removals.load()
    await this.#roster.load()
    this.#sweep()
    // The last stop may have come between the two writes.
    await this.#withdrawFrom(this.#removals.book.values())
    const log = new RefusalLog(clock, logger)
    const libp2p = await makeLibp2p({
      seed: node.seed,
      meshId: this.meshId,
      listen,
      admission: {
        policy: this.#policy,
        pending: new PendingAdmissions(clock, log),
        log,
        clock,
        onDialRefused: (peerId, error) => this.#refusals.set(peerId, error)
      }
    })
    this.#libp2p = libp2p
    await this.#table.attach(libp2p)
    try {
      await libp2p.start()
    } catch (error) {
      throw listenError(error)
    }
    await rememberPorts(this.addresses(), directory)
    this.#gossip.start(libp2p.services.gossip)
    this.#roster.start(() => this.addresses())
    this.#redial.start()
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    for (const ending of this.#endings) ending.cancel()
    this.#redial.stop()
    this.#table.detach()
    this.#gossip.stop()
    if (this.#libp2p === undefined) return
    await this.#libp2p.stop()
    await this.#roster.stop()
  }

  addresses(): string[] {
    return (this.#libp2p?.getMultiaddrs() ?? []).map(String).slice(0, ADDRESSES_MAX)
  }

  peers(): string[] {
    return [...this.#table.peers]
  }

  rttMs(peerId: string): number | undefined {
    return this.#links.get(peerId)?.rttMs
  }

  silentMs(peerId: string): number | undefined {
    return this.#table.silentMs(peerId)
  }

  request(peerId: string, type: number, header: unknown, payload: Uint8Array, done: OnReply): () => void {
    return this.#requests.request(peerId, type, header, payload, done)
  }

  requestStreamed(
    peerId: string,
    type: number,
    header: unknown,
    payload: Uint8Array,
    onPart: OnPart,
    done: OnReply
  ): StreamedRequest {
    return this.#requests.streamed(peerId, type, header, payload, onPart, done)
  }

  call(
    peerId: string,
    type: number,
    header: unknown,
    payload?: Uint8Array,
    options?: { carrier?: Carrier; signal?: AbortSignal }
  ): Promise<Reply> {
    return this.#requests.call(peerId, type, header, payload, options)
  }

  tell(type: number, header: unknown): void {
    this.#requests.tell(type, header)
  }

  handle(type: number, handler: (peerId: string, request: IncomingRequest) => void): void {
    this.#table.handle(type, handler)
  }

  publish(topic: Topic, bytes: Uint8Array): void {
    this.#gossip.publish(topic, bytes)
  }

  subscribe(topic: Topic, receive: (from: string, bytes: Uint8Array) => void): void {
    this.#gossip.subscribe(topic, receive)
  }

  onPeer(listener: PeerListener): void {
    this.#table.onPeer(listener)
  }

  async invite(order: InviteOrder): Promise<string> {
    if (order.role === 'node' && this.leaving.begun) throw leaving('UNAVAILABLE')
    const addresses = this.addresses()
    if (order.role === 'node') {
      checkDepth(this.#parts.identity)
      if (addresses.length === 0)
        throw new PeerlessError('UNAVAILABLE', 'this node does not listen: nobody could join through it')
    }
    const invite = await this.#parts.invites.issue(order)
    return encodeToken(this.signer, { meshId: this.meshId, addresses, ...invite })
  }

  async redeem(token: string): Promise<KeyInvite> {
    return await this.#policy.redeemKey(token)
  }

  async connect(addresses: string[]): Promise<string> {
    const peerIds = new Set(addresses.slice(0, ADDRESSES_MAX).map(peerIdOfAddress))
    const [peerId] = peerIds
    if (peerId === undefined || peerIds.size !== 1) {
      throw new PeerlessError(
        'INVALID_ARGUMENT',
        `'${String(addresses[0]).slice(0, 100)}' must be a TCP multiaddr ending in /p2p/, all of one peer`
      )
    }
    await this.#dial(peerId, addresses)
    return peerId
  }

  isMember(peerId: string): boolean {
    return this.#roster.book.get(peerId) !== undefined
  }

  memberOf(peerId: string): Membership | undefined {
    return this.#roster.book.get(peerId)?.membership
  }

  isRemoved(peerId: string): boolean {
    return !this.isMember(peerId) && this.#removals.book.of(peerId) !== undefined
  }

  async remove(peerId: string, keeps: (peerId: string) => boolean): Promise<string[]> {
    const { signer } = this
    if (peerId === signer.peerId) {
      throw new PeerlessError('INVALID_ARGUMENT', "a node cannot remove itself: 'peerless leave' ends its own membership")
    }
    if (!this.isMember(signer.peerId)) {
      throw new PeerlessError('FORBIDDEN', 'this node was removed from its mesh itself: its word counts for nothing there')
    }
    const target = this.memberOf(peerId) ?? this.#removals.book.of(peerId)?.membership
    if (target === undefined) throw new PeerlessError('NOT_FOUND', `${peerId.slice(0, 64)} is no member of this mesh`)
    const removals = this.leaving.removalsOf(target, keeps)
    await this.#removals.add(removals)
    return removals.map(({ membership }) => membership.peerId)
  }

  status(peerId: string): MemberStatus | undefined {
    const member = this.#roster.book.get(peerId)
    if (member === undefined) return undefined
    const self = peerId === this.peerId
    const link = this.#links.get(peerId)
    return {
      peerId,
      name: member.membership.name,
      self,
      status: self ? (this.#draining ? 'draining' : 'connected') : statusOf(link),
      addresses: self ? this.addresses() : [...(member.record?.addresses ?? [])],
      rttMs: link?.rttMs ?? null,
      clockOffsetMs: link?.clockOffsetMs ?? null
    }
  }

  members(): MemberStatus[] {
    const others = this.#roster.book.values().map(({ membership }) => membership.peerId)
    const ordered = [this.peerId, ...others.filter((peerId) => peerId !== this.peerId).sort()]
    return ordered.flatMap((peerId) => this.status(peerId) ?? [])
  }

  setDraining(draining: boolean): void {
    this.#draining = draining
  }

  #onPeer(peerId: string, connected: boolean): void {
    this.#roster.book.seen(peerId, this.#parts.clock.now())
    if (!connected) return
    this.#redial.connected(peerId)
    this.refused.forget(peerId)
    const link = this.#links.get(peerId)
    if (link !== undefined) this.#roster.exchange(link)
  }

  #onRemovals(news: readonly Removal[]): void {
    void this.#withdrawFrom(news)
    const out = [...this.#sweep()]
    this.#roster.changed()
    // What tells such a node so goes first. Each has its time, however soon after another it goes.
    const left = (peerId: string) => this.#removals.book.departureOf(peerId) !== undefined
    this.#endLater(new Set(out.filter(left)), LEFT_TOLD_MS)
    this.#endLater(new Set(out.filter((peerId) => !left(peerId))), REMOVED_TOLD_MS)
  }

  #endLater(out: ReadonlySet<string>, ms: number): void {
    if (out.size === 0) return
    const ending = this.#parts.clock.after(ms, () => {
      this.#endings.delete(ending)
      this.#endRemoved(out)
    })
    this.#endings.add(ending)
  }

  /** What nodes joined with that this one let in, where their removal counts for those. Who left is not taken to be in the wrong hands. */
  async #withdrawFrom(removals: readonly Removal[]): Promise<void> {
    const { invites, identity, logger } = this.#parts
    const issuers = lineOf(identity.membership)
    const holders = removals
      .map(({ membership }) => membership.peerId)
      .filter((peerId) => {
        const removal = this.#removals.book.against({ peerId, issuers })
        return removal !== undefined && removal.left === undefined
      })
    try {
      await invites.withdrawFrom(holders)
    } catch (error) {
      logger.error('invites that a removed node knows could not be withdrawn', { reason: messageOf(error) })
    }
  }

  /** Forgets those that are members no more; their peer ids. */
  #sweep(): ReadonlySet<string> {
    const { logger } = this.#parts
    const out = this.#roster.book.sweep()
    for (const { peerId, name } of out) {
      this.refused.forget(peerId)
      const { by, left } = this.#removals.book.of(peerId) ?? {}
      if (left !== undefined) {
        if (peerId === this.peerId) logger.warn('this node has left its mesh: no other node talks to it any more')
        else logger.info('a node left the mesh', { peer: peerId, name })
      } else if (peerId === this.peerId)
        logger.error('this node was removed from its mesh: no other node talks to it any more', { by })
      else logger.warn('a node was removed from the mesh', { peer: peerId, name, by })
    }
    return new Set(out.map(({ peerId }) => peerId))
  }

  #endRemoved(out: ReadonlySet<string>): void {
    for (const connection of this.#libp2p?.getConnections() ?? []) {
      const peerId = connection.remotePeer.toString()
      if (out.has(peerId) && !this.isMember(peerId))
        connection.abort(new PeerlessError('NOT_A_MEMBER', 'it is no member any more'))
    }
  }

  async #dialMember(peerId: string): Promise<void> {
    const places = this.#roster.placesOf(peerId)
    if (places.length === 0) throw notConnected(peerId)
    try {
      await reach(places, (addresses) => this.#dial(peerId, addresses))
    } catch (error) {
      this.leaving.refusedBy(peerId, error)
      this.refused.dialFailed(peerId, error)
      this.#parts.logger.debug('a member could not be reached', { peer: peerId, reason: messageOf(error) })
      throw error
    }
  }

  async #dial(peerId: string, addresses: string[]): Promise<void> {
    const libp2p = this.#libp2p
    if (libp2p === undefined || this.#stopped) throw new PeerlessError('UNAVAILABLE', 'the mesh is not running')
    this.#refusals.delete(peerId)
    try {
      await libp2p.dial(addresses.map((address) => multiaddr(address)))
    } catch (error) {
      // Nothing is kept of who is not one of us, and stale addresses of members are not libp2p's to remember.
      await libp2p.peerStore.delete(peerIdFromString(peerId)).catch(() => undefined)
      throw (
        this.#refusals.get(peerId) ?? new PeerlessError('CONNECTION_LOST', `${peerId} could not be reached: ${messageOf(error)}`)
      )
    } finally {
      this.#refusals.delete(peerId)
    }
  }
}

function statusOf(link: PeerLink | undefined): MemberStatus['status'] {
  if (link === undefined) return 'unreachable'
  if (!link.up) return 'connecting'
  return link.draining ? 'draining' : 'connected'
}
