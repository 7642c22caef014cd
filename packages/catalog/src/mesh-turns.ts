import {
  type CatalogKind,
  type Clock,
  type IncomingRequest,
  isPeerlessError,
  type Logger,
  MESSAGE,
  type Mesh,
  PeerlessError,
  type Reply
} from '@peerless/interface'
import { z } from 'zod'
import { HOME_LOOK_MS, TURN_WAIT_MS_MAX } from './constants.ts'
import { DeafHomes } from './deaf-homes.ts'
import { KIND_NAMES, keyOf } from './entry.ts'
import type { EntryTable } from './entry-table.ts'
import { decodeEnvelopes, encodeEnvelopes, type Intake } from './intake.ts'
import { StandingStill } from './standing-still.ts'
import type { EntryStorage } from './storage.ts'
import { TurnKeeper } from './turn-keeper.ts'
import { TurnNews } from './turn-news.ts'

export interface MeshTurnsOptions {
  readonly mesh: Mesh
  readonly table: EntryTable
  readonly storage: EntryStorage
  readonly intake: Intake
  readonly clock: Clock
  readonly logger: Logger
  /** The connected node, this one included, that keeps the turns of a key: the same at all nodes that see the same. */
  readonly homeOf: (key: string) => string
}

const name = z.string().min(1).max(128)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const number = z.int().min(1)
const ask = z.tuple([z.enum(KIND_NAMES), name, z.array(hash).max(2)])
const end = z.tuple([z.enum(KIND_NAMES), name, number])

/** Kinds whose versions are entries of their own, which the entry counts. */
const VERSIONS: Partial<Record<CatalogKind, CatalogKind>> = { function: 'version', layer: 'layerVersion' }

type EndTurn = () => void

/**
 * Turns over the mesh: who reads an entry, changes it and writes it back does it alone among the nodes that are connected, and sees what the one before
 * wrote. One node keeps the turns of a key, its home. It hands each holder what it is to change, and gets what became of it. Nobody depends on it: when it
 * falls silent or goes, the next one asks everybody what there is before it lets anybody change it. Where no home answers and where nodes do not see each
 * other (a partition), a change goes without a turn, and the last writer wins.
 *
 * CATALOG_TURN: header `[kind, name, hashes of what the asker has]`, answered when it is the asker's turn with the turn's number and, as in CATALOG_PUSH,
 * the entries that it has otherwise. CATALOG_TURN_END: header `[kind, name, number]` and the entries that the turn left; answered when they are on disk.
 * CATALOG_TURN_NEWS: header as of CATALOG_TURN, asked by a new home; answered when the asked one has no turn of it any more, with what it has otherwise;
 * header `true` where that one sees another home.
 */
export class MeshTurns {
  readonly #options: MeshTurnsOptions
  readonly #keeper: TurnKeeper
  readonly #news: TurnNews
  readonly #still: StandingStill
  readonly #deaf: DeafHomes
  /** How often this node stood still, as `#news` knows it. */
  #stood = 0
  /** Turns that this node has, whoever keeps them: resolved when they are over. */
  readonly #held = new Map<string, Set<Promise<void>>>()
  /** How often this node had stood still when it got the turn that it has of a key. */
  readonly #since = new Map<string, number>()

