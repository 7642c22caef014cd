/**
 * `npm run bench:spike`: what a node does when an idle one is called a hundred times as often within a second, by a thousand functions of very unequal popularity (Zipf: the
 * second is called half as often as the first, the third a third as often). Calls come at random moments (Poisson), whatever the answers do (open loop). Printed: second by
 * second, and over all, latency, cold starts, refusals and how long it takes until it is steady: until no second's p99 is above one and a half times that of the last five.
 *
 *     npm run bench:spike [-- --functions 1000 --rate 200 --seconds 30 --work 20 --seed 1]
 *
 * Bounded: at most two minutes, of which half may go for deploying; fewer functions are called where that took longer, and it says so.
 */
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SeededRandom } from '@peerless/testing'
import { zipSync } from 'fflate'
import { signRequest } from '../cli/src/sign.ts'
import { type Node, peerless, stopAll } from './servers.ts'

const { values } = parseArgs({
  options: {
    functions: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '30' },
    work: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' }
  }
})
const functionsMax = Number(values.functions)
const perSecond = Number(values.rate)
const seconds = Math.min(40, Number(values.seconds))
const IDLE_SECONDS = 5
const SPIKE = 100
const DEPLOY_MS_MAX = 60_000
const DEPLOYS_AT_ONCE = 8
/** A client that has not heard by then has stopped listening. */
const PATIENCE_MS = 11_000
const LAST_SECONDS = 5
const STEADY = 1.5

interface Second {
  ms: number[]
  cold: number
  refused: number
  failed: number
  /** What those were answered with, or the error. */
  readonly why: Map<string, number>
}

const agent = new Agent({ keepAlive: true, maxSockets: 4_096 })
const random = new SeededRandom(Number(values.seed))

interface Answered {
  status: number
  cold: boolean
}

function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {}
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options
    const outgoing = request(url, { agent, method, headers, timeout: PATIENCE_MS }, (response) => {
      const cold = response.headers['x-peerless-cold'] === '1'
      response.resume().once('end', () => resolve({ status: response.statusCode ?? 0, cold }))
      response.once('error', reject)
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Deploys functions and their URLs until there are enough or the time is up; returns how many there are. */
async function deployAll(node: Node): Promise<number> {
  const keys = JSON.parse(await readFile(join(node.data, 'daemon.json'), 'utf8')) as {
    accessKeyId: string
    secretAccessKey: string
    region: string
  }
  const source = `export const handler = () => new Promise((done) => setTimeout(done, ${Number(values.work)}, 'done'))`
  const zip = Buffer.from(zipSync({ 'index.mjs': Buffer.from(source) }, { mtime: new Date('2026-01-01T00:00:00Z') })).toString(
    'base64'
  )
  const post = async (path: string, json: unknown) => {
    const body = JSON.stringify(json)
    const order = {
      method: 'POST',
      host: new URL(node.http).host,
      path,
      query: [],
      headers: {},
      body: Buffer.from(body),
      ...keys
    }
    const { status } = await send(node.http + path, {
      method: 'POST',
      headers: signRequest({ ...order, service: 'lambda', now: Date.now() }),
      body
    })
    if (status !== 201) throw new Error(`POST ${path}: ${status}`)
  }
  const until = performance.now() + DEPLOY_MS_MAX
  let next = 0
  let deployed = 0
  const worker = async () => {
    while (next < functionsMax && performance.now() < until) {
      const name = `f${next++}`
      const settings = { Role: 'arn:aws:iam::000000000000:role/any', Runtime: 'nodejs24.x', Handler: 'index.handler' }
      await post('/2015-03-31/functions', { FunctionName: name, ...settings, Code: { ZipFile: zip } })
      await post(`/2021-10-31/functions/${name}/url`, { AuthType: 'NONE' })
      deployed++
    }
  }
  await Promise.all(Array.from({ length: DEPLOYS_AT_ONCE }, worker))
  return deployed
}

/** Numbers of functions, drawn by popularity: rank r with a weight of 1/r. */
function popularity(count: number): () => number {
  const sums: number[] = []
  let sum = 0
  for (let rank = 1; rank <= count; rank++) sums.push((sum += 1 / rank))
  return () => {
    const at = random.next() * sum
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < at) low = middle + 1
      else high = middle
    }
    return low
  }
}

