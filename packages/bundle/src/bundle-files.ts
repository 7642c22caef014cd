import { PeerlessError } from '@peerless/interface'
import { LAYERS_FOLDER, type ZipTree } from './zip-tree.ts'

/** All files together; with the script they must fit a bundle. */
export const FILES_BYTES_MAX = 33_554_432
/** What is compiled into the script, or only there for tools. */
const NOT_FOR_READING = /(?:\.[cm]?[jt]sx?|\.map|\.tsbuildinfo)$|(?:^|\/)\.|(?:^|\/)(?:package-lock|tsconfig)\.json$/

/** Whether the code of a function may want to read a file while it runs. Packages are left out: they are many, and hardly any reads (see package-files). */
export function isForReading(path: string): boolean {
  const own = path.startsWith(`${LAYERS_FOLDER}/`) ? path.slice(LAYERS_FOLDER.length + 1) : path
  return !NOT_FOR_READING.test(own) && !/(?:^|\/)node_modules\//.test(own)
}

/**
 * Adds the files of the zip that `fs` shows to the function.
 * @param read those that its code says it may read; they come along as far as there is room
 * @throws TOO_LARGE
 */
export async function addFiles(tree: ZipTree, files: Map<string, Uint8Array>, read: Iterable<string>): Promise<void> {
  const names = [...tree.names()].filter((name) => isForReading(name) && !files.has(name))
  const bytes = names.reduce((sum, name) => sum + tree.bytesDeclared(name), 0)
  if (bytes > FILES_BYTES_MAX) {
    const largest = names.toSorted((a, b) => tree.bytesDeclared(b) - tree.bytesDeclared(a))[0]
    throw new PeerlessError(
      'TOO_LARGE',
      `files other than code have ${bytes} bytes together, at most ${FILES_BYTES_MAX}; the largest is '${largest}'`
    )
  }
  for (const name of names) files.set(name, await tree.bytes(name))
  let room = FILES_BYTES_MAX - bytes
  for (const name of read) {
    const size = tree.bytesDeclared(name)
    if (size > room || files.has(name)) continue
    files.set(name, await tree.bytes(name))
    room -= size
  }
}
