import { PeerlessError } from '@peerless/interface'
import { encode } from '@peerless/wire'
import { ENTRIES_MAX, HASH_BYTES, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX } from './constants.ts'
import { compareText, type Entry } from './entry.ts'
import type { EntryTable } from './entry-table.ts'
import type { EntryStorage } from './storage.ts'

/** Where the next page goes on: behind this key of this bucket. */
export interface Cursor {
  readonly bucket: number
  readonly key: string
}

export interface Page {
  readonly envelopes: Uint8Array[]
  readonly lacking: number[]
}

/**
 * The answering side of anti-entropy: what it has in `buckets` and the other side has not, in order of bucket and key so that a page can go on where
 * the last one ended whatever changed between; on the last page also which of the other side's hashes it lacks.
 * @param have alleged hashes, 32 bytes each
 * @throws MALFORMED
 */
export function makePage(
  table: EntryTable,
  storage: EntryStorage,
  buckets: readonly number[],
  after: Cursor | undefined,
  have: Uint8Array
): { next: Cursor | undefined; payload: Uint8Array } {
  const theirs = hashesOf(have)
  const known = new Set(theirs)
  const envelopes: Uint8Array[] = []
  let bytes = 0
  let last: Cursor | undefined
  for (const entry of inOrder(table, buckets, after)) {
    if (known.has(entry.hash)) continue
    if (envelopes.length >= PAGE_ENTRIES_MAX || (envelopes.length > 0 && bytes + entry.bytes > PAGE_BYTES_MAX)) {
      return { next: last, payload: encode([envelopes, []]) }
    }
    const envelope = storage.envelope(entry.key)
    if (envelope === undefined) continue
    envelopes.push(envelope)
    bytes += envelope.length
    last = { bucket: entry.bucket, key: entry.key }
  }
  const own = new Set(buckets.flatMap((bucket) => [...table.bucket(bucket).values()].map((entry) => entry.hash)))
  const lacking = theirs.flatMap((hash, index) => (own.has(hash) ? [] : [index]))
  return { next: undefined, payload: encode([envelopes, lacking]) }
}

function* inOrder(table: EntryTable, buckets: readonly number[], after: Cursor | undefined): Iterable<Entry> {
  const ordered = [...new Set(buckets)].sort((a, b) => a - b)
  for (const bucket of ordered) {
    if (after !== undefined && bucket < after.bucket) continue
    const entries = [...table.bucket(bucket).values()].sort((a, b) => compareText(a.key, b.key))
    for (const entry of entries) if (after === undefined || bucket > after.bucket || entry.key > after.key) yield entry
  }
}

function hashesOf(have: Uint8Array): string[] {
  if (have.length % HASH_BYTES !== 0 || have.length > ENTRIES_MAX * HASH_BYTES) {
    throw new PeerlessError(
      'MALFORMED',
      `hashes of ${HASH_BYTES} bytes, at most ${ENTRIES_MAX} of them, cannot have ${have.length} bytes`
    )
  }
  const hex = Buffer.from(have.buffer, have.byteOffset, have.length).toString('hex')
  return Array.from({ length: have.length / HASH_BYTES }, (_, index) => hex.slice(index * 64, index * 64 + 64))
}
