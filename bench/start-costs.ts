/**
 * What it costs to start a function and to keep it, against workerd's dynamic worker loader with the same source on the same machine, in
 * rounds. Every first call is of code that was never run before: each function's source is its own, also without its comments.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  InvokeCommand,
  LambdaClient,
  Runtime
} from '@aws-sdk/client-lambda'
import { zipSync } from 'fflate'
import { breakdown, type FirstCall, median } from './first-call.ts'
import { HttpConnection, requestBytes } from './http-connection.ts'
import { treeCpuMs } from './process-tree.ts'
import { cli, type Node, peerless, workerLoader } from './servers.ts'

/** What is measured, in this order. */
export const PARTS = ['first', 'warm', 'memory', 'cycles'] as const

export interface StartBench {
  /** First calls of each kind. */
  calls: number
  cycles: number
  alive: number
  /** Whether the stages of a first call are printed. */
  breakdown: boolean
  parts: readonly string[]
}

const MB = 1_048_576
/** So long do calls at the same time wait, so that each needs an instance of its own. */
const HELD_MS = 30_000
const PAUSE_MS = 60
/** A node is quiet that takes so little processor in so long; it is waited for a minute at most. */
const QUIET_MS = 500
const QUIET_CPU_MS_MAX = 20
const QUIET_LOOKS_MAX = 120
/** What a node keeps in memory of large bundles that were just deployed has room for so many of 1 MB with their source maps and code caches. workerd's are in memory. */
const LARGE_TOGETHER = 5
const ROLE = 'arn:aws:iam::000000000000:role/bench'

const SMALL = 'export default { fetch() { return new Response("hello") } }\n'

/** What many functions require of Node. */
const NODE = `import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
const made = [createHash('sha256').update('bench').digest('hex'), new EventEmitter(), Readable]
export default { fetch() { return new Response(made.length > 2 ? Buffer.from('aGVsbG8=', 'base64').toString() : '') } }
`

/** Code as a bundler leaves it: functions, some of which run at once, tables and classes. */
function large(): string {
  let text = ''
  for (let index = 0; text.length < MB; index++) {
    text += `function f${index}(a, b) { const c = a.map((x) => x * ${index} + b); if (c.length > ${index % 7}) return { a: c, b, name: 'f${index}' }; return c.reduce((s, x) => s + x, 0) }
class C${index} { constructor(v) { this.v = v; this.t = ['k${index}', ${index}, { deep: [1, 2, ${index}] }] } get x() { return this.v + ${index} } run(y) { return f${index}([this.v, y], 1) } }
const t${index} = new C${index}(${index}); ${index % 10 === 0 ? `t${index}.run(${index});` : ''}\n`
  }
  return `${text}${SMALL}`
}

interface Times {
  workerd: number[]
  peerless: number[]
  stages: [stage: string, ms: number][]
}

/** Measures and prints. Leaves its servers to `stopAll`. */
export async function benchStart({ calls, cycles, alive, breakdown: inStages, parts }: StartBench): Promise<void> {
  const node = await peerless(['--slots', String(alive + 8)])
  const client = await clientOf(node)
  console.log(`node ${process.version}, ${availableParallelism()} cores of ${cpus()[0]?.model ?? '?'}\n`)
  if (parts.includes('first')) {
    const loader = await workerLoader()
    // Whatever starts only once is behind both.
    await firstCalls(node, client, loader, { kind: 'before', source: SMALL, count: 12, together: 12 }, false)
    for (const [name, kind, source, bound, together] of [
      ['a small function', 'small', SMALL, 0.5, calls],
      ['a 1 MB bundle', 'large', large(), 0.6, LARGE_TOGETHER],
      ['a 1 MB bundle whose bytes are on disk only', 'disk', `${large()}// not the same bytes\n`, undefined, calls],
      ['a small function with node: modules', 'node', NODE, undefined, calls]
    ] as const) {
      const deployed = { kind, source, count: calls, together }
      const { workerd, peerless: own, stages } = await firstCalls(node, client, loader, deployed, inStages)
      console.log(
        `first call of ${name}, median of ${calls}: peerless ${median(own).toFixed(2)} ms, workerd ${median(workerd).toFixed(2)} ms`
      )
      for (const [stage, ms] of stages) console.log(`    ${stage.padEnd(26)} ${ms.toFixed(2).padStart(7)} ms`)
      const ratio = median(own) / median(workerd)
      if (bound !== undefined) goal(`first call of ${name} / workerd`, ratio, '≤', bound)
      else console.log(`first call of ${name} / workerd: ${ratio.toFixed(2)} (no goal)`)
    }
  }
  if (parts.includes('warm')) goal('warm call inside the executor, p50 µs', await warm(node, client), '≤', 25)
  if (parts.includes('memory')) {
    const ours = await idleBytes(node, client, alive)
    const theirs = await loaderBytes(await workerLoader(), alive)
    console.log(`idle warm instance: peerless ${kb(ours)} kB, workerd ${kb(theirs)} kB`)
    goal('idle warm instance / workerd, bytes', ours / theirs, '≤', 0.8)
    goal('instances alive on one node', await aliveNow(node), '≥', alive)
  }
  if (parts.includes('cycles')) {
    const growth = await churn(node, client, cycles)
    console.log(
      `${cycles} cycles: resident memory of the daemon and its executors from ${growth.beforeMb} to ${growth.afterMb} MB`
    )
    goal(`growth over ${cycles} deploy–invoke–remove cycles, MB`, growth.afterMb - growth.beforeMb, '≤', 64)
  }
}

