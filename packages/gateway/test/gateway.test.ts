import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Ran } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { ask, raw, signed } from './_http.ts'
import { type Fixture, LIMITS, ran, ranHttp, start } from './_ports.ts'

function opened(t: ExecutionContext, node: Fixture): Socket {
  const socket = connect(node.port, node.host)
  socket.setEncoding('latin1')
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  return socket
}

/** Everything that comes until `end` is in it. */
async function until(socket: Socket, end: string): Promise<string> {
  let text = ''
  while (!text.includes(end)) text += (await once(socket, 'data'))[0]
  return text
}

/** Resolves once a call has reached the function; its answer waits for `answer`. */
function held(node: Fixture): { reached: Promise<void>; answer: (outcome: Ran) => void } {
  const { promise: reached, resolve: arrived } = Promise.withResolvers<void>()
  const { promise: outcome, resolve: answer } = Promise.withResolvers<Ran>()
  node.behave(() => {
    arrived()
    return outcome
  })
  return { reached, answer }
}

test('healthz lives, readyz says why not', async (t) => {
  const node = await start(t)
  t.is((await ask(node, { path: '/healthz' })).text, 'ok\n')
  t.is((await ask(node, { path: '/readyz' })).status, 200)
  node.setReady('the catalog is behind')
  const answer = await ask(node, { path: '/readyz' })
  t.is(answer.status, 503)
  t.deepEqual(answer.json(), { code: 'UNAVAILABLE', message: 'the catalog is behind' })
  t.is((await ask(node, { method: 'POST', path: '/healthz', body: 'x' })).status, 400)
})

test('an unknown path gets a hint', async (t) => {
  const node = await start(t)
  for (const path of ['/', '/fn', '/metricsx', '/v2/keys', '/2015-03-31', '//', '/%2e%2e/etc/passwd']) {
    const answer = await ask(node, { path })
    t.is(answer.status, 404, path)
    t.regex(answer.text, /\/fn\/NAME/)
  }
})

test('metrics count requests, invocations, cold starts and durations', async (t) => {
  const node = await start(t)
  await ask(node, { path: '/fn/hello' })
  const outcome = ran('{}', { status: 'timeout' })
  node.behave(() => ({ ...outcome, usage: { ...outcome.usage, cold: true } }))
  await ask(node, { path: '/fn/hello' })
  await ask(node, { path: '/fn/nobody' })
  await ask(node, { path: '/v1/keys' })
  const { text, headers } = await ask(node, { path: '/metrics' })
  t.regex(String(headers['content-type']), /^text\/plain/)
  for (const line of [
    'peerless_http_requests_total{route="function_url",status="200"} 1',
    'peerless_http_requests_total{route="function_url",status="502"} 1',
    'peerless_http_requests_total{route="function_url",status="404"} 1',
    'peerless_http_requests_total{route="mesh",status="403"} 1',
    'peerless_gateway_invocations_total{outcome="ok"} 1',
    'peerless_gateway_invocations_total{outcome="timeout"} 1',
    'peerless_gateway_cold_starts_total 1',
    'peerless_http_requests_in_flight 1',
    'peerless_http_request_duration_seconds_bucket{le="+Inf",route="function_url"} 3',
    'peerless_http_request_duration_seconds_count{route="function_url"} 3'
  ]) {
    t.true(text.includes(`${line}\n`), line)
  }
  t.true(text.includes('process_cpu_user_seconds_total'))
  const again = await ask(node, { path: '/metrics' })
  t.true(
    again.text.includes('peerless_http_requests_total{route="function_url",status="200"} 1\n'),
    'a scrape does not count twice'
  )
  t.true(again.text.includes('peerless_http_requests_total{route="operations",status="200"} 1\n'))
})

test('close lets what runs finish with connection: close, and takes nothing new', async (t) => {
  const node = await start(t)
  const { reached, answer } = held(node)
  const socket = opened(t, node)
  socket.write('GET /fn/hello HTTP/1.1\r\nHost: h\r\n\r\n')
  await reached
  const closed = node.gateway.close(60_000)
  await t.throwsAsync(ask(node, { path: '/healthz' }), { code: 'ECONNREFUSED' })
  answer(ranHttp(200, [], 'done'))
  const text = await until(socket, 'done')
  t.regex(text, /connection: close\r\n/i)
  await closed
  t.is(node.clock.pending, 0)
})

