import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { LIMITS, MANIFEST_FILE, PeerlessError } from '@peerless/interface'
import { isForReading } from './bundle-files.ts'

/** What the author's folder has besides code, by its name in it: the function reads it with `fs`. @throws TOO_LARGE */
export async function folderFiles(folder: string): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {}
  let bytes = 0
  let count = 0
  const walk = async (at: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const path = join(at, entry.name)
      const name = relative(folder, path).replaceAll(sep, '/')
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) await walk(path)
        continue
      }
      if (!entry.isFile() || !isForReading(name) || name === MANIFEST_FILE) continue
      bytes += (await stat(path)).size
      count += 1
      if (bytes > LIMITS.zipBytesMax) {
        throw new PeerlessError(
          'TOO_LARGE',
          `files of '${folder}' have more than ${LIMITS.zipBytesMax} bytes at '${name}': leave out what the function does not read`
        )
      }
      if (count > LIMITS.zipFilesMax)
        throw new PeerlessError('TOO_LARGE', `'${folder}' has more than ${LIMITS.zipFilesMax} files`)
      files[name] = await readFile(path)
    }
  }
  await walk(folder)
  return files
}
