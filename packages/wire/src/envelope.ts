import { PeerlessError } from '@peerless/interface'
import { decode, encode } from './codec.ts'
import { type Signer, verifySignature } from './signer.ts'

/**
 * A signed envelope: [signer, bytes, signature]. The signature covers `peerless/v1`, the mesh, the kind and the bytes as they are,
 * so that a statement of one mesh or kind never passes as one of another, and nobody has to re-encode anything to check it.
 */
export interface Envelope {
  readonly signer: string
  readonly bytes: Uint8Array
  readonly signature: Uint8Array
}

/** What is signed: the domain separator and the bytes. `mesh` and `kind` must not contain a NUL. */
export function signedBytes(mesh: string, kind: string, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`peerless/v1\0${mesh}\0${kind}\0`), bytes])
}

export function seal(signer: Signer, mesh: string, kind: string, bytes: Uint8Array): Envelope {
  return { signer: signer.peerId, bytes, signature: signer.sign(signedBytes(mesh, kind, bytes)) }
}

export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return encode([envelope.signer, envelope.bytes, envelope.signature])
}

/** Shape only; see `verifyEnvelope`. @throws PeerlessError MALFORMED */
export function decodeEnvelope(alleged: Uint8Array): Envelope {
  const value = decode(alleged, 'signed envelope')
  const [signer, bytes, signature] = Array.isArray(value) && value.length === 3 ? value : []
  if (
    typeof signer !== 'string' ||
    !(bytes instanceof Uint8Array) ||
    !(signature instanceof Uint8Array) ||
    signature.length !== 64
  ) {
    throw new PeerlessError('MALFORMED', 'a signed envelope is [signer, bytes, signature of 64 bytes]')
  }
  return { signer, bytes, signature }
}

export function verifyEnvelope(envelope: Envelope, mesh: string, kind: string): boolean {
  return verifySignature(envelope.signer, signedBytes(mesh, kind, envelope.bytes), envelope.signature)
}
