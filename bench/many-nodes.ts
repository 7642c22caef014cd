/**
 * `npm run bench:nodes`: a mesh of many nodes that all call each other: clients ask a random node each time for a function that every node may run. Shows what a call costs in
 * a large mesh, processor time of all daemons and executors together, and what the ledger makes of it; then a quarter of the nodes is killed. All nodes share this
 * machine's cores, so that calls per second say little and processor time per call says much.
 *
 *     npm run bench:nodes [-- --nodes 24 --clients 16 --seconds 10 --rounds 3]
 */
import { parseArgs } from 'node:util'
import { median, quantile } from './figures.ts'
import { joined } from './joined.ts'
import { treeCpuMs } from './process-tree.ts'
import { cli, deployed, type Node, stopAll } from './servers.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '24' },
    clients: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' }
  }
})
const clients = Number(values.clients)
const seconds = Number(values.seconds)

interface Load {
  readonly answered: number[]
  readonly failed: Map<string, number>
  readonly cpuMs: number
}

async function load(nodes: readonly Node[], path: string): Promise<Load> {
  const cpuMs = () => nodes.reduce((sum, { child }) => sum + treeCpuMs(child.pid ?? 0), 0)
  const before = cpuMs()
  const until = performance.now() + seconds * 1_000
  const answered: number[] = []
  const failed = new Map<string, number>()
  const client = async () => {
    while (performance.now() < until) {
      const { http } = nodes[Math.floor(Math.random() * nodes.length)] as Node
      const began = performance.now()
      const outcome = await fetch(http + path).then(
        async (answer) => {
          await answer.arrayBuffer()
          return answer.status
        },
        (error: Error) => error.message
      )
      if (outcome === 200) answered.push(performance.now() - began)
      else failed.set(String(outcome), (failed.get(String(outcome)) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return { answered, failed, cpuMs: cpuMs() - before }
}

function told(title: string, { answered, failed, cpuMs }: Load): void {
  const failures = [...failed].map(([what, count]) => `${count} × ${what}`).join(', ') || 'none'
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(answered, share).toFixed(1))
  const each = (cpuMs / answered.length).toFixed(2)
  console.log(
    `${title.padEnd(22)} ${(answered.length / seconds).toFixed(0)} calls/s, p50 ${p50} ms, p99 ${p99} ms, processor ${each} ms a call, failures: ${failures}`
  )
}

const connectedAt = async (node: Node) =>
  (JSON.parse(await cli(node, 'peers', '--json')) as { status: string }[]).filter(({ status }) => status === 'connected').length

try {
  const began = performance.now()
  const nodes = await joined(Number(values.nodes))
  console.log(`${nodes.length} nodes, each connected with all others after ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  const deploying = performance.now()
  const { url } = await deployed(nodes[0] as Node, 'hello')
  const path = new URL(url).pathname + new URL(url).search
  await Promise.all(nodes.map(({ http }) => fetch(http + path).then((answer) => answer.arrayBuffer())))
  console.log(`deployed at one, answered by all after ${((performance.now() - deploying) / 1_000).toFixed(1)} s`)
  const costs: number[] = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    const measured = await load(nodes, path)
    costs.push(measured.cpuMs / measured.answered.length)
    told(`round ${round}`, measured)
  }
  console.log(`processor time per call, median of the rounds: ${median(costs).toFixed(2)} ms`)
  const dead = nodes.splice(nodes.length - Math.floor(nodes.length / 4))
  for (const { child } of dead) child.kill('SIGKILL')
  told(`${dead.length} nodes killed`, await load(nodes, path))
  const parting = performance.now()
  while ((await Promise.all(nodes.map(connectedAt))).some((count) => count !== nodes.length)) {
    if (performance.now() - parting > 60_000) throw new Error('the dead are still counted on after a minute')
  }
  console.log(await cli(nodes.at(-1) as Node, 'ledger', 'verify'))
} finally {
  await stopAll()
}
