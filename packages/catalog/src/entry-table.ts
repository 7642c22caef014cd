import { createHash } from 'node:crypto'
import type { CatalogKind, CatalogKinds } from '@peerless/interface'
import { BUCKET_DIGEST_BYTES, BUCKETS } from './constants.ts'
import { compareText, type Entry, KIND_NAMES } from './entry.ts'

interface Share {
  readonly entries: number
  readonly bytes: number
}

const NOTHING: Share = { entries: 0, bytes: 0 }

/**
 * The catalog in memory: values for readers, and per bucket the hashes that anti-entropy compares. A digest is SHA-256 over the sorted hashes, so two
 * nodes with the same entries have the same digest whatever order they came in, and nobody can make two different sets agree (as with XOR).
 */
export class EntryTable {
  readonly #entries = new Map<string, Entry>()
  readonly #buckets = Array.from({ length: BUCKETS }, () => new Map<string, Entry>())
  readonly #digests: (Buffer | undefined)[] = new Array(BUCKETS).fill(undefined)
  readonly #live = new Map(KIND_NAMES.map((kind) => [kind, new Map<string, Entry>()]))
  readonly #lists = new Map<CatalogKind, Entry['value'][]>()
  readonly #accounts = new Map<string, Share>()
  #root: Buffer | undefined
  #bytes = 0

  get count(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** What the entries of an account take, tombstones included. */
  heldBy(account: string): Share {
    return this.#accounts.get(account) ?? NOTHING
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  value(kind: CatalogKind, name: string): CatalogKinds[CatalogKind] | undefined {
    return this.#live.get(kind)?.get(name)?.value
  }

  /** In order of name; the caller's own array. */
  list(kind: CatalogKind): Entry['value'][] {
    let list = this.#lists.get(kind)
    if (list === undefined) {
      const entries = [...(this.#live.get(kind)?.values() ?? [])]
      list = entries.sort((a, b) => compareText(a.name, b.name)).map((entry) => entry.value)
      this.#lists.set(kind, list)
    }
    return [...list]
  }

  entries(): Iterable<Entry> {
    return this.#entries.values()
  }

  bucket(bucket: number): ReadonlyMap<string, Entry> {
    return this.#buckets[bucket] as Map<string, Entry>
  }

  set(entry: Entry): void {
    const before = this.#entries.get(entry.key)
    if (before !== undefined) this.#count(before, -1)
    this.#count(entry, 1)
    this.#entries.set(entry.key, entry)
    this.#buckets[entry.bucket]?.set(entry.key, entry)
    if (entry.value === undefined) this.#live.get(entry.kind)?.delete(entry.name)
    else this.#live.get(entry.kind)?.set(entry.name, entry)
    this.#changed(entry)
  }

  delete(entry: Entry): void {
    this.#count(entry, -1)
    this.#entries.delete(entry.key)
    this.#buckets[entry.bucket]?.delete(entry.key)
    this.#live.get(entry.kind)?.delete(entry.name)
    this.#changed(entry)
  }

  /** Digest of one bucket; zeros when it is empty. */
  bucketDigest(bucket: number): Buffer {
    let digest = this.#digests[bucket]
    if (digest === undefined) {
      const hashes = [...this.bucket(bucket).values()].map((entry) => entry.hash).sort(compareText)
      digest = Buffer.alloc(BUCKET_DIGEST_BYTES)
      if (hashes.length > 0) createHash('sha256').update(hashes.join('')).digest().copy(digest)
      this.#digests[bucket] = digest
    }
    return digest
  }

  bucketDigests(): Buffer {
    return Buffer.concat(Array.from({ length: BUCKETS }, (_, bucket) => this.bucketDigest(bucket)))
  }

  /** Digest of everything. */
  root(): Buffer {
    this.#root ??= createHash('sha256').update(this.bucketDigests()).digest()
    return this.#root
  }

  #count({ account, bytes }: Entry, sign: 1 | -1): void {
    this.#bytes += sign * bytes
    if (account === undefined) return
    const held = this.heldBy(account)
    this.#accounts.set(account, { entries: held.entries + sign, bytes: held.bytes + sign * bytes })
  }

  #changed(entry: Entry): void {
    this.#lists.delete(entry.kind)
    this.#digests[entry.bucket] = undefined
    this.#root = undefined
  }
}
