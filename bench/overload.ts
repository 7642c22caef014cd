/**
 * `npm run bench:overload`: what a node does when more is asked of it than it can do. A function that waits 20 ms, on 8 slots, can be called 400 times a second.
 * It is asked for 1, 2 and 5 times that at fixed moments, whatever the answers do (open loop), and another account's function is called ten times a second
 * meanwhile. Printed: answers per second against those at capacity, how fast refusals come, and what the quiet function felt.
 *
 *     npm run bench:overload [-- --seconds 5]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cli, command, type Node, peerless, stopAll, untilAnswers } from './servers.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' } } })
const seconds = Number(values.seconds)
const SLOTS = 8
const WORK_MS = 20
const CAPACITY = (SLOTS * 1_000) / WORK_MS
const QUIET_PER_SECOND = 10
const PEAK_SHARE_GOAL = 0.95
/** A client that has not heard by then has stopped listening: such an answer is of no use. */
const PATIENCE_MS = 11_000

interface Felt {
  answered: number
  answeredInTime: number
  refused: number
  failed: number
  answerMs: number[]
  refusalMs: number[]
}

const agent = new Agent({ keepAlive: true, maxSockets: 4_096 })

function ask(url: string, felt: Felt, until: number): Promise<void> {
  const began = performance.now()
  return new Promise((resolve) => {
    const request = get(url, { agent, timeout: PATIENCE_MS }, (response) => {
      response.resume().on('end', () => {
        const now = performance.now()
        if (response.statusCode === 200) {
          felt.answered++
          if (now <= until) felt.answeredInTime++
          felt.answerMs.push(now - began)
        } else if (response.statusCode === 503 || response.statusCode === 429) {
          felt.refused++
          if (response.headers['retry-after'] === undefined) felt.failed++
          felt.refusalMs.push(now - began)
        } else felt.failed++
        resolve()
      })
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => {
      felt.failed++
      resolve()
    })
  })
}

async function offered(url: string, perSecond: number): Promise<Felt> {
  const felt: Felt = { answered: 0, answeredInTime: 0, refused: 0, failed: 0, answerMs: [], refusalMs: [] }
  const began = performance.now()
  const until = began + seconds * 1_000
  const calls: Promise<void>[] = []
  while (performance.now() < until) {
    const due = Math.floor(((performance.now() - began) / 1_000) * perSecond)
    while (calls.length < due) calls.push(ask(url, felt, until))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await Promise.all(calls)
  return felt
}

function quantile(times: number[], share: number): string {
  if (times.length === 0) return '-'
  const sorted = times.toSorted((a, b) => a - b)
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number).toFixed(1)
}

async function deployed(node: Node, name: string, keys?: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-bench-'))
  await writeFile(
    join(folder, 'index.js'),
    `exports.handler = () => new Promise((done) => setTimeout(done, ${WORK_MS}, 'done'))\n`
  )
  const args = ['deploy', folder, '--name', name, '--url']
  await (keys === undefined ? cli(node, ...args) : command([...args, '--node', node.http], keys))
  await rm(folder, { recursive: true })
  const url = `${node.http}/fn/${name}`
  await untilAnswers(url)
  return url
}

try {
  const node = await peerless(['--slots', String(SLOTS)])
  const loud = await deployed(node, 'loud')
  const { accessKeyId, secretAccessKey } = JSON.parse(
    await cli(node, 'keys', 'create', '--role', 'deployer', '--account', 'quiet', '--json')
  ) as { accessKeyId: string; secretAccessKey: string }
  const quiet = await deployed(node, 'quiet', { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })
  await offered(loud, CAPACITY / 2)
  console.log(`${SLOTS} slots, a function of ${WORK_MS} ms: ${CAPACITY} calls a second at most; ${seconds} s each`)
  console.log(
    'offered      answered/s   p50 ms   p99 ms   refused   refusal p99 ms   failed    quiet: p50 ms   p99 ms   not answered'
  )
  let peak = 0
  const shares: string[] = []
  for (const factor of [1, 2, 5]) {
    const [felt, other] = await Promise.all([offered(loud, CAPACITY * factor), offered(quiet, QUIET_PER_SECOND)])
    const perSecond = felt.answeredInTime / seconds
    if (factor === 1) peak = perSecond
    else shares.push(`${factor} ×: ${(perSecond / peak).toFixed(2)}`)
    const row = [
      `${String(factor)} ×`.padEnd(10),
      perSecond.toFixed(0).padStart(12),
      quantile(felt.answerMs, 0.5).padStart(8),
      quantile(felt.answerMs, 0.99).padStart(8),
      String(felt.refused).padStart(9),
      quantile(felt.refusalMs, 0.99).padStart(16),
      String(felt.failed).padStart(8),
      quantile(other.answerMs, 0.5).padStart(16),
      quantile(other.answerMs, 0.99).padStart(8),
      String(other.refused + other.failed).padStart(14)
    ]
    console.log(row.join(' '))
  }
  console.log('')
  console.log(`answers against those at capacity (goal ≥ ${PEAK_SHARE_GOAL}): ${shares.join(', ')}`)
} finally {
  agent.destroy()
  await stopAll()
}
