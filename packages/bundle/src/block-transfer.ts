import {
  type Clock,
  isPeerlessError,
  LIMITS,
  type Logger,
  MESSAGE,
  type Mesh,
  messageOf,
  PeerlessError,
  type Random,
  type Reply,
  type Timer
} from '@peerless/interface'

/** Peers asked at once whether they have it. */
const STATS_AT_ONCE = 3
const STAT_TIMEOUT_MS = 2_000
/** Chunks asked for and not yet here: 16 × 64 KiB fills a 1 MiB pipe, enough for 100 Mbit/s at 80 ms. */
const CHUNKS_AT_ONCE = 16
const CHUNK_TIMEOUT_MS = 5_000
/** Between rounds in which nobody had it: it may still be on its way to them. Doubles from first to last. */
const ROUND_PAUSE_FIRST_MS = 50
const ROUND_PAUSE_LAST_MS = 2_000

const NOTHING = new Uint8Array(0)

export interface BlockTransferOptions {
  mesh: Mesh
  clock: Clock
  random: Random
  logger: Logger
  cid: string
  /** What the catalog says; a peer that says otherwise does not have this block. */
  bytes: number
  matches: (bytes: Uint8Array) => Promise<boolean>
}

/**
 * Pulls one block: asks a few peers at a time, takes chunks from the first that has it, goes on with another when that one fails,
 * and begins anew when nobody is left, until it is cancelled.
 *
 * Chunks can't be checked one by one, only the whole can. So a block whose chunks came from one peer and do not match proves that
 * peer a liar, who is not asked for it again. If they came from several, all are thrown away and `#mixing` ends: from then on a
 * peer gives the whole block or nothing, and the liar shows.
 */
export class BlockTransfer {
  readonly #options: BlockTransferOptions
  readonly #logger: Logger
  readonly #chunks: (Uint8Array | undefined)[]
  readonly #givers = new Set<string>()
  readonly #liars = new Set<string>()
  readonly #cancelled = new AbortController()
  #mixing = true
  #wake: (() => void) | undefined
  #pauseMs = ROUND_PAUSE_FIRST_MS
  /** For the error that ends it: why it has no block yet. */
  lastTrouble = 'no peer was asked'

  constructor(options: BlockTransferOptions) {
    this.#options = options
    this.#logger = options.logger.child({ cid: options.cid })
    this.#chunks = new Array(Math.ceil(options.bytes / LIMITS.chunkBytesMax))
  }

  /** Resolves with checked bytes. @throws NOT_REPLICATED when cancelled */
  async run(): Promise<Uint8Array> {
    while (!this.#cancelled.signal.aborted) {
      const found = await this.#round()
      if (found !== undefined) return found
      await this.#pause()
    }
    throw new PeerlessError('NOT_REPLICATED', `nobody waits for block ${this.#options.cid} any more; last: ${this.lastTrouble}`)
  }

  /** When nobody waits for it any more. */
  cancel(): void {
    this.#cancelled.abort()
    this.#wake?.()
  }

  /** A peer that came may have it: ask at once. */
  onPeer(_peerId: string, connected: boolean): void {
    if (connected) this.#wake?.()
  }

  /** Every connected peer is asked once, a few at a time. */
  async #round(): Promise<Uint8Array | undefined> {
    const candidates = shuffled(
      this.#options.mesh.peers().filter((peerId) => !this.#liars.has(peerId)),
      this.#options.random
    )
    const asking = new Map<string, Promise<{ peerId: string; has: boolean }>>()
    while (!this.#cancelled.signal.aborted) {
      while (asking.size < STATS_AT_ONCE && candidates.length > 0) {
        const peerId = candidates.pop() as string
        asking.set(
          peerId,
          this.#hasIt(peerId).then((has) => ({ peerId, has }))
        )
      }
      if (asking.size === 0) return undefined
      const { peerId, has } = await Promise.race(asking.values())
      asking.delete(peerId)
      const found = has ? await this.#pullFrom(peerId) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }

  async #hasIt(peerId: string): Promise<boolean> {
    const { cid, bytes } = this.#options
    try {
      const reply = await this.#ask(peerId, MESSAGE.BLOCK_STAT, { cid }, STAT_TIMEOUT_MS)
      const alleged = (reply.header as { bytes?: unknown } | undefined | null)?.bytes
      if (alleged === bytes) return true
      this.#distrust(peerId, `it says the block has ${String(alleged).slice(0, 30)} bytes, expected ${bytes}`)
    } catch (error) {
      this.#trouble(peerId, error)
    }
    return false
  }

