import { PeerlessError } from '@peerless/interface'
import { Decoder, Encoder } from 'cbor-x'
import { checkPlainCbor } from './plain-cbor.ts'

/**
 * CBOR as every part of Peerless writes it: plain maps and arrays, no cbor-x records (they differ between encoder instances)
 * and no shared structures. What is signed is signed as the bytes that were made here, never re-encoded.
 */
const encoder = new Encoder({ useRecords: false, mapsAsObjects: true, tagUint8Array: false, variableMapSize: true })
const decoder = new Decoder({ useRecords: false, mapsAsObjects: true })

/** @returns bytes that nothing writes to again */
export function encode(value: unknown): Uint8Array {
  return encoder.encode(value)
}

/**
 * @param bytes alleged CBOR of one value, without tags and of definite lengths
 * @param source what it is, for the error
 * @throws PeerlessError MALFORMED
 */
export function decode(bytes: Uint8Array, source: string): unknown {
  checkPlainCbor(bytes, source)
  try {
    return decoder.decode(bytes)
  } catch (error) {
    throw new PeerlessError('MALFORMED', `${source}: ${bytes.length} bytes are not one CBOR value`, { cause: error })
  }
}
