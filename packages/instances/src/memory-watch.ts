import { readFileSync } from 'node:fs'
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

/** Wrappers around an executor: `bwrap`, and its reaper inside. */
const WRAPPERS_MAX = 4

/** The last process of a chain of only children; undefined where /proc does not tell. Reads some files of the kernel: below 0.1 ms. */
export function innermostOf(pid: number | undefined): number | undefined {
  let last = pid
  for (let depth = 0; depth < WRAPPERS_MAX && last !== undefined; depth++) {
    const [child] = childrenOf(last)
    if (child === undefined) return last
    last = child
  }
  return last
}

/** Empty where /proc does not tell. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.split(' ').flatMap((one) => (one === '' ? [] : [Number(one)]))
  } catch {
    // It is gone, and its end is told elsewhere.
    return []
  }
}

export interface ProcessMemory {
  readonly residentMb: number
  /** The part of it that is the program, and files: other processes of the same program have it in common. */
  readonly sharedMb: number
}

/** What a process holds, or undefined where /proc does not tell. */
export async function ownMb(pid: number | 'self'): Promise<ProcessMemory | undefined> {
  try {
    const [, resident, shared] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ').map(Number)
    if (resident === undefined || shared === undefined || !Number.isFinite(resident + shared)) return undefined
    return { residentMb: (resident * PAGE_KB) / 1_024, sharedMb: (shared * PAGE_KB) / 1_024 }
  } catch {
    // As above.
    return undefined
  }
}
