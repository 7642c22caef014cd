import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { BodyBudget } from '../src/http-body.ts'
import { GATEWAY_LIMITS } from '../src/limits.ts'
import { PlainFront } from '../src/plain-front.ts'
import { PlainHeadReader } from '../src/plain-head.ts'
import { raw } from './_http.ts'
import { nodeReads } from './_node-reads.ts'
import { echo, type Fixture, ranHttp, start } from './_ports.ts'

const HEAD_BYTES_MAX = 1_000
const PLAIN = 'GET /fn/hello/a?b=c HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n\r\n'

test('a plain head is read whole', (t) => {
  const head = new PlainHeadReader(HEAD_BYTES_MAX).read(
    Buffer.from('GET /fn/hello/a?b=c HTTP/1.1\r\nHost: x:1\r\nCookie:\t a=b; c=d \r\nX-Any: \r\nConnection: keep-alive\r\n\r\n')
  )
  t.deepEqual(head, {
    method: 'GET',
    httpVersion: '1.1',
    url: '/fn/hello/a?b=c',
    rawHeaders: ['Host', 'x:1', 'Cookie', 'a=b; c=d', 'X-Any', '', 'Connection', 'keep-alive'],
    headers: { host: 'x:1', cookie: 'a=b; c=d', 'user-agent': undefined }
  })
})

const NOT_PLAIN: Record<string, string> = {
  'another method': PLAIN.replace('GET', 'PUT'),
  'another path': PLAIN.replace('/fn/', '/v1/'),
  'HTTP/1.0': PLAIN.replace('1.1', '1.0'),
  'an absolute target': PLAIN.replace('/fn/', 'http://x/fn/'),
  'no host': PLAIN.replace('Host: x\r\n', ''),
  'an empty host': PLAIN.replace('Host: x', 'Host: '),
  'two hosts': PLAIN.replace('User-Agent: t', 'hOST: y'),
  'two cookies': PLAIN.replace('User-Agent: t', 'Cookie: a=b\r\nCookie: c=d'),
  'a length': PLAIN.replace('User-Agent: t', 'Content-Length: 0'),
  'a transfer coding': PLAIN.replace('User-Agent: t', 'Transfer-Encoding: chunked'),
  'an upgrade': PLAIN.replace('User-Agent: t', 'Upgrade: websocket'),
  'an expectation': PLAIN.replace('User-Agent: t', 'Expect: 100-continue'),
  'connection: close': PLAIN.replace('User-Agent: t', 'Connection: close'),
  'a space before the colon': PLAIN.replace('Host: x', 'Host : x'),
  'a folded line': PLAIN.replace('User-Agent: t', 'X-A: b\r\n c'),
  'a line without a colon': PLAIN.replace('User-Agent: t', 'nothing'),
  'a bare line feed': PLAIN.replace('User-Agent: t', 'X-A: b\nX-B: c'),
  'a bare carriage return': PLAIN.replace('User-Agent: t', 'X-A: b\rX-B: c'),
  'a NUL': PLAIN.replace('User-Agent: t', 'X-A: \0'),
  'obs-text': PLAIN.replace('User-Agent: t', 'X-A: \xe9'),
  'half a head': PLAIN.slice(0, -2),
  'a second request behind it': PLAIN + PLAIN,
  'a space in the target': PLAIN.replace('a?b', 'a b'),
  'too many headers': PLAIN.replace('User-Agent: t', Array.from({ length: 40 }, (_, index) => `X-${index}: a`).join('\r\n')),
  'a head that is too long': PLAIN.replace('User-Agent: t', `X-A: ${'b'.repeat(HEAD_BYTES_MAX)}`),
  'an Origin, which CORS is about': PLAIN.replace('User-Agent: t', 'Origin: https://a.example')
}

for (const [title, text] of Object.entries(NOT_PLAIN)) {
  test(`left to Node: ${title}`, (t) => {
    t.is(new PlainHeadReader(HEAD_BYTES_MAX).read(Buffer.from(text, 'latin1')), undefined)
  })
}

const PIECES = [
  'GET ',
  'POST ',
  '/fn/a',
  '/fn/b?c=d',
  ' HTTP/1.1',
  ' HTTP/1.0',
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  'Host: x',
  'host:y',
  'Cookie: a=b',
  'Content-Length: 3',
  'Transfer-Encoding: chunked',
  'X-A: b',
  'X-A : b',
  ' c',
  ':',
  '\t',
  '\0',
  'é',
  'Connection: keep-alive',
  'abc'
]

