/**
 * `npm run bench:visibility`: a change is made at one node of a mesh; how long after its answer does each other node show it? For each kind of change, over real
 * daemons and signed requests. Visible is from when the question was asked that the change shows in: a question that is a call may have to start an instance
 * first, which is told beside it. Changes are made at each node in turn.
 *
 *     npm run bench:visibility [-- --nodes 3 --rounds 9]
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CHANGES, type Change, type Place, placeOf, type Run } from '../test/lambda-api/_changes.ts'
import { cli, type Node, peerless, stopAll } from './servers.ts'

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '3' }, rounds: { type: 'string', default: '9' } }
})
/** The goal of the project. */
const GOAL_MS = 1_000
const PATIENCE_MS = 30_000

async function joined(count: number): Promise<Node[]> {
  const first = await peerless([])
  const nodes = [first]
  while (nodes.length < count) nodes.push(await peerless(['--join', await cli(first, 'invite')]))
  return nodes
}

const keysOf = async ({ data }: Node) =>
  JSON.parse(await readFile(join(data, 'daemon.json'), 'utf8')) as { accessKeyId: string; secretAccessKey: string }

/** Until a mesh of `count` stands: every node with a line to every other. */
async function meshed(places: Place[], count: number): Promise<void> {
  for (const place of places) {
    for (;;) {
      const peers = (await place.ask('GET', '/v1/peers')).json as { status: string }[]
      if (peers.filter(({ status }) => status === 'connected').length === count) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Milliseconds from `since` until the node was asked what shows the change, and until it had answered. */
interface Shown {
  readonly asked: number
  readonly answered: number
}

async function untilShown(there: Place, change: Change, run: Run, since: number): Promise<Shown> {
  for (;;) {
    const asked = performance.now() - since
    if (await change.shown(there, run)) return { asked, answered: performance.now() - since }
    if (performance.now() - since > PATIENCE_MS) throw new Error(`'${change.kind}' was not seen within ${PATIENCE_MS} ms`)
  }
}

function at(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function row(title: string, times: readonly Shown[]): string {
  const of = (member: keyof Shown) => {
    const sorted = times.map((shown) => shown[member]).toSorted((a, b) => a - b)
    const [middle, most] = [at(sorted, 0.5), at(sorted, 1)].map((ms) => ms.toFixed(1).padStart(7))
    return `p50 ${middle} ms   max ${most} ms`
  }
  return `${title.padEnd(26)} visible  ${of('asked')}   answered  ${of('answered')}`
}

try {
  const count = Number(values.nodes)
  const nodes = await joined(count)
  const places = await Promise.all(nodes.map((node) => placeOf({ http: node.http, keys: () => keysOf(node) })))
  await meshed(places, count)
  const times = new Map<string, Shown[]>(CHANGES.map(({ kind }) => [kind, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    const run: Run = { name: `seen-${round}` }
    const here = places[round % places.length] as Place
    for (const change of CHANGES) {
      await change.make(here, run)
      const since = performance.now()
      const others = places.filter((place) => place !== here)
      const seen = await Promise.all(others.map((there) => untilShown(there, change, run, since)))
      times.get(change.kind)?.push(...seen)
    }
  }
  console.log(`${count} nodes, ${values.rounds} changes of each kind`)
  for (const [kind, all] of times) console.log(row(kind, all))
  const all = [...times.values()].flat()
  console.log(row('all', all))
  const latest = Math.max(...all.map(({ asked }) => asked))
  console.log(`  goal: all visible within ${GOAL_MS} ms: ${latest <= GOAL_MS ? 'met' : 'not met'}`)
} finally {
  await stopAll()
}
