import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { eventually, up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import type { Shared } from '../walkthrough/_deployed.ts'
import { ask } from './_http.ts'
import { deploy, invokeStream } from './_streams.ts'

const WINDOW_BYTES = 262_144
const HIGH_WATER_BYTES = 65_536

const shared = {} as Shared
const endings: (() => unknown)[] = []

const SOURCE = `
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const modes = {
  async hang(event, stream, context) { stream.setContentType('text/plain'); stream.write('first ' + context.awsRequestId); await wait(60000) },
  async failMidway(event, stream) { stream.write('part'); await wait(1); throw new TypeError('midway') },
  async failAtOnce() { throw new RangeError('at once') },
  async destroy(event, stream) { stream.write('part'); stream.destroy(new Error('destroyed')); await wait(60000) },
  callback(event, stream) { setTimeout(() => { stream.write('later'); stream.end() }, 5) },
  async kinds(event, stream) {
    stream.write('text '); stream.write('caf\\u00e9 ', 'utf8'); stream.write('e9', 'hex'); stream.write(Buffer.from(' buffer '))
    stream.write(new Uint8Array([65, 66])); stream.write({ an: 'object' })
    await new Promise((resolve) => stream.write(' called', resolve))
    await new Promise((resolve) => stream.end(' end', resolve))
  },
  async metadata(event, stream) {
    const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'X-A': 'b' }, cookies: ['c=d'] })
    http.write('body'); http.end()
  },
  async pressure(event, stream) {
    let before = 0
    const chunk = Buffer.alloc(10000, 'x')
    for (let index = 0; index < 100; index++) {
      const more = stream.write(chunk)
      if (before === 0 && !more) before = stream.writableLength + 0 || -1
      if (!more) await new Promise((resolve) => stream.once('drain', resolve))
    }
    stream.end()
  },
  async untilFull(event, stream) {
    let written = 0
    const chunk = Buffer.alloc(1000)
    while (stream.write(chunk)) written += chunk.length
    console.log('written ' + (written + chunk.length))
    await new Promise((resolve) => stream.once('drain', resolve))
    stream.end(String(written + chunk.length))
  },
  async big(event, stream) {
    let state = 1
    await pipeline(Readable.from((function* () {
      for (let left = event.bytes ?? 20_000_000; left > 0; ) {
        const size = Math.min(left, 1 + (state % 150000))
        state = (state * 48271) % 2147483647
        left -= size
        yield Buffer.alloc(size, state % 251)
      }
    })()), stream)
  },
  async forever(event, stream) {
    stream.once('close', () => console.log('saw the close of ' + event.rawPath))
    while (!stream.destroyed) { stream.write('tick'); await wait(5) }
  },
  async ignoring(event, stream) {
    for (let index = 0; index < 40; index++) {
      if (!stream.write(Buffer.alloc(50000))) await new Promise((resolve) => stream.once('drain', resolve))
      await wait(2)
    }
    console.log('ran to its end for ' + event.rawPath)
    stream.end()
  },
  async late(event, stream) { stream.write('x'); stream.setContentType('text/html') },
  async afterEnd(event, stream) { stream.end('x'); stream.write('y') },
  async nothing(event, stream) { stream.end() }
}
export const handler = awslambda.streamifyResponse((event, stream, context) => modes[event.mode ?? event.queryStringParameters.mode](event, stream, context))
`

test.before(async () => {
  shared.node = await up({ teardown: (ending) => endings.unshift(ending) })
  shared.lambda = await lambdaOf(shared.node)
  await deploy(shared.lambda, 'modes', SOURCE, 30)
  await deploy(shared.lambda, 'hasty', SOURCE, 1)
  // Whose log has the timeouts of one test only.
  await deploy(shared.lambda, 'held', SOURCE, 1)
  await deploy(shared.lambda, 'whole', 'export const handler = async (event) => ({ whole: event })')
})
test.after.always(async () => {
  for (const ending of endings) await ending()
})

const run = (mode: string, more: Record<string, unknown> = {}, name = 'modes') =>
  invokeStream(shared.lambda, { FunctionName: name, Payload: JSON.stringify({ mode, ...more }), LogType: 'Tail' })

test('what a handler wrote is there before it ends, which here is its timeout', async (t) => {
  const streamed = await run('hang', {}, 'hasty')
  t.regex(streamed.chunks.join(), /^first [0-9a-f-]{36}$/)
  t.is(streamed.complete?.ErrorCode, 'Unhandled')
  t.like(JSON.parse(streamed.complete?.ErrorDetails ?? ''), { errorType: 'Sandbox.Timedout' })
  t.is(streamed.headers['x-amzn-remapped-content-type'], 'text/plain')
  t.is(streamed.headers['content-type'], 'application/vnd.amazon.eventstream')
  t.is(streamed.headers['x-amz-executed-version'], '$LATEST')
  t.regex(Buffer.from(streamed.complete?.LogResult ?? '', 'base64').toString(), /^START.*REPORT.*Status: timeout/s)
})

test('a function that answers in one piece is one chunk; a streaming one answers Invoke in one piece', async (t) => {
  const streamed = await invokeStream(shared.lambda, { FunctionName: 'whole', Payload: '{"a":1}' })
  t.deepEqual(streamed.chunks, ['{"whole":{"a":1}}'])
  t.deepEqual(streamed.complete, {})
  const whole = await shared.lambda.send(new InvokeCommand({ FunctionName: 'modes', Payload: '{"mode":"kinds"}' }))
  t.is(whole.FunctionError, undefined)
  t.is(Buffer.from(whole.Payload ?? []).toString('latin1'), 'text caf\u00c3\u00a9 \u00e9 buffer AB{"an":"object"} called end')
})

test('all kinds of chunks arrive as bytes, and callbacks are called', async (t) => {
  const streamed = await run('kinds')
  t.is(streamed.complete?.ErrorCode, undefined)
  t.is(streamed.bytes, Buffer.byteLength('text café ') + 1 + Buffer.byteLength(' buffer AB{"an":"object"} called end'))
})

test('an error midway follows what was written, one before it stands alone', async (t) => {
  for (const [mode, chunks, error] of [
    ['failMidway', ['part'], { errorType: 'TypeError', errorMessage: 'midway' }],
    ['failAtOnce', [], { errorType: 'RangeError', errorMessage: 'at once' }],
    ['destroy', ['part'], { errorType: 'Error', errorMessage: 'destroyed' }],
    ['late', ['x'], { errorType: 'InvalidStreamingOperation' }],
    ['afterEnd', ['x'], { errorType: 'Error', errorMessage: 'write after end' }]
  ] as const) {
    const streamed = await run(mode)
    t.deepEqual(streamed.chunks, [...chunks], mode)
    t.is(streamed.complete?.ErrorCode, 'Unhandled', mode)
    t.like(JSON.parse(streamed.complete?.ErrorDetails ?? ''), error)
  }
})

test('a handler that is not asynchronous ends with its stream; a stream may stay empty', async (t) => {
  t.deepEqual((await run('callback')).chunks, ['later'])
  const nothing = await run('nothing')
  t.deepEqual(nothing.chunks, [])
  t.deepEqual(nothing.complete?.ErrorCode, undefined)
})

test('status and headers come as on Lambda: JSON, eight NULs, body', async (t) => {
  const streamed = await run('metadata')
  t.is(streamed.headers['x-amzn-remapped-content-type'], 'application/vnd.awslambda.http-integration-response')
  const [head, body] = streamed.chunks.join('').split('\0'.repeat(8))
  t.deepEqual(JSON.parse(head ?? ''), { statusCode: 201, headers: { 'X-A': 'b' }, cookies: ['c=d'] })
  t.is(body, 'body')
})

test('write says when to wait, and drain when to go on', async (t) => {
  const full = await run('untilFull')
  t.true(full.bytes > WINDOW_BYTES)
  const written = Number(full.chunks.at(-1)?.slice(-7).match(/\d+$/)?.[0])
  t.true(written >= WINDOW_BYTES && written <= WINDOW_BYTES + HIGH_WATER_BYTES + 1_000, `${written}`)
  t.is((await run('pressure')).bytes, 1_000_000)
})

test('every byte of a large answer arrives in order, and one byte more than may be is an error', async (t) => {
  const bytes = 20_971_520
  const hash = createHash('sha256')
  const streamed = await invokeStream(
    shared.lambda,
    { FunctionName: 'modes', Payload: JSON.stringify({ mode: 'big', bytes }) },
    (chunk) => void hash.update(chunk)
  )
  t.is(streamed.complete?.ErrorCode, undefined)
  t.is(streamed.bytes, bytes)
  t.is(hash.digest('hex'), expectedHash(bytes))
  const over = await run('big', { bytes: bytes + 1 })
  t.like(JSON.parse(over.complete?.ErrorDetails ?? ''), { errorType: 'Function.ResponseSizeTooLarge' })
})

/** The same bytes as the handler's generator makes. */
function expectedHash(bytes: number): string {
  const hash = createHash('sha256')
  let state = 1
  for (let left = bytes; left > 0; ) {
    const size = Math.min(left, 1 + (state % 150_000))
    state = (state * 48_271) % 2_147_483_647
    left -= size
    hash.update(Buffer.alloc(size, state % 251))
  }
  return hash.digest('hex')
}

test('a client that goes away closes the stream of its function; a function that does not listen runs to its end', async (t) => {
  const added = await shared.node.cli('routes', 'add', 'GET /streams/{which}', 'modes', '--stream')
  t.is(added.code, 0, added.stderr)
  for (const [mode, line] of [
    ['forever', 'saw the close of /streams/forever'],
    ['ignoring', 'ran to its end for /streams/ignoring']
  ] as const) {
    const reply = ask(shared.node.http, {
      path: `/streams/${mode}?mode=${mode}`,
      onData: (_, __, outgoing) => outgoing.destroy()
    })
    t.true((await reply).cut)
    const logs = await eventually(
      async () => (await shared.node.cli('logs', 'modes', '--json')).stdout,
      (text) => text.includes(line)
    )
    const { requestId } = JSON.parse(logs.split('\n').find((one) => one.includes(line)) ?? '') as { requestId: string }
    await eventually(
      async () => (await shared.node.cli('logs', 'modes', '--json')).stdout,
      (text) => text.split('\n').some((one) => one.includes(`REPORT RequestId: ${requestId}`) && !one.includes('Status:'))
    )
  }
})

test('a client that reads nothing holds its function up, not the node, until the function’s timeout', async (t) => {
  const added = await shared.node.cli('routes', 'add', 'GET /slow', 'held', '--stream')
  t.is(added.code, 0, added.stderr)
  const socket = connect(Number(new URL(shared.node.http).port), '127.0.0.1').pause()
  t.teardown(() => socket.destroy())
  socket.write('GET /slow?mode=big HTTP/1.1\r\nHost: a\r\n\r\n')
  await eventually(
    async () => (await shared.node.cli('logs', 'held', '--json')).stdout,
    (text) => /REPORT.*Status: timeout/.test(text)
  )
  const received: Buffer[] = []
  socket.on('data', (piece: Buffer) => received.push(piece)).on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume()
  await closed
  const all = Buffer.concat(received)
  t.regex(all.subarray(0, 15).toString(), /^HTTP\/1\.1 200 OK/)
  t.true(all.length < 15_000_000, `what the kernel and one window hold, not all: ${all.length}`)
  t.not(all.subarray(-5).toString(), '0\r\n\r\n', 'and the client can tell that it is not whole')
})
