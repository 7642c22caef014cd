import { createHash, webcrypto } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'

/** Multicodec `raw` and multihash `sha2-256` (github.com/multiformats/multicodec, table.csv). */
const RAW = 0x55
const SHA2_256 = 0x12
const SHA2_256_BYTES = 32
/** Below this, hashing at once is cheaper than a trip to the thread pool; above, it would hold up the event loop. */
const HASH_INLINE_BYTES_MAX = 262_144

/** CIDv1, raw, sha2-256, base32: the name of these bytes. */
export async function cidOf(bytes: Uint8Array): Promise<string> {
  const hash =
    bytes.length <= HASH_INLINE_BYTES_MAX
      ? createHash('sha256').update(bytes).digest()
      : new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return CID.createV1(RAW, Digest.create(SHA2_256, hash)).toString()
}

/** True for the one spelling that `cidOf` makes; anything else never names a block, nor a file. */
export function isBlockCid(alleged: unknown): alleged is string {
  if (typeof alleged !== 'string' || alleged.length > 100) return false
  try {
    const cid = CID.parse(alleged)
    return (
      cid.version === 1 &&
      cid.code === RAW &&
      cid.multihash.code === SHA2_256 &&
      cid.multihash.size === SHA2_256_BYTES &&
      cid.toString() === alleged
    )
  } catch {
    // Not a CID at all: the answer is no.
    return false
  }
}
