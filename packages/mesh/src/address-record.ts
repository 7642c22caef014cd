import { isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { PeerlessError } from '@peerless/interface'
import { decode, decodeEnvelope, encode, encodeEnvelope, type Signer, seal, verifyEnvelope } from '@peerless/wire'
import { ADDRESS_CHARACTERS_MAX, ADDRESS_RECORD_BYTES_MAX, ADDRESSES_MAX } from './constants.ts'

/** Where a member listens, in its own words: signed, so that others may pass it on and nobody can send the mesh dialling elsewhere. */
const KIND = 'addresses'
const FORMAT = 1

export interface AddressRecord {
  readonly peerId: string
  /** Rises with every change; about epoch milliseconds. The highest wins. */
  readonly sequence: number
  readonly addresses: readonly string[]
  /** The signed envelope as it travels. */
  readonly bytes: Uint8Array
}

export function issueAddressRecord(
  signer: Signer,
  meshId: string,
  sequence: number,
  addresses: readonly string[]
): AddressRecord {
  const bounded = addresses.slice(0, ADDRESSES_MAX)
  const bytes = encodeEnvelope(seal(signer, meshId, KIND, encode([FORMAT, sequence, bounded])))
  return { peerId: signer.peerId, sequence, addresses: bounded, bytes }
}

/** @throws MALFORMED */
export function verifyAddressRecord(alleged: unknown, meshId: string, peerId: string): AddressRecord {
  if (!(alleged instanceof Uint8Array) || alleged.length > ADDRESS_RECORD_BYTES_MAX) {
    throw new PeerlessError('MALFORMED', `an address record is a signed envelope of at most ${ADDRESS_RECORD_BYTES_MAX} bytes`)
  }
  const envelope = decodeEnvelope(alleged)
  if (envelope.signer !== peerId || !verifyEnvelope(envelope, meshId, KIND)) {
    throw new PeerlessError('MALFORMED', `the address record of ${peerId} is not signed by it`)
  }
  const value = decode(envelope.bytes, 'address record')
  const [format, sequence, addresses] = Array.isArray(value) && value.length === 3 ? value : []
  if (format !== FORMAT || !Number.isSafeInteger(sequence)) {
    throw new PeerlessError('MALFORMED', `the address record of ${peerId} is not in format ${FORMAT}`)
  }
  // A copy: what came from a peer is part of a chunk of 64 KB.
  return { peerId, sequence, addresses: checkAddresses(addresses, peerId), bytes: new Uint8Array(alleged) }
}

/**
 * @param alleged multiaddrs, each ending in /p2p/ of that peer
 * @throws INVALID_ARGUMENT naming the first that breaks a rule
 */
export function checkAddresses(alleged: unknown, peerId: string): string[] {
  if (!Array.isArray(alleged) || alleged.length > ADDRESSES_MAX) {
    throw new PeerlessError('INVALID_ARGUMENT', `a peer has at most ${ADDRESSES_MAX} addresses`)
  }
  return alleged.map((address) => {
    if (typeof address !== 'string' || address.length > ADDRESS_CHARACTERS_MAX || peerIdOfAddress(address) !== peerId) {
      throw new PeerlessError(
        'INVALID_ARGUMENT',
        `address '${String(address).slice(0, 100)}' must be a TCP multiaddr of at most ${ADDRESS_CHARACTERS_MAX} characters ending in /p2p/${peerId}`
      )
    }
    return address
  })
}

/** The peer id at the end of a dialable TCP multiaddr; undefined when it is none. */
export function peerIdOfAddress(alleged: string): string | undefined {
  try {
    const parsed = multiaddr(alleged)
    const parts = parsed.getComponents()
    const [host, port, peer] = parts
    const dialable =
      isMultiaddr(parsed) && parts.length === 3 && HOSTS.has(host?.name ?? '') && port?.name === 'tcp' && peer?.name === 'p2p'
    return dialable ? peer?.value : undefined
  } catch {
    // What does not parse is no address; the caller says so with its own words.
    return undefined
  }
}

const HOSTS = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6'])
