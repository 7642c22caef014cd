/**
 * `npm run bench:async`: how many asynchronous invocations a mesh of two nodes accepts per second, each durable on both before it is answered, while it runs
 * them; and how long an accepted event waits for its start at half that rate. Everything, the load too, shares this machine's cores: how fast those are is
 * told by what a bare node:http answers to the same connections.
 *
 *     npm run bench:async [-- --seconds 5 --connections 256 --profile]
 *
 * `--profile` keeps CPU profiles of the daemons in bench/out/.
 */
import { createHash, createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { requestBytes } from './http-connection.ts'
import { bareHttp, cli, type Node, peerless, profileInto, stopAll } from './servers.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '256' },
    profile: { type: 'boolean', default: false }
  }
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
/** Goals of the project. */
const ACCEPT_GOAL = 5_000
const START_P99_GOAL_MS = 100
const PACE_MS = 5
const BODY = '{"n":1}'

interface Load {
  perSecond: number
  p50Ms: number
  p99Ms: number
  refused: number
  /** Microseconds of processor time per accepted event, of each daemon without its executors. */
  cpuUs: number[]
}

function row({ perSecond, p50Ms, p99Ms, refused, cpuUs }: Load): string {
  return `${Math.round(perSecond).toString().padStart(6)}/s   p50 ${p50Ms.toFixed(1)} ms   p99 ${p99Ms.toFixed(1)} ms   refused ${refused}   processor ${cpuUs.map((us) => `${Math.round(us)} µs`).join(' + ')} per event`
}

async function deployed(node: Node): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-bench-'))
  await writeFile(join(folder, 'index.js'), 'exports.handler = async () => 1\n')
  await cli(node, 'deploy', folder, '--name', 'one')
  await rm(folder, { recursive: true })
}

/** One request after another on every connection, or so many per second over all of them. */
async function load(all: Node[], nodes: Node[], duration: number, perSecond: number | undefined): Promise<Load> {
  const times: number[] = []
  let refused = 0
  const callers = await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const node = nodes[index % nodes.length] as Node
      return await Caller.open(node.http, await requestOf(node), (status, ms) => (status === 202 ? times.push(ms) : refused++))
    })
  )
  const cpuBefore = await Promise.all(all.map(cpuSeconds))
  const began = performance.now()
  if (perSecond === undefined) for (const caller of callers) caller.again = true
  for (const caller of callers) if (perSecond === undefined) caller.send()
  let sent = 0
  const pace = setInterval(() => {
    if (perSecond === undefined) return
    const due = Math.floor(((performance.now() - began) / 1_000) * perSecond)
    for (const caller of callers) {
      if (sent >= due) break
      if (caller.busy) continue
      caller.send()
      sent++
    }
  }, PACE_MS)
  await new Promise((resolve) => setTimeout(resolve, duration * 1_000))
  const took = (performance.now() - began) / 1_000
  clearInterval(pace)
  const accepted = times.length
  for (const caller of callers) caller.close()
  // What was accepted has still to run.
  await idle(all)
  const cpuAfter = await Promise.all(all.map(cpuSeconds))
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return {
    perSecond: accepted / took,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    refused,
    cpuUs: cpuAfter.map((after, index) => ((after - (cpuBefore[index] ?? 0)) * 1_000_000) / accepted)
  }
}

/** One kept-alive connection that sends the same signed bytes again and again: a signature is good for some minutes, and making it is no part of what is measured. */
class Caller {
  again = false
  busy = false
  readonly #socket: Socket
  readonly #request: Buffer
  readonly #done: (status: number, ms: number) => void
  #sentAt = 0
  #head = ''

  private constructor(socket: Socket, request: Buffer, done: (status: number, ms: number) => void) {
    this.#socket = socket
    this.#request = request
    this.#done = done
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => this.#done(0, 0))
  }

  static async open(url: string, request: Buffer, done: (status: number, ms: number) => void): Promise<Caller> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new Caller(socket, request, done)
  }

  send(): void {
    this.busy = true
    this.#sentAt = performance.now()
    this.#socket.write(this.#request)
  }

  close(): void {
    this.again = false
    this.#socket.destroy()
  }

  /** Answers of a 202 have no body; others end the connection's use. */
  #receive(chunk: Buffer): void {
    this.#head += chunk.toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(this.#head)?.[1] ?? 0)
    if (this.#head.length < end + 4 + length) return
    const status = Number(this.#head.slice(9, 12))
    this.#head = ''
    this.busy = false
    this.#done(status, performance.now() - this.#sentAt)
    if (this.again) this.send()
  }
}

