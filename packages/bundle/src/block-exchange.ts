import {
  type BlockStore,
  type Clock,
  type FetchBlock,
  isPeerlessError,
  type Logger,
  type Mesh,
  messageOf,
  PeerlessError,
  type Random,
  type Timer
} from '@peerless/interface'
import { serveBlocks } from './block-server.ts'
import { BLOCK_BYTES_MAX } from './block-store.ts'
import { BlockTransfer } from './block-transfer.ts'
import { cidOf, isBlockCid } from './cid.ts'

/** Blocks pulled at once: each is held in memory until it is checked, so 4 × 64 MiB at most. */
const TRANSFERS_AT_ONCE_MAX = 4
/** Blocks that wait for their turn. */
const TRANSFERS_QUEUED_MAX = 256

export interface BlockExchangeOptions {
  mesh: Mesh
  store: BlockStore
  clock: Clock
  random: Random
  logger: Logger
}

/** One block under way, and those who wait for it. */
interface Shared {
  readonly key: string
  readonly transfer: BlockTransfer
  readonly bytes: Promise<Uint8Array>
  readonly waiting: Set<Deadline>
}

/**
 * Answers peers' questions for blocks, and pulls from peers what is not here. `fetch` shares one transfer among all who ask for a
 * block; the transfer ends when it has the block or the last of them has given up.
 */
export function createBlockExchange(options: BlockExchangeOptions): { fetch: FetchBlock } {
  const { mesh, store, clock, logger } = options
  serveBlocks(options)
  const shared = new Map<string, Shared>()
  const gate = new Gate(TRANSFERS_AT_ONCE_MAX, TRANSFERS_QUEUED_MAX)
  mesh.onPeer((peerId, connected) => {
    for (const { transfer } of shared.values()) transfer.onPeer(peerId, connected)
  })

  const readHere = async (cid: string): Promise<Uint8Array | undefined> => {
    try {
      return await store.read(cid)
    } catch (error) {
      if (!isPeerlessError(error, 'CORRUPT')) throw error
      logger.warn('a corrupt block is pulled again', { cid })
      return undefined
    }
  }

  const pull = async (transfer: BlockTransfer): Promise<Uint8Array> => {
    await gate.enter()
    try {
      const bytes = await transfer.run()
      await store.write(bytes)
      return bytes
    } finally {
      gate.leave()
    }
  }

  const join = (cid: string, bytes: number): Shared => {
    const key = `${cid} ${bytes}`
    const existing = shared.get(key)
    if (existing !== undefined) return existing
    const waiting = new Set<Deadline>()
    const transfer = new BlockTransfer({
      ...options,
      cid,
      bytes,
      matches: async (found) => (await cidOf(found)) === cid,
      onChunk: () => {
        for (const late of waiting) late.moved()
      },
      onAbsent: () => {
        for (const late of waiting) late.absent()
      }
    })
    const started: Shared = { key, transfer, bytes: pull(transfer), waiting }
    // Whoever waits gets the failure; when nobody does any more, it was a cancellation.
    started.bytes.catch((error) => logger.debug('a block transfer ended', { cid, reason: messageOf(error) }))
    shared.set(key, started)
    return started
  }

  const shareTransfer = async (cid: string, bytes: number, late: Deadline): Promise<Uint8Array> => {
    const joined = join(cid, bytes)
    joined.waiting.add(late)
    try {
      return await late.race(joined.bytes, (why) => notReplicated(cid, why, joined.transfer, mesh))
    } finally {
      joined.waiting.delete(late)
      if (joined.waiting.size === 0) {
        joined.transfer.cancel()
        // Whoever asks from here on begins anew instead of joining what was given up.
        shared.delete(joined.key)
      }
    }
  }

  return {
    fetch: async (cid, { bytes, timeoutMs, background = false }) => {
      if (!isBlockCid(cid)) {
        throw new PeerlessError('INVALID_ARGUMENT', `'${String(cid).slice(0, 100)}' is not a CIDv1 (raw, sha2-256) in base32`)
      }
      if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > BLOCK_BYTES_MAX) {
        throw new PeerlessError('INVALID_ARGUMENT', `a block of ${bytes} bytes is not between 0 and ${BLOCK_BYTES_MAX}`)
      }
      const late = new Deadline(clock, timeoutMs, background)
      try {
        return (await readHere(cid)) ?? (await shareTransfer(cid, bytes, late))
      } finally {
        late.cancel()
      }
    }
  }
}

function notReplicated(cid: string, why: string, transfer: BlockTransfer, mesh: Mesh): PeerlessError {
  return new PeerlessError(
    'NOT_REPLICATED',
    `block ${cid} came from none of ${mesh.peers().length} connected peers ${why}; last: ${transfer.lastTrouble}`
  )
}

/** How long one who asked waits. Counts from when it is made; in the background, from the last chunk. */
class Deadline {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #background: boolean
  #timer: Timer
  #passed: string | undefined
  #onPassed: ((why: string) => void) | undefined

  constructor(clock: Clock, timeoutMs: number, background: boolean) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#background = background
    this.#timer = this.#arm()
  }

  /** `failure` is told why it ends without the value. */
  race<Value>(value: Promise<Value>, failure: (why: string) => Error): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#onPassed = (why) => reject(failure(why))
      if (this.#passed !== undefined) this.#onPassed(this.#passed)
      value.then(resolve, reject)
    })
  }

  /** A chunk came. */
  moved(): void {
    if (!this.#background) return
    this.#timer.cancel()
    this.#timer = this.#arm()
  }

  /** No connected peer has it. */
  absent(): void {
    if (this.#background) this.#pass('and none of them has it')
  }

  cancel(): void {
    this.#timer.cancel()
  }

  #arm(): Timer {
    return this.#clock.after(this.#timeoutMs, () => this.#pass(`within ${this.#timeoutMs} ms`))
  }

  #pass(why: string): void {
    this.#passed ??= why
    this.#onPassed?.(why)
  }
}

/** Lets `atOnceMax` in; the rest waits in order, at most `queuedMax` of them. */
class Gate {
  readonly #queuedMax: number
  readonly #queue: (() => void)[] = []
  #free: number

  constructor(atOnceMax: number, queuedMax: number) {
    this.#free = atOnceMax
    this.#queuedMax = queuedMax
  }

  async enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    if (this.#queue.length >= this.#queuedMax) {
      throw new PeerlessError('BUSY', `${this.#queue.length} blocks wait to be pulled, at most ${this.#queuedMax}`)
    }
    await new Promise<void>((resolve) => this.#queue.push(resolve))
  }

  leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
