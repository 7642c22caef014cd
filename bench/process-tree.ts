/** Processor time and memory of a process and all that it started, from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs'

/** Of `utime` and `stime` in /proc/PID/stat: USER_HZ, which Linux keeps at 100 on every machine that Node runs on. */
const TICK_MS = 10

interface Entry {
  pid: number
  parent: number
  ticks: number
}

/** Milliseconds of user and system time so far, of those processes of the tree that are there now. */
export function treeCpuMs(root: number): number {
  return treeOf(root).reduce((sum, { ticks }) => sum + ticks * TICK_MS, 0)
}

/** Megabytes of 2^20 bytes: what each holds for itself, and its share of what several hold together (proc(5): Pss). */
export function treeMemoryMb(root: number): number {
  return treeOf(root).reduce((sum, { pid }) => sum + shareKb(pid), 0) / 1_024
}

function treeOf(root: number): Entry[] {
  const entries = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? entryOf(Number(name)) : []))
  const tree = new Set([root])
  // A child may have a smaller number than its parent: until nothing is added.
  for (let size = 0; size !== tree.size; ) {
    size = tree.size
    for (const { pid, parent } of entries) if (tree.has(parent)) tree.add(pid)
  }
  return entries.filter(({ pid }) => tree.has(pid))
}

function shareKb(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0)
  } catch {
    // It ended meanwhile.
    return 0
  }
}

function entryOf(pid: number): Entry[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name is in brackets and may hold anything; the fields behind it are numbers (proc(5): 3 state, 4 ppid, 14 utime, 15 stime).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return [{ pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }]
  } catch {
    // It ended between the listing and the reading.
    return []
  }
}
