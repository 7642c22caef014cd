import { type InvokeOrder, PeerlessError } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { EventHeaders } from '../src/event-headers.ts'
import { type Ask, ask, raw, signed } from './_http.ts'
import {
  type Behaviour,
  echo,
  type Fixture,
  givenEvent,
  LIMITS,
  NODE_ID,
  ran,
  ranHttp,
  recordOf,
  start,
  urlOf
} from './_ports.ts'

/** The event that the function got for a request. */
async function eventOf(node: Fixture, options: Ask): Promise<Record<string, unknown>> {
  node.behave(echo)
  return (await ask(node, options)).json()
}

const EVENTS: { title: string; ask: Ask; expect: Record<string, unknown> }[] = [
  {
    title: 'a path without a rest is /',
    ask: { path: '/fn/hello' },
    expect: { rawPath: '/', rawQueryString: '', body: undefined }
  },
  {
    title: 'an encoded path stays as it came',
    ask: { path: '/fn/hello/a%2Fb//c%20d/' },
    expect: { rawPath: '/a%2Fb//c%20d/' }
  },
  {
    title: 'repeated and encoded query parameters are decoded and joined',
    ask: { path: '/fn/hello?a=1&b=x+y%21&a=2&empty&=v&bad=%zz' },
    expect: {
      rawQueryString: 'a=1&b=x+y%21&a=2&empty&=v&bad=%zz',
      queryStringParameters: { a: '1,2', b: 'x y!', empty: '', '': 'v', bad: '%zz' }
    }
  },
  {
    title: 'a query that is empty is none',
    ask: { path: '/fn/hello/?' },
    expect: { rawPath: '/', queryStringParameters: undefined }
  },
  {
    title: 'a question mark in the query belongs to it',
    ask: { path: '/fn/hello/p?a=b?c/d' },
    expect: { rawPath: '/p', rawQueryString: 'a=b?c/d', queryStringParameters: { a: 'b?c/d' } }
  },
  {
    title: 'cookies are a list',
    ask: { path: '/fn/hello', headers: { cookie: 'a=1; b=2;c="x y"' } },
    expect: { cookies: ['a=1', 'b=2', 'c="x y"'] }
  },
  {
    title: 'text is passed as it is',
    ask: { method: 'POST', path: '/fn/hello', headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'ä"\\\n\u2028😀' },
    expect: { body: 'ä"\\\n\u2028😀', isBase64Encoded: false }
  },
  {
    title: 'JSON with a vendor type is text',
    ask: { method: 'PUT', path: '/fn/hello', headers: { 'content-type': 'application/vnd.x+json' }, body: '{"a":1}' },
    expect: { body: '{"a":1}', isBase64Encoded: false }
  },
  {
    title: 'bytes are passed in base64',
    ask: {
      method: 'POST',
      path: '/fn/hello',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.from([0, 255, 1])
    },
    expect: { body: 'AP8B', isBase64Encoded: true }
  },
  {
    title: 'text that is not UTF-8 is passed in base64',
    ask: { method: 'POST', path: '/fn/hello', headers: { 'content-type': 'text/plain' }, body: Buffer.from([0x61, 0xff]) },
    expect: { body: 'Yf8=', isBase64Encoded: true }
  },
  {
    title: 'compressed text is passed in base64',
    ask: {
      method: 'POST',
      path: '/fn/hello',
      headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
      body: 'abc'
    },
    expect: { body: 'YWJj', isBase64Encoded: true }
  },
  {
    title: 'a form is passed in base64, as AWS does',
    ask: { method: 'POST', path: '/fn/hello', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=b' },
    expect: { body: 'YT1i', isBase64Encoded: true }
  },
  {
    title: 'a chunked body is read whole',
    ask: {
      method: 'POST',
      path: '/fn/hello',
      headers: { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' },
      body: 'abc'
    },
    expect: { body: 'abc', isBase64Encoded: false }
  },
  {
    title: 'a body without bytes is none',
    ask: { method: 'POST', path: '/fn/hello', headers: { 'content-length': '0' } },
    expect: { body: undefined, isBase64Encoded: false }
  },
  { title: '$LATEST may be named', ask: { path: '/fn/hello:$LATEST/x' }, expect: { rawPath: '/x' } },
  { title: 'a colon may be encoded', ask: { path: '/fn/hello%3A%24LATEST/x' }, expect: { rawPath: '/x' } }
]

for (const { title, ask: options, expect } of EVENTS) {
  test(`event: ${title}`, async (t) => {
    const event = await eventOf(await start(t), options)
    for (const [name, value] of Object.entries(expect)) t.deepEqual(event[name], value, name)
  })
}

test('event: everything that payload format 2.0 has is there', async (t) => {
  const node = await start(t)
  const event = await eventOf(node, {
    method: 'DELETE',
    path: '/fn/hello/p?q=1',
    headers: { Host: 'example.com:99', 'User-Agent': 'te"st/1', 'X-Thing': 'v' }
  })
  const order = node.orders[0]
  t.deepEqual(event, {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/p',
    rawQueryString: 'q=1',
    headers: {
      host: 'example.com:99',
      'user-agent': 'te"st/1',
      'x-thing': 'v',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-port': String(node.port),
      'x-forwarded-proto': 'http',
      'x-amzn-trace-id': `Root=1-6955b900-${order?.requestId.replaceAll('-', '').slice(0, 12)}${order?.requestId.slice(24)}`
    },
    queryStringParameters: { q: '1' },
    requestContext: {
      accountId: 'anonymous',
      apiId: 'hello',
      domainName: 'example.com',
      domainPrefix: 'hello',
      http: { method: 'DELETE', path: '/p', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'te"st/1' },
      requestId: order?.requestId,
      routeKey: '$default',
      stage: '$default',
      time: '01/Jan/2026:00:00:00 +0000',
      timeEpoch: 1_767_225_600_000
    },
    isBase64Encoded: false
  })
  t.is(order?.kind, 'http')
  t.is(order?.invokedArn, 'arn:aws:lambda:us-east-1:000000000000:function:hello')
})

test('event: repeated headers are joined by a comma in their order, whatever their case', async (t) => {
  const node = await start(t)
  await raw(node, 'GET /fn/hello HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nX-B: \xe4\r\nConnection: close\r\n\r\n')
  const event = givenEvent(node.orders[0] as InvokeOrder)
  const { 'x-amzn-trace-id': trace, ...headers } = event.headers
  t.regex(trace ?? '', /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/)
  const forwarded = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-port': String(node.port), 'x-forwarded-proto': 'http' }
  t.deepEqual(headers, { host: 'h', 'x-a': '1,2', 'x-b': 'ä', ...forwarded })
})

test('event: headers of the connection end with it; what came in chunks has its length', async (t) => {
  const node = await start(t)
  const connection = 'Connection: close, x-hop\r\nKeep-Alive: 5\r\nProxy-Connection: a\r\nTE: trailers\r\nTrailer: x-t'
  await raw(
    node,
    `POST /fn/hello HTTP/1.1\r\nHost: h\r\n${connection}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nx-t: 1\r\n\r\n`
  )
  const event = givenEvent(node.orders[0] as InvokeOrder)
  const added = ['content-length', 'host', 'x-amzn-trace-id', 'x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto']
  t.deepEqual(Object.keys(event.headers).sort(), added)
  t.is(event.headers['content-length'], '4')
})

const FORWARDED: { title: string; from?: string; sent: string[]; expect: Record<string, string> }[] = [
  {
    title: 'the other end is added to what a client says of those before it',
    sent: ['X-Forwarded-For: 203.0.113.9', 'x-forwarded-for: 198.51.100.1'],
    expect: { 'x-forwarded-for': '203.0.113.9,198.51.100.1, 127.0.0.1' }
  },
  {
    title: 'an empty one says nothing',
    sent: ['X-Forwarded-For:', 'X-Forwarded-Proto:'],
    expect: { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' }
  },
  {
    title: 'a proxy on this machine says how its client came',
    sent: ['X-Forwarded-Proto: https', 'X-Forwarded-Port: 443'],
    expect: { 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' }
  },
  {
    title: 'nobody else does',
    from: '::ffff:192.0.2.7',
    sent: ['X-Forwarded-Proto: https', 'X-Forwarded-Port: 443', 'X-Forwarded-For: 127.0.0.1'],
    expect: { 'x-forwarded-proto': 'http', 'x-forwarded-for': '127.0.0.1, 192.0.2.7' }
  },
  {
    title: 'text that would break out of JSON is text',
    sent: ['X-Forwarded-For: ","a":"b'],
    expect: { 'x-forwarded-for': '","a":"b, 127.0.0.1' }
  }
]

for (const { title, from, sent, expect } of FORWARDED) {
  test(`event: forwarded: ${title}`, async (t) => {
    const headers = new EventHeaders()
    const connection = { remoteAddress: from ?? '127.0.0.1', localPort: 8787 }
    const pairs = sent.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
    const forwarder = headers.forwarderOf(connection)
    const joined = JSON.parse(`{${headers.join(['Host', 'h', ...pairs], forwarder, '1-00000000-0')}}`)
    t.like(joined, { host: 'h', ...expect })
    t.is(joined['x-amzn-trace-id'], 'Root=1-00000000-0')
  })
}

test('event: a trace that a client began is its root', (t) => {
  const headers = new EventHeaders()
  const forwarder = headers.forwarderOf({ remoteAddress: '192.0.2.7', localPort: 1 })
  const traced = (told: string) =>
    JSON.parse(`{${headers.join(['X-Amzn-Trace-Id', told], forwarder, '1-2-3')}}`)['x-amzn-trace-id']
  t.is(traced('Root=1-a-b;Parent=c'), 'Self=1-2-3;Root=1-a-b;Parent=c')
  t.is(traced('Self=1-a-b; Root=1-c-d'), 'Self=1-2-3;Self=1-a-b; Root=1-c-d')
  t.is(traced('Tool=x'), 'Root=1-2-3;Tool=x')
  t.is(traced(''), 'Root=1-2-3')
})

test('event: hundreds of headers, one named __proto__, all arrive', async (t) => {
  const node = await start(t)
  const many = Array.from({ length: 200 }, (_, index) => `X-${index}: ${index}\r\n`).join('')
  await raw(node, `GET /fn/hello HTTP/1.1\r\nHost: h\r\n__proto__: p\r\n${many}X-7: again\r\nConnection: close\r\n\r\n`)
  const event = givenEvent(node.orders[0] as InvokeOrder)
  // Without `connection`, with the four that are added.
  t.is(Object.keys(event.headers).length, 206)
  t.is(event.headers['x-7'], '7,again')
  t.true(Object.hasOwn(event.headers, '__proto__'))
})

test('NAME.fn.localhost leads to the function with the whole path', async (t) => {
  const node = await start(t)
  const event = await eventOf(node, { path: '/v1/keys?x=1', headers: { host: 'hello.fn.localhost:8787' } })
  t.is(event.rawPath, '/v1/keys')
  t.is((await ask(node, { path: '/', headers: { host: 'nobody.fn.localhost' } })).status, 404)
  t.is((await ask(node, { path: '/healthz', headers: { host: 'hello.fn.localhost.example.com' } })).text, 'ok\n')
})

test('the answer is what the function said, with what the platform says', async (t) => {
  const node = await start(t)
  node.behave(() => ranHttp(201, ['Content-Type', 'text/html', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'], '<p>ä</p>'))
  const answer = await ask(node, { path: '/fn/hello' })
  t.is(answer.status, 201)
  t.is(answer.text, '<p>ä</p>')
  t.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
  t.is(answer.headers['content-type'], 'text/html')
  t.is(answer.headers['x-amzn-requestid'], node.orders[0]?.requestId)
  t.is(answer.headers['x-peerless-node'], NODE_ID)
  t.is(answer.headers['x-peerless-duration-ms'], '1.25')
  t.is(answer.headers['x-peerless-billed-ms'], '100')
  t.is(answer.headers['x-peerless-charge'], '138')
  t.is(answer.headers['x-peerless-cold'], undefined)
})

test('a cold start is told', async (t) => {
  const node = await start(t)
  const outcome = ranHttp(200, [])
  node.behave(() => ({ ...outcome, usage: { ...outcome.usage, cold: true } }))
  t.is((await ask(node, { path: '/fn/hello' })).headers['x-peerless-cold'], '1')
})

test('large and binary bodies pass unchanged', async (t) => {
  const node = await start(t)
  for (const size of [0, 1, 16_384, 16_385, 1_000_000]) {
    const body = Buffer.from(Array.from({ length: size }, (_, index) => index % 256))
    node.behave(() => ranHttp(200, [], body))
    t.true((await ask(node, { path: '/fn/hello' })).body.equals(body), String(size))
  }
})

test('headers of one hop, lengths and what only the platform says are dropped from a function answer', async (t) => {
  const node = await start(t)
  const sent = ['Connection', 'upgrade', 'Transfer-Encoding', 'chunked', 'Content-Length', '1', 'X-Peerless-Charge', '0']
  node.behave(() => ranHttp(200, [...sent, 'x-amzn-RequestId', 'forged', 'x-peerless-new', '1', 'x-ok', 'yes'], 'whole'))
  const answer = await ask(node, { path: '/fn/hello' })
  t.is(answer.text, 'whole')
  t.is(answer.headers['content-length'], '5')
  t.is(answer.headers['x-peerless-charge'], '138')
  t.is(answer.headers['x-amzn-requestid'], node.orders[0]?.requestId)
  t.is(answer.headers['x-peerless-new'], undefined)
  t.is(answer.headers['x-ok'], 'yes')
  t.is(answer.headers['transfer-encoding'], undefined)
})

const NO_ANSWERS: [title: string, status: number, headers: string[]][] = [
  ['a line break in a value', 200, ['x', 'a\r\nx-evil: 1']],
  ['a line break in a name', 200, ['x\r\nx-evil', 'a']],
  ['a NUL in a value', 200, ['x', 'a\0b']],
  ['an empty name', 200, ['', 'a']],
  ['status 101', 101, []],
  ['status 0', 0, []],
  ['status 1000', 1000, []],
  ['status 200.5', 200.5, []]
]
for (const [title, status, headers] of NO_ANSWERS) {
  test(`an outcome with ${title} becomes a 502`, async (t) => {
    const node = await start(t)
    node.behave(() => ranHttp(status, headers, 'x'))
    const answer = await ask(node, { path: '/fn/hello' })
    t.is(answer.status, 502)
    t.is(answer.headers['x-evil'], undefined)
    t.is(answer.headers['x-amz-function-error'], 'Unhandled')
    t.is(answer.json().message, 'Internal Server Error')
    t.is(answer.headers['x-amzn-requestid'], node.orders[0]?.requestId)
  })
}

test('HEAD, 204 and 304 have no body', async (t) => {
  const node = await start(t)
  node.behave(() => ranHttp(200, [], 'four'))
  const head = await raw(node, 'HEAD /fn/hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
  t.true(head.endsWith('\r\n\r\n'))
  t.regex(head, /content-length: 4\r\n/)
  for (const status of [204, 304]) {
    node.behave(() => ranHttp(status, [], 'ignored'))
    const answer = await ask(node, { path: '/fn/hello' })
    t.is(answer.status, status)
    t.is(answer.text, '')
    t.is(answer.headers['content-length'], undefined)
  }
})

for (const status of ['error', 'timeout', 'exit'] as const) {
  test(`a function that ends with ${status} is a 502 that says so and no more`, async (t) => {
    const node = await start(t)
    node.behave(() => ran('{"errorMessage":"secret"}', { status }))
    const answer = await ask(node, { path: '/fn/hello' })
    t.is(answer.status, 502)
    t.is(answer.headers['x-amz-function-error'], 'Unhandled')
    t.is(answer.headers['x-peerless-charge'], '138')
    t.false(answer.text.includes('secret'))
  })
}

async function refusal(t: ExecutionContext, behaviour: Behaviour, expect: { status: number; code: string; retryAfter?: string }) {
  const node = await start(t)
  node.behave(behaviour)
  const answer = await ask(node, { path: '/fn/hello' })
  t.is(answer.status, expect.status)
  t.is(answer.json().code, expect.code)
  t.is(answer.headers['retry-after'], expect.retryAfter)
  t.is(answer.headers['x-amzn-requestid'], node.orders[0]?.requestId)
}
const failing = (error: Error) => () => Promise.reject(error)
const after = (retryAfterMs: number) => ({ detail: { retryAfterMs } })
test('refused: a limit is 429', refusal, failing(new PeerlessError('THROTTLED', 'x', after(2_500))), {
  status: 429,
  code: 'THROTTLED',
  retryAfter: '3'
})
test('refused: no capacity is 503 with Retry-After', refusal, failing(new PeerlessError('NO_CAPACITY', 'x', after(100))), {
  status: 503,
  code: 'NO_CAPACITY',
  retryAfter: '1'
})
test('refused: draining is 503', refusal, failing(new PeerlessError('UNAVAILABLE', 'x')), {
  status: 503,
  code: 'UNAVAILABLE',
  retryAfter: '1'
})
test('refused: a spent budget is 402', refusal, failing(new PeerlessError('BUDGET_SPENT', 'x')), {
  status: 402,
  code: 'BUDGET_SPENT'
})
test('refused: a lost peer is 502', refusal, failing(new PeerlessError('CONNECTION_LOST', 'x')), {
  status: 502,
  code: 'CONNECTION_LOST'
})
test('refused: a passed deadline is 504', refusal, failing(new PeerlessError('DEADLINE_EXCEEDED', 'x')), {
  status: 504,
  code: 'DEADLINE_EXCEEDED'
})

test('a bug below answers 500 without its text, and is logged', async (t) => {
  const node = await start(t)
  node.behave(failing(new TypeError('secret of the node')))
  const answer = await ask(node, { path: '/fn/hello' })
  t.is(answer.status, 500)
  t.is(answer.json().code, 'INTERNAL')
  t.false(answer.text.includes('secret'))
  t.true(node.logger.lines.some((line) => String(line.fields.error).includes('secret of the node')))
})

test('an unknown function, version or malformed name is told apart', async (t) => {
  const node = await start(t)
  for (const [path, status] of [
    ['/fn/nobody/x', 404],
    ['/fn/hello:7', 404],
    ['/fn/hello:prod/x', 404],
    ['/fn/', 400],
    ['/fn/a%20b', 400],
    [`/fn/${'x'.repeat(65)}`, 400],
    ['/fn/__proto__', 404]
  ] as const) {
    const answer = await ask(node, { path })
    t.is(answer.status, status, path)
    t.is(typeof answer.json().message, 'string')
  }
  t.is(node.orders.length, 0)
})

test('a changed record is seen at once', async (t) => {
  const node = await start(t)
  await ask(node, { path: '/fn/hello' })
  const changed = recordOf('hello', { qualifiers: {} })
  await node.catalog.put('function', 'hello', changed)
  t.is((await ask(node, { path: '/fn/hello' })).status, 403)
  await node.catalog.remove('function', 'hello')
  t.is((await ask(node, { path: '/fn/hello' })).status, 404)
})

test('AWS_IAM: unsigned is refused, signed runs and the event says who', async (t) => {
  const node = await start(t)
  await node.catalog.put('function', 'hello', recordOf('hello', { qualifiers: urlOf('AWS_IAM') }))
  const date = new Date(node.clock.now())
  const body = '{"a":1}'
  const plain = { method: 'POST', path: '/fn/hello/x?y=1', headers: { 'content-type': 'application/json' }, body }
  const unsigned = await ask(node, plain)
  t.is(unsigned.status, 403)
  t.is(unsigned.json().code, 'UNAUTHENTICATED')
  for (const withoutHash of [true, false]) {
    const answer = await ask(node, await signed(node, node.invoker, plain, { date, withoutHash }))
    t.is(answer.status, 200)
    t.is(answer.json().body, body)
    const { accountId, authorizer } = answer.json().requestContext as Record<string, unknown>
    t.is(accountId, '000000000000')
    const { accessKeyId, account } = node.invoker
    t.deepEqual(authorizer, {
      iam: {
        accessKey: accessKeyId,
        accountId: '000000000000',
        callerId: account,
        cognitoIdentity: null,
        principalOrgId: null,
        userArn: `arn:aws:iam::000000000000:user/${account}`,
        userId: account
      }
    })
    const tampered = await signed(node, node.invoker, plain, { date, withoutHash })
    t.is((await ask(node, { ...tampered, body: '{"a":2}' })).status, 403)
  }
  t.is((await ask(node, await signed(node, node.stranger, plain, { date }))).json().code, 'FORBIDDEN')
  t.is(node.orders.length, 2)
})

test('a body above 6 MB is refused with 413, announced or chunked, and so is one that grows above it as an event', async (t) => {
  const node = await start(t)
  const headers = { 'content-type': 'text/plain' }
  const body = Buffer.alloc(LIMITS.payloadBytesMax + 1, 'a')
  const announced = await ask(node, { method: 'POST', path: '/fn/hello', headers, body })
  t.is(announced.status, 413)
  t.regex(String(announced.json().message), /6291556/)
  const chunked = { ...headers, 'transfer-encoding': 'chunked' }
  t.is((await ask(node, { method: 'POST', path: '/fn/hello', headers: chunked, body })).status, 413)
  const bytes = Buffer.alloc(5_000_000)
  t.is((await ask(node, { method: 'POST', path: '/fn/hello', body: bytes })).status, 413)
  t.is(node.orders.length, 0)
  const quotes = '"'.repeat(4_000_000)
  const asText = { 'content-type': 'text/plain' }
  t.is((await ask(node, { method: 'POST', path: '/fn/hello', headers: asText, body: quotes })).status, 413)
})
