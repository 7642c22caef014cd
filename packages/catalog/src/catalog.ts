import {
  type Catalog,
  type CatalogKind,
  type CatalogKinds,
  type Clock,
  type Logger,
  type Mesh,
  messageOf,
  PeerlessError,
  type Random
} from '@peerless/interface'
import { encodeEnvelope, type Signer, seal } from '@peerless/wire'
import { Admission, checkOwner, checkSize, entryOf, tombstoneAgeMsMax } from './admission.ts'
import { AntiEntropy } from './anti-entropy.ts'
import { ANTI_ENTROPY_PERIOD_MS, ENVELOPE_KIND, SWEEP_PERIOD_MS } from './constants.ts'
import { type Entry, type EntryContent, encodeContent, keyOf } from './entry.ts'
import { EntryTable } from './entry-table.ts'
import { HybridClock, type HybridTime, isAhead } from './hybrid-time.ts'
import { Intake } from './intake.ts'
import { createKeyVault, type KeyVault } from './key-vault.ts'
import { MeshTurns } from './mesh-turns.ts'
import { checkName, fromStored, toStored } from './schemas.ts'
import { Spread } from './spread.ts'
import { type EntryStorage, openStorage } from './storage.ts'
import { type Staged, Writer } from './writer.ts'

export interface CatalogOptions {
  /** Folder of `catalog.sqlite`; made when it is not there. */
  directory: string
  /** This node's key; entries written here are signed with it. */
  signer: Signer
  mesh: Mesh
  /** At least 16 bytes that all members share and nobody else has. */
  meshSecret: Uint8Array
  /** Whether entries signed by that peer are taken. Asked again for each entry, so it may learn. */
  isMember: (peerId: string) => boolean
  /** Mean milliseconds between two rounds of anti-entropy with a random peer; each wait is 0.75 to 1.25 of it. Default ANTI_ENTROPY_PERIOD_MS. */
  antiEntropyMs?: number
  /** Connected peers that a write here waits for, MATE_WAIT_MS_MAX at most: who wrote at this node may read at one of them next. Default: none. */
  mates?: () => readonly string[]
  /** The connected node, this one included, that keeps the turns of a key; the same at every node that sees the same. Default: this one. */
  homeOf?: (key: string) => string
  clock: Clock
  random: Random
  logger: Logger
}

/** The catalog of one node: reads and writes from creation on, replication from `start` to `stop`. */
export interface CatalogService extends Catalog {
  /** Registers the catalog's message handlers at the mesh and begins to replicate. Once. */
  start(): void
  /** Ends replication, writes what is pending and closes the database. Writes fail with UNAVAILABLE from then on; reads go on. */
  stop(): Promise<void>
  /** True when alone, or when one whole round of anti-entropy with a peer has ended since start. */
  caughtUp(): boolean
  /** While it is true, nothing is written at this node, which is about to go: UNAVAILABLE. What others write is taken. */
  setClosed(closed: boolean): void
  /** Compares with a connected peer now: it has all that this node has when it resolves. @throws what calls to it throw, DEADLINE_EXCEEDED */
  compareWith(peerId: string): Promise<void>
  /** Hex digest of all entries: equal on two nodes exactly when they hold the same. */
  digest(): string
}

/** @throws CORRUPT, INVALID_ARGUMENT when the folder holds no catalog of this mesh */
export async function createCatalog(options: CatalogOptions): Promise<CatalogService> {
  const { signer, mesh } = options
  if (signer.peerId !== mesh.peerId) {
    throw new PeerlessError('INVALID_ARGUMENT', `the signer is '${signer.peerId}', the mesh knows this node as '${mesh.peerId}'`)
  }
  const storage = await openStorage(options.directory, mesh.meshId)
  const catalog = new ReplicatedCatalog(options, storage)
  try {
    catalog.load()
  } catch (error) {
    storage.close()
    throw error
  }
  return catalog
}

type Listener = (kind: CatalogKind, name: string) => void