  /** All chunks that are missing, from this peer; then the check of the whole. */
  async #pullFrom(peerId: string): Promise<Uint8Array | undefined> {
    if (!this.#mixing) this.#forget()
    const missing = [...this.#chunks.keys()].filter((index) => this.#chunks[index] === undefined)
    const stop = new AbortController()
    const failures: unknown[] = []
    const puller = async () => {
      for (let index = missing.shift(); index !== undefined && !stop.signal.aborted; index = missing.shift()) {
        try {
          this.#chunks[index] = await this.#chunk(peerId, index, stop.signal)
          this.#givers.add(peerId)
        } catch (error) {
          failures.push(error)
          stop.abort()
        }
      }
    }
    await Promise.all(Array.from({ length: CHUNKS_AT_ONCE }, puller))
    if (failures.length > 0) {
      if (isPeerlessError(failures[0], 'MALFORMED')) this.#distrust(peerId, failures[0].message)
      else this.#trouble(peerId, failures[0])
      return undefined
    }
    return this.#cancelled.signal.aborted ? undefined : await this.#checked()
  }

  async #chunk(peerId: string, index: number, signal: AbortSignal): Promise<Uint8Array> {
    const { cid, bytes } = this.#options
    const offset = index * LIMITS.chunkBytesMax
    const expected = Math.min(LIMITS.chunkBytesMax, bytes - offset)
    const { payload } = await this.#ask(peerId, MESSAGE.BLOCK_CHUNK, { cid, offset }, CHUNK_TIMEOUT_MS, signal)
    if (payload.length !== expected) {
      throw new PeerlessError('MALFORMED', `chunk at ${offset} has ${payload.length} bytes, expected ${expected}`)
    }
    return payload
  }

  async #checked(): Promise<Uint8Array | undefined> {
    const whole = Buffer.concat(this.#chunks as Uint8Array[], this.#options.bytes)
    if (await this.#options.matches(whole)) return whole
    const givers = [...this.#givers]
    this.#forget()
    if (givers.length === 1) this.#distrust(givers[0] as string, 'its bytes do not match the CID')
    else this.#logger.warn('a block put together from several peers does not match its CID', { givers })
    this.#mixing = false
    return undefined
  }

  #forget(): void {
    this.#chunks.fill(undefined)
    this.#givers.clear()
  }

  #distrust(peerId: string, reason: string): void {
    this.#liars.add(peerId)
    this.lastTrouble = `${peerId}: ${reason}`
    this.#logger.warn('a peer is not asked for this block again', { peerId, reason })
  }

  #trouble(peerId: string, error: unknown): void {
    this.lastTrouble = `${peerId}: ${messageOf(error)}`
    this.#logger.debug('a peer did not give a block', { peerId, reason: messageOf(error) })
  }

  async #ask(peerId: string, type: number, header: unknown, timeoutMs: number, signal?: AbortSignal): Promise<Reply> {
    const { mesh, clock } = this.#options
    const late = new AbortController()
    const timer = clock.after(timeoutMs, () => late.abort())
    const signals = [late.signal, this.#cancelled.signal]
    if (signal !== undefined) signals.push(signal)
    try {
      return await mesh.call(peerId, type, header, NOTHING, { carrier: 'bulk', signal: AbortSignal.any(signals) })
    } finally {
      timer.cancel()
    }
  }

  async #pause(): Promise<void> {
    if (this.#cancelled.signal.aborted) return
    let timer: Timer | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = this.#options.clock.after(this.#pauseMs, resolve)
    })
    timer?.cancel()
    this.#wake = undefined
    this.#pauseMs = Math.min(this.#pauseMs * 2, ROUND_PAUSE_LAST_MS)
  }
}

/** Fisher–Yates. */
function shuffled(peers: string[], random: Random): string[] {
  for (let last = peers.length - 1; last > 0; last--) {
    const other = Math.floor(random.next() * (last + 1))
    const held = peers[last] as string
    peers[last] = peers[other] as string
    peers[other] = held
  }
  return peers
}
