import {
  type Clock,
  type IncomingRequest,
  isPeerlessError,
  type Logger,
  MESSAGE,
  type Mesh,
  messageOf,
  PeerlessError,
  type Random,
  type Reply,
  type Timer
} from '@peerless/interface'
import { decode } from '@peerless/wire'
import { z } from 'zod'
import {
  ANSWER_MS_MAX,
  BUCKET_DIGEST_BYTES,
  BUCKETS,
  HASH_BYTES,
  HAVE_HASHES_GOAL,
  PAGE_BYTES_MAX,
  PAGE_ENTRIES_MAX,
  PAGES_MAX,
  ROUND_MS_MAX,
  STRANGER_RETRIES_MAX,
  STRANGER_RETRY_MS
} from './constants.ts'
import type { Entry } from './entry.ts'
import type { EntryTable } from './entry-table.ts'
import { checkEnvelopes, decodeEnvelopes, encodeEnvelopes, type Intake } from './intake.ts'
import { type Cursor, makePage, type Page } from './page.ts'
import { chunks } from './spread.ts'
import type { EntryStorage } from './storage.ts'

export interface AntiEntropyOptions {
  readonly mesh: Mesh
  readonly table: EntryTable
  readonly storage: EntryStorage
  readonly intake: Intake
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Mean milliseconds between two rounds with a random peer. */
  readonly periodMs: number
}

const bytes = z.instanceof(Uint8Array)
const digestSchema = z.strictObject({ root: bytes.refine((root) => root.length === HASH_BYTES) })
const cursorSchema = z.strictObject({ bucket: z.int().min(0).max(BUCKETS), key: z.string().max(160) })
const bucketsSchema = z.strictObject({
  buckets: z
    .array(
      z
        .int()
        .min(0)
        .max(BUCKETS - 1)
    )
    .min(1)
    .max(BUCKETS),
  after: cursorSchema.optional()
})
const pageSchema = z.strictObject({ next: cursorSchema.optional() })
const pushSchema = z.strictObject({ spread: z.boolean() })
const sameSchema = z.strictObject({ same: z.boolean() })

/**
 * The sure way for every change: two nodes compare digests and exchange what differs, on connecting and every few seconds with a random peer.
 *
 * CATALOG_DIGEST `{ root }` → `{ same }`, and where they differ the digests of all buckets as payload.
 * CATALOG_BUCKETS `{ buckets, after? }`, payload: hashes that the asking side has in them → `{ next? }`, payload CBOR `[envelopes it lacks, indexes of
 * hashes that the answering side lacks]`. The asking side pages on while there is a `next`, then pushes what the last page named.
 */
export class AntiEntropy {
  readonly #options: AntiEntropyOptions
  /** Peers to be asked, oldest first; bounded by the peers there are. */
  readonly #queue = new Set<string>()
  /** How often a connected peer was asked again for the sake of strangers. */
  readonly #retries = new Map<string, number>()
  #running = false
  #stopped = false
  #timer: Timer | undefined
  #rounds = 0

  constructor(options: AntiEntropyOptions) {
    this.#options = options
  }

  /** Rounds since start that went through to their end and left nothing out that a moment later could be taken. */
  get rounds(): number {
    return this.#rounds
  }

