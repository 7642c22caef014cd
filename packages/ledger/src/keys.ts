import { peerIdOf, publicKeyOf } from '@peerless/wire'

/** Peer ids and their 32 bytes: base58 both ways costs more than everything else in a body, and a mesh has hundreds of nodes. */
const PAIRS_CACHED_MAX = 1_024
const peers = new Map<string, string>()
const keys = new Map<string, Uint8Array>()

/** @param key 32 bytes */
export function peerOf(key: Uint8Array): string {
  const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
  let peer = peers.get(name)
  if (peer === undefined) {
    peer = peerIdOf(key)
    if (peers.size >= PAIRS_CACHED_MAX) peers.clear()
    peers.set(name, peer)
  }
  return peer
}

/** @throws MALFORMED when it is not the peer id of an Ed25519 key */
export function keyOf(peer: string): Uint8Array {
  let key = keys.get(peer)
  if (key === undefined) {
    key = publicKeyOf(peer)
    if (keys.size >= PAIRS_CACHED_MAX) keys.clear()
    keys.set(peer, key)
  }
  return key
}
