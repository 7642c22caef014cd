import { promisify } from 'node:util'
import { deflate, inflateSync } from 'node:zlib'
import { type Bundle, LIMITS, messageOf, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'

const FORMAT = 1

/**
 * CBOR with keys in this order: the same bundle always has the same bytes, hence the same CID. The source map, which would be more than half of it and which only errors need, is compressed
 * (RFC 1950); before it was text, and is read as such.
 */
export async function encodeBundle(bundle: Bundle): Promise<Uint8Array> {
  return encode({
    format: FORMAT,
    script: bundle.script,
    sourceMap: bundle.sourceMap === undefined ? null : await compress(bundle.sourceMap),
    builtins: [...bundle.builtins],
    handlerExport: bundle.handlerExport,
    // Pairs in order of name, since names may be anything; left out where there are none, so that such bundles keep their CIDs.
    ...(bundle.files === undefined || bundle.files.size === 0 ? {} : { files: pairsOf(bundle.files) })
  })
}

const compress: (text: string) => Promise<Buffer> = promisify(deflate)

function pairsOf(files: ReadonlyMap<string, Uint8Array>): [string, Uint8Array][] {
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** @throws MALFORMED when the bytes are not a bundle of a format that this version knows */
export function decodeBundle(bytes: Uint8Array): Bundle {
  if (bytes.length > LIMITS.bundleBytesMax) throw malformed(`${bytes.length} bytes exceed ${LIMITS.bundleBytesMax}`)
  const value = decode(bytes, 'bundle')
  if (typeof value !== 'object' || value === null) throw malformed('it is not a map')
  const { format, script, sourceMap, builtins, handlerExport, files } = value as Record<string, unknown>
  if (format !== FORMAT) throw malformed(`format ${String(format)} is not ${FORMAT}`)
  if (typeof script !== 'string') throw malformed('script is not text')
  if (!Array.isArray(builtins) || !builtins.every((name) => typeof name === 'string')) {
    throw malformed('builtins is not a list of names')
  }
  if (typeof handlerExport !== 'string' || handlerExport === '') throw malformed('handlerExport is not a name')
  const bundle = { format: FORMAT, script, sourceMap: sourceMapOf(sourceMap), builtins, handlerExport } as const
  return files === undefined ? bundle : { ...bundle, files: filesOf(files) }
}

function sourceMapOf(alleged: unknown): string | undefined {
  if (alleged === null) return undefined
  if (typeof alleged === 'string') return alleged
  if (!(alleged instanceof Uint8Array)) throw malformed('sourceMap is neither bytes nor text nor null')
  try {
    return inflateSync(alleged, { maxOutputLength: LIMITS.bundleBytesMax }).toString()
  } catch (error) {
    throw malformed(`sourceMap is not compressed as it should be: ${messageOf(error)}`)
  }
}

function filesOf(alleged: unknown): ReadonlyMap<string, Uint8Array> {
  if (!Array.isArray(alleged)) throw malformed('files is not a list')
  const files = new Map<string, Uint8Array>()
  for (const pair of alleged) {
    const [name, bytes] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof name !== 'string' || !(bytes instanceof Uint8Array)) throw malformed('files is not a list of names with bytes')
    files.set(name, bytes)
  }
  return files
}

function malformed(why: string): PeerlessError {
  return new PeerlessError('MALFORMED', `a bundle is malformed: ${why}`)
}
