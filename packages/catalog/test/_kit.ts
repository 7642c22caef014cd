import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccessKey, Clock, FunctionRecord, Mesh, NodeRecord } from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, settle, VirtualClock } from '@peerless/testing'
import { encodeEnvelope, type Signer, seal, signerOf } from '@peerless/wire'
import type { ExecutionContext } from 'ava'
import { type EntryContent, encodeContent } from '../src/entry.ts'
import { type CatalogService, createCatalog } from '../src/index.ts'

export const MESH_SECRET = Buffer.from('a secret that all members of the test mesh share')
export const SECRET = 'SentinelSecret0123456789abcdefSENTINEL00'

/** That of no bytes at all; only its shape matters here. */
export const CID = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'

/** The same number, the same node. */
export function signer(number: number): Signer {
  return signerOf(new SeededRandom(1_000 + number).bytes(32))
}

/** An entry as some author might have signed it. */
export function forged(author: Signer, meshId: string, content: EntryContent): Uint8Array {
  return encodeEnvelope(seal(author, meshId, 'catalog-entry', encodeContent(content)))
}

export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'peerless-catalog-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export interface TestNode {
  readonly number: number
  readonly signer: Signer
  readonly catalog: CatalogService
  readonly logger: MemoryLogger
  readonly directory: string
  stop(): Promise<void>
}

/** A mesh of catalogs over the memory network, each with its own folder; the clock stands still until a test moves it. */
export class TestMesh {
  readonly network = new MemoryNetwork(new SeededRandom(7))
  readonly clock = new VirtualClock()
  readonly strangers = new Set<string>()
  readonly t: ExecutionContext
  /** Peers that the others count on no longer, though they are connected. */
  away: ReadonlySet<string> = new Set()
  readonly #meshes = new Map<string, Mesh>()

  constructor(t: ExecutionContext) {
    this.t = t
  }

  /** @param options.directory of an earlier life; `homeOf` is how this node sees who keeps turns */
  async node(
    number: number,
    options: {
      directory?: string
      clock?: Clock
      start?: boolean
      meshSecret?: Uint8Array
      mates?: () => string[]
      homeOf?: () => string
    } = {}
  ): Promise<TestNode> {
    const directory = options.directory ?? (await temporaryDirectory(this.t))
    const clock = options.clock ?? this.clock
    const own = signer(number)
    const logger = new MemoryLogger()
    const mesh = this.network.join(own.peerId)
    this.#meshes.set(own.peerId, mesh)
    const catalog = await createCatalog({
      directory,
      signer: own,
      mesh,
      meshSecret: options.meshSecret ?? MESH_SECRET,
      isMember: (peerId) => !this.strangers.has(peerId),
      ...(options.mates === undefined ? {} : { mates: options.mates }),
      // Any order will do that is the same everywhere.
      homeOf: options.homeOf ?? (() => [own.peerId, ...mesh.peers().filter((peer) => !this.away.has(peer))].sort()[0] as string),
      clock,
      random: new SeededRandom(number),
      logger
    })
    const stop = async () => {
      this.network.leave(own.peerId)
      await catalog.stop()
    }
    this.t.teardown(stop)
    if (options.start !== false) catalog.start()
    return { number, signer: own, catalog, logger, directory, stop }
  }

  meshOf(node: TestNode): Mesh {
    return this.#meshes.get(node.signer.peerId) as Mesh
  }

  /** Moves the clock in small steps, so that what a timer began ends before the next one. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      await this.clock.advance(Math.min(left, 250))
      await this.settle()
    }
  }

  /** Runs what is due until nothing changes any more, without moving the clock. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round++) await settle()
  }
}

export function functionRecord(name: string, change: Partial<FunctionRecord['latest']> = {}): FunctionRecord {
  return {
    name,
    account: 'acme',
    createdAt: 1_767_225_600_000,
    latest: {
      version: '$LATEST',
      revisionId: new SeededRandom(name.length).uuid(),
      handler: 'index.handler',
      runtime: 'nodejs22.x',
      role: 'arn:aws:iam::000000000000:role/peerless',
      description: '',
      memoryMb: 128,
      timeoutSeconds: 3,
      environment: {},
      code: {
        zipCid: CID,
        zipBytes: 100,
        zipSha256: 'A'.repeat(43).concat('='),
        bundleCid: CID,
        bundleBytes: 100
      },
      modifiedAt: 1_767_225_600_000,
      ...change
    }
  }
}

export function accessKey(change: Partial<AccessKey> = {}): AccessKey {
  return {
    accessKeyId: 'PLKATESTTESTTESTTEST',
    secretAccessKey: SECRET,
    role: 'admin',
    account: 'acme',
    createdAt: 1_767_225_600_000,
    ...change
  }
}

export function nodeRecord(peerId: string, change: Partial<NodeRecord> = {}): NodeRecord {
  return {
    peerId,
    name: 'a node',
    account: 'operator',
    addresses: [`/ip4/127.0.0.1/tcp/4001/p2p/${peerId}`],
    version: '0.1.0',
    httpAddress: undefined,
    ...change
  }
}

/** The clock of a machine whose wall clock is wrong by `skew.ms`, which a test may set right. */
export function skewedClock(clock: VirtualClock, skew: { ms: number }): Clock {
  return {
    now: () => clock.now() + skew.ms,
    monotonic: () => clock.monotonic(),
    after: (delayMs, run) => clock.after(delayMs, run),
    every: (periodMs, run) => clock.every(periodMs, run)
  }
}
