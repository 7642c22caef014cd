/**
 * `npm run test:hostile`: each file of attacks/ is deployed on a real node and called while a bystander of the same account is called all the time.
 * An attack is contained when its own caller gets the expected error in time, the bystander noticed nothing, and the node has its memory back.
 * Usage: node test/hostile/run.ts [part of a name …]
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { get, invoke } from '../_functions.ts'
import type { Attack } from './_attack.ts'
import { BYSTANDER, Bystander, type Interval, quantile } from './_bystander.ts'
import { deploy, remove, residentOf, startTarget, type Target } from './_node.ts'

/** The issue's own bounds. */
const LATENCY_MS_MAX = 500
const AFTER_TIMEOUT_MS_MAX = 1_000
const MEMORY_BACK_MS_MAX = 10_000
const INIT_MS_MAX = 10_000
/**
 * What a node may hold beside an attacker's own memory limit while it is attacked, and what it may keep afterwards: 256 MB of each executor under attack (calls at
 * once come to lie in two), and the processes that an account may have for unproven and quarantined functions, four and four of some 90 MB.
 */
const EXECUTOR_OVERHEAD_MB = 256
const OVERHEAD_MB = EXECUTOR_OVERHEAD_MB + 8 * 90
const CONTROL_MS = 3_000
const SAMPLE_MS = 50

interface Result {
  name: string
  outcome: string
  tookMs: number
  peakMb: number
  faults: string[]
  interval: Interval
}

const folder = join(import.meta.dirname, 'attacks')
const wanted = process.argv.slice(2)
const names = readdirSync(folder)
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()

const target = await startTarget()
await deploy(target, 'bystander', BYSTANDER, { timeoutSeconds: 3, url: true })
const bystander = new Bystander(target.daemon.http, 'bystander')
await wait(CONTROL_MS)
await bystander.take()
await wait(CONTROL_MS)
const control = await bystander.take()
const before = residentOf(target.pid).mb
console.log(
  `control: ${control.calls} calls, p99 ${ms(quantile(control.latencies, 0.99))}, max ${ms(Math.max(...control.latencies))}; node ${before} MB`
)

const results: Result[] = []
for (const name of names) {
  const { default: attack } = (await import(join(folder, `${name}.ts`))) as { default: Attack }
  const result = await run(target, name, attack)
  results.push(result)
  console.log(
    `${result.faults.length === 0 ? '✔' : '✘'} ${attack.family.padEnd(9)} ${name.padEnd(34)} ${result.outcome.padEnd(36)} ${ms(result.tookMs).padStart(8)}` +
      `  bystander max ${ms(Math.max(0, ...result.interval.latencies))}, peak +${result.peakMb - before} MB`
  )
  for (const fault of result.faults) console.log(`    ${fault}`)
}

const { mb: after, processes } = await settle(before + OVERHEAD_MB)
const alive = await get(`${target.daemon.http}/readyz`).then(({ status }) => status === 200)
const samePid = (await target.daemon.pid()) === target.pid
await bystander.stop()
await target.stop()

