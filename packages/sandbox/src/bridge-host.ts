import { createHash, createHmac, getHashes, randomBytes } from 'node:crypto'
import { ASK, RANDOM_BYTES_MAX, URL_COMPONENTS } from './bridge-operations.ts'
import { bundleFile } from './bundle-files.ts'
import type { BundleManifest } from './read-bundle.ts'

/** Text that crosses for a URL. */
const URL_CHARS_MAX = 1_048_576
const hashes = new Set(getHashes())

/**
 * What an isolate may ask of its executor: chance, hashes, URLs and text coding. Arguments come from guest code and are checked;
 * answers are numbers, strings and byte copies. An exception here becomes one in the guest, so it says nothing of the host.
 */
export function answerAsk(
  operation: number,
  a: unknown,
  b: unknown,
  c: unknown,
  d: unknown,
  bundle?: BundleManifest,
  chunks: ReadonlyMap<string, string> = new Map()
): unknown {
  switch (operation) {
    case ASK.FILE:
      return bundle === undefined ? undefined : bundleFile(bundle, a)
    case ASK.RANDOM:
      return typeof a === 'number' && a >= 0 && a <= RANDOM_BYTES_MAX ? copyOf(randomBytes(a)) : undefined
    case ASK.HASH:
      return hash(a, b, c)
    case ASK.HASHES:
      return [...hashes].join('\0')
    case ASK.URL_PARSE:
      return parseUrl(a, b)
    case ASK.URL_SET:
      return setUrl(a, b, c)
    case ASK.ENCODE:
      return typeof a === 'string' ? copyOf(Buffer.from(a)) : undefined
    case ASK.DECODE:
      return decodeText(a, b, c === true, d === true)
    case ASK.CHUNK:
      return typeof a === 'string' ? chunks.get(a) : undefined
    case ASK.ENCODING:
      return encodingName(a)
    default:
      return undefined
  }
}

/** Bytes in a buffer of their own: what crosses is the whole buffer beneath a view. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes)
}

function hash(algorithm: unknown, key: unknown, bytes: unknown): Uint8Array | undefined {
  if (typeof algorithm !== 'string' || !(bytes instanceof Uint8Array)) return undefined
  const name = algorithm.toLowerCase()
  if (!hashes.has(name) && !hashes.has(algorithm)) return undefined
  const made = key instanceof Uint8Array ? createHmac(name, key) : createHash(name)
  return copyOf(made.update(bytes).digest())
}

function parseUrl(text: unknown, base: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > URL_CHARS_MAX) return undefined
  const url = URL.parse(text, typeof base === 'string' && base.length <= URL_CHARS_MAX ? base : undefined)
  return url === null ? undefined : componentsOf(url)
}

const settable = new Set<string>(URL_COMPONENTS.filter((name) => name !== 'origin'))

function setUrl(href: unknown, name: unknown, value: unknown): string | undefined {
  if (typeof href !== 'string' || typeof name !== 'string' || typeof value !== 'string') return undefined
  if (!settable.has(name) || href.length + value.length > URL_CHARS_MAX) return undefined
  const url = URL.parse(href)
  if (url === null) return undefined
  try {
    Reflect.set(url, name, value)
  } catch {
    // Only setting `href` throws, for text that is no URL.
    return undefined
  }
  return componentsOf(url)
}

function componentsOf(url: URL): string {
  return URL_COMPONENTS.map((name) => url[name]).join('\0')
}

function decodeText(bytes: unknown, label: unknown, fatal: boolean, ignoreBOM: boolean): string | undefined {
  if (!(bytes instanceof Uint8Array) || typeof label !== 'string') return undefined
  try {
    return new TextDecoder(label, { fatal, ignoreBOM }).decode(bytes)
  } catch {
    // An unknown label, or malformed bytes under `fatal`: the glue says which.
    return undefined
  }
}

function encodingName(label: unknown): string | undefined {
  if (typeof label !== 'string') return undefined
  try {
    return new TextDecoder(label).encoding
  } catch {
    // No label of the standard: the glue says so.
    return undefined
  }
}
