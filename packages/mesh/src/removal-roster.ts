import { type IncomingRequest, isPeerlessError, type Logger, messageOf, PeerlessError } from '@peerless/interface'
import { EXCHANGE_BYTES_MAX, MESH_MESSAGE, REMOVALS_MAX } from './constants.ts'
import type { Directory } from './directory.ts'
import type { PeerLink } from './peer-link.ts'
import type { Removal } from './removal.ts'
import { RemovalBook } from './removal-book.ts'

const FILE = 'removals.cbor'
const NOTHING = new Uint8Array(0)

export interface RemovalRosterOptions {
  meshId: string
  directory: Directory
  logger: Logger
  links: () => PeerLink[]
  /** Removals that this node did not know; they are in the book, and on their way to the disk. */
  onNews: (news: readonly Removal[]) => void
}

/**
 * Keeps the removals in step with the other nodes and with the disk: what is news to a node it passes on once, and two that compare their
 * books send each other all they have where those differ.
 */
export class RemovalRoster {
  readonly book: RemovalBook
  readonly #options: RemovalRosterOptions
  #writing: Promise<void> = Promise.resolve()
  /** The write after that. */
  #waiting: Promise<void> | undefined

  constructor(options: RemovalRosterOptions) {
    this.#options = options
    this.book = new RemovalBook(options.meshId)
  }

  /** What was known before the last stop. A damaged file is set aside: the other nodes know. */
  async load(): Promise<void> {
    const { directory, logger } = this.#options
    const bytes = await directory.read(FILE)
    if (bytes === undefined) return
    try {
      this.#complain(this.book.take(bytes).faults, 'disk')
    } catch (error) {
      logger.error(
        'the removals of nodes are damaged and set aside; until another node has told them, removed ones may connect here',
        {
          file: `${FILE}.corrupt`,
          reason: messageOf(error)
        }
      )
      await directory.setAside(FILE)
    }
  }

  /**
   * Takes in removals that this node signed; on disk when it resolves, and told. Of the further ones some may find no place: they say who went with the first.
   * @throws CONFLICT when the first finds none, UNAVAILABLE when it could not be written
   */
  async add(removals: readonly Removal[]): Promise<void> {
    const [first, ...others] = removals
    if (first === undefined || !this.book.learn(first)) {
      throw noPlace()
    }
    for (const removal of others) this.book.learn(removal)
    const news = removals.filter((removal) => this.book.holds(removal))
    const saved = this.#save()
    // Where it cannot be written, too: the others remember it.
    this.#noticed(news, undefined)
    try {
      await saved
    } catch (error) {
      throw new PeerlessError(
        'UNAVAILABLE',
        'the removal holds and is told to the peers, but could not be written: after a start this node has to hear of it from them',
        { cause: error }
      )
    }
  }

