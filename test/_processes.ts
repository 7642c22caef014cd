import { readdir, readFile } from 'node:fs/promises'

/** Processes below `pid`, each after the one that started it. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const parents = await parentsOfAll()
  const below = (parent: number): number[] => parents.flatMap(([one, its]) => (its === parent ? [one, ...below(one)] : []))
  return below(pid)
}

/** Fields of /proc/PID/stat from the state on; undefined when it is gone. */
export async function statOf(pid: number | string): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** Those of them that have not ended. */
export async function aliveOf(pids: readonly number[]): Promise<number[]> {
  const stats = await Promise.all(pids.map(async (pid) => [pid, await statOf(pid)] as const))
  return stats.flatMap(([pid, stat]) => (stat === undefined || stat[0] === 'Z' ? [] : [pid]))
}

/** What a process was started with; empty when it is gone. */
export async function commandOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
}

async function parentsOfAll(): Promise<[number, number][]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return await Promise.all(pids.map(async (one): Promise<[number, number]> => [Number(one), Number((await statOf(one))?.[1])]))
}
