/**
 * `npm run bench`: a warm hello over HTTP, metered and charged, against Cloudflare's workerd and a bare node:http server that does the same work,
 * and forwarded to a peer. Everything runs on this machine's cores in turn, in rounds, because machines are noisy: what counts is the median
 * of each round's ratio, not a single figure.
 *
 *     npm run bench [-- --seconds 2 --rounds 6]
 */
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { bareHttp, cli, type Forwarded, forwarder, type Node, peerless, stopAll, untilAnswers, workerd } from './servers.ts'
import { type Load, needWrk, wrk } from './wrk.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '2' }, rounds: { type: 'string', default: '6' } } })
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)

interface Subject {
  readonly name: string
  readonly url: string
  readonly busy: Load[]
  readonly single: Load[]
}

needWrk()
try {
  const alone = await phaseAlone()
  await stopAll()
  const between = await phaseBetween()
  report(alone, between)
} finally {
  await stopAll()
}

/** One node beside what it is measured against. Nothing else runs, because an idle daemon costs some 2 % of a core, too. */
async function phaseAlone(): Promise<Subject[]> {
  const bare = await bareHttp()
  const worker = await workerd()
  const node = await peerless([])
  const subjects = [subject('bare node:http', bare), subject('workerd', worker), subject('peerless', await deployed(node))]
  await measure(subjects)
  return subjects
}

/** A node without slots in front of one that runs: every call crosses the mesh; and the same without HTTP, from inside a third. */
async function phaseBetween(): Promise<{ subjects: Subject[]; calls: Forwarded[] }> {
  const runner = await peerless([])
  const local = await deployed(runner)
  const gateway = await peerless(['--slots', '0', '--join', await cli(runner, 'invite')])
  const forwarded = `${gateway.http}/fn/hello?name=Ada`
  await untilAnswers(forwarded)
  const subjects = [subject('peerless', local), subject('peerless, forwarded', forwarded)]
  await measure(subjects)
  const inside = await forwarder(await cli(runner, 'invite'))
  await inside.ask(64, 2)
  const calls: Forwarded[] = []
  for (let round = 0; round < rounds; round++) calls.push(await inside.ask(64, seconds))
  return { subjects, calls }
}

async function measure(subjects: Subject[]): Promise<void> {
  // Warm: isolates proven, code compiled, connections open.
  for (const { url } of subjects) await wrk(url, 64, 3)
  for (let round = 0; round < rounds; round++) {
    // Each is first once: whoever always came after the others would get a machine that they had worn out.
    const turn = round % subjects.length
    for (const { url, busy, single } of [...subjects.slice(turn), ...subjects.slice(0, turn)]) {
      busy.push(await wrk(url, 64, seconds))
      single.push(await wrk(url, 1, Math.max(1, Math.ceil(seconds / 2))))
    }
  }
}

function subject(name: string, url: string): Subject {
  return { name, url, busy: [], single: [] }
}

async function deployed(at: Node): Promise<string> {
  await cli(at, 'deploy', 'examples/hello', '--name', 'hello', '--url', '--memory', '128')
  const url = `${at.http}/fn/hello?name=Ada`
  await untilAnswers(url)
  return url
}

function report(alone: Subject[], { subjects: pair, calls }: { subjects: Subject[]; calls: Forwarded[] }): void {
  console.log(
    `node ${process.version}, ${availableParallelism()} cores of ${cpus()[0]?.model ?? '?'}, ${rounds} rounds of ${seconds} s; wrk runs on the same cores`
  )
  console.log('')
  console.log('                       64 connections                     1 connection')
  console.log('                       requests/s   p50 µs   p99 µs        p50 µs   p99 µs   errors')
  for (const { name, busy, single } of [...alone, ...pair.slice(1)]) {
    const errors = [...busy, ...single].reduce((sum, load) => sum + load.errors, 0)
    const row = [
      median(busy.map((load) => load.requestsPerSecond))
        .toFixed(0)
        .padStart(10),
      median(busy.map((load) => load.p50Us))
        .toFixed(0)
        .padStart(8),
      median(busy.map((load) => load.p99Us))
        .toFixed(0)
        .padStart(8),
      '    ',
      median(single.map((load) => load.p50Us))
        .toFixed(0)
        .padStart(9),
      median(single.map((load) => load.p99Us))
        .toFixed(0)
        .padStart(8),
      String(errors).padStart(8)
    ]
    console.log(`${name.padEnd(22)} ${row.join(' ')}`)
  }
  const [bare, worker, local] = alone as [Subject, Subject, Subject]
  const [runner, forwarded] = pair as [Subject, Subject]
  const throughput = (a: Subject, b: Subject) =>
    median(a.busy.map((load, round) => load.requestsPerSecond / (b.busy[round] as Load).requestsPerSecond))
  console.log('')
  goal('peerless / workerd, requests per second', throughput(local, worker), '≥', 1.5)
  goal('peerless / bare node:http, requests per second', throughput(local, bare), '≥', 0.35)
  goal(
    'peerless / bare node:http, p50 at 1 connection',
    median(local.single.map((load, round) => load.p50Us / (bare.single[round] as Load).p50Us)),
    '≤',
    2.5
  )
  goal(
    'forwarded between two nodes, calls per second at concurrency 64',
    median(calls.map((one) => one.callsPerSecond)),
    '≥',
    20_000
  )
  goal(
    'forwarded, added p50 at 1 connection, µs',
    median(forwarded.single.map((load, round) => load.p50Us - (runner.single[round] as Load).p50Us)),
    '≤',
    300
  )
}

/** Printed, never asserted: a noisy machine is not a broken build. */
function goal(name: string, value: number, relation: '≥' | '≤', bound: number): void {
  const reached = relation === '≥' ? value >= bound : value <= bound
  const shown = bound >= 100 ? value.toFixed(0) : value.toFixed(2)
  console.log(`${reached ? 'reached' : 'MISSED '}  ${name}: ${shown} (goal ${relation} ${bound})`)
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
