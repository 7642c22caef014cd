/**
 * `npm run test:hostile`: each file of attacks/ is deployed on a real node and called while a bystander of the same account is called all the time.
 * An attack is contained when its own caller gets the expected error in time, the bystander noticed nothing, and the node has its memory back.
 * Usage: node test/hostile/run.ts [part of a name …]
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { get, invoke } from '../_functions.ts'
import { type Attack, CUT } from './_attack.ts'
import { BYSTANDER, Bystander, type Interval, quantile } from './_bystander.ts'
import { deploy, type Held, heldBy, remove, startTarget, type Target } from './_node.ts'

/** The issue's own bounds. */
const LATENCY_MS_MAX = 500
const AFTER_TIMEOUT_MS_MAX = 1_000
const MEMORY_BACK_MS_MAX = 10_000
const INIT_MS_MAX = 10_000
/** What an executor may hold beside what its instances declare: `packages/instances/src/limits.ts`, held by its control group where there are any. */
const EXECUTOR_OVERHEAD_MB = 192
/** The daemon's own garbage: answers, logs and frames of a flood that V8 has not collected yet. */
const DAEMON_MB = 192
/** What the attacker's node may hold beside the attacker's memory limit while it is attacked. Calls at once come to lie in two executors. */
const OVERHEAD_MB = EXECUTOR_OVERHEAD_MB + DAEMON_MB
/** An executor in which nothing has run yet, with the isolates that wait: 30 to 45. */
const EXECUTOR_MB = 48
/** An attacked account may have so many more than before: four for unproven code, four for quarantined (`placement.ts`), and the spare's successor. */
const EXECUTORS_MORE_MAX = 9
/** What a node may keep of an attack, beside fresh executors. */
const KEPT_MB = DAEMON_MB
const CONTROL_MS = 3_000
const SAMPLE_MS = 50

