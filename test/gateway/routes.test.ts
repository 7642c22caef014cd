import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { type Daemon, dataFolder, eventually, meshOf, run } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { ask } from './_http.ts'
import { deploy } from './_streams.ts'

const ECHO = `export const handler = async (event) => ({
  routeKey: event.routeKey, inContext: event.requestContext.routeKey, path: event.rawPath, parameters: event.pathParameters ?? null,
  query: event.rawQueryString, cookies: event.cookies ?? null, cookieHeader: event.headers.cookie ?? null, method: event.requestContext.http.method
})`

async function mesh(t: Parameters<typeof meshOf>[0]): Promise<[Daemon, Daemon]> {
  const [one, other] = (await meshOf(t, 2)) as [Daemon, Daemon]
  await deploy(await lambdaOf(one), 'echo', ECHO)
  return [one, other]
}

test('a route that was added at one node leads to its function at every node, until it is removed', async (t) => {
  const [one, other] = await mesh(t)
  const added = await one.cli('routes', 'add', 'GET /users/{id}', 'echo')
  t.is(added.code, 0, added.stderr)
  t.is(added.stderr, 'GET /users/{id} leads to echo.\n')
  const expected = {
    routeKey: 'GET /users/{id}',
    inContext: 'GET /users/{id}',
    path: '/users/a%20b',
    parameters: { id: 'a b' },
    query: 'x=1',
    cookies: ['a=1', 'b=2'],
    cookieHeader: null,
    method: 'GET'
  }
  const get = { path: '/users/a%20b?x=1', headers: { cookie: 'a=1; b=2' } }
  t.deepEqual((await ask(one.http, get)).json(), expected)
  const there = await eventually(
    () => ask(other.http, get),
    (reply) => reply.status === 200
  )
  t.deepEqual(there.json(), expected)
  t.is((await ask(one.http, { ...get, method: 'POST' })).status, 404)
  t.is((await ask(one.http, { path: '/users' })).status, 404)
  t.is((await ask(one.http, { path: '/healthz' })).text, 'ok\n')

  const listed = JSON.parse((await other.cli('routes', 'ls', '--json')).stdout)
  t.like(listed, [{ routeKey: 'GET /users/{id}', functionName: 'echo', auth: 'NONE', invokeMode: 'BUFFERED' }])
  const removed = await other.cli('routes', 'rm', 'GET /users/{id}')
  t.is(removed.code, 0, removed.stderr)
  t.is((await ask(other.http, get)).status, 404)
  await eventually(
    () => ask(one.http, get),
    (reply) => reply.status === 404
  )
})

