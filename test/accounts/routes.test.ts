import test from 'ava'
import { up } from '../_daemon.ts'
import { get } from '../_functions.ts'
import { deploy } from '../async/_async.ts'
import { personOf } from './_accounts.ts'

const answering = (text: string) => `export const handler = async () => '${text}'`

test('no account leads requests to itself that a route of another would get', async (t) => {
  const daemon = await up(t)
  const alice = await personOf(daemon, 'alice')
  const bob = await personOf(daemon, 'bob')
  await deploy(alice.lambda, 'shop', answering('alice'))
  await deploy(bob.lambda, 'trap', answering('bob'))
  const lead = (person: typeof bob, route: string, name: string) => person.ask('POST', '/v1/routes', { route, function: name })
  for (const route of ['ANY /shop/{page+}', 'ANY /login']) t.is((await lead(alice, route, 'shop')).status, 201)

  for (const route of ['GET /shop/pay', 'ANY /shop/{page}', 'POST /shop/{page+}', 'GET /login', 'POST /login']) {
    const refused = await lead(bob, route, 'trap')
    t.is(refused.status, 403, route)
    t.regex(refused.text, /would take requests from a route of another account/)
  }
  // What takes nothing from anybody is theirs, and what it would take from a catch-all is not refused to others.
  for (const route of ['ANY /{all+}', 'GET /{page}', 'GET /shop', 'GET /{page}/pay', '$default', 'GET /other'])
    t.is((await lead(bob, route, 'trap')).status, 201, route)
  t.is((await lead(alice, 'GET /news', 'shop')).status, 201)
  t.is((await lead(alice, 'GET /shop/pay', 'shop')).status, 201)

  const text = async (path: string) => (await get(daemon.http + path)).body
  for (const path of ['/shop/pay', '/shop/a/b', '/login', '/news']) t.is(await text(path), 'alice', path)
  for (const path of ['/shop', '/other', '/x/y/z', '/news/pay']) t.is(await text(path), 'bob', path)
})
