import { hmac } from '@noble/hashes/hmac.js'
import { md5, sha1 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { CHash } from '@noble/hashes/utils.js'

/** Messages up to so many bytes are hashed here: some microseconds, where a crossing to the executor takes up to 50. */
const HERE_MAX = 1_024

const DIGESTS = new Map<string, CHash>([
  ['sha256', sha256],
  ['sha1', sha1],
  ['md5', md5]
])

const digestOf = (algorithm: string) => DIGESTS.get(algorithm) ?? DIGESTS.get(algorithm.toLowerCase())

/** Whether there is such an algorithm here. */
export function isDigestHere(algorithm: string): boolean {
  return digestOf(algorithm) !== undefined
}

/** undefined where the executor has to be asked. */
export function digestHere(algorithm: string, message: Uint8Array): Uint8Array | undefined {
  return message.length > HERE_MAX ? undefined : digestOf(algorithm)?.(message)
}

/** undefined where the executor has to be asked. */
export function hmacHere(algorithm: string, key: Uint8Array, message: Uint8Array): Uint8Array | undefined {
  const digest = digestOf(algorithm)
  return digest === undefined || key.length + message.length > HERE_MAX ? undefined : hmac(digest, key, message)
}