  start(): void {
    const { mesh } = this.#options
    mesh.handle(MESSAGE.CATALOG_DIGEST, (_, request) => this.#answer(request, () => this.#onDigest(request)))
    mesh.handle(MESSAGE.CATALOG_BUCKETS, (_, request) => this.#answer(request, () => this.#onBuckets(request)))
    mesh.handle(MESSAGE.CATALOG_PUSH, (peer, request) => this.#answer(request, () => this.#onPush(peer, request)))
    mesh.onPeer((peer, connected) => {
      this.#retries.delete(peer)
      if (connected) this.#ask(peer)
      else this.#queue.delete(peer)
    })
    for (const peer of mesh.peers()) this.#ask(peer)
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#queue.clear()
    this.#timer?.cancel()
  }

  #arm(): void {
    const { mesh, clock, random, periodMs } = this.#options
    const wait = periodMs * (0.75 + random.next() / 2)
    this.#timer = clock.after(wait, () => {
      const peers = mesh.peers()
      const peer = peers[Math.floor(random.next() * peers.length)]
      if (peer !== undefined) this.#ask(peer)
      if (!this.#stopped) this.#arm()
    })
  }

  #ask(peer: string): void {
    if (this.#stopped) return
    this.#queue.add(peer)
    if (!this.#running) this.#work()
  }

  /** One round at a time, so that what one peer brought is not pulled from the next again. */
  async #work(): Promise<void> {
    const { logger } = this.#options
    this.#running = true
    for (const peer of this.#queue) {
      this.#queue.delete(peer)
      try {
        const strangers = await this.round(peer)
        if (strangers === 0 || !this.#again(peer)) this.#rounds++
      } catch (error) {
        if (!this.#stopped) logger.debug('catalog round failed', { peer, reason: messageOf(error) })
      }
    }
    this.#running = false
  }

  /** False when that was done often enough. */
  #again(peer: string): boolean {
    const retries = this.#retries.get(peer) ?? 0
    if (retries >= STRANGER_RETRIES_MAX || !this.#options.mesh.peers().includes(peer)) return false
    this.#retries.set(peer, retries + 1)
    this.#options.clock.after(STRANGER_RETRY_MS, () => this.#ask(peer))
    return true
  }

  /** Compares with one peer now, and gives each what only the other has. Returns how many entries were refused here for their author. */
  async round(peer: string): Promise<number> {
    const { table, clock } = this.#options
    const reply = await this.#call(peer, MESSAGE.CATALOG_DIGEST, { root: table.root() })
    if (check(sameSchema, reply.header, 'catalog digest').same) return 0
    if (reply.payload.length !== BUCKETS * BUCKET_DIGEST_BYTES) {
      throw new PeerlessError(
        'MALFORMED',
        `catalog digests have ${BUCKETS * BUCKET_DIGEST_BYTES} bytes, not ${reply.payload.length}`
      )
    }
    let strangers = 0
    const until = clock.monotonic() + ROUND_MS_MAX
    for (const group of this.#groups(reply.payload)) strangers += await this.#exchange(peer, group, until)
    return strangers
  }

  /** Buckets that differ, in groups whose own hashes make one request. */
  #groups(theirs: Uint8Array): number[][] {
    const { table } = this.#options
    const groups: number[][] = []
    let room = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const offset = bucket * BUCKET_DIGEST_BYTES
      if (table.bucketDigest(bucket).equals(theirs.subarray(offset, offset + BUCKET_DIGEST_BYTES))) continue
      const size = table.bucket(bucket).size
      if (size > room || groups.length === 0) {
        groups.push([])
        room = HAVE_HASHES_GOAL
      }
      groups.at(-1)?.push(bucket)
      room -= size
    }
    return groups
  }

  async #exchange(peer: string, buckets: number[], until: number): Promise<number> {
    const { table, intake, clock } = this.#options
    let strangers = 0
    let after: Cursor | undefined
    for (let pages = 0; pages < PAGES_MAX; pages++) {
      if (clock.monotonic() > until) {
        throw new PeerlessError('DEADLINE_EXCEEDED', `a round of the catalog took longer than ${ROUND_MS_MAX} ms`)
      }
      const have = buckets.flatMap((bucket) => [...table.bucket(bucket).values()])
      const hashes = Buffer.from(have.map((entry) => entry.hash).join(''), 'hex')
      const reply = await this.#call(peer, MESSAGE.CATALOG_BUCKETS, { buckets, after }, hashes)
      const { next } = check(pageSchema, reply.header, 'catalog page')
      const page = pageOf(reply.payload)
      strangers += await intake.take(page.envelopes, { from: peer, spread: true })
      if (next === undefined) {
        await this.#give(
          peer,
          page.lacking.map((index) => have[index]).filter((entry) => entry !== undefined)
        )
        return strangers
      }
      if (after !== undefined && !isAfter(next, after)) throw new PeerlessError('MALFORMED', 'catalog pages go round in a circle')
      after = next
    }
    return strangers
  }

