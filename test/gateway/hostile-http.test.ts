import { connect } from 'node:net'
import test from 'ava'
import { type Daemon, up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { deploy, type Shared } from '../walkthrough/_deployed.ts'
import { ask, raw } from './_http.ts'

const shared = {} as Shared
const endings: (() => unknown)[] = []

const ECHO = `export const handler = async (event) => ({
  path: event.rawPath, query: event.rawQueryString, host: event.headers.host, body: event.body ?? null, length: (event.body ?? '').length,
  method: event.requestContext.http.method, protocol: event.requestContext.http.protocol, x: event.headers['x-x'] ?? null
})`

test.before(async () => {
  shared.node = await up({ teardown: (ending) => endings.unshift(ending) })
  shared.lambda = await lambdaOf(shared.node)
  await deploy(shared, 'echo', { 'index.mjs': ECHO }, { url: true })
  await deploy(
    shared,
    'headers',
    { 'index.mjs': 'export const handler = async (event) => ({ statusCode: 200, headers: JSON.parse(event.body), body: "ok" })' },
    { url: true }
  )
})

test.after.always('the daemon is ready after all of it, and none of it was an error of the node', async (t) => {
  t.is((await fetch(`${shared.node.http}/readyz`)).status, 200)
  t.deepEqual(
    shared.node.log.filter((line) => /"level":(50|60)/.test(line)),
    []
  )
  for (const ending of endings) await ending()
})

/** Statuses of all responses on a connection, in order. */
function statuses(received: string): number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1]))
}

const H = 'Host: a\r\nConnection: close\r\n'
const SMUGGLED = 'GET /fn/echo/smuggled HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n'

