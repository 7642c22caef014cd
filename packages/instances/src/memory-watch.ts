import { readFile } from 'node:fs/promises'

/** Resident megabytes of a process, or undefined where /proc does not tell (it is gone, or this is not Linux). */
export async function residentMb(pid: number): Promise<number | undefined> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1_024
  } catch {
    // Gone between two looks, or no /proc on this system: `isolation()` says which layers are active.
    return undefined
  }
}
