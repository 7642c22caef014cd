import type { InvokeOrder } from '@peerless/interface'
import test from 'ava'
import { EventHeaders } from '../src/event-headers.ts'
import { type Ask, ask, raw } from './_http.ts'
import { echo, type Fixture, givenEvent, recordOf, start } from './_ports.ts'

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
  test(`${title}`, async (t) => {
    const event = await eventOf(await start(t), options)
    for (const [name, value] of Object.entries(expect)) t.deepEqual(event[name], value, name)
  })
}

test('everything that payload format 2.0 has is there', async (t) => {
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

test('repeated headers are joined by a comma in their order, whatever their case', async (t) => {
  const node = await start(t)
  await raw(node, 'GET /fn/hello HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nX-B: \xe4\r\nConnection: close\r\n\r\n')
  const event = givenEvent(node.orders[0] as InvokeOrder)
  const { 'x-amzn-trace-id': trace, ...headers } = event.headers
  t.regex(trace ?? '', /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/)
  const forwarded = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-port': String(node.port), 'x-forwarded-proto': 'http' }
  t.deepEqual(headers, { host: 'h', 'x-a': '1,2', 'x-b': 'ä', ...forwarded })
})

test('cookies that come in several headers are as many cookies, in the header as in the list', async (t) => {
  const node = await start(t)
  await raw(node, 'GET /fn/hello HTTP/1.1\r\nHost: h\r\nCookie: a=1; b=2\r\ncookie: c=3\r\nConnection: close\r\n\r\n')
  const event = givenEvent(node.orders[0] as InvokeOrder)
  t.is(event.headers.cookie, 'a=1; b=2; c=3')
  t.deepEqual(event.cookies, ['a=1', 'b=2', 'c=3'])
})

test('headers of the connection end with it; what came in chunks has its length', async (t) => {
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
  test(`forwarded: ${title}`, async (t) => {
    const headers = new EventHeaders()
    const connection = { remoteAddress: from ?? '127.0.0.1', localPort: 8787 }
    const pairs = sent.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
    const forwarder = headers.forwarderOf(connection)
    const joined = JSON.parse(`{${headers.join(['Host', 'h', ...pairs], forwarder, '1-00000000-0')}}`)
    t.like(joined, { host: 'h', ...expect })
    t.is(joined['x-amzn-trace-id'], 'Root=1-00000000-0')
  })
}

test('a trace that a client began is its root', (t) => {
  const headers = new EventHeaders()
  const forwarder = headers.forwarderOf({ remoteAddress: '192.0.2.7', localPort: 1 })
  const traced = (told: string) =>
    JSON.parse(`{${headers.join(['X-Amzn-Trace-Id', told], forwarder, '1-2-3')}}`)['x-amzn-trace-id']
  t.is(traced('Root=1-a-b;Parent=c'), 'Self=1-2-3;Root=1-a-b;Parent=c')
  t.is(traced('Self=1-a-b; Root=1-c-d'), 'Self=1-2-3;Self=1-a-b; Root=1-c-d')
  t.is(traced('Tool=x'), 'Root=1-2-3;Tool=x')
  t.is(traced(''), 'Root=1-2-3')
})

test('hundreds of headers, one named __proto__, all arrive', async (t) => {
  const node = await start(t)
  const many = Array.from({ length: 200 }, (_, index) => `X-${index}: ${index}\r\n`).join('')
  await raw(node, `GET /fn/hello HTTP/1.1\r\nHost: h\r\n__proto__: p\r\n${many}X-7: again\r\nConnection: close\r\n\r\n`)
  const event = givenEvent(node.orders[0] as InvokeOrder)
  // Without `connection`, with the four that are added.
  t.is(Object.keys(event.headers).length, 206)
  t.is(event.headers['x-7'], '7,again')
  t.true(Object.hasOwn(event.headers, '__proto__'))
})

test('NAME.fn.localhost leads to the function whatever a browser makes of its name', async (t) => {
  const node = await start(t)
  const put = (name: string) => node.catalog.put('function', name, recordOf(name))
  const status = async (host: string) => (await ask(node, { path: '/', headers: { host } })).status
  for (const host of ['Hello.FN.Localhost:8787', 'hello.fn.localhost.', 'hello.fn.LOCALHOST.:8787'])
    t.is(await status(host), 200, host)
  await put('Shout')
  t.is(await status('shout.fn.localhost'), 200)
  t.is((await ask(node, { path: '/fn/shout/' })).status, 404, 'paths say what they mean')
  await put('SHOUT')
  t.is(await status('shout.fn.localhost'), 404, 'it might be either')
  t.is(await status('SHOUT.fn.localhost'), 200)
  await put('shout')
  t.is(await status('shout.fn.localhost'), 200)
})

test('NAME.fn.localhost leads to the function with the whole path', async (t) => {
  const node = await start(t)
  const event = await eventOf(node, { path: '/v1/keys?x=1', headers: { host: 'hello.fn.localhost:8787' } })
  t.is(event.rawPath, '/v1/keys')
  t.is((await ask(node, { path: '/', headers: { host: 'nobody.fn.localhost' } })).status, 404)
  t.is((await ask(node, { path: '/', headers: { host: '.fn.localhost' } })).status, 404)
  t.is((await ask(node, { path: '/healthz', headers: { host: 'hello.fn.localhost.example.com' } })).text, 'ok\n')
})
