/**
 * `npm run bench:idle`: what a node costs that has nothing to do, alone and in meshes of several sizes: processor time and memory of its daemon with its
 * spare executor. All nodes run on this machine, so that what the sizes differ by is what one more peer costs.
 *
 *     npm run bench:idle [-- --nodes 1,4,8,16 --seconds 20]
 */
import { parseArgs } from 'node:util'
import { median } from './figures.ts'
import { joined } from './joined.ts'
import { treeCpuMs, treeMemoryMb } from './process-tree.ts'
import { type Node, stopAll } from './servers.ts'

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '1,4,8,16' }, seconds: { type: 'string', default: '20' } }
})
const seconds = Number(values.seconds)
/** What starting leaves behind is over by then: garbage, first compilations, the exchange of all that is known. */
const SETTLED_MS = 15_000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const pidOf = ({ child }: Node) => child.pid ?? 0

try {
  console.log('nodes   processor of one core, per node: median (largest)   resident memory per node, median')
  for (const count of values.nodes.split(',').map(Number)) {
    const nodes = await joined(count)
    await sleep(SETTLED_MS)
    const before = nodes.map((node) => treeCpuMs(pidOf(node)))
    const began = performance.now()
    await sleep(seconds * 1_000)
    const took = performance.now() - began
    const shares = nodes.map((node, index) => ((treeCpuMs(pidOf(node)) - (before[index] ?? 0)) / took) * 100)
    const memory = median(nodes.map((node) => treeMemoryMb(pidOf(node))))
    const cost = `${median(shares).toFixed(2)} % (${Math.max(...shares).toFixed(2)} %)`
    console.log(`${String(count).padStart(5)}   ${cost.padEnd(50)}  ${memory.toFixed(0)} MB`)
    await stopAll()
  }
} finally {
  await stopAll()
}
