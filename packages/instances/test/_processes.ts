import { readdirSync, readFileSync } from 'node:fs'

/** Process ids of this process's own children that are executors. Linux only, as the test machine is. */
export function pidOfExecutors(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--permission')
      } catch {
        // It ended while we looked.
        return false
      }
    })
}
