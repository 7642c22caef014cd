import { PeerlessError } from '@peerless/interface'
import { decode, decodeEnvelope, encode, encodeEnvelope, type Signer, seal, verifyEnvelope } from '@peerless/wire'
import { checkAddresses } from './address-record.ts'
import { INVITE_ID_BYTES, INVITE_SECRET_BYTES, TOKEN_CHARACTERS_MAX, TOKEN_PREFIX } from './constants.ts'

/** Same domain rules as every signature of the mesh; see packages/wire. */
const KIND = 'invite'
const FORMAT = 1

/** `node` joins a machine; the others become an access key at the gateway of the node that issued them. */
export type InviteRole = 'node' | 'deployer' | 'invoker'

/** What a redeemed token gives to a person. */
export interface KeyInvite {
  readonly role: Exclude<InviteRole, 'node'>
  /** Whose the key shall be; undefined where the invite did not say. */
  readonly account: string | undefined
}

/** What a token says; the text is this, signed by the issuer. */
export interface InviteToken {
  readonly meshId: string
  /** The only node that redeems it. */
  readonly issuer: string
  readonly inviteId: Uint8Array
  readonly secret: Uint8Array
  readonly role: InviteRole
  /** Epoch milliseconds on the issuer's clock. */
  readonly expiresAt: number
  /** Multiaddrs of the issuer when it was issued. */
  readonly addresses: readonly string[]
}

export function isInviteRole(alleged: unknown): alleged is InviteRole {
  return alleged === 'node' || alleged === 'deployer' || alleged === 'invoker'
}

/** `plinv1.` and base64url of the signed envelope. */
export function encodeToken(signer: Signer, token: Omit<InviteToken, 'issuer'>): string {
  const { meshId, inviteId, secret, role, expiresAt, addresses } = token
  const bytes = encode([FORMAT, meshId, inviteId, secret, role, expiresAt, addresses])
  return TOKEN_PREFIX + Buffer.from(encodeEnvelope(seal(signer, meshId, KIND, bytes))).toString('base64url')
}

/**
 * Reads a token and checks its signature; expiry is the redeemer's business.
 * @param alleged text as a person pasted it
 * @throws INVALID_INVITE: malformed or forged, and why
 */
export function decodeToken(alleged: string): InviteToken {
  const text = typeof alleged === 'string' ? alleged.trim() : ''
  if (!text.startsWith(TOKEN_PREFIX)) throw malformed(`it must start with '${TOKEN_PREFIX}'`)
  if (text.length > TOKEN_CHARACTERS_MAX) throw malformed(`${text.length} characters, at most ${TOKEN_CHARACTERS_MAX}`)
  const body = text.slice(TOKEN_PREFIX.length)
  if (!/^[A-Za-z0-9_-]+$/.test(body)) throw malformed('the part after the prefix must be base64url')
  try {
    return readToken(Buffer.from(body, 'base64url'))
  } catch (error) {
    if (error instanceof PeerlessError && error.code === 'INVALID_INVITE') throw error
    throw malformed('it is not a signed invite; was it cut off?', error)
  }
}

function readToken(bytes: Uint8Array): InviteToken {
  const envelope = decodeEnvelope(bytes)
  const value = decode(envelope.bytes, 'invite token')
  const [format, meshId, inviteId, secret, role, expiresAt, addresses] = Array.isArray(value) ? value : []
  const whole =
    format === FORMAT &&
    typeof meshId === 'string' &&
    !meshId.includes('\0') &&
    inviteId instanceof Uint8Array &&
    inviteId.length === INVITE_ID_BYTES &&
    secret instanceof Uint8Array &&
    secret.length === INVITE_SECRET_BYTES &&
    isInviteRole(role) &&
    Number.isSafeInteger(expiresAt)
  if (!whole) throw malformed(`it is not an invite in format ${FORMAT}`)
  if (!verifyEnvelope(envelope, meshId, KIND)) {
    throw new PeerlessError(
      'INVALID_INVITE',
      `the invite token is forged or damaged: ${envelope.signer.slice(0, 64)} did not sign it`
    )
  }
  const issuer = envelope.signer
  return { meshId, issuer, inviteId, secret, role, expiresAt, addresses: checkAddresses(addresses, issuer) }
}

function malformed(why: string, cause?: unknown): PeerlessError {
  return new PeerlessError('INVALID_INVITE', `the invite token is malformed: ${why}`, { cause })
}
