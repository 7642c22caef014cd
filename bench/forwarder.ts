/**
 * A node without slots that calls `hello` at its peer from inside itself: what forwarding costs between two nodes, without HTTP around it.
 * Prints one line of JSON per line `CONCURRENCY SECONDS` that it reads on stdin.
 *
 *     node bench/forwarder.ts DATADIR INVITE
 */
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { type FunctionRecord, functionArn, type InvokeOrder, isPeerlessError } from '@peerless/interface'
import { type RunningNode, startNode, stderrLogger } from '@peerless/node'

const [dataDirectory, join] = process.argv.slice(2) as [string, string]
const node = await startNode(
  {
    dataDirectory,
    join,
    http: { host: '127.0.0.1', port: 0 },
    listen: [],
    slots: 0,
    accountId: '000000000000',
    allowEgress: [],
    json: true
  },
  stderrLogger('error')
)
const alive = setInterval(() => undefined, 60_000)
console.log('ready')
const SETTLE_MS = 10_000

for await (const line of createInterface({ input: process.stdin })) {
  const [concurrency, seconds] = line.split(' ').map(Number) as [number, number]
  console.log(JSON.stringify(await measure(node, concurrency, seconds)))
}
clearInterval(alive)
await node.stop()

async function measure(
  { invoker, catalog }: RunningNode,
  concurrency: number,
  seconds: number
): Promise<{ callsPerSecond: number; p50Us: number; p99Us: number }> {
  const record = await deployed(catalog)
  const target = { record, version: record.latest }
  const payload = Buffer.from('{"queryStringParameters":{"name":"Ada"}}')
  const invokedArn = functionArn('us-east-1', '000000000000', 'hello')
  const timesUs: number[] = []
  const started = performance.now()
  const end = started + seconds * 1_000
  const caller = async () => {
    while (performance.now() < end) {
      const order: InvokeOrder = {
        requestId: randomUUID(),
        kind: 'http',
        target,
        payload,
        logTail: false,
        clientContext: undefined,
        invokedArn
      }
      const before = performance.now()
      try {
        const { outcome } = await invoker.invoke(order)
        if (outcome.status !== 'ok') throw new Error(`outcome ${outcome.status}`)
      } catch (error) {
        if (!isPeerlessError(error, 'NO_CAPACITY')) throw error
      }
      timesUs.push((performance.now() - before) * 1_000)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, caller))
  const elapsed = (performance.now() - started) / 1_000
  timesUs.sort((a, b) => a - b)
  const quantile = (share: number) => timesUs[Math.floor(timesUs.length * share)] ?? 0
  return { callsPerSecond: timesUs.length / elapsed, p50Us: quantile(0.5), p99Us: quantile(0.99) }
}

/** It may still be on its way here. */
async function deployed(catalog: RunningNode['catalog']): Promise<FunctionRecord> {
  const end = performance.now() + SETTLE_MS
  for (;;) {
    const record = catalog.get('function', 'hello')
    if (record !== undefined) return record
    if (performance.now() > end) throw new Error('hello is not deployed')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
