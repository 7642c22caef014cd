import { execFile } from 'node:child_process'

const CHRT = '/usr/bin/chrt'
const BATCH = ['--batch', '0']
const PROBE_MS_MAX = 2_000

/**
 * What executors are started through: Linux's SCHED_BATCH, where a process that wakes up does not push aside the one that runs. The daemon
 * hands executors work in every turn of its event loop, and each time they woke it lost the processor in the middle of reading requests, while
 * other processors had nothing to do. It also keeps code that wakes often from being felt by the daemon. Asks once whether it can be had (a seccomp
 * profile may forbid it).
 * @returns words before the command; none where it cannot
 */
export function batchLauncher(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return Promise.resolve([])
  return new Promise((resolve) => {
    execFile(CHRT, [...BATCH, '/bin/true'], { env: {}, timeout: PROBE_MS_MAX }, (error) => {
      resolve(error === null ? [CHRT, ...BATCH] : [])
    })
  })
}
