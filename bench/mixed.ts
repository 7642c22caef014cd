/**
 * `npm run bench:mixed`: ordinary functions of one account together, from a node on which each was called alone for a moment. They wait, ask a server, compute, stream
 * and answer at once, at moments that were fixed beforehand (open loop). Printed by function and by second: what callers felt, and how many instances and
 * processes it took in the end.
 *
 *     npm run bench:mixed [-- --seconds 10 --nodes 1 --times 1]
 *
 * `--times 0.5` is half as many calls. All nodes, the server and the callers share this machine's cores.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { quantile } from './figures.ts'
import { cli, type Node, peerless, stopAll, untilAnswers } from './servers.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    nodes: { type: 'string', default: '1' },
    times: { type: 'string', default: '1' }
  }
})
const seconds = Number(values.seconds)
const times = Number(values.times)
const ALONE_MS = 2_000
/** A client that has not heard by then has stopped listening. */
const PATIENCE_MS = 30_000
const LOOPBACK = '127.0.0.0/8'

interface Kind {
  name: string
  perSecond: number
  source: string
}

function kinds(backend: string): Kind[] {
  return [
    { name: 'quick', perSecond: 100, source: 'return { ok: true }' },
    { name: 'waits', perSecond: 50, source: 'await new Promise((r) => setTimeout(r, 30))' },
    { name: 'asks', perSecond: 50, source: `return (await (await fetch('${backend}?ms=10')).json()).length` },
    {
      name: 'asks three',
      perSecond: 20,
      source: `return (await Promise.all([5, 10, 15].map((ms) => fetch('${backend}?ms=' + ms).then((r) => r.json())))).length`
    },
    { name: 'turns', perSecond: 30, source: 'for (let i = 0; i < 10; i++) await new Promise((r) => setImmediate(r))' },
    { name: 'computes', perSecond: 5, source: 'let x = 0; for (let i = 0; i < 3e6; i++) x += Math.sqrt(i); return x' },
    { name: 'computes long', perSecond: 1, source: 'let x = 0; for (let i = 0; i < 2e7; i++) x += Math.sqrt(i); return x' }
  ]
}

interface Felt {
  kind: string
  atMs: number
  ms: number
  ok: boolean
}

const agent = new Agent({ keepAlive: true, maxSockets: 4_096 })

function ask(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent, timeout: PATIENCE_MS }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}

/** JSON of fifty entries, so many milliseconds later. */
async function backendUrl(): Promise<{ url: string; close(): void }> {
  const body = JSON.stringify(Array.from({ length: 50 }, (_, id) => ({ id, name: `entry ${id}` })))
  const server = createServer((request, response) => {
    const ms = Number(new URL(request.url ?? '/', 'http://backend').searchParams.get('ms'))
    setTimeout(() => response.end(body), ms)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}

async function deploy(node: Node, { name, source }: Kind): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-bench-'))
  await writeFile(join(folder, 'index.mjs'), `export const handler = async () => { ${source} }\n`)
  await cli(node, 'deploy', folder, '--name', nameOf(name), '--url')
  await rm(folder, { recursive: true })
}

function nameOf(kind: string): string {
  return kind.replaceAll(' ', '-')
}

/** Every call at its moment, at a node by chance. */
async function load(nodes: Node[], all: Kind[]): Promise<Felt[]> {
  const due = all.flatMap(({ name, perSecond }) => {
    const moments: { name: string; at: number }[] = []
    for (let at = 0; at < seconds * 1_000; at += (-Math.log(1 - Math.random()) * 1_000) / (perSecond * times))
      moments.push({ name, at })
    return moments
  })
  due.sort((a, b) => a.at - b.at)
  const felt: Promise<Felt>[] = []
  const began = performance.now()
  for (const { name, at } of due) {
    const wait = at - (performance.now() - began)
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const node = nodes[Math.floor(Math.random() * nodes.length)] as Node
    felt.push(
      ask(`${node.http}/fn/${nameOf(name)}`).then((ok) => ({
        kind: name,
        atMs: at,
        ms: performance.now() - began - at,
        ok
      }))
    )
  }
  return await Promise.all(felt)
}

function row(what: string, felt: Felt[]): string {
  const ms = felt.filter(({ ok }) => ok).map((one) => one.ms)
  const at = (share: number) => quantile(ms, share).toFixed(1).padStart(9)
  const failed = felt.length - ms.length
  return `${what.padEnd(14)} ${String(felt.length).padStart(6)} ${at(0.5)} ${at(0.9)} ${at(0.99)} ${String(failed).padStart(7)}`
}

async function takenBy(nodes: Node[]): Promise<{ instances: number; processes: number }> {
  const taken = { instances: 0, processes: 0 }
  for (const node of nodes) {
    const { node: status } = JSON.parse(await cli(node, 'top', '--json')) as { node: { instances: { executor: number }[] } }
    taken.instances += status.instances.length
    taken.processes += new Set(status.instances.map(({ executor }) => executor)).size
  }
  return taken
}

const backend = await backendUrl()
try {
  const first = await peerless(['--allow-egress', LOOPBACK])
  const nodes = [first]
  while (nodes.length < Number(values.nodes)) {
    nodes.push(await peerless(['--allow-egress', LOOPBACK, '--join', await cli(first, 'invite')]))
  }
  const all = kinds(backend.url)
  for (const kind of all) await deploy(first, kind)
  for (const { name } of all) {
    for (const node of nodes) await untilAnswers(`${node.http}/fn/${nameOf(name)}`)
    for (const until = performance.now() + ALONE_MS; performance.now() < until; ) await ask(`${first.http}/fn/${nameOf(name)}`)
  }
  for (const round of ['from idle', 'once more']) {
    const felt = await load(nodes, all)
    console.log(`\n${round.padEnd(14)}  calls    p50 ms    p90 ms    p99 ms  failed`)
    for (const { name } of all) {
      console.log(
        row(
          name,
          felt.filter(({ kind }) => kind === name)
        )
      )
    }
    for (let second = 0; second < seconds; second++) {
      console.log(
        row(
          `second ${second + 1}`,
          felt.filter(({ atMs }) => Math.floor(atMs / 1_000) === second)
        )
      )
    }
    const { instances, processes } = await takenBy(nodes)
    console.log(`${instances} instances in ${processes} processes`)
  }
} finally {
  backend.close()
  agent.destroy()
  await stopAll()
}