test('whatever it takes, Node reads alike: one request with the same line and headers', async (t) => {
  const reader = new PlainHeadReader(HEAD_BYTES_MAX)
  let taken = 0
  const mutated = fc.tuple(fc.nat(60), fc.nat(12), fc.constantFrom(...PIECES)).map(([at, drop, piece]) => {
    const text = `${PLAIN.slice(0, at)}${piece}${PLAIN.slice(at + (drop > 6 ? drop - 6 : 0))}`
    return Buffer.from(text, 'latin1')
  })
  const built = fc
    .array(fc.constantFrom(...PIECES), { minLength: 0, maxLength: 8 })
    .map((pieces) => Buffer.from(`GET /fn/a HTTP/1.1\r\nHost: x\r\n${pieces.join('')}\r\n\r\n`, 'latin1'))
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated, built), async (bytes) => {
      const head = reader.read(bytes)
      if (head === undefined) return true
      taken++
      const requests = await nodeReads(bytes)
      if (requests?.length !== 1) return false
      const [request] = requests
      return (
        request?.method === head.method &&
        request.url === head.url &&
        JSON.stringify(request.rawHeaders) === JSON.stringify(head.rawHeaders) &&
        request.headers.host === head.headers.host &&
        request.headers.cookie === head.headers.cookie
      )
    }),
    { seed: 7, numRuns: 600 }
  )
  t.true(taken > 20, `only ${taken} of 600 were plain`)
})

test('plain and other requests on one connection are answered in turn', async (t) => {
  const node = await start(t)
  node.behave(echo)
  const plain = 'GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n'
  const post = 'POST /fn/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nabc'
  const last = 'GET /fn/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  const answer = await raw(node, plain + plain + post + last)
  t.is(answer.match(/HTTP\/1\.1 200 OK\r\n/g)?.length, 4)
  t.regex(answer, /"body":"abc"/)
})

test('a request that comes while another is answered waits for it', async (t) => {
  const node = await start(t)
  const order: string[] = []
  const { promise: secondSent, resolve: sent } = Promise.withResolvers<void>()
  node.behave(async (call) => {
    const { rawPath } = JSON.parse(Buffer.from(call.payload).toString()) as { rawPath: string }
    order.push(rawPath)
    // The first is answered when the second has surely come.
    if (rawPath === '/1') await secondSent
    return ranHttp(200, ['content-type', 'text/plain'], rawPath)
  })
  const socket = connect(node.port, node.host)
  await once(socket, 'connect')
  socket.write('GET /fn/hello/1 HTTP/1.1\r\nHost: x\r\n\r\n')
  let text = ''
  socket.setEncoding('latin1')
  socket.write('GET /fn/hello/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', () => setImmediate(() => setImmediate(sent)))
  for await (const chunk of socket) text += chunk
  t.deepEqual(order, ['/1', '/2'])
  t.true(text.indexOf('\r\n\r\n/1') < text.indexOf('\r\n\r\n/2'))
})

/** A connection that has had `requests` plain answers, and the promise of its end. */
async function kept(node: Fixture, requests: number): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const socket = connect(node.port, node.host)
  await once(socket, 'connect')
  for (let request = 0; request < requests; request++) {
    socket.write('GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'data')
  }
  socket.resume()
  return { socket, closed: once(socket, 'close') }
}

test('a connection that says nothing is ended, and so is one that was used and says nothing more', async (t) => {
  const node = await start(t, { limits: { headersTimeoutMs: 2_000, keepAliveMs: 5_000, checkTimeoutsMs: 500 } })
  const silent = await kept(node, 0)
  const used = await kept(node, 2)
  await node.clock.advance(3_000)
  await silent.closed
  t.false(used.socket.destroyed)
  await node.clock.advance(4_000)
  await used.closed
  t.pass()
})

test('a client that takes long over a large answer gets all of it', async (t) => {
  const node = await start(t, { limits: { keepAliveMs: 5_000, checkTimeoutsMs: 500 } })
  const body = 'x'.repeat(6_000_000)
  node.behave(() => ranHttp(200, ['content-type', 'text/plain'], body))
  const socket = connect(node.port, node.host)
  socket.write('GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n')
  let bytes = (await once(socket, 'data'))[0].length as number
  socket.pause()
  await node.clock.advance(20_000)
  for await (const chunk of socket) {
    bytes += (chunk as Buffer).length
    if (bytes >= body.length + 100) break
  }
  t.true(bytes > body.length)
})

