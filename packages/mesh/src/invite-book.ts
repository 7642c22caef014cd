import { createHash, timingSafeEqual } from 'node:crypto'
import { type Clock, INVITE_USES_MAX, type Logger, messageOf, PeerlessError, type Random, writeError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import {
  INVITE_ID_BYTES,
  INVITE_KEPT_AFTER_EXPIRY_MS,
  INVITE_SECRET_BYTES,
  INVITE_TTL_MS_MAX,
  INVITE_TTL_MS_MIN,
  INVITE_USES_TOTAL_MAX,
  INVITES_MAX
} from './constants.ts'
import type { Directory } from './directory.ts'
import { type InviteRole, type InviteToken, isInviteRole } from './invite-token.ts'

const FILE = 'invites.cbor'
const FORMAT = 1

export interface InviteOrder {
  role: InviteRole
  /** Milliseconds from now. */
  ttlMs: number
  uses: number
  /** Of the access keys that it makes. */
  account?: string | undefined
}

interface InviteEntry {
  readonly id: string
  /** SHA-256: whoever reads the file cannot redeem. */
  readonly secretHash: Uint8Array
  readonly role: InviteRole
  readonly expiresAt: number
  readonly uses: number
  readonly account: string | undefined
  /** Spent uses that named no holder: access keys. */
  anonymous: number
  /** Spent uses by node, with what it got: one that lost the answer gets the same again. */
  readonly holders: Map<string, Uint8Array>
}

/**
 * The issuer's record of its invites, and the only place where a use is spent. A use is on disk before its fruit is handed out and
 * redemptions run one after the other, so that n uses are n uses under concurrency and across crashes.
 */
export class InviteBook {
  readonly #directory: Directory
  readonly #clock: Clock
  readonly #random: Random
  readonly #entries = new Map<string, InviteEntry>()
  #tail: Promise<unknown> = Promise.resolve()

  constructor(directory: Directory, clock: Clock, random: Random) {
    this.#directory = directory
    this.#clock = clock
    this.#random = random
  }

  /** A damaged file is set aside, and what it had is refused: nobody can tell which invites were used. @throws CORRUPT where it cannot be read at all */
  async load(logger: Logger): Promise<void> {
    const bytes = await this.#directory.read(FILE)
    if (bytes === undefined) return
    try {
      for (const entry of readEntries(bytes)) this.#entries.set(entry.id, entry)
    } catch (error) {
      logger.warn('the record of invites is damaged and set aside: those that this node made are good no more', {
        file: `${FILE}.corrupt`,
        reason: messageOf(error)
      })
      await this.#directory.setAside(FILE)
    }
  }

  /**
   * On disk when it resolves.
   * @throws INVALID_ARGUMENT, CONFLICT when the record is full
   */
  issue(order: InviteOrder): Promise<Pick<InviteToken, 'inviteId' | 'secret' | 'role' | 'expiresAt'>> {
    checkOrder(order)
    return this.#alone(async () => {
      this.#forgetExpired()
      this.#checkRoom(order.uses)
      const inviteId = this.#random.bytes(INVITE_ID_BYTES)
      const secret = this.#random.bytes(INVITE_SECRET_BYTES)
      const expiresAt = this.#clock.now() + Math.floor(order.ttlMs)
      const { role, uses, account } = order
      const id = hex(inviteId)
      this.#entries.set(id, { id, secretHash: hashOf(secret), role, expiresAt, uses, account, anonymous: 0, holders: new Map() })
      await this.#saveOr(() => this.#entries.delete(id))
      return { inviteId, secret, role, expiresAt }
    })
  }

  /**
   * Spends one use, durably, and returns what `make` made for it. The same holder again gets what it got before.
   * @param holder peer id of the joining node; undefined for an access key
   * @param make is called at most once, before the use is written
   * @throws INVALID_INVITE: unknown, forged, expired or used
   */
  redeem(token: InviteToken, holder: string | undefined, make: () => Uint8Array): Promise<Uint8Array> {
    return this.#alone(async () => {
      const entry = this.#entries.get(hex(token.inviteId))
      if (entry === undefined) throw invalid('is not on record at the node that issued it: it was used up or withdrawn')
      if (!timingSafeEqual(entry.secretHash, hashOf(token.secret))) throw invalid('is forged: its secret is not the one issued')
      const before = holder === undefined ? undefined : entry.holders.get(holder)
      if (before !== undefined) return before
      const now = this.#clock.now()
      if (now >= entry.expiresAt) throw expired(entry.expiresAt, now)
      if (spentOf(entry) >= entry.uses) {
        throw invalid(`was used: ${entry.uses} of ${entry.uses} ${entry.uses === 1 ? 'use is' : 'uses are'} spent`)
      }
      return await this.#spend(entry, holder, make())
    })
  }

  /** Of the access keys that an invite on record makes; undefined where it was ordered without. */
  accountOf({ inviteId }: InviteToken): string | undefined {
    return this.#entries.get(hex(inviteId))?.account
  }

  /** What these nodes joined with lets nobody else in: they know the token. On disk when it resolves. */
  withdrawFrom(holders: readonly string[]): Promise<void> {
    return this.#alone(async () => {
      const open = [...this.#entries.values()].filter(
        (entry) => entry.role === 'node' && spentOf(entry) < entry.uses && holders.some((holder) => entry.holders.has(holder))
      )
      if (open.length === 0) return
      for (const entry of open) this.#entries.set(entry.id, { ...entry, uses: spentOf(entry) })
      await this.#saveOr(() => undefined)
    })
  }

  /** Peer ids of the nodes that joined by what is on record, after all redemptions that are under way. */
  holders(): Promise<string[]> {
    return this.#alone(async () => [...this.#entries.values()].flatMap(({ holders }) => [...holders.keys()]))
  }

  async #spend(entry: InviteEntry, holder: string | undefined, fruit: Uint8Array): Promise<Uint8Array> {
    if (holder === undefined) entry.anonymous++
    else entry.holders.set(holder, fruit)
    await this.#saveOr(() => {
      if (holder === undefined) entry.anonymous--
      else entry.holders.delete(holder)
    })
    return fruit
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(run, run)
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** A write that failed may have reached the disk all the same; then a use is lost, never doubled. */
  async #saveOr(undo: () => void): Promise<void> {
    try {
      await this.#directory.write(FILE, writeEntries([...this.#entries.values()]))
    } catch (error) {
      undo()
      throw writeError('the record of invites', error)
    }
  }

  #forgetExpired(): void {
    const before = this.#clock.now() - INVITE_KEPT_AFTER_EXPIRY_MS
    for (const [id, entry] of this.#entries) if (entry.expiresAt < before) this.#entries.delete(id)
  }

  #checkRoom(uses: number): void {
    const entries = [...this.#entries.values()]
    const total = entries.reduce((sum, entry) => sum + entry.uses, uses)
    if (entries.length >= INVITES_MAX || total > INVITE_USES_TOTAL_MAX) {
      throw new PeerlessError(
        'CONFLICT',
        `${entries.length} invites with ${total - uses} uses are on record, at most ${INVITES_MAX} with ${INVITE_USES_TOTAL_MAX}; they go one day after they expire`
      )
    }
  }
}

