import { type CatalogKind, type Clock, LIMITS, PeerlessError } from '@peerless/interface'
import { decodeEnvelope, type Envelope, verifyEnvelope } from '@peerless/wire'
import {
  ACCOUNT_SHARE,
  CLOCK_DRIFT_MS_MAX,
  ENTRIES_BYTES_MAX,
  ENTRIES_MAX,
  ENVELOPE_KIND,
  KEY_TOMBSTONE_AGE_MS_MAX,
  TOMBSTONE_AGE_MS_MAX
} from './constants.ts'
import { accountOf, bucketOf, compareEntries, decodeContent, type Entry, type EntryContent, hashOf, keyOf } from './entry.ts'
import type { EntryTable } from './entry-table.ts'
import { isAhead } from './hybrid-time.ts'
import type { KeyVault } from './key-vault.ts'
import { fromStored } from './schemas.ts'

export interface AdmissionOptions {
  readonly meshId: string
  readonly isMember: (peerId: string) => boolean
  readonly vault: KeyVault
  readonly clock: Clock
  readonly table: EntryTable
  /** What this node knows of a key, commits on their way included. */
  readonly current: (key: string) => Entry | undefined
}

/** Decides what alleged bytes may become an entry of this node. The cheap checks come first, the signature before anything that is in the value. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /**
   * @param alleged one encoded envelope from anywhere
   * @returns the entry when it is valid and news; undefined when this node knows it or something newer
   * @throws MALFORMED, NOT_A_MEMBER, INVALID_ARGUMENT, TOO_LARGE
   */
  admit(alleged: Uint8Array): Entry | undefined {
    checkSize(alleged.length)
    const envelope = decodeEnvelope(alleged)
    const content = decodeContent(envelope.bytes)
    const author = envelope.signer
    const key = keyOf(content.kind, content.name)
    const hash = hashOf(author, envelope.bytes)
    const current = this.#current(key)
    if (current !== undefined && compareEntries({ time: content.time, author, hash }, current) <= 0) return undefined
    if (this.#expired(content) && current?.value === undefined) return undefined
    this.#checkAuthor(content, author)
    this.#checkTime(content, author)
    this.checkRoom(key, alleged.length)
    return this.#verified(envelope, content, alleged.length)
  }

  /** Reads back what this node stored. Membership and clock were checked when it came. @throws MALFORMED, INVALID_ARGUMENT, TOO_LARGE */
  restore(key: string, stored: Uint8Array): Entry {
    checkSize(stored.length)
    const envelope = decodeEnvelope(stored)
    const content = decodeContent(envelope.bytes)
    if (keyOf(content.kind, content.name) !== key) {
      throw new PeerlessError('MALFORMED', `the row of ${key} holds ${keyOf(content.kind, content.name)}`)
    }
    return this.#verified(envelope, content, stored.length)
  }

  /** @throws TOO_LARGE when a new entry of `bytes` has no room */
  checkRoom(key: string, bytes: number): void {
    const { table } = this.#options
    if (table.count >= ENTRIES_MAX && table.get(key) === undefined) {
      throw new PeerlessError('TOO_LARGE', `the catalog holds ${table.count} entries, at most ${ENTRIES_MAX}`)
    }
    const total = table.bytes + bytes - (table.get(key)?.bytes ?? 0)
    if (total > ENTRIES_BYTES_MAX) {
      throw new PeerlessError('TOO_LARGE', `the catalog would hold ${total} bytes, at most ${ENTRIES_BYTES_MAX}`)
    }
  }

  /**
   * Of what this node itself is to write: what peers have written is taken all the same, or nodes would differ.
   * @throws TOO_LARGE when an account adds an entry beyond its share, or makes one larger
   */
  checkShare(entry: Entry): void {
    const { account, key, bytes } = entry
    if (account === undefined || entry.value === undefined) return
    const { table } = this.#options
    const before = table.get(key)
    const own = before !== undefined && before.account === account ? before : undefined
    const held = table.heldBy(account)
    const what = `account '${account}' has ${held.entries} entries of ${held.bytes} bytes in the catalog: functions, versions, layers, mappings, schedules, routes, and what was removed of them in the last 30 days`
    if (own === undefined && held.entries >= ENTRIES_MAX * ACCOUNT_SHARE)
      throw new PeerlessError('TOO_LARGE', `${what}; at most ${ENTRIES_MAX * ACCOUNT_SHARE} entries`)
    const more = bytes - (own?.bytes ?? 0)
    if (more > 0 && held.bytes + more > ENTRIES_BYTES_MAX * ACCOUNT_SHARE)
      throw new PeerlessError('TOO_LARGE', `${what}; at most ${ENTRIES_BYTES_MAX * ACCOUNT_SHARE} bytes`)
  }

  /** What a new entry has to beat. One that lies in the future came in under a wrong clock: any that is in time beats it. */
  #current(key: string): Entry | undefined {
    const current = this.#options.current(key)
    return current === undefined || isAhead(current.time, this.#options.clock.now()) ? undefined : current
  }

  #expired(content: EntryContent): boolean {
    return content.stored === null && content.time.ms < this.#options.clock.now() - tombstoneAgeMsMax(content.kind)
  }

  #checkAuthor(content: EntryContent, author: string): void {
    if (!this.#options.isMember(author)) {
      throw new PeerlessError('NOT_A_MEMBER', `${keyOf(content.kind, content.name)} is signed by '${author}', not a member`)
    }
    checkOwner(content.kind, content.name, content.stored, author)
  }

  #checkTime(content: EntryContent, author: string): void {
    const now = this.#options.clock.now()
    if (!isAhead(content.time, now)) return
    const ahead = content.time.ms - now
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `${keyOf(content.kind, content.name)} of '${author}' is ${ahead} ms ahead of this node's clock, at most ${CLOCK_DRIFT_MS_MAX}: one of the two clocks is wrong`
    )
  }

  #verified(envelope: Envelope, content: EntryContent, bytes: number): Entry {
    const { meshId, vault } = this.#options
    const { kind, name, stored } = content
    if (!verifyEnvelope(envelope, meshId, ENVELOPE_KIND)) {
      throw new PeerlessError('MALFORMED', `the signature of ${keyOf(kind, name)} by '${envelope.signer}' does not verify`)
    }
    const value = stored === null ? undefined : fromStored(kind, name, stored, vault)
    return entryOf(envelope, content, value, bytes)
  }
}

