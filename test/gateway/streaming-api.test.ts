import { InvokeWithResponseStreamCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { signRequest } from '../../cli/src/sign.ts'
import { type Daemon, eventually, up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { ask } from './_http.ts'
import { deploy, invokeStream } from './_streams.ts'

/** InvokeWithResponseStream through AWS's SDK, at the node that runs the function and through one that runs nothing. */
const SOURCE = `
let calls = 0
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const { mode, bytes = 0 } = event
  stream.write('call ' + ++calls)
  if (mode === 'large') {
    const chunk = Buffer.alloc(65536, 'x')
    for (let left = bytes; left > 0; left -= chunk.length) {
      if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve))
    }
    console.log('wrote it all')
  }
  if (mode === 'forever') {
    let closed
    const gone = new Promise((resolve) => { closed = resolve })
    stream.once('close', () => { console.log('saw the close of call ' + calls); closed() })
    while (!stream.destroyed) { stream.write('tick'); await Promise.race([gone, wait(5)]) }
  }
  if (mode === 'fail') { await wait(1); throw new TypeError('midway') }
  stream.end()
})`
const MB = 1_048_576
const LIMIT_MB = 64

let front: Daemon
let back: Daemon
const endings: (() => unknown)[] = []
test.before(async () => {
  const ending = { teardown: (end: () => unknown) => endings.unshift(end) }
  back = await up(ending, { args: ['--stream-mb', String(LIMIT_MB)] })
  const invite = await back.cli('invite')
  front = await up(ending, { args: ['--join', invite.stdout.trim(), '--slots', '0'] })
  const client = await lambdaOf(back)
  for (const name of ['large', 'left-here', 'left-there', 'ends']) await deploy(client, name, SOURCE, 60)
  await eventually(
    async () => JSON.parse((await front.cli('ls', '--json')).stdout || '[]') as unknown[],
    (list) => list.length === 4
  )
})
test.after.always(async () => {
  for (const end of endings) await end()
})

const residentMb = async ({ http }: Daemon) =>
  Number(/^process_resident_memory_bytes ([\d.e+]+)/m.exec(await (await fetch(`${http}/metrics`)).text())?.[1]) / MB

test('clients that read nothing hold their functions up and fill neither node, and then get every byte', async (t) => {
  const client = await lambdaOf(front)
  const bytes = (LIMIT_MB - 1) * MB
  const open = () =>
    client.send(new InvokeWithResponseStreamCommand({ FunctionName: 'large', Payload: JSON.stringify({ mode: 'large', bytes }) }))
  await invokeStream(client, { FunctionName: 'large', Payload: '{}' })
  const before = await Promise.all([front, back].map(residentMb))
  // Each is read up to its first event, and no further: Node's HTTP client takes no more from its socket than it is asked for.
  const streams = await Promise.all(Array.from({ length: 6 }, open))
  const events = streams.map(({ EventStream }) => EventStream?.[Symbol.asyncIterator]())
  for (const iterator of events) t.regex(Buffer.from((await iterator?.next())?.value?.PayloadChunk?.Payload).toString(), /^call/)
  // Meanwhile, one after another, others read as many bytes to their end: time enough for the six to be written, if anybody took what they write.
  for (let turn = 0; turn < 2; turn++) {
    const read = await invokeStream(client, { FunctionName: 'large', Payload: JSON.stringify({ mode: 'large', bytes }) })
    t.is(read.bytes, bytes + 'call 1'.length)
    t.deepEqual(read.complete, {}, 'whole')
  }
  const whole = await eventually(
    async () => (await front.cli('logs', 'large', '--json')).stdout.split('\n').filter((line) => line.includes('wrote it all')),
    ({ length }) => length >= 2
  )
  t.is(whole.length, 2, 'those that were read; the six wait')
  const after = await Promise.all([front, back].map(residentMb))
  const grown = after.map((mb, index) => mb - (before[index] ?? 0))
  t.log(
    `six streams of ${LIMIT_MB - 1} MB that nobody reads: the front grew by ${grown.map((mb) => mb.toFixed(1)).join(' MB, the back by ')} MB`
  )
  for (const mb of grown) t.true(mb < 2 * LIMIT_MB, `${mb} MB, where ${6 * (LIMIT_MB - 1)} MB could be written`)

  let received = 0
  let complete = false
  const [first] = events
  for (let event = await first?.next(); event?.done === false; event = await first?.next()) {
    received += event.value.PayloadChunk?.Payload?.length ?? 0
    complete ||= event.value.InvokeComplete !== undefined && event.value.InvokeComplete.ErrorCode === undefined
  }
  t.is(received, bytes)
  t.true(complete)
  for (const iterator of events.slice(1)) await iterator?.return?.(undefined)
})

test('a streamed answer says in its head whether it was cold, and in trailers what it cost; one in a single piece says all in its head', async (t) => {
  await deploy(await lambdaOf(back), 'cold', SOURCE)
  await deploy(await lambdaOf(back), 'whole', "export const handler = async () => 'whole'")
  const { accessKeyId, secretAccessKey } = await back.keys()
  const call = async (name: string) => {
    const path = `/2021-11-15/functions/${name}/response-streaming-invocations`
    const body = Buffer.from('{}')
    const { host } = new URL(back.http)
    const order = { method: 'POST', host, path, query: [], headers: {}, body, accessKeyId, secretAccessKey, region: 'us-east-1' }
    return await ask(back.http, {
      method: 'POST',
      path,
      headers: signRequest({ ...order, service: 'lambda', now: Date.now() }),
      body
    })
  }
  const first = await call('cold')
  t.is(first.status, 200)
  t.is(first.headers['x-peerless-cold'], '1')
  t.is(first.trailers['x-peerless-billed-ms'], '100')
  t.is(first.trailers['x-peerless-charge'], '138')
  t.regex(first.trailers['x-peerless-duration-ms'] ?? '', /^[0-9.]+$/)
  t.is((await call('cold')).headers['x-peerless-cold'], undefined)
  const { headers } = await call('whole')
  t.deepEqual([headers['x-peerless-cold'], headers['x-peerless-billed-ms'], headers['x-peerless-charge']], ['1', '100', '138'])
})

for (const [way, name] of [
  ['at the node that runs it', 'left-here'],
  ['through another node', 'left-there']
] as const) {
  test(`a client of the SDK that goes away mid-stream, ${way}: the function is told, the call is charged, its instance goes on`, async (t) => {
    const at = way === 'through another node' ? front : back
    const client = await lambdaOf(at)
    const leave = new AbortController()
    const call = { FunctionName: name, Payload: JSON.stringify({ mode: 'forever' }) }
    const { EventStream, $metadata } = await client.send(new InvokeWithResponseStreamCommand(call), { abortSignal: leave.signal })
    const error = await t.throwsAsync(async () => {
      for await (const event of EventStream ?? []) if (event.PayloadChunk !== undefined) leave.abort()
      throw new Error('the stream ended by itself')
    })
    t.not(error?.message, 'the stream ended by itself')
    const logs = async () => (await at.cli('logs', name, '--json')).stdout
    const report = `REPORT RequestId: ${$metadata.requestId}`
    const text = await eventually(logs, (lines) => lines.includes(report) && lines.includes('saw the close of call 1'))
    t.notRegex(text.split('\n').find((line) => line.includes(report)) ?? '', /Status:/, 'it ran to its own end')
    const charged = await eventually(
      async () =>
        (await at.cli('ledger', 'statement', '--json')).stdout
          .split('\n')
          .filter((line) => line.includes(String($metadata.requestId))),
      (lines) => lines.length > 0
    )
    t.like(JSON.parse(charged[0] ?? ''), { function: name, caller: at.peerId, executor: back.peerId, status: 'ok', attempt: 1 })
    t.is(charged.length, 1, 'once')
    t.deepEqual((await invokeStream(client, { FunctionName: name, Payload: '{}' })).chunks, ['call 2'], 'the same instance')
  })
}

test('a stream that grows too large or fails midway says so in InvokeComplete, through another node too', async (t) => {
  for (const at of [back, front]) {
    const client = await lambdaOf(at)
    const run = (event: object) => invokeStream(client, { FunctionName: 'ends', Payload: JSON.stringify(event) })
    const over = await run({ mode: 'large', bytes: LIMIT_MB * MB + 1 })
    t.is(over.complete?.ErrorCode, 'Unhandled')
    t.like(JSON.parse(over.complete?.ErrorDetails ?? ''), { errorType: 'Function.ResponseSizeTooLarge' })
    t.true(over.bytes <= LIMIT_MB * MB && over.bytes > (LIMIT_MB - 1) * MB, `${over.bytes}`)
    const failed = await run({ mode: 'fail' })
    t.regex(failed.chunks.join(), /^call \d+$/)
    t.like(JSON.parse(failed.complete?.ErrorDetails ?? ''), { errorType: 'TypeError', errorMessage: 'midway' })
  }
})
