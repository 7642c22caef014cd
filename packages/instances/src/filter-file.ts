import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { syscallFilter } from './syscall-filter.ts'

/** The filter of system calls as a file that nobody else can open: it has no name any more. */
export interface FilterFile {
  /** A descriptor that reads it from its beginning; the caller closes it. @throws where /proc is not there */
  open(): number
}

/** @returns the reason where there can be none */
export function makeFilterFile(architecture: string = process.arch): FilterFile | string {
  const program = syscallFilter(architecture)
  if (program === undefined) return `no list of system calls for ${architecture}`
  try {
    const folder = mkdtempSync(join(tmpdir(), 'peerless-filter-'))
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
  } catch (error) {
    return `the filter cannot be kept: ${(error as Error).message}`
  }
}
