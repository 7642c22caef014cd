import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, PeerlessError } from '@peerless/interface'

/**
 * A folder with all above it that are not there, each for its owner alone. Node's own `recursive` never ends where `mkdir` says ENOENT though the folder
 * above is there (/proc), and says EEXIST of a file.
 * @param path absolute
 * @throws PeerlessError INVALID_ARGUMENT with what to do
 */
export async function makeFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  if ('isDirectory' in found) {
    if (found.isDirectory()) return
    throw new PeerlessError('INVALID_ARGUMENT', `'${path}' is a file, where a folder is needed: choose another with --data DIR`)
  }
  // Above a file, `stat` of what would be in it says ENOTDIR: the step up finds that file.
  if (found.code !== 'ENOENT' && found.code !== 'ENOTDIR') throw impossible(path, found)
  if (dirname(path) !== path) await makeFolder(dirname(path))
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    // Two starts at once: the other one's is as good.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw impossible(path, error)
  }
}

function impossible(path: string, cause: unknown): PeerlessError {
  return new PeerlessError(
    'INVALID_ARGUMENT',
    `the folder '${path}' can't be made: ${messageOf(cause)}; choose another with --data DIR, or have it made for this user`,
    { cause }
  )
}