class ReplicatedCatalog implements CatalogService {
  readonly #options: CatalogOptions
  readonly #logger: Logger
  readonly #storage: EntryStorage
  readonly #vault: KeyVault
  readonly #table = new EntryTable()
  readonly #time: HybridClock
  readonly #writer: Writer
  readonly #admission: Admission
  readonly #spread: Spread
  readonly #antiEntropy: AntiEntropy
  readonly #turns: MeshTurns
  readonly #listeners = new Set<Listener>()
  #state: 'created' | 'started' | 'stopped' = 'created'
  #closed = false
  #sweeping: { cancel(): void } | undefined

  constructor(options: CatalogOptions, storage: EntryStorage) {
    const { mesh, clock, random, meshSecret } = options
    // Its own entries come back to a node that lost its disk.
    const isMember = (peerId: string) => peerId === mesh.peerId || options.isMember(peerId)
    const logger = options.logger.child({ part: 'catalog' })
    const table = this.#table
    this.#options = options
    this.#logger = logger
    this.#storage = storage
    this.#vault = createKeyVault(meshSecret, random)
    this.#time = new HybridClock(clock)
    const writer = new Writer({ storage, table, logger, onCommitted: (batch) => this.#onCommitted(batch) })
    const current = (key: string) => writer.current(key)
    this.#writer = writer
    this.#admission = new Admission({ meshId: mesh.meshId, isMember, vault: this.#vault, clock, table, current })
    const intake = new Intake({ admission: this.#admission, writer, clock, logger })
    this.#spread = new Spread({ mesh, intake, clock, random, logger, mates: options.mates ?? (() => []) })
    const periodMs = options.antiEntropyMs ?? ANTI_ENTROPY_PERIOD_MS
    this.#antiEntropy = new AntiEntropy({ mesh, table, storage, intake, clock, random, logger, periodMs })
    const homeOf = options.homeOf ?? (() => mesh.peerId)
    this.#turns = new MeshTurns({ mesh, table, storage, intake, clock, logger, homeOf })
  }

  /** Reads all that is on disk. A row that fails is taken out: a peer that has the entry brings it back. */
  load(): void {
    const broken: string[] = []
    for (const { key, envelope } of this.#storage.rows()) {
      try {
        const entry = this.#admission.restore(key, envelope)
        this.#table.set(entry)
        this.#time.observe(entry.time)
      } catch (error) {
        broken.push(key)
        this.#logger.error('catalog entry on disk is corrupt and was dropped', { key, code: 'CORRUPT', reason: messageOf(error) })
      }
    }
    if (broken.length > 0) this.#storage.commit([], broken)
    this.#sweep()
  }

  start(): void {
    if (this.#state !== 'created') throw new PeerlessError('UNAVAILABLE', `the catalog is ${this.#state}, it starts once`)
    this.#state = 'started'
    this.#spread.listen()
    this.#antiEntropy.start()
    this.#turns.start()
    this.#sweeping = this.#options.clock.every(SWEEP_PERIOD_MS, () => this.#sweep())
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#antiEntropy.stop()
    this.#turns.stop()
    this.#sweeping?.cancel()
    this.#writer.close()
    this.#state = 'stopped'
    this.#storage.close()
  }

  caughtUp(): boolean {
    return this.#options.mesh.peers().length === 0 || this.#antiEntropy.rounds > 0
  }

  setClosed(closed: boolean): void {
    this.#closed = closed
  }

  async compareWith(peerId: string): Promise<void> {
    await this.#antiEntropy.round(peerId)
  }

  digest(): string {
    return this.#table.root().toString('hex')
  }

  get<Kind extends CatalogKind>(kind: Kind, name: string): CatalogKinds[Kind] | undefined {
    // The table holds a value under its own kind only.
    return this.#table.value(kind, name) as CatalogKinds[Kind] | undefined
  }

  list<Kind extends CatalogKind>(kind: Kind): CatalogKinds[Kind][] {
    return this.#table.list(kind) as CatalogKinds[Kind][]
  }

  async put<Kind extends CatalogKind>(kind: Kind, name: string, value: CatalogKinds[Kind]): Promise<void> {
    await this.#write(kind, name, toStored(kind, name, value, this.#vault))
  }

  async remove(kind: CatalogKind, name: string): Promise<boolean> {
    checkName(kind, name)
    if (this.#writer.current(keyOf(kind, name))?.value === undefined) return false
    await this.#write(kind, name, null)
    return true
  }

  inTurn<Result>(kind: CatalogKind, name: string, task: () => Promise<Result>): Promise<Result> {
    return this.#turns.run(kind, name, task)
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #write(kind: CatalogKind, name: string, stored: unknown): Promise<void> {
    const current = this.#writer.current(keyOf(kind, name))
    return this.#sign({ kind, name, stored, account: current?.account }, current?.time)
  }

  async #sign(order: Omit<EntryContent, 'time'>, later: HybridTime | undefined): Promise<void> {
    const { kind, name, stored } = order
    const { signer, mesh } = this.#options
    if (this.#state === 'stopped') throw new PeerlessError('UNAVAILABLE', 'the catalog is stopped')
    if (this.#closed)
      throw new PeerlessError(
        'UNAVAILABLE',
        'this node is leaving its mesh: nothing is changed here any more, do it at another one'
      )
    checkOwner(kind, name, stored, signer.peerId)
    const content = { ...order, time: this.#time.next(later) }
    this.#turns.checkStill(kind, name)
    const envelope = seal(signer, mesh.meshId, ENVELOPE_KIND, encodeContent(content))
    const bytes = encodeEnvelope(envelope)
    checkSize(bytes.length)
    this.#admission.checkRoom(keyOf(kind, name), bytes.length)
    const value = stored === null ? undefined : fromStored(kind, name, stored, this.#vault)
    const entry = entryOf(envelope, content, value, bytes.length)
    this.#admission.checkShare(entry)
    await this.#writer.stage({ entry, envelope: bytes, origin: { from: undefined, spread: true } })
    await this.#spread.reached()
  }

  #onCommitted(batch: Staged[]): void {
    for (const { entry } of batch) {
      this.#time.observe(entry.time)
      this.#announce(entry)
    }
    if (this.#state !== 'started') return
    try {
      this.#spread.tell(batch)
    } catch (error) {
      // It is on disk; anti-entropy will tell the others.
      this.#logger.error('a catalog change could not be pushed', { entries: batch.length, reason: messageOf(error) })
    }
  }

  #announce(entry: Entry): void {
    for (const listener of this.#listeners) {
      try {
        listener(entry.kind, entry.name)
      } catch (error) {
        this.#logger.error('a catalog listener failed', { key: entry.key, reason: messageOf(error) })
      }
    }
  }

  #sweep(): void {
    const now = this.#options.clock.now()
    this.#redate(now)
    this.#dropTombstones(now)
  }

  /**
   * Own entries that lie in the future were written under a wrong clock, and nobody else takes them before their time: they are written again
   * under the right one. Harmless if it is the clock of now that is wrong: the value stays the same.
   */
  #redate(now: number): void {
    for (const entry of [...this.#table.entries()]) {
      if (entry.author !== this.#options.signer.peerId || !isAhead(entry.time, now)) continue
      const { kind, name, value, account } = entry
      this.#logger.warn('catalog entry was written under a wrong clock and is dated again', {
        key: entry.key,
        ahead: entry.time.ms - now
      })
      const stored = value === undefined ? null : toStored(kind, name, value, this.#vault)
      this.#sign({ kind, name, stored, account }, undefined).catch((error) => {
        this.#logger.error('catalog entry could not be dated again', { key: entry.key, reason: messageOf(error) })
      })
    }
  }

  #dropTombstones(now: number): void {
    const old = [...this.#table.entries()].filter((entry) => {
      return entry.value === undefined && entry.time.ms < now - tombstoneAgeMsMax(entry.kind)
    })
    if (old.length === 0) return
    try {
      this.#storage.commit(
        [],
        old.map((entry) => entry.key)
      )
    } catch (error) {
      this.#logger.error('old tombstones could not be removed', { count: old.length, reason: messageOf(error) })
      return
    }
    for (const entry of old) this.#table.delete(entry)
  }
}