interface Deployed {
  readonly kind: string
  readonly source: string
  readonly count: number
  /** So many are deployed, and then called, before the next. */
  readonly together: number
}

/** Alternately, so that the machine's moods fall on both. Milliseconds as a client on loopback sees them. */
async function firstCalls(
  node: Node,
  client: LambdaClient,
  loader: { url: string },
  { kind, source, count, together }: Deployed,
  inStages: boolean
): Promise<Times> {
  await fetch(`${loader.url}/?kind=${kind}`, { method: 'PUT', body: source })
  const times: Times = { workerd: [], peerless: [], stages: [] }
  let [theirs, ours] = [await HttpConnection.open(loader.url), await HttpConnection.open(node.http)]
  const seen: FirstCall[] = []
  for (let index = 0; index < count; index++) {
    if (index % together === 0) {
      const next = Array.from({ length: Math.min(together, count - index) }, (_, offset) => index + offset)
      for (const one of next) await deploy(client, `${kind}-${one}`, `${source}export const which = ${one}\n`)
      await untilQuiet(node.child.pid ?? 0)
      // Neither server keeps one that says nothing for long.
      for (const connection of [theirs, ours]) connection.close()
      ;[theirs, ours] = [await HttpConnection.open(loader.url), await HttpConnection.open(node.http)]
    }
    times.workerd.push((await timed(theirs, `${loader.url}/?kind=${kind}&id=${index}`)).ms)
    const name = `${kind}-${index}`
    const { ms, handlerMs } = await timed(ours, `${node.http}/fn/${name}`)
    times.peerless.push(ms)
    seen.push({ name, ms, handlerMs })
    // What either does after an answer must not fall on the other's next.
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  for (const connection of [theirs, ours]) connection.close()
  if (inStages) times.stages = await breakdown(node, seen)
  for (let index = 0; index < count; index++) await client.send(new DeleteFunctionCommand({ FunctionName: `${kind}-${index}` }))
  return times
}

/** What a node does after a deployment (code caches, isolates that wait) must fall on neither. */
async function untilQuiet(pid: number): Promise<void> {
  for (let before = Number.NEGATIVE_INFINITY, looks = 0; looks < QUIET_LOOKS_MAX; looks++) {
    const now = treeCpuMs(pid)
    if (Math.abs(now - before) <= QUIET_CPU_MS_MAX) return
    before = now
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
  }
}

async function deploy(client: LambdaClient, name: string, source: string): Promise<void> {
  const zip = zipSync({ 'index.mjs': Buffer.from(source) })
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: Runtime.nodejs22x,
      Handler: 'index.handler',
      Role: ROLE,
      Code: { ZipFile: zip }
    })
  )
  await client.send(new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'NONE' }))
}

/** Over a connection that is there: what `fetch` takes itself, a millisecond or two after a pause, is no server's. */
async function timed(connection: HttpConnection, url: string): Promise<{ ms: number; handlerMs: number }> {
  const request = requestBytes(url)
  const start = performance.now()
  const { status, head, tail } = await connection.ask(request)
  const ms = performance.now() - start
  const text = tail.toString()
  if (text !== 'hello') throw new Error(`${url} answered ${status} ${text.slice(0, 300)}`)
  return { ms, handlerMs: Number(/\r\nx-peerless-duration-ms: *([\d.]+)/i.exec(head)?.[1]) }
}

/** The duration that the executor itself measures and that is billed, of a Lambda handler that answers at once. */
async function warm(node: Node, client: LambdaClient): Promise<number> {
  await deploy(client, 'warm', `export const handler = async () => ({ statusCode: 200, body: 'hello' })\n`)
  // A client that computes as much as `fetch` does takes the caches of the processor from whom it measures.
  const connection = await HttpConnection.open(node.http)
  const us: number[] = []
  for (let index = 0; index < 4_000; index++) us.push((await timed(connection, `${node.http}/fn/warm`)).handlerMs * 1_000)
  connection.close()
  return median(us.slice(2_000))
}

