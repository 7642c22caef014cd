import { PeerlessError } from '@peerless/interface'
import { decode, decodeEnvelope, type Envelope, encode, encodeEnvelope, type Signer, seal, verifyEnvelope } from '@peerless/wire'
import { CERTIFICATE_BYTES_MAX, CHAIN_LENGTH_MAX, NODE_NAME } from './constants.ts'

/**
 * A membership certificate says: the signer took this peer into the mesh. The first is signed by the mesh key itself (its peer id
 * is the mesh's name), every other by the node that issued the invite. So any member may invite while the founder is away, and
 * anybody can check a chain without asking anyone.
 */
const KIND = 'membership'
const FORMAT = 1

/** The node's own certificate first, the one signed by the mesh key last; each an encoded envelope. */
export type Chain = readonly Uint8Array[]

/** What a verified chain says of its holder. */
export interface Membership {
  readonly peerId: string
  readonly name: string
  /** Epoch milliseconds on the issuer's clock. */
  readonly issuedAt: number
  /** The node that invited it, or the mesh key. */
  readonly issuer: string
  /** Who vouches for it: the node that invited it, the one that invited that, and so on; the mesh key last. */
  readonly issuers: readonly string[]
  readonly chain: Chain
}

export interface CertificateOrder {
  peerId: string
  name: string
  issuedAt: number
}

/** @throws INVALID_ARGUMENT */
export function checkNodeName(alleged: unknown): string {
  if (typeof alleged === 'string' && NODE_NAME.test(alleged)) return alleged
  throw new PeerlessError(
    'INVALID_ARGUMENT',
    `node name '${String(alleged).slice(0, 100)}' must be 1 to 64 letters, digits, '-', '_' or '.'`
  )
}

export function issueCertificate(signer: Signer, meshId: string, order: CertificateOrder): Uint8Array {
  const { peerId, name, issuedAt } = order
  return encodeEnvelope(seal(signer, meshId, KIND, encode([FORMAT, peerId, checkNodeName(name), 'node', issuedAt])))
}

/**
 * Checks every link from the mesh key down, so that a forged chain costs one signature.
 * @throws NOT_A_MEMBER saying which link fails and why
 */
export function verifyChain(alleged: unknown, meshId: string): Membership {
  if (!Array.isArray(alleged) || alleged.length === 0 || alleged.length > CHAIN_LENGTH_MAX) {
    throw refused(`a membership is 1 to ${CHAIN_LENGTH_MAX} certificates`)
  }
  const envelopes = alleged.map(openCertificate)
  let issuer = meshId
  let holder: CertificateOrder | undefined
  let signer = meshId
  for (let index = envelopes.length - 1; index >= 0; index--) {
    const envelope = envelopes[index] as Envelope
    if (envelope.signer !== issuer) {
      throw refused(
        index === envelopes.length - 1
          ? `certificates end at ${envelope.signer.slice(0, 64)}, not at mesh ${meshId}`
          : `certificate ${index} is signed by ${envelope.signer.slice(0, 64)}, not by ${issuer}`
      )
    }
    if (!verifyEnvelope(envelope, meshId, KIND)) throw refused(`the signature of certificate ${index} does not verify`)
    holder = readCertificate(envelope, index)
    signer = issuer
    issuer = holder.peerId
  }
  const { peerId, name, issuedAt } = holder as CertificateOrder
  // Copies: what came from a peer is part of a chunk of 64 KB, and is remembered for as long as the member is.
  const chain = (alleged as Uint8Array[]).map((bytes) => new Uint8Array(bytes))
  return { peerId, name, issuedAt, issuer: signer, issuers: envelopes.map((one) => one.signer), chain }
}

function openCertificate(alleged: unknown, index: number): Envelope {
  if (!(alleged instanceof Uint8Array) || alleged.length > CERTIFICATE_BYTES_MAX) {
    throw refused(`certificate ${index} must be at most ${CERTIFICATE_BYTES_MAX} bytes`)
  }
  try {
    return decodeEnvelope(alleged)
  } catch (error) {
    throw refused(`certificate ${index} is not a signed envelope`, error)
  }
}

function readCertificate(envelope: Envelope, index: number): CertificateOrder {
  const value = decode(envelope.bytes, 'membership certificate')
  const [format, peerId, name, role, issuedAt] = Array.isArray(value) ? value : []
  const whole =
    format === FORMAT &&
    typeof peerId === 'string' &&
    typeof name === 'string' &&
    NODE_NAME.test(name) &&
    role === 'node' &&
    Number.isSafeInteger(issuedAt)
  if (!whole) throw refused(`certificate ${index} is not one of a node in format ${FORMAT}`)
  return { peerId, name, issuedAt }
}

function refused(reason: string, cause?: unknown): PeerlessError {
  return new PeerlessError('NOT_A_MEMBER', reason, { cause })
}