test('close cuts what is left when the grace is over', async (t) => {
  const node = await start(t)
  const { reached } = held(node)
  const lost = ask(node, { path: '/fn/hello' })
  await reached
  const closed = node.gateway.close(1_000)
  await node.clock.advance(1_001)
  await t.throwsAsync(lost)
  await closed
})

test('a target in a proxy’s form is answered by its own host, whatever the Host header says', async (t) => {
  const node = await start(t)
  node.behave((order) => ranHttp(200, [], order.payload))
  const event = async (target: string, headers = 'Host: elsewhere:1\r\n') => {
    const answer = await raw(node, `GET ${target} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    return head.startsWith('HTTP/1.1 200') ? JSON.parse(body) : head.slice(9, 12)
  }
  const { rawPath, rawQueryString, headers, requestContext } = await event('http://Hello.fn.localhost:80/a%2Fb?c=1')
  t.is(rawPath, '/a%2Fb')
  t.is(rawQueryString, 'c=1')
  t.is(headers.host, 'Hello.fn.localhost:80')
  t.is(requestContext.domainName, 'Hello.fn.localhost')
  t.is((await event('http://hello.fn.localhost?c=1')).rawPath, '/')
  t.is((await event('HTTPS://other/fn/hello', 'Host: hello.fn.localhost\r\n')).headers.host, 'other')
  t.is((await event('http://[::1]:80/fn/hello')).headers.host, '[::1]:80')
  t.is(await event('http://other/', 'Host: hello.fn.localhost\r\n'), '404')
  t.is(await event('http://hello.fn.localhost/', 'Host: a\r\nHost: b\r\n'), '400', 'two hosts stay two')
  for (const none of ['http:///fn/hello', 'http://user@hello.fn.localhost/', 'http://a:b@hello.fn.localhost/'])
    t.is(await event(none, 'Host: hello.fn.localhost\r\n'), '404', none)
})

test('what was signed for a host is taken in a proxy’s form too', async (t) => {
  const node = await start(t)
  const date = new Date(node.clock.now())
  const { path, headers } = await signed(node, node.admin, { path: '/2015-03-31/functions?MaxItems=1' }, { date })
  const whole = await ask(node, { path: `http://${headers?.host}${path}`, headers: { ...headers, host: 'proxy' } })
  t.is(whole.status, 200)
  const elsewhere = await ask(node, { path: `http://elsewhere${path}`, headers: headers ?? {} })
  t.is(elsewhere.status, 403)
})

test('two requests on one connection are answered in order', async (t) => {
  const node = await start(t)
  const text = await raw(
    node,
    'GET /fn/hello/1 HTTP/1.1\r\nHost: h\r\n\r\nGET /fn/hello/2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'
  )
  t.true(text.indexOf('"rawPath":"/1"') > 0)
  t.true(text.indexOf('"rawPath":"/2"') > text.indexOf('"rawPath":"/1"'))
})

test('a client that goes away before its body is complete leaves nothing behind', async (t) => {
  const node = await start(t)
  const socket = opened(t, node)
  socket.write('POST /fn/hello HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf')
  await once(socket, 'connect')
  await ask(node, { path: '/healthz' })
  socket.destroy()
  let text = ''
  while (!text.includes('route="function_url",status="499"} 1')) text = (await ask(node, { path: '/metrics' })).text
  t.is(node.orders.length, 0)
})

test('a client that goes away before its answer does not disturb the next', async (t) => {
  const node = await start(t)
  const { reached, answer } = held(node)
  const socket = opened(t, node)
  socket.write('GET /fn/hello HTTP/1.1\r\nHost: h\r\n\r\n')
  await reached
  socket.destroy()
  await once(socket, 'close')
  answer(ranHttp(200, [], 'late'))
  node.behave(() => ranHttp(200, [], 'next'))
  t.is((await ask(node, { path: '/fn/hello' })).text, 'next')
})

test('a client that sends its headers too slowly gets 408', async (t) => {
  const node = await start(t, { limits: { headersTimeoutMs: 50, requestTimeoutMs: 100, checkTimeoutsMs: 20 } })
  const text = await raw(node, 'GET /fn/hello HTTP/1.1\r\nHost: h\r\nX-Slow: ')
  t.regex(text, /^HTTP\/1\.1 408 /)
})

test('a client that sends its body too slowly is cut off', async (t) => {
  const node = await start(t, { limits: { headersTimeoutMs: 50, requestTimeoutMs: 100, checkTimeoutsMs: 20 } })
  // Left to node:http; what the plain front does is in plain-body.test.ts.
  const text = await raw(node, 'POST /fn/hello HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nContent-Length: 10\r\n\r\nx')
  t.regex(text, /^HTTP\/1\.1 408 /)
  t.is(node.orders.length, 0)
})

test('headers above the limit are 431, nonsense is 400, and neither reaches a handler', async (t) => {
  const node = await start(t)
  t.regex(await raw(node, `GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /)
  for (const text of [
    '\0\0\0\r\n\r\n',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
  ]) {
    t.regex(await raw(node, text), /^HTTP\/1\.1 400 /, JSON.stringify(text))
  }
})

test('memory that is set aside for the rest of a body counts before that has come', async (t) => {
  const node = await start(t, { limits: { bodyBytesHeldMax: 500_000 } })
  const socket = opened(t, node)
  const head = 'POST /fn/hello HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 600000\r\n\r\n'
  socket.write(`${head}${'a'.repeat(200_000)}`)
  const text = await until(socket, '\r\n\r\n')
  t.regex(text, /^HTTP\/1\.1 503 /)
  // It is all given back.
  for (let round = 0; round < 3; round++) {
    const body = 'a'.repeat(490_000)
    t.is((await ask(node, { method: 'POST', path: '/fn/hello', headers: { 'content-type': 'text/plain' }, body })).status, 200)
  }
})

test('bodies held in memory are bounded over all requests', async (t) => {
  const node = await start(t, { limits: { bodyBytesHeldMax: 1_000 } })
  const { reached, answer } = held(node)
  const first = ask(node, { method: 'POST', path: '/fn/hello', body: 'x'.repeat(800) })
  await reached
  const second = await ask(node, { method: 'POST', path: '/fn/hello', body: 'x'.repeat(300) })
  t.is(second.status, 503)
  t.is(second.json().code, 'UNAVAILABLE')
  answer(ranHttp(200, []))
  t.is((await first).status, 200)
  t.is((await ask(node, { method: 'POST', path: '/fn/hello', body: 'x'.repeat(900) })).status, 200)
})

test('the body of an API call is given back to the bound as well', async (t) => {
  const node = await start(t, { limits: { bodyBytesHeldMax: 1_000 } })
  const path = '/2015-03-31/functions/hello/invocations'
  for (let round = 0; round < 3; round++) {
    const options = { method: 'POST', path, body: JSON.stringify('x'.repeat(800)) }
    const answer = await ask(node, await signed(node, node.invoker, options, { date: new Date(node.clock.now()) }))
    t.is(answer.status, 200)
  }
})

test('a refused client may go on sending and is not cut off with a reset', async (t) => {
  const node = await start(t)
  const socket = opened(t, node)
  const errors: Error[] = []
  socket.on('error', (error) => errors.push(error))
  socket.write('POST /v1/keys HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n')
  await until(socket, 'Missing Authentication Token')
  const closed = once(socket, 'close')
  for (let sent = 0; sent < 1_000_000; sent += 100_000) {
    await new Promise((resolve) => socket.write('x'.repeat(100_000), resolve))
  }
  await closed
  t.deepEqual(errors, [])
})

test('a stranger’s deploy is refused without reading its body', async (t) => {
  const node = await start(t)
  const socket = opened(t, node)
  socket.write(`POST /2015-03-31/functions HTTP/1.1\r\nHost: h\r\nContent-Length: ${LIMITS.deployBodyBytesMax}\r\n\r\n`)
  t.regex(await until(socket, 'Missing Authentication Token'), /^HTTP\/1\.1 403 /)
})

test('a refusal is seen by a client that is still sending', async (t) => {
  const node = await start(t)
  const body = Buffer.alloc(5_000_000)
  const request = await signed(
    node,
    node.deployer,
    { method: 'POST', path: '/v1/keys', body },
    { date: new Date(node.clock.now()) }
  )
  for (let round = 0; round < 5; round++) t.is((await ask(node, request)).status, 413)
})

test('refusals are logged, a flood of them is counted', async (t) => {
  const node = await start(t)
  const refused = () => node.logger.lines.filter((line) => line.message === 'request refused')
  for (let count = 0; count < 30; count++) await ask(node, { path: '/v1/keys' })
  t.is(refused().length, 10)
  t.like(refused()[0]?.fields, { code: 'UNAUTHENTICATED', from: '127.0.0.1', suppressed: 0 })
  await node.clock.advance(1_000)
  await ask(node, { path: '/v1/keys' })
  t.is(refused().length, 11)
  t.is(refused()[10]?.fields.suppressed, 20)
})

test('fuzz: whatever path, method, headers and body come, the answer is never an error of ours', async (t) => {
  const node = await start(t)
  const piece = fc.constantFrom(
    '/',
    '//',
    'fn',
    'hello',
    'v1',
    'keys',
    'code',
    '2015-03-31',
    'functions',
    'invocations',
    'url',
    '..',
    '%',
    '%2F',
    '%00',
    '%ff',
    '?',
    '&',
    '=',
    ':',
    '$LATEST',
    '*',
    '__proto__',
    'ledger',
    'logs',
    'healthz',
    'metrics'
  )
  const path = fc.array(fc.oneof({ weight: 4, arbitrary: piece }, fc.stringMatching(/^[!-~]{1,4}$/)), { maxLength: 10 })
  const header = fc.constantFrom(
    'authorization',
    'x-amz-date',
    'content-type',
    'cookie',
    'expect',
    'x-amz-content-sha256',
    'connection',
    'host'
  )
  const value = fc.oneof(
    fc.stringMatching(/^[ -~]{0,20}$/),
    fc.constantFrom(
      'hello.fn.localhost',
      '.fn.localhost',
      'AWS4-HMAC-SHA256 Credential=a/20260101/r/lambda/aws4_request',
      '20260101T000000Z'
    )
  )
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'),
    path: path.map((parts) => `/${parts.join('')}`),
    headers: fc.array(fc.tuple(header, value), { maxLength: 4 }),
    body: fc.string({ maxLength: 30 })
  })
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path: target, headers, body }) => {
      const bytes = Buffer.byteLength(body)
      const own = headers
        .filter(([name]) => name !== 'connection' && name !== 'host')
        .map(([name, text]) => `${name}: ${text}\r\n`)
      const host = headers.find(([name]) => name === 'host')?.[1] ?? 'h'
      const text = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${own.join('')}Content-Length: ${bytes}\r\nConnection: close\r\n\r\n`
      const answer = await raw(node, `${text}${Buffer.from(body).toString('latin1')}`)
      const status = Number(answer.slice(9, 12))
      // 417 is Node's own answer to an Expect that it does not know.
      if (!(status >= 200 && status < 500)) throw new Error(`${method} ${target}: ${answer.slice(0, 200)}`)
    }),
    { seed: 20_260_103, numRuns: 400 }
  )
  t.deepEqual(
    node.logger.lines.filter((line) => line.level === 'error'),
    []
  )
})

test('fuzz: signed requests with any path and body are never an error of ours', async (t) => {
  const node = await start(t)
  const paths = [
    '/2015-03-31/functions',
    '/2015-03-31/functions/hello/code',
    '/2015-03-31/functions/hello/configuration',
    '/2015-03-31/functions/hello/invocations',
    '/2021-10-31/functions/hello/url',
    '/v1/keys',
    '/v1/invites'
  ]
  const key = fc.constantFrom(
    'FunctionName',
    'Role',
    'Handler',
    'Code',
    'ZipFile',
    'Environment',
    'Variables',
    'Timeout',
    'AuthType',
    'role',
    'uses',
    '__proto__',
    'Layers',
    'Architectures',
    'RevisionId',
    'SnapStart'
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string({ maxLength: 8 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      tie('list'),
      tie('object')
    ),
    list: fc.array(tie('value'), { maxLength: 3 }),
    object: fc.dictionary(key, tie('value'), { maxKeys: 5 })
  }))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.constantFrom('POST', 'PUT'), value, async (path, method, body) => {
      const date = new Date(node.clock.now())
      const answer = await ask(node, await signed(node, node.admin, { method, path, body: JSON.stringify(body) }, { date }))
      if (answer.status >= 500) throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`)
    }),
    { seed: 20_260_104, numRuns: 300 }
  )
  t.deepEqual(
    node.logger.lines.filter((line) => line.level === 'error'),
    []
  )
})

test('a port that is taken is an error of listen, and a closed gateway does not listen', async (t) => {
  const [one, other] = [await start(t), await start(t)]
  await other.gateway.close(0)
  await t.throwsAsync(other.gateway.listen(one.host, one.port), { code: 'UNAVAILABLE' })
})
