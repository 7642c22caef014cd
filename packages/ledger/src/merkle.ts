import { hash } from 'node:crypto'
import { LEDGER_LIMITS } from './limits.ts'
import { ROW_BYTES } from './receipt-row.ts'

/** RFC 6962, section 2.1: a leaf is hashed after 0x00, a node after 0x01, so that neither passes as the other. */
const LEAF = 0x00
const NODE = 0x01
const HASH_BYTES = 32
const PAGE_BYTES = LEDGER_LIMITS.pageRows * ROW_BYTES

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

/** The hash of one page of at most 16 encoded receipts. */
export function leafHash(page: Uint8Array): Uint8Array {
  const prefixed = Buffer.allocUnsafe(1 + page.length)
  prefixed[0] = LEAF
  prefixed.set(page, 1)
  return sha256(prefixed)
}

/**
 * The root over the pages of `rows`. RFC 6962 splits at the largest power of two below the number of leaves; joining neighbours level by
 * level and carrying an odd last one up gives the same tree.
 * @param rows at least one row
 */
export function merkleRoot(rows: Uint8Array): Uint8Array {
  let level: Uint8Array[] = []
  for (let at = 0; at < rows.length; at += PAGE_BYTES) level.push(leafHash(rows.subarray(at, at + PAGE_BYTES)))
  const pair = Buffer.allocUnsafe(1 + 2 * HASH_BYTES)
  pair[0] = NODE
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let index = 0; index + 1 < level.length; index += 2) {
      pair.set(level[index] as Uint8Array, 1)
      pair.set(level[index + 1] as Uint8Array, 1 + HASH_BYTES)
      next.push(sha256(pair))
    }
    if (level.length % 2 === 1) next.push(level[level.length - 1] as Uint8Array)
    level = next
  }
  return level[0] ?? sha256(new Uint8Array(0))
}