export function entryOf(envelope: Envelope, content: EntryContent, value: Entry['value'], bytes: number): Entry {
  const { kind, name, time } = content
  const key = keyOf(kind, name)
  const author = envelope.signer
  const account = value === undefined ? content.account : accountOf(kind, value)
  return { key, bucket: bucketOf(key), kind, name, time, author, hash: hashOf(author, envelope.bytes), value, account, bytes }
}

/**
 * A node's record names the account that its work is credited to, so only the node itself writes it; anyone may remove it.
 * @throws INVALID_ARGUMENT
 */
export function checkOwner(kind: CatalogKind, name: string, stored: unknown, author: string): void {
  if (kind === 'node' && stored !== null && name !== author) {
    throw new PeerlessError('INVALID_ARGUMENT', `the record of node '${name}' must be signed by it, not by '${author}'`)
  }
}

/** @throws TOO_LARGE */
export function checkSize(bytes: number): void {
  if (bytes > LIMITS.catalogEntryBytesMax) {
    throw new PeerlessError('TOO_LARGE', `a catalog entry of ${bytes} bytes, at most ${LIMITS.catalogEntryBytesMax}`)
  }
}

export function tombstoneAgeMsMax(kind: CatalogKind): number {
  return kind === 'key' ? KEY_TOMBSTONE_AGE_MS_MAX : TOMBSTONE_AGE_MS_MAX
}