/** Each is sent as it is; what must come back. */
const FORMS: readonly [title: string, bytes: string | Buffer, statuses: number[], ...holds: string[]][] = [
  ['a plain request', `GET /fn/echo/x HTTP/1.1\r\n${H}\r\n`, [200], '"path":"/x"'],
  ['a proxy’s form of it', `GET http://other/fn/echo/x?y HTTP/1.1\r\n${H}\r\n`, [200], '"path":"/x"', '"query":"y"'],
  [
    'length and chunks at once',
    `POST /fn/echo HTTP/1.1\r\n${H}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    [400]
  ],
  ['two lengths that differ', `POST /fn/echo HTTP/1.1\r\n${H}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, [400]],
  ['two lengths that agree', `POST /fn/echo HTTP/1.1\r\n${H}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, [400]],
  ['a length with a sign', `POST /fn/echo HTTP/1.1\r\n${H}Content-Length: +5\r\n\r\nhello`, [400]],
  ['a length with a list', `POST /fn/echo HTTP/1.1\r\n${H}Content-Length: 5, 5\r\n\r\nhello`, [400]],
  ['a negative length', `POST /fn/echo HTTP/1.1\r\n${H}Content-Length: -1\r\n\r\n`, [400]],
  ['a length that overflows', `POST /fn/echo HTTP/1.1\r\n${H}Content-Length: 99999999999999999999\r\n\r\n`, [400]],
  ['chunked spelled otherwise', `POST /fn/echo HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, [400]],
  [
    'chunked that is not last',
    `POST /fn/echo HTTP/1.1\r\n${H}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    [400]
  ],
  [
    'chunked with a tab before it',
    `POST /fn/echo HTTP/1.1\r\n${H}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    [400]
  ],
  ['a space before the colon', `POST /fn/echo HTTP/1.1\r\n${H}Content-Length : 5\r\n\r\nhello`, [400]],
  ['a folded header', `GET /fn/echo HTTP/1.1\r\n${H}X-X: a\r\n b\r\n\r\n`, [400]],
  ['a bare line feed', `GET /fn/echo HTTP/1.1\nHost: a\n\n`, [400]],
  ['a bare carriage return in a value', `GET /fn/echo HTTP/1.1\r\n${H}X-X: a\rSet-Cookie: b\r\n\r\n`, [400]],
  ['a NUL in a value', `GET /fn/echo HTTP/1.1\r\n${H}X-X: a\0b\r\n\r\n`, [400]],
  ['a NUL in the path', `GET /fn/echo/\0 HTTP/1.1\r\n${H}\r\n`, [400]],
  ['no host', 'GET /fn/echo HTTP/1.1\r\nConnection: close\r\n\r\n', [400]],
  ['two hosts', `GET /fn/echo HTTP/1.1\r\n${H}Host: b\r\n\r\n`, [400]],
  ['an unknown method', `FOO /fn/echo HTTP/1.1\r\n${H}\r\n`, [400]],
  ['HTTP/2’s preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  ['a version of the future', `GET /fn/echo HTTP/3.0\r\n${H}\r\n`, [400]],
  ['a chunk whose size is no number', `POST /fn/echo HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n`, [400]],
  [
    'a chunk longer than it says',
    `POST /fn/echo HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n`,
    [400]
  ],
  ['headers without end', `GET /fn/echo HTTP/1.1\r\n${H}X-X: ${'a'.repeat(20_000)}\r\n\r\n`, [431]],
  ['thousands of headers', `GET /fn/echo HTTP/1.1\r\n${H}${'a:b\r\n'.repeat(2_500)}x-x: last\r\n\r\n`, [200], '"x":"last"'],
  [
    'a WebSocket',
    `GET /fn/echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    [501],
    'WebSocket'
  ],
  [
    'an offer of HTTP/2',
    `GET /fn/echo/h2c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    [200],
    '/h2c'
  ],
  ['CONNECT', `CONNECT example.com:443 HTTP/1.1\r\n${H}\r\n`, [405], 'no proxy'],
  ['HTTP/1.0', 'GET /fn/echo/old HTTP/1.0\r\nHost: a\r\n\r\n', [200], '"path":"/old"', 'HTTP/1.0'],
  ['names that climb', `GET /fn/..%2f..%2fetc/passwd HTTP/1.1\r\n${H}\r\n`, [400]],
  ['a name of dots', `GET /fn/../x HTTP/1.1\r\n${H}\r\n`, [400]],
  ['a name with an escape that is none', `GET /fn/%zz HTTP/1.1\r\n${H}\r\n`, [400]],
  ['a name with a line end', `GET /fn/echo%0d%0aX:y HTTP/1.1\r\n${H}\r\n`, [400]],
  ['a name that is a prototype', `GET /fn/__proto__ HTTP/1.1\r\n${H}\r\n`, [404]],
  ['escapes of the function’s own', `GET /fn/echo/%2e%2e/%ff?a=%zz HTTP/1.1\r\n${H}\r\n`, [200], '/%2e%2e/%ff', 'a=%zz'],
  ['an expectation nobody knows', `POST /fn/echo HTTP/1.1\r\n${H}Expect: tea\r\nContent-Length: 5\r\n\r\nhello`, [417]]
]

for (const [title, bytes, expected, ...holds] of FORMS) {
  test(`on a raw socket: ${title}`, async (t) => {
    const received = await raw(shared.node.http, bytes)
    t.deepEqual(statuses(received), expected, received.slice(0, 500))
    for (const part of holds) t.true(received.includes(part), received.slice(-800))
    t.false(received.includes('smuggled'))
  })
}

test('a body is asked for with 100 Continue only when it is wanted', async (t) => {
  const small = await raw(
    shared.node.http,
    `POST /fn/echo HTTP/1.1\r\n${H}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`
  )
  t.deepEqual(statuses(small), [100, 200])
  for (const [path, status] of [
    ['/fn/echo', 413],
    ['/fn/nobody', 404],
    ['/2015-03-31/functions', 403]
  ] as const) {
    const refused = await raw(
      shared.node.http,
      `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n`
    )
    t.deepEqual(statuses(refused), [status], path)
  }
})

test('a body above the bound is refused with 413, whether its length was announced or not', async (t) => {
  const big = Buffer.alloc(6_400_000, 'a')
  const announced = await ask(shared.node.http, {
    method: 'POST',
    path: '/fn/echo',
    body: big,
    headers: { 'content-type': 'text/plain' }
  })
  t.is(announced.status, 413)
  const chunked = await ask(shared.node.http, {
    method: 'POST',
    path: '/fn/echo',
    body: big,
    headers: { 'transfer-encoding': 'chunked', 'content-type': 'text/plain' }
  })
  t.is(chunked.status, 413)
})

test('HEAD has the head of GET and no body; requests that follow on the connection are answered in order', async (t) => {
  const head = await ask(shared.node.http, { method: 'HEAD', path: '/fn/echo/x' })
  t.is(head.status, 200)
  t.is(head.text, '')
  t.true(Number(head.headers['content-length']) > 0)
  const one = 'GET /fn/echo/1 HTTP/1.1\r\nHost: a\r\n\r\n'
  const piped = await raw(shared.node.http, [one, one.replace('/1 ', '/2 '), `GET /fn/echo/3 HTTP/1.1\r\n${H}\r\n`].join(''))
  t.deepEqual(
    [...piped.matchAll(/"path":"(\/\d)"/g)].map((match) => match[1]),
    ['/1', '/2', '/3']
  )
})

test('no header of a function breaks out of its line or says what the platform says', async (t) => {
  const answered = (headers: unknown) =>
    ask(shared.node.http, {
      method: 'POST',
      path: '/fn/headers',
      body: JSON.stringify(headers),
      headers: { 'content-type': 'application/json' }
    })
  for (const bad of [
    { 'x-x': 'a\r\nset-cookie: b' },
    { 'x-x\r\ny': 'a' },
    { 'x x': 'a' },
    { 'x-x': 'a\u0000' },
    { 'x-x': '\u0100' },
    { '': 'a' }
  ]) {
    const reply = await answered(bad)
    t.is(reply.status, 502, JSON.stringify(bad))
    t.is(reply.headers['set-cookie'], undefined)
  }
  const dropped = await answered({
    'transfer-encoding': 'chunked',
    'content-length': '1',
    connection: 'upgrade',
    'x-peerless-node': 'me',
    'x-ok': 'yes'
  })
  t.is(dropped.text, 'ok')
  t.is(dropped.headers['x-ok'], 'yes')
  t.not(dropped.headers['x-peerless-node'], 'me')
})

/** Resolves when the other side has closed. */
function closed(daemon: Daemon, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(daemon.http).port), '127.0.0.1')
    let received = ''
    socket.setEncoding('latin1').on('data', (piece: string) => {
      received += piece
    })
    socket.once('close', () => resolve(received))
    socket.write(bytes)
    socket.end()
  })
}

test('a client that stops in the middle of a request gets no call made of it', async (t) => {
  for (const part of [
    'GET /fn/ec',
    'GET /fn/echo HTTP/1.1\r\nHost: a\r\n',
    'POST /fn/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhal'
  ]) {
    t.notRegex(await closed(shared.node, part), /^HTTP\/1\.1 200/)
  }
})
