import { createHash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'
import { sha256 } from 'multiformats/hashes/sha2'

/** The name that a block store would give these bytes: CIDv1, raw, SHA-256. For a dry run, which stores nothing. */
export function cidOf(bytes: Uint8Array): string {
  return CID.createV1(raw.code, create(sha256.code, createHash('sha256').update(bytes).digest())).toString()
}