test('hosts have routes of their own; CORS answers preflights without the function; what is wrong is refused by name', async (t) => {
  const [one] = await mesh(t)
  const add = async (...args: string[]) => {
    const ran = await one.cli('routes', 'add', ...args)
    t.is(ran.code, 0, ran.stderr)
  }
  await add('$default', 'echo')
  await add(
    'ANY /{proxy+}',
    'echo',
    '--host',
    'api.example.com',
    '--cors-origin',
    'https://a.example',
    '--cors-method',
    'get',
    'put'
  )
  await add('GET /only', 'echo', '--host', '*.wild.example.com')
  const at = (host: string, path: string, more: Record<string, string> = {}, method = 'GET') =>
    ask(one.http, { path, method, headers: { host, ...more } })
  t.like((await at('API.example.com:1234', '/fn/echo')).json(), { routeKey: 'ANY /{proxy+}', parameters: { proxy: 'fn/echo' } })
  t.like((await at('x.wild.example.com', '/only')).json(), { routeKey: 'GET /only' })
  t.is((await at('x.y.wild.example.com', '/only')).status, 200, 'two labels are another host, which has the default route')
  t.is((await at('x.wild.example.com', '/healthz')).status, 404)
  t.like((await at('other.example.com', '/anything/at/all')).json(), { routeKey: '$default', parameters: null })

  const preflight = { origin: 'https://a.example', 'access-control-request-method': 'PUT' }
  const allowed = await at('api.example.com', '/x', preflight, 'OPTIONS')
  t.is(allowed.status, 204)
  t.is(allowed.headers['access-control-allow-origin'], 'https://a.example')
  t.is(allowed.headers['access-control-allow-methods'], 'GET, PUT')
  t.is(
    (await at('api.example.com', '/x', { ...preflight, origin: 'https://b.example' }, 'OPTIONS')).headers[
      'access-control-allow-origin'
    ],
    undefined
  )
  t.is(
    (await at('api.example.com', '/x', { origin: 'https://a.example' })).headers['access-control-allow-origin'],
    'https://a.example'
  )

  for (const [args, code, says] of [
    [['GET /fn/x', 'echo'], 1, "begins with '/fn'"],
    [['GET x', 'echo'], 1, "begins with '/'"],
    [['GET /x', 'nobody'], 1, "no function 'nobody'"],
    [['GET /x', 'echo:9'], 1, "no version or alias '9'"],
    [['GET /x', 'echo', '--host', 'localhost'], 1, 'at least two labels'],
    [['GET /x', 'echo', '--cors-max-age', '86401'], 2, '86400'],
    [['GET /x', 'echo', '--cors-origin', 'example'], 1, 'https://example.com'],
    [['GET /x', 'a/b'], 2, "'a/b'"]
  ] as const) {
    const ran = await one.cli('routes', 'add', ...args)
    t.is(ran.code, code, ran.stderr)
    t.true(ran.stderr.includes(says), ran.stderr)
  }
  const malformed = await at('other.example.com', '/%ff')
  t.is(malformed.status, 400)
  t.like(malformed.json(), { code: 'INVALID_ARGUMENT' })
})

test('a deployer may lead routes to functions of its account, and claim no host', async (t) => {
  const [one] = await mesh(t)
  const made = JSON.parse((await one.cli('keys', 'create', '--role', 'deployer', '--account', 'other', '--json')).stdout)
  const env = { AWS_ACCESS_KEY_ID: made.accessKeyId, AWS_SECRET_ACCESS_KEY: made.secretAccessKey }
  const peerless = (...args: string[]) => run('bin/peerless', [...args, '--node', one.http], { env })
  const refused = await peerless('routes', 'add', 'GET /x', 'echo')
  t.is(refused.code, 1)
  t.regex(refused.stderr, /belongs to another account/)
  const zip = join(await dataFolder(t), 'own.mjs')
  await writeFile(zip, 'export const handler = async () => "own"')
  t.is((await peerless('deploy', zip)).code, 0)
  t.is((await peerless('routes', 'add', 'GET /own', 'own')).code, 0)
  t.is((await ask(one.http, { path: '/own' })).text, 'own')
  // A name is free again once its function is removed. What led to that does not lead to the next one's.
  t.is((await peerless('rm', 'own')).code, 0)
  t.is((await one.cli('deploy', zip)).code, 0)
  const next = await ask(one.http, { path: '/own' })
  t.is(next.status, 404)
  t.regex(next.text, /belongs to another account/)
  t.is((await one.cli('rm', 'own')).code, 0)
  t.is((await peerless('deploy', zip)).code, 0)
  t.is((await ask(one.http, { path: '/own' })).text, 'own')
  const claim = await peerless('routes', 'add', 'GET /', 'own', '--host', 'www.example.com')
  t.is(claim.code, 1)
  t.regex(claim.stderr, /administrator/)
  t.is((await one.cli('routes', 'add', 'GET /admin', 'echo')).code, 0)
  const foreign = await peerless('routes', 'rm', 'GET /admin')
  t.is(foreign.code, 1)
  t.regex(foreign.stderr, /no route 'GET \/admin'/, 'it is not even shown')
})