test('the time that a large answer may take is not left to whoever goes on with the connection', async (t) => {
  const { promise: handed, resolve } = Promise.withResolvers<number | undefined>()
  const front = new PlainFront({
    clock: new VirtualClock(),
    limits: GATEWAY_LIMITS,
    take: (_, reply) => {
      reply.send('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', false, new Uint8Array(100_000))
      return true
    },
    expect: () => undefined,
    budget: new BodyBudget(0),
    handOver: (socket) => {
      resolve(socket.timeout)
      socket.destroy()
    }
  })
  const server = createServer((socket) => front.accept(socket)).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.write('GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n')
  for (let bytes = 0; bytes < 100_000; ) bytes += (await once(client, 'data'))[0].length as number
  client.resume().write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
  t.is((await handed) ?? 0, 0)
  client.destroy()
  front.close()
})

test('when the gateway closes, idle plain connections end at once and a busy one with its answer', async (t) => {
  const node = await start(t)
  const idle = await kept(node, 1)
  const { promise, resolve } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  node.behave(async () => {
    begin()
    await promise
    return ranHttp(200, ['content-type', 'text/plain'], 'last')
  })
  const busy = connect(node.port, node.host)
  busy.write('GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n')
  await begun
  const closed = node.gateway.close(60_000)
  await idle.closed
  resolve()
  let text = ''
  busy.setEncoding('latin1')
  for await (const chunk of busy) text += chunk
  t.regex(text, /connection: close\r\n.*last$/s)
  await closed
})

test('a request that waits for the answer before it stays what it is while others are read', async (t) => {
  const node = await start(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  let begun = 0
  node.behave(async (call) => {
    begun++
    if (begun === 1) await promise
    return echo(call)
  })
  const one = (path: string) => `GET /fn/hello/${path} HTTP/1.1\r\nHost: x\r\n\r\n`
  const socket = connect(node.port, node.host)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  socket.write(one('first'))
  while (begun === 0) await new Promise((next) => setImmediate(next))
  await new Promise<void>((next) => socket.write(one('second'), () => next()))
  for (const path of ['other', 'another']) {
    t.regex(await raw(node, one(path).replace('Host', 'Connection: close\r\nHost')), new RegExp(path))
    const other = await kept(node, 1)
    other.socket.destroy()
  }
  resolve()
  while (!text.includes('/second')) await once(socket, 'data')
  socket.destroy()
  t.regex(text, /\/first.*\/second/s)
  t.is(text.match(/HTTP\/1\.1 200/g)?.length, 2)
})

test('a client that goes away while it is answered costs nothing but its call', async (t) => {
  const node = await start(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  node.behave(async () => {
    begin()
    await promise
    return ranHttp(200, [], 'nobody')
  })
  const socket = connect(node.port, node.host)
  socket.write('GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n')
  await begun
  socket.resetAndDestroy()
  await once(socket, 'close')
  resolve()
  node.behave(echo)
  t.regex(await raw(node, 'GET /fn/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 OK/)
})

test('headers of a function that would break out of their line are no answer', async (t) => {
  const node = await start(t)
  for (const headers of [
    ['x-a', 'b\r\nx-injected: 1'],
    ['x-a: 1\r\nx-injected', 'b'],
    ['x-a', '\u0100']
  ]) {
    node.behave(() => ranHttp(200, headers, 'body'))
    const { socket } = await kept(node, 0)
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.write('GET /fn/hello HTTP/1.1\r\nHost: x\r\n\r\n')
    while (!text.includes('\r\n\r\n')) await once(socket, 'data')
    socket.destroy()
    t.regex(text, /^HTTP\/1\.1 502 /)
    t.false(text.includes('injected'))
  }
})

test('what cannot be read is refused after the answers to what came before it, not in their place', async (t) => {
  const node = await start(t)
  const { promise: refusable, resolve } = Promise.withResolvers<void>()
  node.behave(async (call) => {
    await refusable
    return ranHttp(200, ['content-type', 'text/plain'], `answer to ${JSON.parse(Buffer.from(call.payload).toString()).rawPath}`)
  })
  const socket = connect(node.port, node.host)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  // Two that the plain front does not take, and what is no request.
  const one = (path: string) => `POST /fn/hello/${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`
  socket.write(`${one('1')}${one('2')}NONSENSE\r\n\r\n${one('3')}`, () => setImmediate(() => setImmediate(resolve)))
  await once(socket, 'close')
  t.deepEqual(
    [...text.matchAll(/HTTP\/1\.1 \d+|answer to \/\d/g)].map(([all]) => all),
    ['HTTP/1.1 200', 'answer to /1', 'HTTP/1.1 200', 'answer to /2', 'HTTP/1.1 400']
  )
  // The rest of a request that cannot be read is refused in its own place.
  t.regex(
    await raw(node, 'POST /fn/hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n'),
    /^HTTP\/1\.1 400 /
  )
})