  /**
   * The same for what this node says of itself: nobody hears of it before it is on disk. Were it told first, and the run ended then, the next start would not know
   * what all others know, and serve alone. Told in the tick in which it resolves.
   * @throws CONFLICT when the first finds no place, UNAVAILABLE when it could not be written: nothing has come of it then
   */
  async addOnceWritten(removals: readonly Removal[]): Promise<void> {
    const written = this.#writing.then(async () => {
      const after = this.#bookWith(removals)
      await this.#options.directory.write(FILE, after.encode())
      for (const removal of removals) this.book.learn(removal)
    })
    // Whatever is written next has it, too.
    this.#writing = written.catch(() => undefined)
    try {
      await written
    } catch (error) {
      if (isPeerlessError(error)) throw error
      throw new PeerlessError('UNAVAILABLE', `that this node left could not be written: ${messageOf(error)}`, { cause: error })
    }
    this.#noticed(
      removals.filter((removal) => this.book.holds(removal)),
      undefined
    )
  }

  /** A copy that has learned these. @throws CONFLICT when the first finds no place */
  #bookWith(removals: readonly Removal[]): RemovalBook {
    const book = new RemovalBook(this.#options.meshId)
    for (const removal of [...this.book.values(), ...removals]) book.learn(removal)
    if (removals[0] !== undefined && book.holds(removals[0])) return book
    throw noPlace()
  }

  /** Compares books with a peer. */
  exchange(link: PeerLink): void {
    link.bulk.wire?.request(MESH_MESSAGE.REMOVALS, this.book.digest(), NOTHING, (error, reply) => {
      if (reply === undefined) {
        this.#options.logger.debug('removals were not exchanged', { peer: link.peerId, reason: error?.message })
        return
      }
      if (reply.payload.length === 0) return
      link.bulk.wire?.notify(MESH_MESSAGE.REMOVALS, undefined, this.book.encode())
      this.#receive(link.peerId, reply.payload)
    })
  }

  /** Tells these connected peers a removal, and asks whether they know it: what was told on the same stream is known when they answer. Waits until `late` is aborted. */
  async confirm(
    removal: Removal,
    isAsked: (peerId: string) => boolean,
    late: AbortSignal
  ): Promise<{ told: string[]; untold: string[] }> {
    const links = this.#options.links().filter(({ peerId }) => isAsked(peerId))
    const asked = await Promise.all(
      links.map(async (link) => ({ peerId: link.peerId, knows: await this.#knows(link, removal, late) }))
    )
    const of = (knows: boolean) => asked.filter((one) => one.knows === knows).map(({ peerId }) => peerId)
    return { told: of(true), untold: of(false) }
  }

  async #knows(link: PeerLink, removal: Removal, late: AbortSignal): Promise<boolean> {
    try {
      const { wire } = link.bulk
      wire?.notify(MESH_MESSAGE.REMOVALS, undefined, this.book.encode([removal]))
      const reply = await wire?.call(MESH_MESSAGE.REMOVALS, this.book.digest(), NOTHING, late)
      return reply !== undefined && (reply.payload.length === 0 || Buffer.from(reply.payload).includes(removal.bytes))
    } catch (error) {
      this.#options.logger.debug('a peer did not say whether it knows', { peer: link.peerId, reason: messageOf(error) })
      return false
    }
  }

  /** Serves REMOVALS. @throws MALFORMED, TOO_LARGE */
  serve(peerId: string, request: IncomingRequest): void {
    if (request.notification) this.#takeBytes(peerId, request.payload)
    else {
      const { header } = request
      const same = header instanceof Uint8Array && Buffer.compare(header, this.book.digest()) === 0
      request.reply(undefined, same ? NOTHING : this.book.encode())
    }
  }

  #receive(peerId: string, payload: Uint8Array): void {
    try {
      this.#takeBytes(peerId, payload)
    } catch (error) {
      this.#options.logger.warn('a peer sent unusable removals', { peer: peerId, reason: messageOf(error) })
    }
  }

  #takeBytes(peerId: string, payload: Uint8Array): void {
    if (payload.length > EXCHANGE_BYTES_MAX) {
      throw new PeerlessError('TOO_LARGE', `removals of ${payload.length} bytes must be at most ${EXCHANGE_BYTES_MAX}`)
    }
    const { news, faults } = this.book.take(payload)
    this.#complain(faults, peerId)
    if (news.length === 0) return
    this.#save().catch((error: unknown) => {
      this.#options.logger.error('the removals of nodes could not be written', { reason: messageOf(error) })
    })
    this.#noticed(news, peerId)
  }

  /** What is known when the write begins: those that wait for one share it, since a peer says when there is news. */
  #save(): Promise<void> {
    this.#waiting ??= this.#writing.then(() => {
      this.#waiting = undefined
      const written = this.#options.directory.write(FILE, this.book.encode())
      this.#writing = written.catch(() => undefined)
      return written
    })
    return this.#waiting
  }

  /** Also to who is removed: it learns why it is left alone. The news alone, as every node that it is news to says it to all others. */
  #noticed(news: readonly Removal[], from: string | undefined): void {
    const payload = this.book.encode(news)
    for (const link of this.#options.links()) {
      if (link.peerId !== from) link.bulk.wire?.notify(MESH_MESSAGE.REMOVALS, undefined, payload)
    }
    this.#options.onNews(news)
  }

  #complain(faults: string[], from: string): void {
    if (faults.length === 0) return
    this.#options.logger.warn('removals were dropped', { from, count: faults.length, first: faults[0] })
  }
}

function noPlace(): PeerlessError {
  return new PeerlessError(
    'CONFLICT',
    `the removal is not taken: a mesh remembers at most ${REMOVALS_MAX}, and those that it has count for more`
  )
}
