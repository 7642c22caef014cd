import { createHash } from 'node:crypto'
import { ACCOUNT_NAME, type CatalogKind, type CatalogKinds, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { z } from 'zod'
import { ENTRY_FORMAT } from './constants.ts'
import { COUNTER_MAX, compareTimes, type HybridTime, MS_MAX } from './hybrid-time.ts'

/** What an author signs: who and when are in it or around it, so that nothing can be swapped. */
export interface EntryContent {
  readonly kind: CatalogKind
  readonly name: string
  readonly time: HybridTime
  /** As stored, secrets sealed; null is a tombstone. */
  readonly stored: unknown
  /** Of a tombstone: whose entry it was. undefined where it was nobody's, or written by a version that did not say. */
  readonly account?: string | undefined
}

/** An entry that this node has checked. */
export interface Entry {
  readonly key: string
  readonly bucket: number
  readonly kind: CatalogKind
  readonly name: string
  readonly time: HybridTime
  readonly author: string
  /** Hex SHA-256 of author and signed bytes. The signature is left out: two valid signatures over one content are one entry. */
  readonly hash: string
  /** Frozen, secrets opened; undefined in a tombstone. */
  readonly value: CatalogKinds[CatalogKind] | undefined
  /** The account whose share of the catalog it takes; undefined: nobody's. */
  readonly account: string | undefined
  /** Encoded size, signature included. */
  readonly bytes: number
}

export const KIND_NAMES = [
  'function',
  'version',
  'layer',
  'layerVersion',
  'mapping',
  'signing',
  'key',
  'node',
  'trigger',
  'firing',
  'route'
] as const satisfies readonly CatalogKind[]

const contentSchema = z.tuple([
  z.literal(ENTRY_FORMAT),
  z.enum(KIND_NAMES),
  z.string().min(1).max(128),
  z.int().min(0).max(MS_MAX),
  z.int().min(0).max(COUNTER_MAX),
  z.unknown(),
  z.string().regex(ACCOUNT_NAME).optional()
])

export function encodeContent(content: EntryContent): Uint8Array {
  const { kind, name, time, stored, account } = content
  const whose = stored === null && account !== undefined ? [account] : []
  return encode([ENTRY_FORMAT, kind, name, time.ms, time.counter, stored, ...whose])
}

/** Shape only; the value stays alleged. @throws MALFORMED */
export function decodeContent(alleged: Uint8Array): EntryContent {
  const parsed = contentSchema.safeParse(decode(alleged, 'catalog entry'))
  if (!parsed.success) {
    throw new PeerlessError(
      'MALFORMED',
      'a catalog entry is [1, kind, name, milliseconds, counter, value or null, account of what was removed]',
      {
        cause: parsed.error
      }
    )
  }
  const [, kind, name, ms, counter, stored, account] = parsed.data
  return { kind, name, time: { ms, counter }, stored, ...(stored === null ? { account } : {}) }
}

/** Whose share of the catalog a value takes. */
export function accountOf(kind: CatalogKind, value: CatalogKinds[CatalogKind]): string | undefined {
  if (kind === 'key' || kind === 'node') return undefined
  return (value as { readonly account?: string | undefined }).account
}

export function keyOf(kind: CatalogKind, name: string): string {
  return `${kind}/${name}`
}

export function bucketOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt8(0)
}

export function hashOf(author: string, bytes: Uint8Array): string {
  return createHash('sha256').update(author).update('\0').update(bytes).digest('hex')
}

interface Rank {
  readonly time: HybridTime
  readonly author: string
  readonly hash: string
}

/** The one order that decides everywhere: positive when `a` wins over `b`. Total over different entries, so merging is a maximum. */
export function compareEntries(a: Rank, b: Rank): number {
  return compareTimes(a.time, b.time) || compareText(a.author, b.author) || compareText(a.hash, b.hash)
}

/** By UTF-16 code unit, the same on every machine whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
