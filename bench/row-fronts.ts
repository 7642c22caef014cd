/** Row of `npm run bench`: one daemon and two fronts on the same port, at 64 connections. */
import { availableParallelism } from 'node:os'
import { median, medianRatio } from './figures.ts'
import { treeCpuMs } from './process-tree.ts'
import { deployed, peerless } from './servers.ts'
import { wrk } from './wrk.ts'

const FRONTS = [1, 2]
/** Long enough for each front to have instances of its own. */
const WARM_SECONDS = 6

/** What a second front costs where the cores are taken, and gives where they are not: load generator and executors run on the same ones. */
export async function rowFronts(rounds: number, seconds: number): Promise<void> {
  const subjects = []
  for (const fronts of FRONTS) {
    const node = await peerless(['--fronts', String(fronts)])
    subjects.push({ fronts, ...(await deployed(node, 'hello')), perSecond: [] as number[], cpuMs: [] as number[] })
  }
  for (const { url } of subjects) await wrk(url, 64, WARM_SECONDS)
  for (let round = 0; round < rounds; round++) {
    for (const { url, pid, perSecond, cpuMs } of round % 2 === 0 ? subjects : [...subjects].reverse()) {
      const before = treeCpuMs(pid)
      const load = await wrk(url, 64, seconds)
      perSecond.push(load.requestsPerSecond)
      cpuMs.push(((treeCpuMs(pid) - before) * 10_000) / load.requests)
    }
  }
  console.log('')
  console.log(
    `fronts that share a port, 64 connections, ${availableParallelism()} cores for them, their executors and the load generator:`
  )
  for (const { fronts, perSecond, cpuMs } of subjects) {
    console.log(
      `${fronts} front${fronts > 1 ? 's' : ' '}   ${median(perSecond).toFixed(0)}/s   processor per 10,000 calls ${median(cpuMs).toFixed(0)} ms`
    )
  }
  const [one, two] = subjects.map(({ perSecond }) => perSecond) as [number[], number[]]
  console.log(`two / one: ${medianRatio(two, one).toFixed(2)}`)
}