async function load(node: Node, draw: () => number, rate: number, length: number): Promise<Second[]> {
  const felt = Array.from({ length }, (): Second => ({ ms: [], cold: 0, refused: 0, failed: 0, why: new Map() }))
  const calls: Promise<void>[] = []
  const began = performance.now()
  for (let at = 0; ; ) {
    at += (-Math.log(1 - random.next()) / rate) * 1_000
    if (at >= length * 1_000) break
    const wait = began + at - performance.now()
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
    const second = felt[Math.floor(at / 1_000)] as Second
    // From the moment that the call was to be made: a client that is late itself does not make the answer look faster.
    const due = began + at
    calls.push(
      send(`${node.http}/fn/f${draw()}`).then(
        ({ status, cold }) => {
          if (status === 503 || status === 429) second.refused++
          else if (status !== 200) fail(second, String(status))
          else second.ms.push(performance.now() - due)
          if (cold) second.cold++
        },
        (error: Error) => fail(second, error.message)
      )
    )
  }
  await Promise.all(calls)
  return felt
}

function fail(second: Second, why: string): void {
  second.failed++
  second.why.set(why, (second.why.get(why) ?? 0) + 1)
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

function merged(felt: readonly Second[]): Second {
  const sum = (of: (second: Second) => number) => felt.reduce((total, second) => total + of(second), 0)
  return {
    ms: felt.flatMap(({ ms }) => ms),
    cold: sum(({ cold }) => cold),
    refused: sum(({ refused }) => refused),
    failed: sum(({ failed }) => failed),
    why: felt.reduce((all, { why }) => {
      for (const [one, count] of why) all.set(one, (all.get(one) ?? 0) + count)
      return all
    }, new Map<string, number>())
  }
}

function row(name: string, { ms, cold, refused, failed }: Second): string {
  const share = ms.length === 0 ? 0 : (100 * cold) / ms.length
  return [
    name.padEnd(12),
    String(ms.length).padStart(9),
    quantile(ms, 0.5).toFixed(1).padStart(9),
    quantile(ms, 0.99).toFixed(1).padStart(9),
    share.toFixed(1).padStart(9),
    String(refused).padStart(9),
    String(failed).padStart(8)
  ].join('')
}

/** The second after which none is above the bound any more; undefined when the last ones are. */
function steadyAfter(felt: readonly Second[]): number | undefined {
  const lastP99 = quantile(merged(felt.slice(-LAST_SECONDS)).ms, 0.99)
  const calm = ({ ms, refused, failed }: Second) => quantile(ms, 0.99) <= STEADY * lastP99 && refused + failed === 0
  const restless = felt.findLastIndex((second) => !calm(second))
  return restless >= felt.length - LAST_SECONDS ? undefined : restless + 1
}

try {
  const node = await peerless([])
  const began = performance.now()
  const deployed = await deployAll(node)
  const tookS = ((performance.now() - began) / 1_000).toFixed(1)
  console.log(
    `${deployed} functions of ${Number(values.work)} ms, deployed in ${tookS} s${deployed < functionsMax ? ` (of ${functionsMax}: no time for more)` : ''}`
  )
  const draw = popularity(deployed)
  const idle = await load(node, draw, perSecond / SPIKE, IDLE_SECONDS)
  const spike = await load(node, draw, perSecond, seconds)
  console.log(
    `${perSecond / SPIKE} calls a second for ${IDLE_SECONDS} s, then ${perSecond} for ${seconds} s; seed ${values.seed}`
  )
  console.log('second       answered   p50 ms   p99 ms   cold %  refused  failed')
  console.log(row('idle', merged(idle)))
  for (const [index, second] of spike.entries()) if (index < 10 || index % 5 === 4) console.log(row(String(index + 1), second))
  const whole = merged(spike)
  console.log(row('the spike', whole))
  const steady = steadyAfter(spike)
  const calls = whole.ms.length + whole.refused + whole.failed
  const reasons = [...whole.why].map(([why, count]) => `, ${count} × ${why}`).join('')
  console.log('')
  console.log(
    `p99 of the first second: ${quantile((spike[0] as Second).ms, 0.99).toFixed(1)} ms; of the last ${LAST_SECONDS}: ${quantile(merged(spike.slice(-LAST_SECONDS)).ms, 0.99).toFixed(1)} ms`
  )
  console.log(
    `cold starts: ${((100 * whole.cold) / Math.max(1, whole.ms.length)).toFixed(1)} % of the answers; refused: ${whole.refused} of ${calls}; failed: ${whole.failed}${reasons}`
  )
  console.log(`steady ${steady === undefined ? `not within ${seconds} s` : `after ${steady} s`}`)
  const { instances } = (await (await fetch(`${node.http}/metrics`)).text())
    .match(/^peerless_instances\{.*$/gm)
    ?.reduce((sum, line) => ({ instances: sum.instances + Number(line.split(' ').at(-1)) }), { instances: 0 }) ?? { instances: 0 }
  console.log(`instances at the end: ${instances}`)
} finally {
  agent.destroy()
  await stopAll()
}
