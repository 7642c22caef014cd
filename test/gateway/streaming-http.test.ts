import { once } from 'node:events'
import { connect } from 'node:net'
import test from 'ava'
import { eventually, up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import type { Shared } from '../walkthrough/_deployed.ts'
import { ask, raw } from './_http.ts'
import { deploy } from './_streams.ts'

const shared = {} as Shared
const endings: (() => unknown)[] = []

const SOURCE = `
const { HttpResponseStream } = awslambda
const from = (stream, metadata) => HttpResponseStream.from(stream, metadata)
const byHand = (stream, text) => { stream.setContentType('application/vnd.awslambda.http-integration-response'); stream.write(text) }
const modes = {
  async plain(event, stream) { stream.write('a'); stream.end('b') },
  async typed(event, stream) { stream.setContentType('text/css'); stream.end('a{}') },
  async metadata(event, stream) {
    const http = from(stream, { statusCode: 418, headers: { 'Content-Type': 'text/plain', 'X-List': ['a', 'b'], 'X-Nothing': null }, cookies: ['a=1', 'b=2; Path=/'] })
    for (const word of ['tea', 'pot']) http.write(word)
    http.end()
  },
  async empty(event, stream) { from(stream, { statusCode: 204 }).end() },
  async byHand(event, stream) {
    byHand(stream, '{"statusCode":201,"head'); stream.write('ers":{"x-hand":"made"}}\\0\\0\\0'); stream.write(Buffer.from('\\0\\0\\0\\0\\0body')); stream.end('!')
  },
  async cutMetadata(event, stream) { byHand(stream, '{"statusCode":201'); stream.end() },
  async longMetadata(event, stream) { byHand(stream, '{"x":"' + 'y'.repeat(70000)); stream.end() },
  async noMetadata(event, stream) { byHand(stream, 'not json\\0\\0\\0\\0\\0\\0\\0\\0'); stream.end() },
  async badStatus(event, stream) { from(stream, { statusCode: 99 }).end('x') },
  async badHeader(event, stream) { from(stream, { headers: { 'x-x': 'a\\r\\nset-cookie: b' } }).end('x') },
  async failAtOnce() { throw new Error('at once') },
  async failMidway(event, stream) { stream.write('part'); await new Promise((resolve) => setTimeout(resolve, 1)); throw new Error('midway') },
  async events(event, stream) {
    const http = from(stream, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } })
    for (let id = 1; id <= 3; id++) { http.write('id: ' + id + '\\ndata: x\\n\\n'); await new Promise((resolve) => setTimeout(resolve, 2)) }
    http.end()
  }
}
export const handler = awslambda.streamifyResponse((event, stream) => modes[event.pathParameters?.mode ?? event.rawPath.slice(1)](event, stream))
`

const FETCHER = `
const encoder = new TextEncoder()
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const modes = {
  words: () => new ReadableStream({
    async start(controller) { for (const word of ['one ', 'two ', 'three']) { controller.enqueue(encoder.encode(word)); await wait(1) } controller.close() }
  }),
  large: () => { let left = 60; return new ReadableStream({ pull(controller) { if (left-- > 0) controller.enqueue(new Uint8Array(50000).fill(7)); else controller.close() } }) },
  text: () => new ReadableStream({ start(controller) { controller.enqueue('no bytes'); controller.close() } }),
  breaks: () => { let first = true; return new ReadableStream({ async pull(controller) { if (first) { first = false; controller.enqueue(encoder.encode('part')); await wait(1) } else controller.error(new Error('midway')) } }) },
  forever: () => new ReadableStream({ async pull(controller) { controller.enqueue(encoder.encode('tick')); await wait(2) }, cancel() { console.log('the body was cancelled') } })
}
export default {
  async fetch(request) {
    const mode = new URL(request.url).pathname.split('/').at(-1)
    const headers = new Headers({ 'content-type': 'text/plain', 'x-mode': mode })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    return new Response(modes[mode](), { status: 203, headers })
  }
}`

test.before(async () => {
  shared.node = await up({ teardown: (ending) => endings.unshift(ending) })
  shared.lambda = await lambdaOf(shared.node)
  await deploy(shared.lambda, 'streams', SOURCE)
  await deploy(
    shared.lambda,
    'whole',
    'export const handler = async () => ({ statusCode: 202, headers: { "x-a": "b" }, body: "whole" })'
  )
  await deploy(shared.lambda, 'fetcher', FETCHER)
  for (const args of [
    ['GET /fetch/s/{mode}', 'fetcher', '--stream'],
    ['HEAD /fetch/s/{mode}', 'fetcher', '--stream'],
    ['GET /fetch/b/{mode}', 'fetcher'],
    ['ANY /s/{mode}', 'streams', '--stream'],
    ['ANY /b/{mode}', 'streams'],
    ['GET /whole', 'whole', '--stream']
  ]) {
    const added = await shared.node.cli('routes', 'add', ...args)
    if (added.code !== 0) throw new Error(added.stderr)
  }
})
test.after.always(async () => {
  for (const ending of endings) await ending()
})

/** Streamed over `/s/`, gathered over `/b/`: status, headers and body are the same. */
for (const way of ['s', 'b'] as const) {
  const get = (mode: string, method = 'GET') => ask(shared.node.http, { path: `/${way}/${mode}`, method })
  const how = way === 's' ? 'streamed' : 'gathered'

  test(`${how}: status, headers, cookies and body are what the handler said`, async (t) => {
    const plain = await get('plain')
    t.is(plain.status, 200)
    t.is(plain.text, 'ab')
    t.is(plain.headers['content-type'], 'application/octet-stream')
    t.is((await get('typed')).headers['content-type'], 'text/css')
    const metadata = await get('metadata')
    t.is(metadata.status, 418)
    t.is(metadata.text, 'teapot')
    t.is(metadata.headers['x-list'], 'a, b')
    t.is(metadata.headers['x-nothing'], undefined)
    t.deepEqual(metadata.headers['set-cookie'], ['a=1', 'b=2; Path=/'])
    const empty = await get('empty')
    t.is(empty.status, 204)
    t.is(empty.text, '')
    const byHand = await get('byHand')
    t.is(byHand.status, 201)
    t.is(byHand.headers['x-hand'], 'made')
    t.is(byHand.text, 'body!')
    t.is((await get('events')).text, 'id: 1\ndata: x\n\nid: 2\ndata: x\n\nid: 3\ndata: x\n\n')
  })

  test(`${how}: what is no response is 502, and no header breaks out`, async (t) => {
    for (const mode of ['cutMetadata', 'longMetadata', 'noMetadata', 'badStatus', 'badHeader', 'failAtOnce']) {
      const reply = await get(mode)
      t.is(reply.status, 502, mode)
      t.is(reply.headers['set-cookie'], undefined)
      t.is(reply.headers['x-amz-function-error'], 'Unhandled')
    }
  })

  test(`${how}: HEAD has no body`, async (t) => {
    const reply = await get('metadata', 'HEAD')
    t.is(reply.status, 418)
    t.is(reply.text, '')
  })
}

test('a streamed answer is chunked, says what it cost in trailers, and is cut when it fails midway', async (t) => {
  const reply = await ask(shared.node.http, { path: '/s/plain' })
  t.is(reply.headers['transfer-encoding'], 'chunked')
  t.is(reply.headers['content-length'], undefined)
  t.is(reply.headers['x-peerless-node'], shared.node.peerId)
  t.regex(reply.trailers['x-peerless-charge'] ?? '', /^\d+$/)
  t.regex(reply.trailers['x-peerless-billed-ms'] ?? '', /00$/)
  const failed = await ask(shared.node.http, { path: '/s/failMidway' })
  t.is(failed.status, 200)
  t.is(failed.text, 'part')
  t.true(failed.cut)
  const gathered = await ask(shared.node.http, { path: '/b/failMidway' })
  t.is(gathered.status, 502)
})

test('what answers in one piece has its length, also where it might stream', async (t) => {
  const reply = await ask(shared.node.http, { path: '/whole' })
  t.is(reply.status, 202)
  t.is(reply.text, 'whole')
  t.is(reply.headers['content-length'], '5')
  t.is(reply.headers['x-a'], 'b')
})

test('to HTTP/1.0 a streamed answer ends with its connection', async (t) => {
  const received = await raw(shared.node.http, 'GET /s/plain HTTP/1.0\r\n\r\n')
  t.regex(received, /^HTTP\/1\.1 200 OK\r\n/)
  t.notRegex(received, /transfer-encoding|trailer/i)
  t.true(received.endsWith('\r\n\r\nab'))
  const { hostname, port } = new URL(shared.node.http)
  const socket = connect(Number(port), hostname).resume()
  socket.write('GET /s/failMidway HTTP/1.0\r\n\r\n')
  await t.throwsAsync(once(socket, 'end'), { code: 'ECONNRESET' }, 'what is not whole does not end as if it were')
})

for (const way of ['s', 'b'] as const) {
  test(`${way === 's' ? 'streamed' : 'gathered'}: a fetch handler’s stream is the body`, async (t) => {
    const words = await ask(shared.node.http, { path: `/fetch/${way}/words` })
    t.is(words.status, 203)
    t.is(words.text, 'one two three')
    t.is(words.headers['x-mode'], 'words')
    t.deepEqual(words.headers['set-cookie'], ['a=1', 'b=2'])
    t.is(words.headers['transfer-encoding'], way === 's' ? 'chunked' : undefined)
    t.is((await ask(shared.node.http, { path: `/fetch/${way}/large` })).body.length, 3_000_000)
  })
}

test('a fetch handler’s stream that breaks cuts the answer, one that nobody reads is cancelled', async (t) => {
  const broken = await ask(shared.node.http, { path: '/fetch/s/breaks' })
  t.is(broken.status, 203)
  t.is(broken.text, 'part')
  t.true(broken.cut)
  const text = await ask(shared.node.http, { path: '/fetch/s/text' })
  t.true(text.cut || text.status === 502)
  const left = await ask(shared.node.http, { path: '/fetch/s/forever', onData: (_, __, outgoing) => outgoing.destroy() })
  t.true(left.cut)
  await eventually(
    async () => (await shared.node.cli('logs', 'fetcher', '--json')).stdout,
    (logs) => logs.includes('the body was cancelled')
  )
  const head = await ask(shared.node.http, { path: '/fetch/s/forever', method: 'HEAD' })
  t.is(head.status, 203)
})
