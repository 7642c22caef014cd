import {
  type Clock,
  type IncomingRequest,
  type Logger,
  messageOf,
  PeerlessError,
  type Random,
  type Timer
} from '@peerless/interface'
import { decode, encode, type Signer } from '@peerless/wire'
import { issueAddressRecord } from './address-record.ts'
import { EXCHANGE_BYTES_MAX, EXCHANGE_PERIOD_MS, MESH_MESSAGE, SAVE_DELAY_MS } from './constants.ts'
import type { Directory } from './directory.ts'
import type { MeshIdentity } from './identity.ts'
import type { InviteToken } from './invite-token.ts'
import { MemberBook } from './member-book.ts'
import type { PeerLink } from './peer-link.ts'
import type { RemovalRoster } from './removal-roster.ts'

const FILE = 'peers.cbor'
/** Words about this node that it did not say, until they are another's. */
const CONTRADICTIONS_MIN = 2

export interface RosterOptions {
  directory: Directory
  signer: Signer
  identity: MeshIdentity
  clock: Clock
  random: Random
  logger: Logger
  links: () => PeerLink[]
  isConnected: (peerId: string) => boolean
  removals: RemovalRoster
  /** Where a member was when it made the invite that this node was started with again. */
  whereabouts: Pick<InviteToken, 'issuer' | 'addresses'> | undefined
  /** A member, or a new address of one, that this node did not know. */
  onNews: (peerId: string) => void
}

/** Remembers the members that came with a welcome; durable when it resolves, so that a node that crashes now still finds its mesh. */
export async function rememberMembers(directory: Directory, meshId: string, alleged: unknown): Promise<void> {
  const book = new MemberBook(meshId, () => false)
  book.unpack(alleged)
  await directory.write(FILE, book.encode())
}

/**
 * Keeps the member book in step with the other nodes and with the disk: both sides of a new connection exchange all they know, what is
 * news to a node it passes on once, and now and then it compares with a random peer, in case something was lost.
 */
export class Roster {
  readonly book: MemberBook
  readonly #options: RosterOptions
  #listening: () => string[] = () => []
  #sequence = 0
  #saving: Timer | undefined
  #exchange: Timer | undefined
  /** How often a later word of this node came from elsewhere. */
  #contradictions = 0

  constructor(options: RosterOptions) {
    this.#options = options
    this.book = new MemberBook(options.identity.meshId, options.isConnected, options.removals.book)
    this.book.learn(options.identity.membership, undefined)
  }

  /** What was known before the last stop. A damaged file is set aside: members are found again, keys are not in it. */
  async load(): Promise<void> {
    const { directory, logger, signer } = this.#options
    const bytes = await directory.read(FILE)
    if (bytes !== undefined) {
      try {
        this.#complain(this.book.restore(bytes).faults, 'disk')
      } catch (error) {
        logger.warn('the remembered members are damaged and set aside', { file: `${FILE}.corrupt`, reason: messageOf(error) })
        await directory.setAside(FILE)
      }
    }
    this.#sequence = this.book.get(signer.peerId)?.record?.sequence ?? 0
  }

  /** Members that can be dialled. */
  dialable(): string[] {
    const known = this.book.values().flatMap(({ record, membership }) => (record ? [membership.peerId] : []))
    const told = this.#options.whereabouts?.issuer
    return told === undefined || known.includes(told) ? known : [...known, told]
  }

  /** Where a member may be: at the addresses that it said it has, else at those that an invite of it has. */
  placesOf(peerId: string): string[][] {
    const own = this.book.get(peerId)?.record?.addresses ?? []
    const told = this.#options.whereabouts?.issuer === peerId ? this.#options.whereabouts.addresses : []
    return [[...own], told.filter((address) => !own.includes(address))].filter((place) => place.length > 0)
  }

  /** @param listening where this node is reached now: a machine that goes to another network has other addresses there */
  start(listening: () => string[]): void {
    this.#listening = listening
    this.#announce()
    this.#scheduleExchange()
  }

  /** What is known is on disk when it resolves. */
  async stop(): Promise<void> {
    this.#exchange?.cancel()
    this.#exchange = undefined
    this.#saving?.cancel()
    this.#saving = undefined
    await this.#save()
  }

