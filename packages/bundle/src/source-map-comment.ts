import type { ZipTree } from './zip-tree.ts'
import { join, parentOf } from './zip-tree.ts'

/** An input map larger than this is dropped: it would only make stack traces nicer. */
const INPUT_MAP_BYTES_MAX = 33_554_432
const COMMENT = 'sourceMappingURL='

/**
 * esbuild follows `sourceMappingURL` comments by itself, `file:` URLs to any file of the machine included. So what it sees is
 * settled here: the comment that ends a file, when it names a map in the zip, becomes that map inline; every `file:` one is made
 * a scheme that esbuild ignores. Comments with a relative path elsewhere lead nowhere, since files of the zip have no folder on disk.
 */
export async function settleSourceMapComment(text: string, path: string, tree: ZipTree): Promise<string> {
  if (!text.includes(COMMENT)) return text
  const harmless = text.replace(/(\bsourceMappingURL=)file:/gi, '$1none:')
  const ending = /\n\/\/[#@] sourceMappingURL=([^\s'"]+)\s*$/.exec(harmless)
  const url = ending?.[1]
  if (ending === null || url === undefined || /^[a-z][a-z0-9+.-]*:/i.test(url)) return harmless
  const map = join(parentOf(path), decoded(url))
  if (map === undefined || !tree.isFile(map) || tree.bytesDeclared(map) > INPUT_MAP_BYTES_MAX) return harmless
  const inline = Buffer.from(await tree.bytes(map)).toString('base64')
  return `${harmless.slice(0, ending.index)}\n//# ${COMMENT}data:application/json;base64,${inline}\n`
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    // Not percent-encoded after all: then it is the name as it stands.
    return url
  }
}
