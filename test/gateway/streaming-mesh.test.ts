import test from 'ava'
import { type Daemon, eventually, type meshOf, up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { ask } from './_http.ts'
import { deploy, invokeStream } from './_streams.ts'

const SOURCE = `
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const { mode } = event.queryStringParameters ?? event
  stream.write('first')
  if (mode === 'hang') await wait(60000)
  if (mode === 'fail') throw new TypeError('midway')
  if (mode === 'big') {
    for (let index = 0; index < 200; index++) {
      if (!stream.write(Buffer.alloc(50000, 'x'))) await new Promise((resolve) => stream.once('drain', resolve))
    }
  }
  if (mode === 'forever') {
    stream.once('close', () => console.log('saw the close'))
    while (!stream.destroyed) { stream.write('tick'); await wait(5) }
  }
  stream.end('last')
})`

/** A node that runs nothing itself, and its only peer. */
async function pair(t: Parameters<typeof meshOf>[0]): Promise<{ front: Daemon; back: Daemon }> {
  const back = await up(t)
  const invite = await back.cli('invite')
  const front = await up(t, { args: ['--join', invite.stdout.trim(), '--slots', '0'] })
  await deploy(await lambdaOf(back), 'far', SOURCE, 3)
  await deploy(await lambdaOf(back), 'patient', SOURCE, 60)
  await eventually(
    async () => JSON.parse((await front.cli('ls', '--json')).stdout || '[]') as unknown[],
    (list) => list.length === 2
  )
  return { front, back }
}

test('a peer’s answer streams through this node: early, whole, with its errors, and with one charge', async (t) => {
  const { front, back } = await pair(t)
  const client = await lambdaOf(front)
  const run = (mode: string, name = 'far') =>
    invokeStream(client, { FunctionName: name, Payload: JSON.stringify({ mode }), LogType: 'Tail' })

  const plain = await run('plain')
  t.deepEqual(plain.chunks, ['first', 'last'])
  t.is(plain.headers['x-peerless-node'], back.peerId)
  t.is(plain.headers['x-peerless-cold'], '1')
  t.regex(Buffer.from(plain.complete?.LogResult ?? '', 'base64').toString(), /REPORT/)

  const hung = await run('hang')
  t.deepEqual(hung.chunks, ['first'], 'what was written before the timeout came before it')
  t.like(JSON.parse(hung.complete?.ErrorDetails ?? ''), { errorType: 'Sandbox.Timedout' })

  const failed = await run('fail')
  t.deepEqual(failed.chunks, ['first'])
  t.like(JSON.parse(failed.complete?.ErrorDetails ?? ''), { errorMessage: 'midway' })

  t.is((await run('big', 'patient')).bytes, 10_000_009)

  const statement = await eventually(
    async () => (await front.cli('ledger', 'statement', '--json')).stdout.trim().split('\n'),
    (lines) => lines.length === 4
  )
  const receipts = statement.map((line) => JSON.parse(line) as { caller: string; executor: string; function: string })
  for (const receipt of receipts) t.like(receipt, { caller: front.peerId, executor: back.peerId })
  t.is(receipts.filter((receipt) => receipt.function === 'far').length, 3)
})

test('a client that goes away closes the stream at the peer; a peer that goes away cuts the answer', async (t) => {
  const { front, back } = await pair(t)
  t.is((await front.cli('routes', 'add', 'GET /far', 'far', '--stream')).code, 0)
  const left = await ask(front.http, {
    path: '/far?mode=forever',
    onData: (_, __, outgoing) => outgoing.destroy()
  })
  t.true(left.cut)
  await eventually(
    async () => (await front.cli('logs', 'far', '--json')).stdout,
    (text) => text.includes('saw the close')
  )
  let killed: Promise<unknown> | undefined
  const cut = await ask(front.http, {
    path: '/far?mode=forever',
    onData: () => {
      killed ??= back.stop('SIGKILL')
    }
  })
  await killed
  t.is(cut.status, 200)
  t.true(cut.cut)
  t.is((await fetch(`${front.http}/healthz`)).status, 200)
})
