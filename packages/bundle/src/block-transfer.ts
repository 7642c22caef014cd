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
import { ChunkPace } from './chunk-pace.ts'

/** Peers asked at once whether they have it. */
const STATS_AT_ONCE = 3
const STAT_TIMEOUT_MS = 2_000
/** A peer of which no chunk comes for so long is left for another. */
const CHUNK_TIMEOUT_MS = 5_000
/** One that gives fewer than so many chunks in such a time, where others may give more, is left for them: once, for all may be as slow. */
const SLOW_LOOK_MS = 3_000
const SLOW_CHUNKS_MIN = 3
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
  /** A chunk came. */
  onChunk: () => void
  /** Every connected peer was asked just now, and said that it does not have it. */
  onAbsent: () => void
}

type Word = 'has' | 'lacks' | 'silent'

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
  /** Left for others, and asked after them. */
  readonly #slow = new Set<string>()
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
    const willing = this.#options.mesh.peers().filter((peerId) => !this.#liars.has(peerId))
    // The last one is asked first.
    const candidates = shuffled(willing, this.#options.random).sort(
      (one, other) => Number(this.#slow.has(other)) - Number(this.#slow.has(one))
    )
    const asking = new Map<string, Promise<{ peerId: string; word: Word }>>()
    let absent = true
    while (!this.#cancelled.signal.aborted) {
      while (asking.size < STATS_AT_ONCE && candidates.length > 0) {
        const peerId = candidates.pop() as string
        asking.set(
          peerId,
          this.#ofStat(peerId).then((word) => ({ peerId, word }))
        )
      }
      if (asking.size === 0) {
        if (absent) this.#options.onAbsent()
        return undefined
      }
      const { peerId, word } = await Promise.race(asking.values())
      asking.delete(peerId)
      absent &&= word === 'lacks'
      const found = word === 'has' ? await this.#pullFrom(peerId) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }

  async #ofStat(peerId: string): Promise<Word> {
    const { cid, bytes, clock } = this.#options
    const late = new AbortController()
    const timer = clock.after(STAT_TIMEOUT_MS, () => late.abort())
    try {
      const reply = await this.#ask(peerId, MESSAGE.BLOCK_STAT, { cid }, late.signal)
      const alleged = (reply.header as { bytes?: unknown } | undefined | null)?.bytes
      if (alleged === bytes) return 'has'
      this.#distrust(peerId, `it says the block has ${String(alleged).slice(0, 30)} bytes, expected ${bytes}`)
      return 'lacks'
    } catch (error) {
      this.#trouble(peerId, error)
      return isPeerlessError(error, 'NOT_REPLICATED') ? 'lacks' : 'silent'
    } finally {
      timer.cancel()
    }
  }

  /** All chunks that are missing, from this peer; then the check of the whole. */
  async #pullFrom(peerId: string): Promise<Uint8Array | undefined> {
    if (!this.#mixing) this.#forget()
    const failure = await this.#pullChunks(peerId)
    if (failure === undefined) return this.#cancelled.signal.aborted ? undefined : await this.#checked()
    if (isPeerlessError(failure, 'MALFORMED')) this.#distrust(peerId, failure.message)
    else this.#trouble(peerId, failure)
    return undefined
  }

  /** Resolves with the first failure, which ends it. */
  async #pullChunks(peerId: string): Promise<unknown> {
    const { clock, onChunk } = this.#options
    const missing = [...this.#chunks.keys()].filter((index) => this.#chunks[index] === undefined)
    const pace = new ChunkPace()
    const stop = new AbortController()
    const late = () => stop.abort(new PeerlessError('DEADLINE_EXCEEDED', `no chunk came within ${CHUNK_TIMEOUT_MS} ms`))
    let timer = clock.after(CHUNK_TIMEOUT_MS, late)
    let came = 0
    const look = () => {
      if (came < SLOW_CHUNKS_MIN && this.#mayBeSlow(peerId)) {
        this.#slow.add(peerId)
        stop.abort(new PeerlessError('DEADLINE_EXCEEDED', `${came} chunks came within ${SLOW_LOOK_MS} ms; others may be faster`))
      }
      came = 0
      looking = clock.after(SLOW_LOOK_MS, look)
    }
    let looking = clock.after(SLOW_LOOK_MS, look)
    const pull = async (index: number) => {
      const askedAt = clock.monotonic()
      this.#chunks[index] = await this.#chunk(peerId, index, stop.signal)
      this.#givers.add(peerId)
      came++
      timer.cancel()
      timer = clock.after(CHUNK_TIMEOUT_MS, late)
      pace.came(clock.monotonic() - askedAt)
      onChunk()
    }
    const open = new Set<Promise<unknown>>()
    while (!stop.signal.aborted && (missing.length > 0 || open.size > 0)) {
      while (missing.length > 0 && open.size < pace.window) {
        const pulling: Promise<unknown> = pull(missing.shift() as number)
          .catch((error) => stop.abort(error))
          .finally(() => open.delete(pulling))
        open.add(pulling)
      }
      await Promise.race(open)
    }
    timer.cancel()
    looking.cancel()
    return stop.signal.reason
  }

  /** Whether there is another that was not found slow yet. */
  #mayBeSlow(peerId: string): boolean {
    if (this.#slow.has(peerId)) return false
    const isOther = (other: string) => other !== peerId && !this.#slow.has(other) && !this.#liars.has(other)
    return this.#options.mesh.peers().some(isOther)
  }

  async #chunk(peerId: string, index: number, signal: AbortSignal): Promise<Uint8Array> {
    const { cid, bytes } = this.#options
    const offset = index * LIMITS.chunkBytesMax
    const expected = Math.min(LIMITS.chunkBytesMax, bytes - offset)
    const { payload } = await this.#ask(peerId, MESSAGE.BLOCK_CHUNK, { cid, offset }, signal)
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

  async #ask(peerId: string, type: number, header: unknown, stop: AbortSignal): Promise<Reply> {
    const signal = AbortSignal.any([stop, this.#cancelled.signal])
    return await this.#options.mesh.call(peerId, type, header, NOTHING, { carrier: 'bulk', signal })
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
