/** Rows of `npm run bench` beside the warm hello: an even stream of calls, payloads, and small calls beside large ones. */
import { goal, median, medianDifference, medianRatio, quantile } from './figures.ts'
import { HttpConnection, requestBytes } from './http-connection.ts'
import { type OpenLoad, openLoop } from './open-loop.ts'
import { bareEcho, bareHttp, cli, deployed, type Node, peerless, untilAnswers, workerd } from './servers.ts'

const OPEN_PER_SECOND = 2_000
const MB = 1_000_000
const SIZES = [
  { name: '100 KB', bytes: 100_000, calls: 100 },
  { name: '5 MB', bytes: 5 * MB, calls: 12 }
]
const BESIDE_PER_SECOND = 200
const BESIDE_ROUNDS = 3

/** 2,000 calls a second at random moments, whatever the answers do. */
export async function rowOpen(rounds: number, seconds: number): Promise<void> {
  const subjects = [
    { name: 'bare node:http', ...(await bareHttp()), loads: [] as OpenLoad[] },
    { name: 'workerd', ...(await workerd()), loads: [] as OpenLoad[] },
    { name: 'peerless', ...(await deployed(await peerless([]), 'hello')), loads: [] as OpenLoad[] }
  ]
  for (const { url } of subjects) await openLoop(url, OPEN_PER_SECOND, 2)
  for (let round = 0; round < rounds; round++) {
    const turn = round % subjects.length
    for (const { url, loads } of [...subjects.slice(turn), ...subjects.slice(0, turn)])
      loads.push(await openLoop(url, OPEN_PER_SECOND, seconds))
  }
  console.log('')
  console.log(`open loop, ${OPEN_PER_SECOND} calls a second at random moments, time from when each was due:`)
  for (const { name, loads } of subjects) {
    const of = (pick: (load: OpenLoad) => number) => median(loads.map(pick)).toFixed(2).padStart(8)
    const errors = loads.reduce((sum, load) => sum + load.errors, 0)
    console.log(
      `${name.padEnd(16)} p50 ms ${of((l) => l.p50Ms)}   p99 ms ${of((l) => l.p99Ms)}   of it the generator's lateness ${of((l) => l.lateMs)}   errors ${errors}`
    )
  }
  const p99 = (at: number) => (subjects[at] as (typeof subjects)[0]).loads.map((load) => load.p99Ms)
  goal('peerless / workerd, p99 at an open-loop 2,000/s', medianRatio(p99(2), p99(1)), '<', 1)
}

/** Text, in lines: what JSON has to escape a little of. */
function textBody(bytes: number): Buffer {
  return Buffer.from(
    'The quick brown fox jumps over "the lazy dog" and runs away.\n'.repeat(Math.ceil(bytes / 61)).slice(0, bytes)
  )
}

/** Median milliseconds of an echo, one after the other on one connection. */
async function echoMs(url: string, body: Buffer, calls: number): Promise<number> {
  const connection = await HttpConnection.open(url)
  const request = requestBytes(url, body)
  const timesMs: number[] = []
  for (let call = 0; call < calls; call++) {
    const before = performance.now()
    const { status, bytes, tail } = await connection.ask(request)
    timesMs.push(performance.now() - before)
    const same = status === 200 && bytes === body.length && tail.equals(body.subarray(-tail.length))
    if (!same) throw new Error(`${url} answered ${status} with ${bytes} bytes, not the ${body.length} that it got`)
  }
  connection.close()
  return median(timesMs)
}

export async function rowPayload(rounds: number): Promise<void> {
  const runner = await peerless([])
  const local = (await deployed(runner, 'echo')).url
  const forwarded = await throughGateway(runner, 'echo')
  const bare = (await bareEcho()).url
  console.log('')
  console.log('text back and forth, one call at a time:')
  for (const { name, bytes, calls } of SIZES) {
    const body = textBody(bytes)
    const subjects = [
      { url: bare, ms: [] as number[] },
      { url: local, ms: [] as number[] },
      { url: forwarded, ms: [] as number[] }
    ]
    for (const { url } of subjects) await echoMs(url, body, calls)
    for (let round = 0; round < rounds; round++) for (const { url, ms } of subjects) ms.push(await echoMs(url, body, calls))
    const [bareMs, localMs, forwardedMs] = subjects.map(({ ms }) => ms) as [number[], number[], number[]]
    const shown = (ms: number[]) => `${median(ms).toFixed(2)} ms`
    console.log(`${name}: bare echo ${shown(bareMs)}, peerless ${shown(localMs)}, forwarded ${shown(forwardedMs)}`)
    goal(`${name} both ways, local / bare echo`, medianRatio(localMs, bareMs), '≤', 2)
    goal(`${name} both ways, forwarded / bare echo`, medianRatio(forwardedMs, bareMs), '≤', 2)
  }
}

/** Small calls through one connection between two nodes, without and with calls of 5 MB each way beside them. */
export async function rowBeside(seconds: number): Promise<void> {
  const runner = await peerless([])
  await deployed(runner, 'hello')
  await deployed(runner, 'echo')
  const large = await throughGateway(runner, 'echo')
  const small = large.replace('/fn/echo', '/fn/hello')
  await untilAnswers(small)
  const body = textBody(5 * MB)
  await echoMs(large, body, 5)
  await openLoop(small, BESIDE_PER_SECOND, 2)
  const alone: OpenLoad[] = []
  const together: OpenLoad[] = []
  const largeMs: number[] = []
  for (let round = 0; round < BESIDE_ROUNDS; round++) {
    alone.push(await openLoop(small, BESIDE_PER_SECOND, seconds))
    let over = false
    const beside = openLoop(small, BESIDE_PER_SECOND, seconds).finally(() => {
      over = true
    })
    while (!over) largeMs.push(await echoMs(large, body, 1))
    together.push(await beside)
  }
  const shown = (loads: OpenLoad[]) =>
    `p50 ${median(loads.map((load) => load.p50Ms)).toFixed(1)} ms, p99 ${median(loads.map((load) => load.p99Ms)).toFixed(1)} ms`
  const p99 = (loads: OpenLoad[]) => loads.map((load) => load.p99Ms)
  console.log('')
  console.log(
    `${BESIDE_PER_SECOND} small calls a second to a peer: ${shown(alone)}; beside calls of 5 MB each way ` +
      `(${largeMs.length}, p50 ${quantile(largeMs, 0.5).toFixed(0)} ms): ${shown(together)}`
  )
  goal('5 MB calls add to the p99 of small ones on the same connection, ms', medianDifference(p99(together), p99(alone)), '≤', 5)
}

/** The URL of a function at a node without slots: every call crosses the mesh. */
async function throughGateway(runner: Node, name: string): Promise<string> {
  const gateway = await peerless(['--slots', '0', '--join', await cli(runner, 'invite')])
  const url = `${gateway.http}/fn/${name}`
  await untilAnswers(url, name === 'echo' ? { method: 'POST', body: 'x' } : {})
  return url
}