  constructor(options: MeshTurnsOptions) {
    const { clock, mesh, table, intake } = options
    this.#options = options
    this.#keeper = new TurnKeeper(clock)
    this.#still = new StandingStill(clock)
    this.#deaf = new DeafHomes(mesh, clock)
    this.#news = new TurnNews({
      mesh,
      clock,
      others: () => table.list('node').some((node) => (node as { peerId: string }).peerId !== mesh.peerId),
      take: async (from, { payload }) => await intake.take(decodeEnvelopes(payload), { from, spread: false })
    })
  }

  start(): void {
    const { mesh } = this.#options
    this.#still.start()
    this.#news.returned()
    mesh.handle(MESSAGE.CATALOG_TURN, (peer, request) => this.#onAsk(peer, request))
    mesh.handle(MESSAGE.CATALOG_TURN_END, (peer, request) => this.#onEnd(peer, request))
    mesh.handle(MESSAGE.CATALOG_TURN_NEWS, (peer, request) => this.#onNews(peer, request))
    mesh.onPeer((peer, connected) => {
      this.#news.met()
      if (!connected) this.#keeper.gone(peer)
    })
  }

  stop(): void {
    this.#still.stop()
    this.#keeper.stop()
  }

  /**
   * Runs `task` in a turn of that entry; without one where none is to be had within TURN_WAIT_MS_MAX.
   * @throws what `task` throws; UNAVAILABLE where this node stood still meanwhile: what it wrote may be overwritten already
   */
  async run<Result>(kind: CatalogKind, name: string, task: () => Promise<Result>): Promise<Result> {
    const over = await this.#take(kind, name)
    const stood = this.#stood
    try {
      const result = await task()
      if (stood === this.#stoodStill()) return result
    } finally {
      over()
    }
    throw stoodStill(name)
  }

  /**
   * To be called when the time of a write is set: what was read before this node stood still must not be newer than what others wrote meanwhile.
   * @throws UNAVAILABLE
   */
  checkStill(kind: CatalogKind, name: string): void {
    const now = this.#stoodStill()
    for (const key of turnsOf(kind, name)) if ((this.#since.get(key) ?? now) !== now) throw stoodStill(name)
  }

  async #take(kind: CatalogKind, name: string): Promise<EndTurn> {
    const { homeOf, mesh, logger, clock } = this.#options
    const key = keyOf(kind, name)
    let until = clock.monotonic() + TURN_WAIT_MS_MAX
    for (;;) {
      const home = homeOf(key)
      const stood = this.#stoodStill()
      try {
        const over =
          home === mesh.peerId
            ? await this.#takeHere(kind, name, until)
            : await this.#takeAt(home, kind, name, this.#deaf.until(home, until))
        // Others may have had the turn since it was granted.
        const away = stood !== this.#stoodStill()
        if (!away && (homeOf(key) === home || clock.monotonic() >= until)) return over
        over()
        if (away) until = clock.monotonic() + TURN_WAIT_MS_MAX
      } catch (error) {
        // Whatever was asked for, others have gone on without this node: it asks anew, and the time in which it stood does not count.
        if (stood !== this.#stoodStill()) {
          until = clock.monotonic() + TURN_WAIT_MS_MAX
          continue
        }
        // It went away or fell silent: another is the home now, or soon.
        if (isAway(error) && clock.monotonic() < until) {
          if (homeOf(key) === home) await this.#look()
          continue
        }
        this.#deaf.missed(home)
        logger.warn('a change goes without its turn: one made at another node at the same time may be lost', {
          key,
          home,
          reason: String(error)
        })
        return () => undefined
      }
    }
  }

  async #takeHere(kind: CatalogKind, name: string, until: number): Promise<EndTurn> {
    const { mesh } = this.#options
    const key = keyOf(kind, name)
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const withdraw = this.#keeper.take(key, mesh.peerId, resolve)
    const turn = await this.#inTime(key, until, promise, (error) => {
      withdraw()
      reject(error)
    })
    let above: EndTurn
    try {
      above = await this.#mayGrant(kind, name, until)
    } catch (error) {
      this.#keeper.end(key, mesh.peerId, turn)
      throw error
    }
    const letGo = this.#hold(key)
    return () => {
      letGo()
      above()
      this.#keeper.end(key, mesh.peerId, turn)
    }
  }

  async #takeAt(home: string, kind: CatalogKind, name: string, until: number): Promise<EndTurn> {
    const { mesh, intake } = this.#options
    const key = keyOf(kind, name)
    const before = this.#related(kind, name).map(({ hash }) => hash)
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    let letGo: EndTurn = () => undefined
    let gone = false
    mesh.request(home, MESSAGE.CATALOG_TURN, [kind, name, before], NOTHING, (error, reply) => {
      this.#deaf.heard(home)
      if (reply === undefined) reject(error)
      else if (gone) this.#sayOver(home, kind, name, reply.header, NO_ENTRIES)
      else {
        // At once: who keeps the turns after this home asks for it.
        letGo = this.#hold(key)
        resolve(reply)
      }
    })
    const { header, payload } = await this.#inTime(key, until, promise, (error) => {
      // Not withdrawn: one that is granted at this moment would be nobody's.
      gone = true
      reject(error)
    })
    const turn = number.safeParse(header)
    if (!turn.success) {
      letGo()
      throw new PeerlessError('MALFORMED', 'a turn is a number from 1')
    }
    const over = () => {
      letGo()
      const changed = this.#related(kind, name).filter(({ hash }) => !before.includes(hash))
      this.#sayOver(home, kind, name, turn.data, this.#envelopes(changed))
    }
    try {
      await intake.take(decodeEnvelopes(payload), { from: home, spread: false })
    } catch (error) {
      over()
      throw error
    }
    return over
  }

  #sayOver(home: string, kind: CatalogKind, name: string, turn: unknown, entries: Uint8Array): void {
    const { mesh, logger } = this.#options
    mesh.request(home, MESSAGE.CATALOG_TURN_END, [kind, name, turn], entries, (error) => {
      if (error !== undefined) logger.debug('the end of a turn was not heard', { home, name, reason: error.message })
    })
  }

  /** @param giveUp is told why: it is late, or another node keeps the turns of the key by now */
  async #inTime<Granted>(
    key: string,
    until: number,
    granted: Promise<Granted>,
    giveUp: (error: PeerlessError) => void
  ): Promise<Granted> {
    const { clock, homeOf } = this.#options
    const seen = homeOf(key)
    const look = clock.every(HOME_LOOK_MS, () => {
      if (clock.monotonic() >= until) giveUp(late())
      else if (homeOf(key) !== seen)
        giveUp(new PeerlessError('UNAVAILABLE', `node ${seen} keeps the turns of '${key}' no longer`))
    })
    try {
      return await granted
    } finally {
      look.cancel()
    }
  }

  async #look(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#options.clock.after(HOME_LOOK_MS, resolve)
    await promise
  }

  /** A turn of this node begins. @returns ends it */
  #hold(key: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    const held = this.#held.get(key) ?? new Set()
    this.#held.set(key, held.add(promise))
    this.#since.set(key, this.#stood)
    return () => {
      resolve()
      held.delete(promise)
      if (held.size > 0) return
      this.#held.delete(key)
      this.#since.delete(key)
    }
  }

  #stoodStill(): number {
    const times = this.#still.times()
    if (times !== this.#stood) this.#news.returned()
    this.#stood = times
    return times
  }

  #onAsk(peer: string, request: IncomingRequest): void {
    const parsed = ask.safeParse(request.header)
    if (!parsed.success) {
      request.fail(new PeerlessError('MALFORMED', 'a turn is asked for with [kind, name, hashes of at most 2 entries]'))
      return
    }
    const [kind, name, hashes] = parsed.data
    const key = keyOf(kind, name)
    let over: EndTurn = () => undefined
    const grant = async (turn: number) => {
      over = await this.#mayGrant(kind, name, this.#options.clock.monotonic() + TURN_WAIT_MS_MAX)
      if (this.#keeper.has(key, turn)) request.reply(turn, this.#envelopes(this.#unknown(kind, name, hashes)))
      else {
        over()
        request.fail(new PeerlessError('UNAVAILABLE', `the turn of '${key}' was over before it began`))
      }
    }
    try {
      const withdraw = this.#keeper.take(
        key,
        peer,
        (turn) => {
          grant(turn).catch((error) => {
            request.fail(error as PeerlessError)
            // Nobody has it: who waits behind must not wait for its lease.
            this.#keeper.end(key, peer, turn)
          })
        },
        () => over()
      )
      request.onCancel(withdraw)
    } catch (error) {
      request.fail(error as PeerlessError)
    }
  }

  /**
   * Who is asked and does not keep the turns, as it or one of its peers sees the mesh, has one from the node that does. Nobody asks in a circle: that one
   * outranks it.
   */
  async #mayGrant(kind: CatalogKind, name: string, until: number): Promise<EndTurn> {
    const { homeOf, mesh, clock } = this.#options
    const key = keyOf(kind, name)
    if (homeOf(key) !== mesh.peerId) return await this.#take(kind, name)
    for (;;) {
      this.#stoodStill()
      const hashes = this.#related(kind, name).map(({ hash }) => hash)
      const above = await this.#news.catchUp(key, [kind, name, hashes])
      if (above === undefined) return () => undefined
      try {
        return await this.#takeAt(above, kind, name, until)
      } catch (error) {
        if (!isAway(error) || clock.monotonic() >= until) throw error
      }
    }
  }

  #onNews(peer: string, request: IncomingRequest): void {
    const parsed = ask.safeParse(request.header)
    if (!parsed.success) {
      request.fail(new PeerlessError('MALFORMED', 'news are asked for with [kind, name, hashes of at most 2 entries]'))
      return
    }
    const [kind, name, hashes] = parsed.data
    const key = keyOf(kind, name)
    this.#news.doubt(key)
    // Also where one could not be written: who asks would wait for its time otherwise.
    void Promise.allSettled(this.#held.get(key) ?? []).then(() => {
      const { homeOf, mesh } = this.#options
      // It outranks the one that asks, which would have asked it if they were connected.
      const another = ![peer, mesh.peerId].includes(homeOf(key))
      request.reply(another, this.#envelopes(this.#unknown(kind, name, hashes)))
    })
  }

  #onEnd(peer: string, request: IncomingRequest): void {
    const parsed = end.safeParse(request.header)
    if (!parsed.success) {
      request.fail(new PeerlessError('MALFORMED', 'a turn ends with [kind, name, number]'))
      return
    }
    const [kind, name, turn] = parsed.data
    const taken = Promise.try(() => this.#options.intake.take(decodeEnvelopes(request.payload), { from: peer, spread: false }))
    taken
      .then(
        () => request.reply(undefined),
        (error) => request.fail(error as PeerlessError)
      )
      .finally(() => this.#keeper.end(keyOf(kind, name), peer, turn))
  }

  #unknown(kind: CatalogKind, name: string, hashes: readonly string[]): { readonly key: string }[] {
    return this.#related(kind, name).filter(({ hash }) => !hashes.includes(hash))
  }

  /** The entry, and that of its last version: what whoever changes it reads. */
  #related(kind: CatalogKind, name: string): { key: string; hash: string }[] {
    const { table } = this.#options
    const versions = VERSIONS[kind]
    const { lastVersion } = (table.value(kind, name) ?? {}) as { lastVersion?: number | undefined }
    const keys = [
      keyOf(kind, name),
      ...(versions === undefined || lastVersion === undefined ? [] : [keyOf(versions, `${name}:${lastVersion}`)])
    ]
    return keys.flatMap((key) => {
      const entry = table.get(key)
      return entry === undefined ? [] : [{ key, hash: entry.hash }]
    })
  }

  #envelopes(entries: readonly { readonly key: string }[]): Uint8Array {
    return encodeEnvelopes(entries.flatMap(({ key }) => this.#options.storage.envelope(key) ?? []))
  }
}

const NOTHING = new Uint8Array(0)
const NO_ENTRIES = encodeEnvelopes([])

/** In whose turns an entry is written: that of a version also in the turn of what it is a version of. */
function turnsOf(kind: CatalogKind, name: string): string[] {
  const whole = { version: 'function', layerVersion: 'layer' }[kind as string] as CatalogKind | undefined
  return [keyOf(kind, name), ...(whole === undefined ? [] : [keyOf(whole, name.slice(0, name.lastIndexOf(':')))])]
}

function stoodStill(name: string): PeerlessError {
  return new PeerlessError('UNAVAILABLE', `this node stood still while it changed '${name}': look whether the change is there`)
}

/** Whoever was asked is there no longer. */
function isAway(error: unknown): boolean {
  return isPeerlessError(error, 'UNAVAILABLE') || isPeerlessError(error, 'CONNECTION_LOST')
}

function late(): PeerlessError {
  return new PeerlessError('DEADLINE_EXCEEDED', 'it was not this node’s turn in time')
}
