import { DeleteFunctionConcurrencyCommand, PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { deploy, resultOf, send, settled } from './_async.ts'

const NARROW = `let running = 0, most = 0
export const handler = async (n) => {
  most = Math.max(most, ++running)
  await new Promise((done) => setTimeout(done, 20))
  running--
  return { n, most }
}`

async function metric(node: Daemon, name: string): Promise<number> {
  const text = await (await fetch(`${node.http}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1))
}

test('throttled events wait where others run, are seen to wait, and are no attempts', async (t) => {
  const [a, b] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const client = await lambdaOf(a)
  await deploy(client, 'narrow', NARROW)
  await deploy(client, 'wide', 'export const handler = async (n) => n')
  const reserve = (places: number) =>
    client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'narrow', ReservedConcurrentExecutions: places }))
  await reserve(0)
  const waiting: string[] = []
  for (let n = 0; n < 8; n++) waiting.push(await send(client, 'narrow', n))
  // Those behind it are not held up.
  const [other, asked] = await Promise.all([send(client, 'wide', 1), a.cli('invoke', 'wide', '--async', '--data', '2')])
  t.is((await settled(a, other)).result, 1)
  // The request id alone is on stdout, and any node can be asked for what became of it.
  t.regex(asked.stdout, /^[0-9a-f-]{36}\n$/)
  await settled(a, asked.stdout.trim())
  const told = await b.cli('result', asked.stdout.trim(), '--json')
  t.like(JSON.parse(told.stdout), { status: 'succeeded', attempts: 1, result: 2, function: 'wide' })
  for (const id of waiting) t.like(await resultOf(a, id), { status: 'queued', attempts: 0 })
  t.is(await metric(a, 'peerless_queue_events'), waiting.length)
  const depth = () => metric(a, 'peerless_queue_waiting{function="narrow"}')
  t.true((await eventually(depth, (count) => count === waiting.length)) > 0)
  t.true((await metric(a, 'peerless_queue_oldest_seconds')) > 0)
  await reserve(1)
  for (const [n, id] of waiting.entries())
    t.like(await settled(a, id), { status: 'succeeded', attempts: 1, result: { n, most: 1 } })
  t.is(await metric(a, 'peerless_queue_events'), 0)
  t.is(await metric(a, 'peerless_queue_oldest_seconds'), 0)
  await client.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'narrow' }))
})