const latencies = results.flatMap(({ interval }) => interval.latencies)
const failures = results.reduce((sum, { interval }) => sum + interval.failures.length, 0)
const contained = results.filter(({ faults }) => faults.length === 0).length
console.log(`${contained} of ${results.length} attacks contained`)
console.log(
  `bystander: ${latencies.length} calls, ${failures} failed, p50 ${ms(quantile(latencies, 0.5))}, p99 ${ms(quantile(latencies, 0.99))}, max ${ms(Math.max(...latencies))}`
)
console.log(
  `memory: ${before} MB before, ${after} MB after (${processes} processes), peak +${Math.max(...results.map(({ peakMb }) => peakMb)) - before} MB`
)
const nodeHolds = alive && samePid
if (!nodeHolds) console.log('the node did not survive')
const failed = results.length - contained + (nodeHolds ? 0 : 1)
console.log(`${contained + (nodeHolds ? 1 : 0)} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

async function run(node: Target, name: string, attack: Attack): Promise<Result> {
  const { memoryMb, timeoutSeconds, callsBefore = 0, callsAtOnce = 1 } = attack
  try {
    await deploy(node, name, attack.code, { memoryMb, timeoutSeconds, url: attack.http })
  } catch (error) {
    const faults = attack.expected.refusedAtDeploy ? [] : [`could not be deployed: ${error}`]
    return { name, outcome: 'refused at deploy', tookMs: 0, peakMb: before, faults, interval: await bystander.take() }
  }
  for (let call = 0; call < callsBefore; call++) await ask(node, name, attack, { attack: false })
  let peakMb = 0
  const sampling = setInterval(() => {
    peakMb = Math.max(peakMb, residentOf(node.pid).mb)
  }, SAMPLE_MS)
  const startedAt = performance.now()
  const outcomes = await Promise.all(Array.from({ length: callsAtOnce }, () => ask(node, name, attack, { attack: true })))
  const tookMs = performance.now() - startedAt
  const settled = await settle(before + OVERHEAD_MB)
  clearInterval(sampling)
  peakMb = Math.max(peakMb, settled.mb)
  const interval = await bystander.take()
  await remove(node, name)
  const faults = [
    ...outcomes.flatMap(({ fault }) => (fault === undefined ? [] : [fault])),
    ...faultsOf(attack, tookMs, interval, peakMb, settled.mb)
  ]
  return { name, outcome: outcomes[0]?.text ?? '', tookMs, peakMb, faults, interval }
}

function faultsOf(attack: Attack, tookMs: number, interval: Interval, peakMb: number, settledMb: number): string[] {
  const faults: string[] = []
  const limitMs = (attack.inInit ? INIT_MS_MAX : (attack.timeoutSeconds ?? 1) * 1_000) + AFTER_TIMEOUT_MS_MAX
  // A machine that paused for everybody shows in this process and in the health page, too.
  const pausedMs = Math.max(interval.lateMsMax, interval.healthMsMax)
  if (tookMs > limitMs + pausedMs) faults.push(`answered after ${ms(tookMs)}, must be within ${ms(limitMs)}`)
  const slowest = Math.max(0, ...interval.latencies)
  if (slowest > LATENCY_MS_MAX + pausedMs) {
    faults.push(`the bystander waited ${ms(slowest)}, at most ${ms(LATENCY_MS_MAX)} (the machine paused ${ms(pausedMs)})`)
  }
  for (const failure of interval.failures.slice(0, 5)) faults.push(`a call of the bystander failed: ${failure}`)
  const calls = attack.callsAtOnce ?? 1
  const memoryMb = (attack.memoryMb ?? 128) * calls + (calls > 1 ? EXECUTOR_OVERHEAD_MB : 0)
  if (peakMb > before + memoryMb + OVERHEAD_MB)
    faults.push(`the node grew from ${before} to ${peakMb} MB, at most ${memoryMb} + ${OVERHEAD_MB} more`)
  if (settledMb > before + OVERHEAD_MB)
    faults.push(`${MEMORY_BACK_MS_MAX} ms later the node still held ${settledMb} MB, ${before} before`)
  return faults
}

async function ask(
  node: Target,
  name: string,
  attack: Attack,
  event: { attack: boolean }
): Promise<{ text: string; fault?: string }> {
  const { errors = [], results: expected = [], statuses = [] } = attack.expected
  if (attack.http) {
    const { status, body } = await get(`${node.daemon.http}/fn/${name}/${event.attack ? 'attack' : ''}`)
    const text = `HTTP ${status} ${body.slice(0, 60)}`
    return !event.attack || statuses.includes(status)
      ? { text }
      : { text, fault: `answered ${text}, expected ${statuses.join(' or ')}` }
  }
  const { FunctionError, result } = await invoke(node.lambda, name, event)
  if (!event.attack) return { text: '' }
  const json = JSON.stringify(result) ?? 'nothing'
  if (FunctionError === undefined) {
    const text = `result ${json}`.slice(0, 36)
    const good = expected.some((one) => isDeepStrictEqual(one, result))
    return good
      ? { text }
      : { text, fault: `answered ${json.slice(0, 500)}, expected ${JSON.stringify(expected)} ${errors.join(' or ')}` }
  }
  const { errorType } = result as { errorType: string }
  return errors.includes(errorType)
    ? { text: errorType }
    : { text: errorType, fault: `failed as ${json.slice(0, 500)}, expected ${errors.join(' or ')}` }
}

/** Waits until the node is small again, ten seconds at most. */
async function settle(maxMb: number): Promise<{ mb: number; processes: number }> {
  const end = performance.now() + MEMORY_BACK_MS_MAX
  for (;;) {
    const now = residentOf(target.pid)
    if (now.mb <= maxMb || performance.now() > end) return now
    await wait(100)
  }
}

function wait(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs))
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}
