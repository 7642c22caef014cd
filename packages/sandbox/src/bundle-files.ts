import type { BundleManifest } from './read-bundle.ts'

/**
 * What an isolate may read of its own bundle.
 * @param name as in the zip; undefined: the list of all
 * @returns a copy in a buffer of its own (what crosses is the whole buffer beneath a view), JSON of the list, or undefined
 */
export function bundleFile(bundle: BundleManifest, name: unknown): Uint8Array | string | undefined {
  if (name === undefined) return JSON.stringify([...(bundle.files ?? [])].map(([file, bytes]) => [file, bytes.length]))
  const bytes = typeof name === 'string' ? bundle.files?.get(name) : undefined
  return bytes === undefined ? undefined : new Uint8Array(bytes)
}