async function requestOf(node: Node): Promise<Buffer> {
  const { host } = new URL(node.http)
  const { accessKeyId, secretAccessKey } = JSON.parse(await readFile(join(node.data, 'daemon.json'), 'utf8')) as Record<
    string,
    string
  >
  const path = '/2015-03-31/functions/one/invocations'
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const hash = createHash('sha256').update(BODY).digest('hex')
  const headers = [
    ['host', host],
    ['x-amz-content-sha256', hash],
    ['x-amz-date', stamp],
    ['x-amz-invocation-type', 'Event']
  ]
  const names = headers.map(([name]) => name).join(';')
  const canonical = ['POST', path, '', ...headers.map(([name, value]) => `${name}:${value}`), '', names, hash].join('\n')
  const scope = `${stamp.slice(0, 8)}/us-east-1/lambda/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`)
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  const lines = [
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `authorization: ${authorization}`,
    `content-length: ${BODY.length}`
  ]
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${BODY}`)
}

/** Answers per second of a bare node:http. */
async function yardstick(): Promise<number> {
  const { url } = await bareHttp()
  let answers = 0
  const request = requestBytes(url)
  const callers = await Promise.all(Array.from({ length: connections }, () => Caller.open(url, request, () => answers++)))
  const began = performance.now()
  for (const caller of callers) {
    caller.again = true
    caller.send()
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  const perSecond = (answers / (performance.now() - began)) * 1_000
  for (const caller of callers) caller.close()
  await stopAll()
  return perSecond
}

/** Until everything that was accepted has run. */
async function idle(nodes: Node[]): Promise<void> {
  for (const node of nodes) {
    for (let turn = 0; turn < 1_200; turn++) {
      if (/^peerless_queue_events 0$/m.test(await metricsOf(node))) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function cpuSeconds(node: Node): Promise<number> {
  return Number(/^process_cpu_seconds_total ([\d.e+-]+)/m.exec(await metricsOf(node))?.[1] ?? 0)
}

async function metricsOf(node: Node): Promise<string> {
  return await (await fetch(`${node.http}/metrics`)).text()
}

/** Cumulated counts by upper bound in milliseconds. */
async function startDelays(nodes: Node[]): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  for (const node of nodes) {
    for (const [, le, count] of (await metricsOf(node)).matchAll(
      /^peerless_queue_start_delay_seconds_bucket\{le="([^"]+)"\} (\d+)/gm
    )) {
      const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le) * 1_000
      counts.set(bound, (counts.get(bound) ?? 0) + Number(count))
    }
  }
  return counts
}

/** The upper bound of the bucket in which the quantile lies. */
function quantile(before: Map<number, number>, after: Map<number, number>, share: number): number {
  const counts = [...after].map(([bound, count]): [number, number] => [bound, count - (before.get(bound) ?? 0)])
  const total = counts.at(-1)?.[1] ?? 0
  return counts.find(([, count]) => count >= total * share)?.[0] ?? Number.NaN
}

if (values.profile) profileInto(join(import.meta.dirname, 'out'))
try {
  const bare = await yardstick()
  const first = await peerless([])
  const second = await peerless(['--join', await cli(first, 'invite')])
  await deployed(first)
  await load([first, second], [first], 1, undefined)
  const one = await load([first, second], [first], seconds, undefined)
  const both = await load([first, second], [first, second], seconds, undefined)
  const before = await startDelays([first, second])
  const half = await load([first, second], [first], seconds, one.perSecond / 2)
  const p99Ms = quantile(before, await startDelays([first, second]), 0.99)
  console.log(`bare node:http          ${Math.round(bare).toString().padStart(8)}/s`)
  console.log(`accepted at one node      ${row(one)}`)
  console.log(`accepted at both nodes    ${row(both)}`)
  console.log(`  goal ≥ ${ACCEPT_GOAL}/s: ${Math.max(one.perSecond, both.perSecond) >= ACCEPT_GOAL ? 'met' : 'not met'}`)
  console.log(`at half load              ${row(half)}`)
  console.log(
    `  accepted to started     p99 ≤ ${p99Ms} ms   goal ≤ ${START_P99_GOAL_MS} ms: ${p99Ms <= START_P99_GOAL_MS ? 'met' : 'not met'}`
  )
} finally {
  await stopAll()
}