  /** Signs where this node listens now, and tells everyone. */
  #announce(): void {
    const { signer, identity, clock } = this.#options
    const addresses = this.#listening()
    this.#sequence = Math.max(clock.now(), this.#sequence + 1)
    this.book.learn(identity.membership, issueAddressRecord(signer, identity.meshId, this.#sequence, addresses))
    this.#spread([signer.peerId], undefined)
    this.changed()
  }

  /** Both carriers to the peer are open: compares books. */
  exchange(link: PeerLink): void {
    this.#options.removals.exchange(link)
    link.bulk.wire?.request(MESH_MESSAGE.MEMBERS, undefined, this.book.packAll(), (error, reply) => {
      if (reply !== undefined) this.#receive(link.peerId, reply.payload)
      else this.#options.logger.debug('members were not exchanged', { peer: link.peerId, reason: error?.message })
    })
  }

  /** Serves MEMBERS. @throws MALFORMED, TOO_LARGE */
  serve(peerId: string, request: IncomingRequest): void {
    this.#takeBytes(peerId, request.payload)
    if (!request.notification) request.reply(undefined, this.book.packAll())
  }

  /** To disk, soon. */
  changed(): void {
    this.#saving ??= this.#options.clock.after(SAVE_DELAY_MS, () => {
      this.#saving = undefined
      void this.#save()
    })
  }

  #receive(peerId: string, payload: Uint8Array): void {
    try {
      this.#takeBytes(peerId, payload)
    } catch (error) {
      this.#options.logger.warn('a peer sent unusable member records', { peer: peerId, reason: messageOf(error) })
    }
  }

  #takeBytes(peerId: string, payload: Uint8Array): void {
    if (payload.length > EXCHANGE_BYTES_MAX) {
      throw new PeerlessError('TOO_LARGE', `member records of ${payload.length} bytes must be at most ${EXCHANGE_BYTES_MAX}`)
    }
    const { news, faults } = this.book.unpack(decode(payload, 'member records'))
    this.#complain(faults, peerId)
    this.#noticed(news, peerId)
  }

  #noticed(news: string[], from: string): void {
    if (news.length === 0) return
    const self = this.#options.signer.peerId
    this.changed()
    this.#spread(news, from)
    for (const peerId of news) if (peerId !== self) this.#options.onNews(peerId)
    // Someone remembers a later word of ours than we do: our disk was set back. Only a still later one counts.
    if (news.includes(self)) {
      this.#contradicted()
      this.#sequence = this.book.get(self)?.record?.sequence ?? this.#sequence
      this.#announce()
    }
  }

  /** A disk that was set back shows itself once after a start; somebody else who says where this node is goes on saying so. */
  #contradicted(): void {
    this.#contradictions++
    if (this.#contradictions < CONTRADICTIONS_MIN) return
    const others = this.book.get(this.#options.signer.peerId)?.record?.addresses
    this.#options.logger.error(
      'another node runs with this node’s key: its data folder was copied. What either of them does is told to some peers only, and may be lost; stop one of the two, and let it join anew with an empty folder',
      { addresses: others }
    )
  }

  #spread(peerIds: string[], except: string | undefined): void {
    const members = peerIds.map((peerId) => this.book.get(peerId)).filter((member) => member !== undefined)
    const payload = encode(members.map(MemberBook.pack))
    for (const link of this.#options.links()) {
      if (link.peerId !== except) link.bulk.wire?.notify(MESH_MESSAGE.MEMBERS, undefined, payload)
    }
  }

  #scheduleExchange(): void {
    const { clock, random, links } = this.#options
    this.#exchange = clock.after(EXCHANGE_PERIOD_MS * (0.5 + random.next()), () => {
      if (this.#hasMoved()) this.#announce()
      const connected = links()
      const link = connected[Math.floor(random.next() * connected.length)]
      if (link !== undefined) this.exchange(link)
      this.#scheduleExchange()
    })
  }

  /** Another network, or a lease that ran out: what the others know of this node holds no more. */
  #hasMoved(): boolean {
    const said = this.book.get(this.#options.signer.peerId)?.record?.addresses ?? []
    return said.toSorted().join(' ') !== this.#listening().toSorted().join(' ')
  }

  #complain(faults: string[], from: string): void {
    if (faults.length === 0) return
    this.#options.logger.warn('member records were dropped', { from, count: faults.length, first: faults[0] })
  }

  async #save(): Promise<void> {
    try {
      await this.#options.directory.write(FILE, this.book.encode())
    } catch (error) {
      this.#options.logger.error('the remembered members could not be written', { reason: messageOf(error) })
    }
  }
}