function spentOf({ holders, anonymous }: InviteEntry): number {
  return holders.size + anonymous
}

/** @throws INVALID_INVITE */
export function checkUnexpired(token: InviteToken, now: number): void {
  if (now >= token.expiresAt) throw expired(token.expiresAt, now)
}

/** With the time here, for one whose clock is wrong takes a good token for an old one. */
function expired(at: number, now: number): PeerlessError {
  return invalid(`expired at ${new Date(at).toISOString()}; the clock that says so shows ${new Date(now).toISOString()}`)
}

function invalid(why: string): PeerlessError {
  return new PeerlessError('INVALID_INVITE', `the invite token ${why}`)
}

function checkOrder(order: InviteOrder): void {
  const { role, ttlMs, uses } = order
  if (!isInviteRole(role)) {
    throw new PeerlessError('INVALID_ARGUMENT', `invite role '${String(role).slice(0, 50)}' must be node, deployer or invoker`)
  }
  if (!(ttlMs >= INVITE_TTL_MS_MIN && ttlMs <= INVITE_TTL_MS_MAX)) {
    throw new PeerlessError('INVALID_ARGUMENT', `invite ttl ${ttlMs} ms must be ${INVITE_TTL_MS_MIN} to ${INVITE_TTL_MS_MAX}`)
  }
  if (!Number.isInteger(uses) || uses < 1 || uses > INVITE_USES_MAX) {
    throw new PeerlessError('INVALID_ARGUMENT', `invite uses ${uses} must be an integer of 1 to ${INVITE_USES_MAX}`)
  }
}

function writeEntries(entries: InviteEntry[]): Uint8Array {
  return encode([
    FORMAT,
    entries.map((entry) => [
      entry.id,
      entry.secretHash,
      entry.role,
      entry.expiresAt,
      entry.uses,
      entry.anonymous,
      [...entry.holders].map(([peerId, fruit]) => [peerId, fruit]),
      entry.account ?? null
    ])
  ])
}

/** @throws MALFORMED */
function readEntries(bytes: Uint8Array): InviteEntry[] {
  const value = decode(bytes, FILE)
  const [format, rows] = Array.isArray(value) ? value : []
  if (format !== FORMAT || !Array.isArray(rows)) throw new PeerlessError('MALFORMED', `'${FILE}' is not in format ${FORMAT}`)
  return rows.map(readEntry)
}

function readEntry(row: unknown): InviteEntry {
  // Rows of before accounts were recorded end with the holders.
  const [id, secretHash, role, expiresAt, uses, anonymous, holders, account = null] = Array.isArray(row) ? row : []
  const whole =
    typeof id === 'string' &&
    secretHash instanceof Uint8Array &&
    secretHash.length === 32 &&
    isInviteRole(role) &&
    Number.isSafeInteger(expiresAt) &&
    Number.isSafeInteger(uses) &&
    Number.isSafeInteger(anonymous) &&
    Array.isArray(holders) &&
    (account === null || typeof account === 'string')
  if (!whole) throw new PeerlessError('MALFORMED', `a row of '${FILE}' is malformed`)
  return {
    id,
    secretHash,
    role,
    expiresAt: expiresAt as number,
    uses: uses as number,
    account: (account as string | null) ?? undefined,
    anonymous: anonymous as number,
    holders: new Map(holders as [string, Uint8Array][])
  }
}

function hashOf(secret: Uint8Array): Uint8Array {
  return createHash('sha256').update(secret).digest()
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
