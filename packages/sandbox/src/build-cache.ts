import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What was made, and the absolute paths of all files that it was made of. */
export interface Made {
  parts: Record<string, string>
  inputs: Iterable<string>
}

/** By how much the time of a saved file may lie before the moment that it was saved: a tick of the kernel's (4 to 10 ms), on FAT two seconds. */
const SAVED_EARLIER_MS = 2_000

interface Kept {
  /** What it depends on beside files. */
  setting: string
  /** SHA-256 of each. */
  inputs: Record<string, string>
  parts: Record<string, string>
  /** SHA-256 of `parts` as JSON: a file that was cut or mangled is no cache. */
  digest: string
}

/**
 * What `make` returns, from a file where that was made of the same inputs. The file lies beside the code and is as trusted as that; where it cannot be written
 * (an installation that belongs to somebody else), each start makes its own.
 * @param setting versions of tools and the like; another setting is another cache
 */
export async function keptBuild(file: string, setting: string, make: () => Promise<Made>): Promise<Record<string, string>> {
  const kept = await read(file, setting)
  if (kept !== undefined) return kept
  const begunAt = Date.now()
  const { parts, inputs } = await make()
  await write(file, setting, parts, [...inputs], begunAt).catch(() => undefined)
  return parts
}

async function read(file: string, setting: string): Promise<Record<string, string> | undefined> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as Kept
    if (kept.setting !== setting || kept.digest !== sha256(JSON.stringify(kept.parts))) return undefined
    const same = Object.entries(kept.inputs).map(async ([path, digest]) => sha256(await readFile(path)) === digest)
    return (await Promise.all(same)).includes(false) ? undefined : kept.parts
  } catch {
    return undefined
  }
}

async function write(
  file: string,
  setting: string,
  parts: Record<string, string>,
  paths: string[],
  begunAt: number
): Promise<void> {
  // What was saved meanwhile may be in the result or not: the next start makes it anew.
  const times = await Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs))
  if (Math.max(...times) + SAVED_EARLIER_MS >= begunAt) return
  const digests = paths.map(async (path): Promise<[string, string]> => [path, sha256(await readFile(path))])
  const inputs = Object.fromEntries(await Promise.all(digests))
  const kept: Kept = { setting, inputs, parts, digest: sha256(JSON.stringify(parts)) }
  await mkdir(dirname(file), { recursive: true })
  // Renamed, so that another process reads all of it or nothing.
  const draft = `${file}.${process.pid}`
  try {
    await writeFile(draft, JSON.stringify(kept))
    await rename(draft, file)
  } catch (error) {
    // A full disk: the next process would leave another.
    await rm(draft, { force: true })
    throw error
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64')
}