/** Instances of one function grow from 1 to `alive` by calls that all wait at the same time; the difference is by the instance. */
async function idleBytes(node: Node, client: LambdaClient, alive: number): Promise<number> {
  const waits = `export default { async fetch(request) {
    const ms = Number(new URL(request.url).searchParams.get('ms'))
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
    return new Response('hello')
  } }`
  const zip = zipSync({ 'index.mjs': Buffer.from(waits) })
  await client.send(
    new CreateFunctionCommand({
      FunctionName: 'many',
      Runtime: Runtime.nodejs22x,
      Handler: 'index.handler',
      Role: ROLE,
      Code: { ZipFile: zip },
      Timeout: 60
    })
  )
  await client.send(new CreateFunctionUrlConfigCommand({ FunctionName: 'many', AuthType: 'NONE' }))
  const together = (count: number, ms: number) =>
    Promise.all(Array.from({ length: count }, () => fetch(`${node.http}/fn/many?ms=${ms}`).then((answer) => answer.status)))
  // Code that has proven itself is where it stays.
  for (let index = 0; index < 300; index++) await together(1, 0)
  // The processes are there before the difference is taken.
  const first = Math.min(16, Math.ceil(alive / 10))
  await together(first, 1_000)
  const before = await residentBytes(node.child.pid ?? 0)
  const answers = await together(alive, HELD_MS)
  const failed = answers.filter((status) => status !== 200).length
  if (failed > 0) console.log(`${failed} of ${alive} calls at once were not answered with 200`)
  return ((await residentBytes(node.child.pid ?? 0)) - before) / Math.max(1, (await aliveNow(node)) - first)
}

async function loaderBytes(loader: { url: string; pid: number }, alive: number): Promise<number> {
  await fetch(`${loader.url}/?kind=small`, { method: 'PUT', body: SMALL })
  // As many are there already as are of ours.
  const connection = await HttpConnection.open(loader.url)
  for (let index = 0; index < 16; index++) await timed(connection, `${loader.url}/?kind=small&id=${index}`)
  const before = await residentBytes(loader.pid)
  const count = Math.min(alive, 500)
  for (let index = 0; index < count; index++) await timed(connection, `${loader.url}/?kind=small&id=more-${index}`)
  return ((await residentBytes(loader.pid)) - before) / count
}

/** Instances of that one function: what the node says of itself. */
async function aliveNow(node: Node): Promise<number> {
  const { node: status } = JSON.parse(await cli(node, 'top', '--json')) as { node: { instances: { function: string }[] } }
  return status.instances.filter((one) => one.function === 'many').length
}

async function churn(node: Node, client: LambdaClient, cycles: number): Promise<{ beforeMb: number; afterMb: number }> {
  const cycle = async (index: number) => {
    const name = `cycle-${index}`
    const zip = zipSync({ 'index.mjs': Buffer.from(`export const handler = async () => ${index}`) })
    await client.send(
      new CreateFunctionCommand({
        FunctionName: name,
        Runtime: Runtime.nodejs22x,
        Handler: 'index.handler',
        Role: ROLE,
        Code: { ZipFile: zip }
      })
    )
    await client.send(new InvokeCommand({ FunctionName: name }))
    await client.send(new DeleteFunctionCommand({ FunctionName: name }))
  }
  // What is kept on purpose (code caches, tombstones up to their bound) is there after a tenth.
  const start = Math.floor(cycles / 10)
  for (let index = 0; index < start; index++) await cycle(index)
  const beforeMb = Math.round((await residentBytes(node.child.pid ?? 0)) / MB)
  for (let index = start; index < cycles; index++) await cycle(index)
  return { beforeMb, afterMb: Math.round((await residentBytes(node.child.pid ?? 0)) / MB) }
}

/** Of a process and all below it. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const own = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1_024
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const below = await Promise.all(
    children
      .split(' ')
      .filter(Boolean)
      .map((child) => residentBytes(Number(child)))
  )
  return below.reduce((sum, bytes) => sum + bytes, own)
}

async function clientOf({ http, data }: Node): Promise<LambdaClient> {
  const keys = JSON.parse(await readFile(join(data, 'daemon.json'), 'utf8')) as { accessKeyId: string; secretAccessKey: string }
  return new LambdaClient({ endpoint: http, region: 'us-east-1', credentials: keys, maxAttempts: 1 })
}

function kb(bytes: number): string {
  return Math.round(bytes / 1_024).toString()
}

/** Printed, never asserted: a noisy machine is not a broken build. */
function goal(name: string, value: number, relation: '≥' | '≤', bound: number): void {
  const reached = relation === '≥' ? value >= bound : value <= bound
  console.log(`${reached ? 'reached' : 'MISSED '}  ${name}: ${value.toFixed(bound >= 100 ? 0 : 2)} (goal ${relation} ${bound})`)
}
