import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { sha256Of } from './whole-bytes.ts'

/** Multicodec `raw` and multihash `sha2-256` (github.com/multiformats/multicodec, table.csv). */
const RAW = 0x55
const SHA2_256 = 0x12
const SHA2_256_BYTES = 32

/** CIDv1, raw, sha2-256, base32: the name of these bytes. */
export async function cidOf(bytes: Uint8Array): Promise<string> {
  return CID.createV1(RAW, Digest.create(SHA2_256, await sha256Of(bytes))).toString()
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
