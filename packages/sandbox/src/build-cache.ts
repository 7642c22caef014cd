import { createHash } from 'node:crypto'
import { type Stats, statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What was made, and the absolute paths of all files that it was made of. */
export interface Made {
  parts: Record<string, string>
  inputs: Iterable<string>
}

/** By how much the time of a saved file may lie before the moment that it was saved: a tick of the kernel's (4 to 10 ms), on FAT two seconds. */
const SAVED_EARLIER_MS = 2_000

/** The first line of the file, as JSON. What was made follows it, one part after the other: two megabytes are cut faster than parsed. */
interface Head {
  /** Where it was written: a copy of the installation would take the inputs of the first for its own. */
  file: string
  /** What it depends on beside files. */
  setting: string
  /** Of each file its SHA-256, and what the system said of it then. */
  inputs: Record<string, [digest: string, traits: string]>
  parts: [name: string, bytes: number][]
  /** SHA-256 of what follows: a file that was cut or mangled is no cache. */
  digest: string
}

const NEWLINE = 10
/** Of a file that was changed so lately that another change would not show. */
const TRAITS_UNKNOWN = ''

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
    const bytes = await readFile(file)
    const end = bytes.indexOf(NEWLINE)
    const head = JSON.parse(bytes.toString('utf8', 0, end)) as Head
    const made = bytes.subarray(end + 1)
    if (head.file !== file || head.setting !== setting || head.digest !== sha256(made)) return undefined
    const same = Object.entries(head.inputs).map(([path, [digest, traits]]) => isUnchanged(path, digest, traits))
    return (await Promise.all(same)).includes(false) ? undefined : cut(made, head.parts)
  } catch {
    return undefined
  }
}

function cut(made: Buffer, lengths: Head['parts']): Record<string, string> {
  const parts: Record<string, string> = {}
  let start = 0
  for (const [name, bytes] of lengths) {
    parts[name] = made.toString('utf8', start, start + bytes)
    start += bytes
  }
  return parts
}

/** Read only where the system does not say already that nobody touched it: to read and hash some 200 files takes a process that starts longer than all else here. */
function isUnchanged(path: string, digest: string, traits: string): boolean | Promise<boolean> {
  if (traits !== TRAITS_UNKNOWN && traitsOf(statSync(path)) === traits) return true
  return readFile(path).then((bytes) => sha256(bytes) === digest)
}

/** The time of the last change of the inode is among them, which the system alone sets, also when contents or their time are. */
function traitsOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ')
}

async function write(
  file: string,
  setting: string,
  parts: Record<string, string>,
  paths: string[],
  begunAt: number
): Promise<void> {
  // What was saved meanwhile may be in the result or not: the next start makes it anew.
  const found = await Promise.all(paths.map(async (path): Promise<[string, Stats]> => [path, await stat(path)]))
  if (Math.max(...found.map(([, { mtimeMs }]) => mtimeMs)) + SAVED_EARLIER_MS >= begunAt) return
  const inputs = found.map(async ([path, stats]): Promise<[string, Head['inputs'][string]]> => {
    const traits = stats.ctimeMs + SAVED_EARLIER_MS < begunAt ? traitsOf(stats) : TRAITS_UNKNOWN
    return [path, [sha256(await readFile(path)), traits]]
  })
  const named = Object.entries(parts).map(([name, text]): [string, Buffer] => [name, Buffer.from(text)])
  const made = Buffer.concat(named.map(([, bytes]) => bytes))
  const head: Head = {
    file,
    setting,
    inputs: Object.fromEntries(await Promise.all(inputs)),
    parts: named.map(([name, { length }]) => [name, length]),
    digest: sha256(made)
  }
  await mkdir(dirname(file), { recursive: true })
  // Renamed, so that another process reads all of it or nothing.
  const draft = `${file}.${process.pid}`
  try {
    await writeFile(draft, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), made]))
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
