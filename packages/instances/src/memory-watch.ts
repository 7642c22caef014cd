import { readFile } from 'node:fs/promises'

/** Linux on every machine that Node 26 supports. */
const PAGE_KB = 4

/** Resident megabytes of a process, or undefined where /proc does not tell (it is gone, or this is not Linux). */
export async function residentMb(pid: number): Promise<number | undefined> {
  try {
    // proc(5): size resident shared text lib data dt, in pages.
    const pages = Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1])
    return Number.isFinite(pages) ? (pages * PAGE_KB) / 1_024 : undefined
  } catch {
    // Gone between two looks, or no /proc on this system: `isolation()` says which layers are active.
    return undefined
  }
}