  /** Pushes what the peer lacks, unless it was overtaken by what the peer has just sent. */
  async #give(peer: string, entries: readonly Entry[]): Promise<void> {
    const { table, storage } = this.#options
    const current = entries.filter((entry) => table.get(entry.key) === entry)
    for (let start = 0; start < current.length; start += PAGE_ENTRIES_MAX) {
      const rows: { envelope: Uint8Array }[] = []
      for (const entry of current.slice(start, start + PAGE_ENTRIES_MAX)) {
        const envelope = storage.envelope(entry.key)
        if (envelope !== undefined) rows.push({ envelope })
      }
      for (const envelopes of chunks(rows, PAGE_BYTES_MAX)) {
        await this.#call(peer, MESSAGE.CATALOG_PUSH, { spread: true }, encodeEnvelopes(envelopes))
      }
    }
  }

  async #call(peer: string, type: number, header: unknown, payload?: Uint8Array): Promise<Reply> {
    if (this.#stopped) throw new PeerlessError('UNAVAILABLE', 'the catalog is stopped')
    const deadline = new AbortController()
    const timer = this.#options.clock.after(ANSWER_MS_MAX, () => deadline.abort())
    try {
      return await this.#options.mesh.call(peer, type, header, payload, { carrier: 'bulk', signal: deadline.signal })
    } finally {
      timer.cancel()
    }
  }

  #answer(request: IncomingRequest, work: () => Promise<void> | void): void {
    if (this.#stopped) {
      request.fail(new PeerlessError('UNAVAILABLE', 'this node is stopping'))
      return
    }
    Promise.try(work).catch((error) => {
      const known = isPeerlessError(error) ? error : new PeerlessError('INTERNAL', 'internal error', { cause: error })
      if (known.code === 'INTERNAL') this.#options.logger.error('catalog request failed', { reason: messageOf(error) })
      request.fail(known)
    })
  }

  #onDigest(request: IncomingRequest): void {
    const { table } = this.#options
    const { root } = check(digestSchema, request.header, 'catalog digest')
    if (table.root().equals(root)) request.reply({ same: true })
    else request.reply({ same: false }, table.bucketDigests())
  }

  #onBuckets(request: IncomingRequest): void {
    const { table, storage } = this.#options
    const { buckets, after } = check(bucketsSchema, request.header, 'catalog buckets')
    const { next, payload } = makePage(table, storage, buckets, after, request.payload)
    request.reply({ next }, payload)
  }

  async #onPush(peer: string, request: IncomingRequest): Promise<void> {
    const { spread } = check(pushSchema, request.header, 'catalog push')
    const strangers = await this.#options.intake.take(decodeEnvelopes(request.payload), { from: peer, spread })
    if (strangers > 0) this.#again(peer)
    request.reply(undefined)
  }
}

function isAfter(next: Cursor, after: Cursor): boolean {
  return next.bucket > after.bucket || (next.bucket === after.bucket && next.key > after.key)
}

function pageOf(alleged: Uint8Array): Page {
  const decoded = decode(alleged, 'catalog page')
  const [envelopes, lacking] = Array.isArray(decoded) && decoded.length === 2 ? decoded : []
  if (!Array.isArray(lacking) || !lacking.every((index) => Number.isSafeInteger(index) && index >= 0)) {
    throw new PeerlessError('MALFORMED', 'a catalog page is [envelopes, indexes]')
  }
  return { envelopes: checkEnvelopes(envelopes), lacking }
}

function check<Output>(schema: z.ZodType<Output>, alleged: unknown, what: string): Output {
  const parsed = schema.safeParse(alleged)
  if (parsed.success) return parsed.data
  throw new PeerlessError('MALFORMED', `${what}: header is malformed`, { cause: parsed.error })
}
