import { type Bundle, PeerlessError } from '@peerless/interface'
import { decode } from '@peerless/wire'

/** What an executor asks of a bundle beside its script. */
export type BundleManifest = Pick<Bundle, 'builtins' | 'handlerExport' | 'files'>

export interface BundleParts {
  readonly manifest: BundleManifest
  /** UTF-8. Views of the bundle's bytes, because to make a text of either takes as long as all else. */
  readonly script: Uint8Array
  /** As TraceMap takes it. */
  readonly sourceMap: Uint8Array | undefined
}

/** @throws PeerlessError MALFORMED */
export function readBundle(bytes: Uint8Array): BundleParts {
  const cut = cutTexts(bytes)
  const value = decode(cut === undefined ? bytes : restOf(bytes, cut), 'bundle')
  if (typeof value !== 'object' || value === null) throw new PeerlessError('MALFORMED', 'a bundle is one CBOR map')
  const alleged = value as Record<string, unknown>
  const { format, builtins, handlerExport, files } = alleged
  if (format !== 1) throw new PeerlessError('MALFORMED', `bundle format ${String(format)} must be 1`)
  const script = cut?.script ?? (typeof alleged.script === 'string' ? bytesOf(alleged.script) : undefined)
  if (script === undefined) throw new PeerlessError('MALFORMED', 'bundle.script must be text')
  if (typeof handlerExport !== 'string') throw new PeerlessError('MALFORMED', 'bundle.handlerExport must be text')
  const names = Array.isArray(builtins) ? builtins.filter((name): name is string => typeof name === 'string') : []
  const sourceMap = cut === undefined ? bytesOf(alleged.sourceMap) : cut.sourceMap
  return { manifest: { builtins: names, handlerExport, files: filesOf(files) }, script, sourceMap }
}

function bytesOf(alleged: unknown): Uint8Array | undefined {
  if (alleged instanceof Uint8Array) return alleged
  return typeof alleged === 'string' ? Buffer.from(alleged) : undefined
}

function filesOf(alleged: unknown): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  if (!Array.isArray(alleged)) return files
  for (const pair of alleged as unknown[]) {
    const [name, bytes] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof name === 'string' && bytes instanceof Uint8Array) files.set(name, bytes)
  }
  return files
}

/** RFC 8949, section 3: the major type is in the upper three bits of the first byte, a length in the lower five or behind it. */
const MAP = 5
const TEXT = 3
const BYTES = 2
const NULL = 0xf6
const [FORMAT, SCRIPT, SOURCE_MAP] = ['format', 'script', 'sourceMap'].map(
  (key) => Uint8Array.of(0x60 + key.length, ...Buffer.from(key)) as Uint8Array
) as [Uint8Array, Uint8Array, Uint8Array]

interface Cut {
  readonly script: Uint8Array
  readonly sourceMap: Uint8Array | undefined
  /** Where the key `script` begins, and the value of the key `sourceMap` begins and ends. */
  readonly scriptKey: number
  readonly map: readonly [start: number, end: number]
}

/**
 * The two large texts of a bundle as the bundler writes it (packages/bundle, bundle-codec.ts: format, script, source map, in this order).
 * undefined for bytes that are laid out otherwise: those are decoded whole.
 */
function cutTexts(bytes: Uint8Array): Cut | undefined {
  const count = (bytes[0] ?? 0) & 0x1f
  // Of three to 23 pairs, whose number is in the first byte.
  if ((bytes[0] ?? 0) >> 5 !== MAP || count < 3 || count > 23) return undefined
  const scriptKey = 1 + FORMAT.length + 1
  if (!startsAt(bytes, 1, FORMAT) || !startsAt(bytes, scriptKey, SCRIPT)) return undefined
  const script = stringAt(bytes, scriptKey + SCRIPT.length, [TEXT])
  if (script === undefined || !startsAt(bytes, script.end, SOURCE_MAP)) return undefined
  const value = script.end + SOURCE_MAP.length
  const map = bytes[value] === NULL ? { content: undefined, end: value + 1 } : stringAt(bytes, value, [BYTES, TEXT])
  if (map === undefined) return undefined
  return { script: script.content, sourceMap: map.content, scriptKey, map: [value, map.end] }
}

/** The same map without both. */
function restOf(bytes: Uint8Array, { scriptKey, map }: Cut): Uint8Array {
  const count = (bytes[0] ?? 0) & 0x1f
  return Buffer.concat([Uint8Array.of((MAP << 5) + count - 2), bytes.subarray(1, scriptKey), bytes.subarray(map[1])])
}

/** A bundle without its source map, and that: a start needs only the first. undefined where there is none, or nothing in it, or it lies where no bundler of this version puts it. */
export function splitSourceMap(bytes: Uint8Array): { bundle: Uint8Array; sourceMap: Uint8Array } | undefined {
  const cut = cutTexts(bytes)
  if (cut?.sourceMap === undefined || cut.sourceMap.length === 0) return undefined
  const [start, end] = cut.map
  return { bundle: Buffer.concat([bytes.subarray(0, start), Uint8Array.of(NULL), bytes.subarray(end)]), sourceMap: cut.sourceMap }
}

function startsAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  return expected.every((byte, index) => bytes[at + index] === byte)
}

function stringAt(bytes: Uint8Array, at: number, types: readonly number[]): { content: Uint8Array; end: number } | undefined {
  const head = bytes[at] ?? 0
  if (!types.includes(head >> 5)) return undefined
  const info = head & 0x1f
  // Behind a length of up to 23 in the head itself: one, two or four bytes of it.
  const width = info < 24 ? 0 : [1, 2, 4][info - 24]
  if (width === undefined || at + 1 + width > bytes.length) return undefined
  const behind = Buffer.from(bytes.buffer, bytes.byteOffset + at + 1, width)
  const length = width === 0 ? info : behind.readUIntBE(0, width)
  const start = at + 1 + width
  if (start + length > bytes.length) return undefined
  return { content: bytes.subarray(start, start + length), end: start + length }
}
