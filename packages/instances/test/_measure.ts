import { readFileSync } from 'node:fs'
import { start } from './_instances.ts'
import { withDescendants } from './_machine.ts'
import { pidOfExecutors } from './_processes.ts'

/**
 * What a warm call costs here: `node packages/instances/test/_measure.ts [executors] [outstanding] [kind]`. CPU per process is taken
 * from /proc, so other load on the machine shows in the rate but hardly in the microseconds.
 */
const executors = Number(process.argv[2] ?? 1)
const outstanding = Number(process.argv[3] ?? 64)
const kind = process.argv[4] === 'event' ? 'event' : 'http'
const ends: (() => unknown)[] = []
const bench = await start({ teardown: (end: () => unknown) => ends.push(end) } as never, {
  slots: outstanding,
  executorsPerAccountMax: executors
})
const fn = bench.define(
  `exports.handler = async (event) => ({ statusCode: 200, headers: { 'content-type': 'text/plain' }, body: 'Hello ' + event.rawPath })`
)
const payload = Buffer.from(
  JSON.stringify({
    version: '2.0',
    rawPath: '/x',
    rawQueryString: '',
    headers: { host: 'localhost', accept: '*/*' },
    requestContext: { http: { method: 'GET', path: '/x' } }
  })
)
const invocation = {
  requestId: '00000000-0000-4000-8000-000000000001',
  attempt: 1,
  kind,
  functionName: 'fn',
  account: 'acme',
  version: fn.version,
  payload,
  deadline: Date.now() + 600_000,
  caller: 'node-1',
  logTail: false,
  clientContext: undefined,
  invokedArn: 'arn'
} as const

await Promise.all(Array.from({ length: outstanding }, () => bench.instances.invoke(invocation)))
await run(20_000)
const pids = [process.pid, ...pidOfExecutors().map((pid) => withDescendants(pid).at(-1) as number)]
for (let round = 0; round < 3; round++) {
  const before = pids.map(cpuMs)
  const startedAt = performance.now()
  const calls = 60_000
  await run(calls)
  const tookMs = performance.now() - startedAt
  const costs = pids.map((pid, index) => (((cpuMs(pid) - (before[index] as number)) * 1_000) / calls).toFixed(1))
  console.log(
    `${Math.round((calls / tookMs) * 1_000)}/s; CPU µs per call: daemon ${costs[0]}, executors ${costs.slice(1).join(' ')}`
  )
}
const latencies: number[] = []
for (let call = 0; call < 2_000; call++) {
  const startedAt = performance.now()
  await bench.instances.invoke(invocation)
  latencies.push((performance.now() - startedAt) * 1_000)
}
latencies.sort((a, b) => a - b)
console.log(`one at a time: p50 ${latencies[1_000]?.toFixed(0)} µs, p99 ${latencies[1_980]?.toFixed(0)} µs`)
for (const end of ends) await end()

function run(calls: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0
    let answered = 0
    const next = () => {
      sent++
      bench.instances.start(invocation, (outcome) => {
        if (outcome.status !== 'ok') return reject(new Error(JSON.stringify(outcome)))
        answered++
        if (sent < calls) next()
        else if (answered === calls) resolve()
      })
    }
    for (let one = 0; one < outstanding; one++) next()
  })
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}
