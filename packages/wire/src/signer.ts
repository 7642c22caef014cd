import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { PeerlessError } from '@peerless/interface'
import { base58btc } from 'multiformats/bases/base58'

/** Ed25519 SubjectPublicKeyInfo and PKCS#8 without the key: RFC 8410, section 4 and 7. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/**
 * A libp2p peer id of an Ed25519 key is the identity multihash (0x00, length 36) of the protobuf
 * {Type: Ed25519 = 1, Data: 32 bytes} (0x08 0x01 0x12 0x20). libp2p specs, peer-ids.
 */
const PEER_ID_PREFIX = Buffer.from('002408011220', 'hex')
const KEY_BYTES = 32
/** Verification builds a KeyObject from each key once; a mesh has hundreds of nodes, not thousands. */
const KEYS_CACHED_MAX = 1_024

/** Who signs. The private key stays in its closure. */
export interface Signer {
  readonly peerId: string
  /** Ed25519 over exactly these bytes, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array
}

/** @param seed the 32 secret bytes of an Ed25519 key */
export function signerOf(seed: Uint8Array): Signer {
  if (seed.length !== KEY_BYTES)
    throw new PeerlessError('INVALID_ARGUMENT', `an Ed25519 seed has ${KEY_BYTES} bytes, not ${seed.length}`)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const peerId = peerIdOf(spki.subarray(SPKI_PREFIX.length))
  return { peerId, sign: (bytes) => sign(null, bytes, key) }
}

/** @param publicKey 32 bytes */
export function peerIdOf(publicKey: Uint8Array): string {
  return base58btc.baseEncode(Buffer.concat([PEER_ID_PREFIX, publicKey]))
}

/** @throws PeerlessError MALFORMED when it is not the peer id of an Ed25519 key */
export function publicKeyOf(peerId: string): Uint8Array {
  let bytes: Uint8Array
  try {
    // An Ed25519 peer id has 52 characters; decoding base58 is quadratic, so length is checked first.
    bytes = peerId.length <= 64 ? base58btc.baseDecode(peerId) : new Uint8Array(0)
  } catch (error) {
    throw new PeerlessError('MALFORMED', `peer id '${peerId.slice(0, 64)}' is not base58`, { cause: error })
  }
  const whole =
    bytes.length === PEER_ID_PREFIX.length + KEY_BYTES && PEER_ID_PREFIX.equals(bytes.subarray(0, PEER_ID_PREFIX.length))
  if (!whole) throw new PeerlessError('MALFORMED', `peer id '${peerId.slice(0, 64)}' must be that of an Ed25519 key`)
  return bytes.subarray(PEER_ID_PREFIX.length)
}

const keys = new Map<string, KeyObject>()

/** True when `signature` is the peer's over exactly `bytes`; false for anything malformed. */
export function verifySignature(peerId: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    let key = keys.get(peerId)
    if (key === undefined) {
      key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKeyOf(peerId)]), format: 'der', type: 'spki' })
      if (keys.size >= KEYS_CACHED_MAX) keys.clear()
      keys.set(peerId, key)
    }
    return verify(null, bytes, key, signature)
  } catch {
    // A malformed key or signature is a signature that does not verify; the caller reports it with its own words.
    return false
  }
}
