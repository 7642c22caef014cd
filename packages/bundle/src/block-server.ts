import {
  type BlockStore,
  type Clock,
  type IncomingRequest,
  LIMITS,
  type Logger,
  MESSAGE,
  type Mesh,
  messageOf,
  PeerlessError,
  type Timer
} from '@peerless/interface'
import { isBlockCid } from './cid.ts'

/** Blocks kept in memory between the chunk requests of peers, so that a pull reads and checks the file once. */
const SERVED_BYTES_MAX = 134_217_728
const SERVED_IDLE_MS = 10_000
/** Files read at once for peers. */
const LOADS_AT_ONCE_MAX = 4

interface Served {
  readonly bytes: Uint8Array
  lastUsed: number
}

export interface BlockServerOptions {
  mesh: Mesh
  store: BlockStore
  clock: Clock
  logger: Logger
}

/**
 * Registers the two handlers: BLOCK_STAT `{cid}` → `{bytes}`, and BLOCK_CHUNK `{cid, offset}` → payload of at most
 * `LIMITS.chunkBytesMax` bytes. Both fail with NOT_REPLICATED when the block is not here, BUSY when too many are being read.
 */
export function serveBlocks(options: BlockServerOptions): void {
  const { mesh, logger } = options
  const served = new ServedBlocks(options)
  const answer = (run: (request: IncomingRequest) => Promise<void>) => (peerId: string, request: IncomingRequest) => {
    run(request).catch((error) => {
      if (!(error instanceof PeerlessError)) logger.warn('a block could not be served', { peerId, reason: messageOf(error) })
      request.fail(error instanceof PeerlessError ? error : new PeerlessError('INTERNAL', 'internal error', { cause: error }))
    })
  }
  mesh.handle(
    MESSAGE.BLOCK_STAT,
    answer(async (request) => {
      const { cid } = askedFor(request.header)
      request.reply({ bytes: (await served.get(cid)).length })
    })
  )
  mesh.handle(
    MESSAGE.BLOCK_CHUNK,
    answer(async (request) => {
      const { cid, offset } = askedFor(request.header)
      const bytes = await served.get(cid)
      if (offset === undefined || offset >= bytes.length) {
        throw new PeerlessError('INVALID_ARGUMENT', `offset ${offset} is not inside block ${cid} of ${bytes.length} bytes`)
      }
      request.reply(undefined, bytes.subarray(offset, offset + LIMITS.chunkBytesMax))
    })
  )
}

/** @throws MALFORMED */
function askedFor(alleged: unknown): { cid: string; offset: number | undefined } {
  const { cid, offset } = (typeof alleged === 'object' && alleged !== null ? alleged : {}) as { cid?: unknown; offset?: unknown }
  if (!isBlockCid(cid)) throw new PeerlessError('MALFORMED', 'a request for a block names its cid')
  if (offset === undefined) return { cid, offset: undefined }
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) {
    throw new PeerlessError('MALFORMED', 'the offset of a chunk is a number from 0')
  }
  return { cid, offset }
}

/** The blocks that peers are pulling just now; least recently used goes first, all go when idle. */
class ServedBlocks {
  readonly #store: BlockStore
  readonly #clock: Clock
  readonly #kept = new Map<string, Served>()
  readonly #loading = new Map<string, Promise<Uint8Array>>()
  #keptBytes = 0
  #sweep: Timer | undefined

  constructor(options: BlockServerOptions) {
    this.#store = options.store
    this.#clock = options.clock
  }

  /** @throws NOT_REPLICATED, BUSY */
  async get(cid: string): Promise<Uint8Array> {
    const kept = this.#kept.get(cid)
    if (kept !== undefined) {
      kept.lastUsed = this.#clock.monotonic()
      this.#kept.delete(cid)
      this.#kept.set(cid, kept)
      return kept.bytes
    }
    const loading = this.#loading.get(cid)
    if (loading !== undefined) return await loading
    if (!this.#store.has(cid)) throw new PeerlessError('NOT_REPLICATED', `block ${cid} is not here`)
    if (this.#loading.size >= LOADS_AT_ONCE_MAX) {
      throw new PeerlessError('BUSY', `${this.#loading.size} blocks are being read, at most ${LOADS_AT_ONCE_MAX}`)
    }
    const started = this.#load(cid).finally(() => this.#loading.delete(cid))
    this.#loading.set(cid, started)
    return await started
  }

  async #load(cid: string): Promise<Uint8Array> {
    const bytes = await this.#store.read(cid)
    if (bytes === undefined) throw new PeerlessError('NOT_REPLICATED', `block ${cid} is not here`)
    this.#kept.set(cid, { bytes, lastUsed: this.#clock.monotonic() })
    this.#keptBytes += bytes.length
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= SERVED_BYTES_MAX) break
      this.#drop(oldest)
    }
    this.#sweepLater()
    return bytes
  }

  #drop(cid: string): void {
    this.#keptBytes -= this.#kept.get(cid)?.bytes.length ?? 0
    this.#kept.delete(cid)
  }

  #sweepLater(): void {
    if (this.#sweep !== undefined || this.#kept.size === 0) return
    this.#sweep = this.#clock.after(SERVED_IDLE_MS, () => {
      this.#sweep = undefined
      const idleSince = this.#clock.monotonic() - SERVED_IDLE_MS
      for (const [cid, kept] of this.#kept) if (kept.lastUsed <= idleSince) this.#drop(cid)
      this.#sweepLater()
    })
  }
}
