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
import { HOMES_ASKED_MAX, TURN_WAIT_MS_MAX } from './constants.ts'
import { KIND_NAMES, keyOf } from './entry.ts'
import type { EntryTable } from './entry-table.ts'
import { decodeEnvelopes, encodeEnvelopes, type Intake } from './intake.ts'
import type { EntryStorage } from './storage.ts'
import { TurnKeeper } from './turn-keeper.ts'

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
 * wrote. One node keeps the turns of a key, its home. It hands each holder what it is to change, and gets what became of it. Nobody depends on it: where it
 * does not answer, where nodes see different homes (a partition, a node that is just coming), a change goes without a turn, and the last writer wins.
 *
 * CATALOG_TURN: header `[kind, name, hashes of what the asker has]`, answered when it is the asker's turn with the turn's number and, as in CATALOG_PUSH,
 * the entries that it has otherwise. CATALOG_TURN_END: header `[kind, name, number]` and the entries that the turn left; answered when they are on disk.
 */
export class MeshTurns {
  readonly #options: MeshTurnsOptions
  readonly #keeper: TurnKeeper

  constructor(options: MeshTurnsOptions) {
    this.#options = options
    this.#keeper = new TurnKeeper(options.clock)
  }

  start(): void {
    const { mesh } = this.#options
    mesh.handle(MESSAGE.CATALOG_TURN, (peer, request) => this.#onAsk(peer, request))
    mesh.handle(MESSAGE.CATALOG_TURN_END, (peer, request) => this.#onEnd(peer, request))
    mesh.onPeer((peer, connected) => {
      if (!connected) this.#keeper.gone(peer)
    })
  }

  stop(): void {
    this.#keeper.stop()
  }

  /** Runs `task` in a turn of that entry; without one where none is to be had within TURN_WAIT_MS_MAX. @throws what `task` throws */
  async run<Result>(kind: CatalogKind, name: string, task: () => Promise<Result>): Promise<Result> {
    const over = await this.#take(kind, name)
    try {
      return await task()
    } finally {
      over()
    }
  }

  async #take(kind: CatalogKind, name: string): Promise<EndTurn> {
    const { homeOf, mesh, logger } = this.#options
    const key = keyOf(kind, name)
    for (let asked = 1; ; asked++) {
      const home = homeOf(key)
      try {
        return home === mesh.peerId ? await this.#takeHere(key) : await this.#takeAt(home, kind, name)
      } catch (error) {
        // It went away: another is the home now.
        const away = isPeerlessError(error, 'UNAVAILABLE') || isPeerlessError(error, 'CONNECTION_LOST')
        if (away && asked < HOMES_ASKED_MAX && homeOf(key) !== home) continue
        logger.warn('a change goes without its turn: one made at another node at the same time may be lost', {
          key,
          home,
          reason: String(error)
        })
        return () => undefined
      }
    }
  }

  async #takeHere(key: string): Promise<EndTurn> {
    const { clock, mesh } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const withdraw = this.#keeper.take(key, mesh.peerId, resolve)
    const timer = clock.after(TURN_WAIT_MS_MAX, () => {
      withdraw()
      reject(late())
    })
    const turn = await promise.finally(() => timer.cancel())
    return () => this.#keeper.end(key, mesh.peerId, turn)
  }

  async #takeAt(home: string, kind: CatalogKind, name: string): Promise<EndTurn> {
    const { mesh, intake, logger } = this.#options
    const before = this.#related(kind, name).map(({ hash }) => hash)
    const { header, payload } = await this.#ask(home, [kind, name, before])
    const turn = number.safeParse(header)
    if (!turn.success) throw new PeerlessError('MALFORMED', 'a turn is a number from 1')
    const over = () => {
      const changed = this.#related(kind, name).filter(({ hash }) => !before.includes(hash))
      mesh.request(home, MESSAGE.CATALOG_TURN_END, [kind, name, turn.data], this.#envelopes(changed), (error) => {
        if (error !== undefined) logger.debug('the end of a turn was not heard', { home, name, reason: error.message })
      })
    }
    try {
      await intake.take(decodeEnvelopes(payload), { from: home, spread: false })
    } catch (error) {
      over()
      throw error
    }
    return over
  }

  #ask(home: string, header: unknown): Promise<Reply> {
    const { mesh, clock } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const cancel = mesh.request(home, MESSAGE.CATALOG_TURN, header, NOTHING, (error, reply) => {
      timer.cancel()
      if (reply === undefined) reject(error)
      else resolve(reply)
    })
    const timer = clock.after(TURN_WAIT_MS_MAX, () => {
      reject(late())
      cancel()
    })
    return promise
  }

  #onAsk(peer: string, request: IncomingRequest): void {
    const parsed = ask.safeParse(request.header)
    if (!parsed.success) {
      request.fail(new PeerlessError('MALFORMED', 'a turn is asked for with [kind, name, hashes of at most 2 entries]'))
      return
    }
    const [kind, name, hashes] = parsed.data
    try {
      const withdraw = this.#keeper.take(keyOf(kind, name), peer, (turn) => {
        const news = this.#related(kind, name).filter(({ hash }) => !hashes.includes(hash))
        request.reply(turn, this.#envelopes(news))
      })
      request.onCancel(withdraw)
    } catch (error) {
      request.fail(error as PeerlessError)
    }
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

function late(): PeerlessError {
  return new PeerlessError('DEADLINE_EXCEEDED', `it was not this node's turn within ${TURN_WAIT_MS_MAX} ms`)
}
