/**
 * `npm run bench:sandbox`: what it costs to start a function and to keep it, against workerd's dynamic worker loader with the same source on
 * the same machine, in rounds. Every first call is of code that was never run before: each function's source is its own.
 *
 *     npm run bench:sandbox [-- --calls 40 --cycles 10000]
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  InvokeCommand,
  LambdaClient,
  Runtime
} from '@aws-sdk/client-lambda'
import { zipSync } from 'fflate'
import { cli, type Node, peerless, stopAll, workerLoader } from './servers.ts'

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '40' },
    cycles: { type: 'string', default: '10000' },
    alive: { type: 'string', default: '1000' }
  }
})
const calls = Number(values.calls)
const cycles = Number(values.cycles)
const alive = Number(values.alive)
const MB = 1_048_576
/** So long do calls at the same time wait, so that each needs an instance of its own. */
const HELD_MS = 30_000
const ROLE = 'arn:aws:iam::000000000000:role/bench'

const SMALL = 'export default { fetch() { return new Response("hello") } }\n'

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
}

try {
  const node = await peerless(['--slots', String(alive + 8)])
  const loader = await workerLoader()
  const client = await clientOf(node)
  // Whatever starts only once is behind both.
  await firstCalls(node, client, loader, 'before', SMALL, 12)
  const small = await firstCalls(node, client, loader, 'small', SMALL, calls)
  const big = await firstCalls(node, client, loader, 'large', large(), calls)
  const warmUs = await warm(node, client)
  const ours = await idleBytes(node, client)
  const theirs = await loaderBytes(loader)
  const living = await aliveNow(node)
  const growth = await churn(node, client)
  console.log(
    `node ${process.version}, ${availableParallelism()} cores of ${cpus()[0]?.model ?? '?'}, ${calls} first calls of each, medians\n`
  )
  for (const [name, { workerd, peerless: own }] of [
    ['small', small],
    ['1 MB', big]
  ] as const) {
    console.log(`first call, ${name}: peerless ${median(own).toFixed(2)} ms, workerd ${median(workerd).toFixed(2)} ms`)
  }
  console.log(`idle warm instance: peerless ${kb(ours)} kB, workerd ${kb(theirs)} kB`)
  console.log(
    `${cycles} cycles: resident memory of the daemon and its executors from ${growth.beforeMb} to ${growth.afterMb} MB\n`
  )
  goal('first call of a small function / workerd', median(small.peerless) / median(small.workerd), '≤', 0.5)
  goal('first call of a 1 MB bundle / workerd', median(big.peerless) / median(big.workerd), '≤', 0.6)
  goal('warm call inside the executor, p50 µs', warmUs, '≤', 25)
  goal('idle warm instance / workerd, bytes', ours / theirs, '≤', 0.8)
  goal('instances alive on one node', living, '≥', alive)
  goal(`growth over ${cycles} deploy–invoke–remove cycles, MB`, growth.afterMb - growth.beforeMb, '≤', 64)
} finally {
  await stopAll()
}

/** Alternately, so that the machine's moods fall on both. Milliseconds as a client on loopback sees them. */
async function firstCalls(
  node: Node,
  client: LambdaClient,
  loader: { url: string },
  kind: string,
  source: string,
  count: number
): Promise<Times> {
  await fetch(`${loader.url}/?kind=${kind}`, { method: 'PUT', body: source })
  for (let index = 0; index < count; index++) await deploy(client, `${kind}-${index}`, `${source}// ${index}\n`)
  const times: Times = { workerd: [], peerless: [] }
  for (let index = 0; index < count; index++) {
    times.workerd.push(await timed(`${loader.url}/?kind=${kind}&id=${index}`))
    times.peerless.push(await timed(`${node.http}/fn/${kind}-${index}`))
  }
  for (let index = 0; index < count; index++) await client.send(new DeleteFunctionCommand({ FunctionName: `${kind}-${index}` }))
  return times
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

async function timed(url: string): Promise<number> {
  const start = performance.now()
  const answer = await fetch(url)
  const text = await answer.text()
  const ms = performance.now() - start
  if (text !== 'hello') throw new Error(`${url} answered ${answer.status} ${text.slice(0, 300)}`)
  return ms
}

/** The duration that the executor itself measures and that is billed, of a Lambda handler that answers at once. */
async function warm(node: Node, client: LambdaClient): Promise<number> {
  await deploy(client, 'warm', `export const handler = async () => ({ statusCode: 200, body: 'hello' })\n`)
  const us: number[] = []
  for (let index = 0; index < 2_000; index++) {
    const answer = await fetch(`${node.http}/fn/warm`)
    await answer.text()
    us.push(Number(answer.headers.get('x-peerless-duration-ms')) * 1_000)
  }
  return median(us.slice(1_000))
}

/** Instances of one function grow from 1 to `alive` by calls that all wait at the same time; the difference is by the instance. */
async function idleBytes(node: Node, client: LambdaClient): Promise<number> {
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

async function loaderBytes(loader: { url: string; pid: number }): Promise<number> {
  const before = await residentBytes(loader.pid)
  const count = Math.min(alive, 500)
  for (let index = 0; index < count; index++) await timed(`${loader.url}/?kind=small&id=more-${index}`)
  return ((await residentBytes(loader.pid)) - before) / count
}

/** Instances of that one function: what the node says of itself. */
async function aliveNow(node: Node): Promise<number> {
  const { node: status } = JSON.parse(await cli(node, 'top', '--json')) as { node: { instances: { function: string }[] } }
  return status.instances.filter((one) => one.function === 'many').length
}

async function churn(node: Node, client: LambdaClient): Promise<{ beforeMb: number; afterMb: number }> {
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

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

/** Printed, never asserted: a noisy machine is not a broken build. */
function goal(name: string, value: number, relation: '≥' | '≤', bound: number): void {
  const reached = relation === '≥' ? value >= bound : value <= bound
  console.log(`${reached ? 'reached' : 'MISSED '}  ${name}: ${value.toFixed(bound >= 100 ? 0 : 2)} (goal ${relation} ${bound})`)
}
