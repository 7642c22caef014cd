import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import test from 'ava'
import { type Daemon, up } from '../_daemon.ts'
import { type Ask, ask, type Reply } from './_http.ts'
import { app as expressApp } from './apps/express.mjs'
import { web } from './apps/hono.mjs'
import { listener as koaListener } from './apps/koa.mjs'
import { answer } from './apps/plain.mjs'

/**
 * The same apps served by node:http and by a node: request by request, status, headers and body are equal. What differs by design is left out:
 * the time, the connection, what this platform adds, and how the length of a body is told.
 */
const OWN_HEADERS = /^(date|connection|keep-alive|transfer-encoding|content-length|trailer|x-amzn-requestid|x-peerless-.*)$/

const text = (type: string) => ({ 'content-type': type })
const BYTES = Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 7) % 256))

const REQUESTS: readonly Ask[] = [
  ...[
    '/hello',
    '/hello?name=Ada',
    '/hello?name=Ada%20L',
    '/hello?name=a+b',
    '/hello?name=%E4%B8%96',
    '/hello?name=',
    '/hello?x&name=1'
  ].map((path) => ({ path })),
  ...['/json', '/html', '/binary', '/large', '/none', '/redirect', '/cookies', '/headers', '/error'].map((path) => ({ path })),
  ...[200, 201, 202, 203, 301, 400, 401, 403, 404, 409, 410, 418, 422, 429, 500, 503].map((code) => ({
    path: `/status/${code}`
  })),
  ...['/', '/nothing', '/nothing/at/all?x=1', '/hello/', '//hello', '/HELLO', '/hello%2F'].map((path) => ({ path })),
  ...['/users/1/books/2', '/users/a%20b/books/%C3%A9'].map((path) => ({ path })),
  ...['/hello', '/json', '/large', '/nothing', '/none'].map((path) => ({ method: 'HEAD', path })),
  ...[
    '/echo/a/b/c',
    '/echo/%2F/x%20y',
    '/echo/..%2f',
    '/echo/a?b=c',
    '/echo/?a=1&a=2&b=',
    '/echo/?q=%00%01',
    '/echo/?a[b]=c',
    '/echo/~!$&()*+,;=:@'
  ].map((path) => ({ path })),
  ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ({
    method,
    path: '/echo/x',
    headers: { ...text('application/json'), 'content-length': '7' },
    body: '{"a":1}'
  })),
  ...['OPTIONS', 'DELETE', 'POST'].map((method) => ({ method, path: '/echo/x' })),
  { method: 'POST', path: '/echo/x', headers: text('text/plain; charset=utf-8'), body: 'Grüße 世界' },
  { method: 'POST', path: '/echo/x', headers: text('application/x-www-form-urlencoded'), body: 'a=1&b=%20&a=2' },
  { method: 'POST', path: '/echo/x', headers: text('application/octet-stream'), body: BYTES },
  { method: 'POST', path: '/echo/x', headers: text('application/xml'), body: '<a/>' },
  { method: 'POST', path: '/echo/x', headers: text('application/json'), body: BYTES },
  {
    method: 'POST',
    path: '/echo/x',
    headers: text('multipart/form-data; boundary=b'),
    body: '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
  },
  { method: 'POST', path: '/echo/x', headers: { 'transfer-encoding': 'chunked', ...text('text/plain') }, body: 'in chunks' },
  { method: 'POST', path: '/echo/x', headers: text('text/plain'), body: Buffer.alloc(1_000_000, 'z') },
  {
    path: '/echo/x',
    headers: { 'x-custom': 'Value With Case', accept: 'text/html;q=0.9, */*', 'accept-language': 'de, en;q=0.5' }
  },
  { path: '/echo/x', headers: { cookie: 'a=1; b=2; c="q"' } },
  { path: '/echo/x', headers: ['x-list', 'one', 'x-list', 'two', 'host', 'replaced'] },
  { path: '/echo/x', headers: { 'user-agent': 'compare/1.0 (test)', authorization: 'Basic YTpi' } },
  { path: '/json', headers: { 'if-none-match': '*', accept: 'application/json' } },
  { path: '/json', headers: { 'accept-encoding': 'gzip, br' } }
]

const APPS = [
  { app: 'plain', handler: 'plain.handler' },
  { app: 'hono', handler: 'hono.handler' },
  { app: 'hono', handler: 'hono.web' },
  { app: 'hono', handler: 'hono.streaming', stream: true },
  { app: 'express', handler: 'express.handler' },
  { app: 'koa', handler: 'koa.handler' }
] as const

let node: Daemon
const endings: (() => unknown)[] = []
let compared = 0

test.before(async () => {
  node = await up({ teardown: (ending) => endings.unshift(ending) })
})
test.after.always(async (t) => {
  for (const ending of endings) await ending()
  t.log(`${compared} answers compared with node:http`)
})

function shown(reply: Reply): { status: number; headers: Record<string, unknown>; body: string } {
  const headers = Object.entries(reply.headers).filter(([name]) => !OWN_HEADERS.test(name))
  return {
    status: reply.status,
    headers: Object.fromEntries(headers.sort(([a], [b]) => (a < b ? -1 : 1))),
    body: reply.body.toString('base64')
  }
}

/** Payload 2.0 gives every answer a content type; node:http leaves it away where the app said none. */
function withoutDefault(actual: Reply, expected: Reply): Reply {
  if (expected.headers['content-type'] !== undefined) return actual
  const { 'content-type': _, ...headers } = actual.headers
  return { ...actual, headers }
}

for (const { app, handler, ...more } of APPS) {
  test(`${handler} answers as ${app} does on node:http`, async (t) => {
    const name = handler.replace('.', '-')
    const folder = join(import.meta.dirname, 'apps')
    const deployed = await node.cli('deploy', join(folder, `${app}.mjs`), '--name', name, '--handler', handler, '--timeout', '10')
    t.is(deployed.code, 0, deployed.stderr)
    const host = `${name}.example.com`
    const added = await node.cli('routes', 'add', '$default', name, '--host', host, ...('stream' in more ? ['--stream'] : []))
    t.is(added.code, 0, added.stderr)
    const server = serverOf(app)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const reference = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    for (const order of REQUESTS) {
      const [expected, actual] = await Promise.all([ask(reference, withHost(order, host)), ask(node.http, withHost(order, host))])
      t.deepEqual(shown(withoutDefault(actual, expected)), shown(expected), `${order.method ?? 'GET'} ${order.path}`)
      compared++
    }
  })
}

/** As each would be served without a platform. */
function serverOf(app: (typeof APPS)[number]['app']): Server {
  if (app === 'hono') return createAdaptorServer({ fetch: web.fetch, overrideGlobalObjects: false }) as Server
  if (app === 'express') return createServer(expressApp)
  if (app === 'koa') return createServer(koaListener)
  return createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const { status, headers, body } = answer(request.method, request.url, request.headers, Buffer.concat(pieces))
    response.writeHead(status, headers)
    response.end(body)
  })
}

function withHost(order: Ask, host: string): Ask {
  const { headers } = order
  if (Array.isArray(headers)) return { ...order, headers: headers.map((value) => (value === 'replaced' ? host : value)) }
  return { ...order, headers: { ...headers, host } }
}
