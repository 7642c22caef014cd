import { type Bundle, LIMITS, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'

const FORMAT = 1

/** CBOR with keys in this order: the same bundle always has the same bytes, hence the same CID. */
export function encodeBundle(bundle: Bundle): Uint8Array {
  return encode({
    format: FORMAT,
    script: bundle.script,
    sourceMap: bundle.sourceMap ?? null,
    builtins: [...bundle.builtins],
    handlerExport: bundle.handlerExport
  })
}

/** @throws MALFORMED when the bytes are not a bundle of a format that this version knows */
export function decodeBundle(bytes: Uint8Array): Bundle {
  if (bytes.length > LIMITS.bundleBytesMax) throw malformed(`${bytes.length} bytes exceed ${LIMITS.bundleBytesMax}`)
  const value = decode(bytes, 'bundle')
  if (typeof value !== 'object' || value === null) throw malformed('it is not a map')
  const { format, script, sourceMap, builtins, handlerExport } = value as Record<string, unknown>
  if (format !== FORMAT) throw malformed(`format ${String(format)} is not ${FORMAT}`)
  if (typeof script !== 'string') throw malformed('script is not text')
  if (sourceMap !== null && typeof sourceMap !== 'string') throw malformed('sourceMap is neither text nor null')
  if (!Array.isArray(builtins) || !builtins.every((name) => typeof name === 'string')) {
    throw malformed('builtins is not a list of names')
  }
  if (typeof handlerExport !== 'string' || handlerExport === '') throw malformed('handlerExport is not a name')
  return { format: FORMAT, script, sourceMap: sourceMap ?? undefined, builtins, handlerExport }
}

function malformed(why: string): PeerlessError {
  return new PeerlessError('MALFORMED', `a bundle is malformed: ${why}`)
}
