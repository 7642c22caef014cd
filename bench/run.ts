/**
 * `npm run bench`: a warm hello over HTTP, metered and charged, against Cloudflare's workerd and a bare node:http server that does the same work,
 * and forwarded to a peer; then the rows of rows.ts. Everything runs on this machine's cores in turn, in rounds, because machines are noisy:
 * what counts is the median of each round's ratio, not a single figure.
 *
 *     npm run bench [-- --seconds 2 --rounds 6 --rows small,open,payload,beside,fronts --profile]
 *
 * `--profile` keeps CPU profiles of the daemons in bench/out/, for the developer tools of a browser. Executors may not write files, and leave none.
 */
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { goal, median, medianDifference, medianRatio } from './figures.ts'
import { treeCpuMs } from './process-tree.ts'
import { rowFronts } from './row-fronts.ts'
import { rowBeside, rowOpen, rowPayload } from './rows.ts'
import {
  bareHttp,
  cli,
  deployed,
  type Forwarded,
  forwarder,
  peerless,
  profileInto,
  type Served,
  stopAll,
  untilAnswers,
  workerd
} from './servers.ts'
import { type Load, needWrk, wrk } from './wrk.ts'

const ROWS = ['small', 'open', 'payload', 'beside', 'fronts']
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '6' },
    rows: { type: 'string', default: ROWS.join(',') },
    profile: { type: 'boolean', default: false }
  }
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const rows = values.rows.split(',')
for (const row of rows) if (!ROWS.includes(row)) throw new Error(`row '${row}' must be one of ${ROWS.join(', ')}`)

/**
 * A lone call is fast or slow by where the scheduler happens to put the processes of a run: on one core they hand it on in 120 µs, over two with an idle one
 * to wake it takes 160. Each run of wrk draws anew, so that many short ones say more than few.
 */
const SINGLES_PER_ROUND = 3

interface Subject {
  readonly name: string
  readonly url: string
  /** The top of its process tree; 0 where its processor time is not measured. */
  readonly pid: number
  readonly busy: Load[]
  readonly single: Load[]
  /** Per 10,000 calls at 64 connections. */
  readonly cpuMs: number[]
}

needWrk()
if (values.profile) profileInto(join(import.meta.dirname, 'out'))
try {
  if (rows.includes('small')) {
    const alone = await phaseAlone()
    await stopAll()
    const between = await phaseBetween()
    report(alone, between)
    await stopAll()
  }
  if (rows.includes('open')) await rowOpen(rounds, seconds)
  await stopAll()
  if (rows.includes('payload')) await rowPayload(rounds)
  await stopAll()
  if (rows.includes('beside')) await rowBeside(seconds)
  await stopAll()
  if (rows.includes('fronts')) await rowFronts(rounds, seconds)
} finally {
  await stopAll()
}

/** One node beside what it is measured against. Nothing else runs, because an idle daemon costs some 2 % of a core, too. */
async function phaseAlone(): Promise<Subject[]> {
  const bare = await bareHttp()
  const worker = await workerd()
  const node = await peerless([])
  const subjects = [
    subject('bare node:http', bare),
    subject('workerd', worker),
    subject('peerless', await deployed(node, 'hello'))
  ]
  await measure(subjects)
  return subjects
}

/** A node without slots in front of one that runs: every call crosses the mesh; and the same without HTTP, from inside a third. */
async function phaseBetween(): Promise<{ subjects: Subject[]; calls: Forwarded[] }> {
  const runner = await peerless([])
  const local = await deployed(runner, 'hello')
  const gateway = await peerless(['--slots', '0', '--join', await cli(runner, 'invite')])
  const forwarded = `${gateway.http}/fn/hello?name=Ada`
  await untilAnswers(forwarded)
  const subjects = [subject('peerless', local), subject('peerless, forwarded', { url: forwarded, pid: 0 })]
  await measure(subjects)
  const inside = await forwarder(await cli(runner, 'invite'))
  await inside.ask(64, 2)
  const calls: Forwarded[] = []
  for (let round = 0; round < rounds; round++) calls.push(await inside.ask(64, seconds))
  return { subjects, calls }
}

async function measure(subjects: Subject[]): Promise<void> {
  const singleSeconds = Math.max(1, Math.ceil(seconds / 2))
  // Warm: isolates proven, code compiled, connections open.
  for (const { url } of subjects) await wrk(url, 64, 3)
  for (let round = 0; round < rounds; round++) {
    // Each is first once: whoever always came after the others would get a machine that they had worn out.
    const turn = round % subjects.length
    const inTurn = [...subjects.slice(turn), ...subjects.slice(0, turn)]
    for (const { url, pid, busy, single, cpuMs } of inTurn) {
      const before = pid === 0 ? 0 : treeCpuMs(pid)
      const load = await wrk(url, 64, seconds)
      busy.push(load)
      if (pid !== 0) cpuMs.push(((treeCpuMs(pid) - before) / load.requests) * 10_000)
      single.push(await wrk(url, 1, singleSeconds))
    }
    for (let turns = 1; turns < SINGLES_PER_ROUND; turns++)
      for (const { url, single } of inTurn) single.push(await wrk(url, 1, singleSeconds))
  }
}

function subject(name: string, { url, pid }: Served): Subject {
  return { name, url, pid, busy: [], single: [], cpuMs: [] }
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
  const ratio = (a: Subject, b: Subject, of: (one: Subject) => number[]) => medianRatio(of(a), of(b))
  const throughput = ({ busy }: Subject) => busy.map((load) => load.requestsPerSecond)
  const singleP50 = ({ single }: Subject) => single.map((load) => load.p50Us)
  const singleP99 = ({ single }: Subject) => single.map((load) => load.p99Us)
  const cpu = ({ cpuMs }: Subject) => cpuMs
  const perSecond = median(calls.map((one) => one.callsPerSecond))
  const addedUs = medianDifference(singleP50(forwarded), singleP50(runner))
  console.log('')
  goal('peerless / workerd, requests per second', ratio(local, worker, throughput), '≥', 1.5)
  goal('peerless / bare node:http, requests per second', ratio(local, bare, throughput), '≥', 0.35)
  goal('peerless / bare node:http, p50 at 1 connection', ratio(local, bare, singleP50), '≤', 2.5)
  goal('forwarded between two nodes, calls per second at concurrency 64', perSecond, '≥', 20_000)
  goal('forwarded, added p50 at 1 connection, µs', addedUs, '≤', 300)
  console.log('')
  console.log('the hot path at its limit:')
  goal('peerless / workerd, requests per second', ratio(local, worker, throughput), '≥', 3)
  goal('peerless / bare node:http, requests per second', ratio(local, bare, throughput), '≥', 0.7)
  goal('peerless / bare node:http, p50 at 1 connection', ratio(local, bare, singleP50), '≤', 1.5)
  goal('peerless / workerd, p99 at 1 connection', ratio(local, worker, singleP99), '<', 1)
  goal('forwarded between two nodes, calls per second at concurrency 64', perSecond, '≥', 60_000)
  goal('forwarded, added p50 at 1 connection, µs', addedUs, '≤', 150)
  const shown = alone.map((one) => `${one.name} ${median(one.cpuMs).toFixed(0)} ms`).join(', ')
  console.log(`processor time of the whole process tree per 10,000 warm calls at 64 connections: ${shown}`)
  goal('peerless / workerd, processor time per call', ratio(local, worker, cpu), '<', 1)
}