interface Result {
  name: string
  outcome: string
  tookMs: number
  /** Growth beyond the executors that were started meanwhile. */
  peakMb: number
  backMs: number
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
const before = heldBy(target.pid)
console.log(
  `control: ${control.calls} calls, p99 ${ms(quantile(control.latencies, 0.99))}, max ${ms(Math.max(...control.latencies))}; node ${before.mb} MB in ${before.executors} executors`
)

const results: Result[] = []
for (const name of names) {
  const { default: attack } = (await import(join(folder, `${name}.ts`))) as { default: Attack }
  const result = await run(target, name, attack)
  results.push(result)
  console.log(
    `${result.faults.length === 0 ? '✔' : '✘'} ${attack.family.padEnd(9)} ${name.padEnd(34)} ${result.outcome.padEnd(36)} ${ms(result.tookMs).padStart(8)}` +
      `  bystander max ${ms(Math.max(0, ...result.interval.latencies))}, peak +${result.peakMb} MB, back after ${ms(result.backMs)}`
  )
  for (const fault of result.faults) console.log(`    ${fault}`)
}

const { held: after } = await settle()
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
  `memory: ${before.mb} MB before (${before.executors} executors), ${after.mb} MB after (${after.executors}), peak +${Math.max(...results.map(({ peakMb }) => peakMb))} MB, ` +
    `stated overhead ${OVERHEAD_MB} MB and ${EXECUTOR_MB} MB for each further executor, back after at most ${ms(Math.max(...results.map(({ backMs }) => backMs)))}`
)
const nodeHolds = alive && samePid
if (!nodeHolds) console.log('the node did not survive')
const failed = results.length - contained + (nodeHolds ? 0 : 1)
console.log(`${contained + (nodeHolds ? 1 : 0)} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

async function run(node: Target, name: string, attack: Attack): Promise<Result> {
  const { memoryMb, timeoutSeconds, callsBefore = 0, callsAtOnce = 1 } = attack
  try {
    const { http: url, streams, handler } = attack
    await deploy(node, name, attack.files ?? attack.code ?? '', { memoryMb, timeoutSeconds, url, streams, handler })
  } catch (error) {
    const faults = attack.expected.refusedAtDeploy ? [] : [`could not be deployed: ${error}`]
    return { name, outcome: 'refused at deploy', tookMs: 0, peakMb: 0, backMs: 0, faults, interval: await bystander.take() }
  }
  const early: string[] = []
  for (let call = 0; call < callsBefore; call++) {
    const { fault } = await ask(node, name, attack, { attack: false })
    if (fault !== undefined) early.push(`before the attack it ${fault}`)
  }
  let peakMb = 0
  let executors = 0
  const sampling = setInterval(() => {
    const held = heldBy(node.pid)
    peakMb = Math.max(peakMb, growthOf(held))
    executors = Math.max(executors, held.executors)
  }, SAMPLE_MS)
  const startedAt = performance.now()
  const outcomes = await Promise.all(Array.from({ length: callsAtOnce }, () => ask(node, name, attack, { attack: true })))
  const tookMs = performance.now() - startedAt
  const settled = await settle()
  clearInterval(sampling)
  peakMb = Math.max(peakMb, growthOf(settled.held))
  const interval = await bystander.take()
  await remove(node, name)
  const faults = [
    ...early.slice(0, 5),
    ...outcomes.flatMap(({ fault }) => (fault === undefined ? [] : [fault])),
    ...faultsOf(attack, { tookMs, interval, peakMb, executors, kept: settled.held })
  ]
  return { name, outcome: outcomes[0]?.text ?? '', tookMs, peakMb, backMs: settled.tookMs, faults, interval }
}

interface Seen {
  tookMs: number
  interval: Interval
  peakMb: number
  executors: number
  kept: Held
}

function faultsOf(attack: Attack, { tookMs, interval, peakMb, executors, kept }: Seen): string[] {
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
  if (peakMb > memoryMb + OVERHEAD_MB) faults.push(`the node grew by ${peakMb} MB, at most ${memoryMb} + ${OVERHEAD_MB}`)
  const executorsMax = before.executors + EXECUTORS_MORE_MAX
  if (executors > executorsMax) faults.push(`the node had ${executors} executors, at most ${executorsMax}`)
  if (growthOf(kept) > KEPT_MB) {
    faults.push(
      `${MEMORY_BACK_MS_MAX} ms later the node still held ${kept.mb} MB in ${kept.executors} executors, at most ${KEPT_MB} more than before`
    )
  }
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
    const { status, body } = await get(`${node.daemon.http}/fn/${name}/${event.attack ? 'attack' : ''}`).catch(cutAnswer)
    const text = `HTTP ${status === CUT ? 'cut' : status} ${body.slice(0, 60)}`
    return !event.attack || statuses.includes(status)
      ? { text }
      : { text, fault: `answered ${text}, expected ${statuses.join(' or ')}` }
  }
  const answer = await invoke(node.lambda, name, event).catch((error: Error) => error)
  // No error of the function: the node gave the call up, or refused it.
  if (answer instanceof Error) return { text: answer.name, fault: `was not answered: ${answer}` }
  const { FunctionError, result } = answer
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

/** @throws what is no answer that ended too early */
function cutAnswer(error: NodeJS.ErrnoException): { status: number; body: string } {
  if (error.code === 'ECONNRESET') return { status: CUT, body: '' }
  throw error
}

/** By how much a node has grown beyond the executors that it has more than before. */
function growthOf({ mb, executors }: Held): number {
  return mb - before.mb - EXECUTOR_MB * (executors - before.executors)
}

/** Waits until the node is small again, ten seconds at most. */
async function settle(): Promise<{ held: Held; tookMs: number }> {
  const startedAt = performance.now()
  for (;;) {
    const held = heldBy(target.pid)
    const tookMs = performance.now() - startedAt
    if (growthOf(held) <= KEPT_MB || tookMs > MEMORY_BACK_MS_MAX) return { held, tookMs }
    await wait(100)
  }
}

function wait(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs))
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}
