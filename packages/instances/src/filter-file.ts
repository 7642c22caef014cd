import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { syscallFilter } from './syscall-filter.ts'

/** The filter of system calls as a file that nobody else can open: it has no name any more. */
export interface FilterFile {
  /** A descriptor that reads it from its beginning; the caller closes it. @throws where /proc is not there */
  open(): number
}

/** Where it is made, from the first on. A service may have no folder for what is temporary, or one that it may only read; the filter must not be lost for that. */
const FOLDERS = [tmpdir(), '/dev/shm', '/run', '/var/tmp']

/** @returns the reason where there can be none */
export function makeFilterFile(architecture: string = process.arch, folders: readonly string[] = FOLDERS): FilterFile | string {
  const program = syscallFilter(architecture)
  if (program === undefined) return `no list of system calls for ${architecture}`
  let reason: string | undefined
  for (const folder of folders) {
    try {
      return keptIn(folder, program)
    } catch (error) {
      reason ??= (error as Error).message
    }
  }
  return `the filter cannot be kept: ${reason}`
}

function keptIn(parent: string, program: Uint8Array): FilterFile {
  const folder = mkdtempSync(join(parent, 'peerless-filter-'))
  let held: number
  try {
    const path = join(folder, 'filter')
    writeFileSync(path, program, { mode: 0o400 })
    held = openSync(path, 'r')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  // Opened anew each time: who inherits a descriptor shares its place in the file.
  const open = () => openSync(`/proc/self/fd/${held}`, 'r')
  closeSync(open())
  return { open }
}
