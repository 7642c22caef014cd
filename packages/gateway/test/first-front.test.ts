import test, { type ExecutionContext } from 'ava'
import { type Ask, ask, raw, signed } from './_http.ts'
import { type Fixture, recordOf, start, ZIP } from './_ports.ts'

/** The first front of a machine and a further one, with keys and records of their own. */
async function fronts(t: ExecutionContext): Promise<{ first: Fixture; further: Fixture; of: (options: Ask) => Promise<Ask> }> {
  const first = await start(t)
  const further = await start(t, { firstFrontPort: await first.gateway.listenAside() })
  const of = (options: Ask) => signed(further, first.admin, options, { date: new Date(first.clock.now()) })
  return { first, further, of }
}

function creation(name: string, bytes: number): Ask {
  const zip = Buffer.concat([ZIP, Buffer.alloc(bytes)])
  const order = {
    FunctionName: name,
    Runtime: 'nodejs22.x',
    Role: 'arn:aws:iam::000000000000:role/any',
    Handler: 'index.handler'
  }
  const body = JSON.stringify({ ...order, Code: { ZipFile: zip.toString('base64') } })
  return { method: 'POST', path: '/2015-03-31/functions', headers: { 'content-type': 'application/json' }, body }
}

test('records are read and changed at the first front, whoever is asked', async (t) => {
  const { first, further, of } = await fronts(t)
  await first.catalog.put('function', 'there', recordOf('there'))
  const read = await ask(further, await of({ path: '/2015-03-31/functions/there/configuration' }))
  t.is(read.status, 200, read.text)
  t.is(read.json().FunctionName, 'there')
  const made = await ask(further, await of(creation('made', 3_000_000)))
  t.is(made.status, 201, made.text)
  t.truthy(first.catalog.get('function', 'made'))
  t.is(further.catalog.get('function', 'made'), undefined)
  const peers = await ask(further, await of({ path: '/v1/peers' }))
  t.is(peers.status, 200, peers.text)
  const metrics = (await ask(first, { path: '/metrics' })).text
  t.regex(metrics, /peerless_http_requests_total\{route="lambda",status="201"\} 1/)
})

test('functions are called at the front that is asked', async (t) => {
  const { first, further } = await fronts(t)
  t.is((await ask(further, { path: '/fn/hello' })).status, 200)
  const key = further.admin
  const call = { method: 'POST', path: '/2015-03-31/functions/hello/invocations', body: '{}' }
  const invoked = await ask(further, await signed(further, key, call, { date: new Date(further.clock.now()) }))
  t.is(invoked.status, 200, invoked.text)
  t.is(further.orders.length, 2)
  t.is(first.orders.length, 0)
})

test('a body is waited for, refused unread, or told to come, as at the first front itself', async (t) => {
  const { first, further, of } = await fronts(t)
  const unsigned = await ask(further, creation('none', 6_000_000))
  t.is(unsigned.status, 403)
  t.regex(unsigned.text, /Missing Authentication Token/)
  t.is((await ask(further, { path: '/2015-03-31/functions/there/code', method: 'PUT' })).status, 403)

  const order = await of(creation('told', 10))
  const head = Object.entries({ ...order.headers, expect: '100-continue', connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`
  )
  const length = `content-length: ${Buffer.byteLength(order.body as string)}`
  const answer = await raw(further, `POST ${order.path} HTTP/1.1\r\n${[...head, length].join('\r\n')}\r\n\r\n${order.body}`)
  t.regex(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 Created\r\n/)
  t.truthy(first.catalog.get('function', 'told'))

  const old = await of({ path: '/v1/ledger/statement' })
  const lines = Object.entries(old.headers ?? {}).map(([name, value]) => `${name}: ${value}`)
  const plain = await raw(further, `GET ${old.path} HTTP/1.0\r\n${lines.join('\r\n')}\r\n\r\n`)
  t.regex(plain, /^HTTP\/1\.1 200 OK\r\n/)
  t.notRegex(plain, /transfer-encoding/i, 'HTTP/1.0 knows no chunks')
})

test('without the first front records cannot be had, and functions can', async (t) => {
  const { first, further, of } = await fronts(t)
  const closed = first.gateway.close(0)
  await first.clock.advance(1)
  await closed
  for (const order of [{ path: '/v1/peers' }, creation('none', 200_000)]) {
    const answer = await ask(further, await of(order))
    t.is(answer.status, 503)
    t.is(answer.json().code, 'UNAVAILABLE')
  }
  t.is((await ask(further, { path: '/fn/hello' })).status, 200)
})
