import test from 'ava'
import { ask, signed } from './_http.ts'
import { start } from './_ports.ts'

const PATH = '/2015-03-31/functions/hello/invocations'
const PAGE = { origin: 'https://page.example' }

test('a page may sign calls of the Lambda API, and read all of their answers', async (t) => {
  const node = await start(t)
  const asked = 'authorization,content-type,x-amz-content-sha256,x-amz-date,x-amz-user-agent'
  const headers = { ...PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': asked }
  const preflight = await ask(node, { method: 'OPTIONS', path: PATH, headers })
  t.is(preflight.status, 200)
  t.is(preflight.headers['access-control-allow-origin'], '*')
  t.is(preflight.headers['access-control-allow-methods'], 'POST')
  t.is(preflight.headers['access-control-allow-headers'], asked)
  const sign = { date: new Date(node.clock.now()) }
  const call = await ask(node, await signed(node, node.admin, { method: 'POST', path: PATH, headers: PAGE, body: '{}' }, sign))
  const refused = await ask(node, { path: PATH, method: 'POST', headers: PAGE, body: '{}' })
  const missing = await ask(node, await signed(node, node.admin, { path: '/2015-03-31/functions/no', headers: PAGE }, sign))
  t.deepEqual([call.status, refused.status, missing.status], [200, 403, 404])
  for (const answer of [call, refused, missing]) {
    t.is(answer.headers['access-control-allow-origin'], '*')
    const exposed = String(answer.headers['access-control-expose-headers']).toLowerCase().split(',')
    for (const name of Object.keys(answer.headers).filter((name) => name.startsWith('x-'))) t.true(exposed.includes(name), name)
  }
})

test('what no page asks has nothing of it, and neither has the mesh’s own API', async (t) => {
  const node = await start(t)
  const sign = { date: new Date(node.clock.now()) }
  const call = await ask(node, await signed(node, node.admin, { method: 'POST', path: PATH, body: '{}' }, sign))
  t.is(call.headers['access-control-allow-origin'], undefined)
  t.is((await ask(node, { method: 'OPTIONS', path: PATH, headers: PAGE })).status, 403, 'asks for no method')
  const headers = { ...PAGE, 'access-control-request-method': 'GET' }
  const mesh = await ask(node, { method: 'OPTIONS', path: '/v1/keys', headers })
  t.is(mesh.headers['access-control-allow-origin'], undefined)
  const odd = { ...PAGE, 'access-control-request-method': 'x'.repeat(99), 'access-control-request-headers': 'a b,c' }
  const answer = await ask(node, { method: 'OPTIONS', path: PATH, headers: odd })
  t.is(answer.headers['access-control-allow-methods'], 'POST')
  t.is(answer.headers['access-control-allow-headers'], undefined)
})
