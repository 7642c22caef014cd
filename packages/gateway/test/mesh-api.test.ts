import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AccessKey, StatementLine } from '@peerless/interface'
import test from 'ava'
import { type Answer, type Ask, ask, signed } from './_http.ts'
import { type Fixture, lines, logLine, start } from './_ports.ts'

async function call(node: Fixture, options: Ask, key = node.admin): Promise<Answer> {
  return await ask(node, await signed(node, key, options, { date: new Date(node.clock.now()) }))
}

/** A signed GET whose answer is read as it comes. */
async function opened(node: Fixture, path: string, key = node.admin): Promise<IncomingMessage> {
  const { headers } = await signed(node, key, { path }, { date: new Date(node.clock.now()) })
  const request = httpRequest({
    host: node.host,
    port: node.port,
    path,
    agent: false,
    ...(headers === undefined ? {} : { headers })
  })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

const ADMIN_ONLY: Ask[] = [
  { path: '/v1/node' },
  { path: '/v1/instances' },
  { path: '/v1/keys' },
  { method: 'POST', path: '/v1/keys', body: '{"role":"invoker"}' },
  { method: 'DELETE', path: '/v1/keys/PLKEY00000000001' },
  { method: 'DELETE', path: '/v1/peers/two' },
  { path: '/v1/node/leave' },
  { method: 'POST', path: '/v1/node/leave', body: '{}' },
  { method: 'PUT', path: '/v1/node/drain' },
  { method: 'DELETE', path: '/v1/node/drain' },
  { method: 'POST', path: '/v1/invites', body: '{}' },
  { path: '/v1/ledger/verify' }
]
for (const options of ADMIN_ONLY) {
  test(`${options.method ?? 'GET'} ${options.path} is for admins only`, async (t) => {
    const node = await start(t)
    t.is((await ask(node, options)).json().code, 'UNAUTHENTICATED')
    for (const key of [node.deployer, node.invoker]) {
      const answer = await call(node, options, key)
      t.is(answer.status, 403)
      t.is(answer.json().code, 'FORBIDDEN')
    }
    t.true([200, 201, 204].includes((await call(node, options)).status))
  })
}

test('keys are created with a secret, listed without, revoked at once', async (t) => {
  const node = await start(t)
  const made = await call(node, { method: 'POST', path: '/v1/keys', body: '{"role":"deployer","account":"x"}' })
  t.is(made.status, 201)
  const { accessKeyId, secretAccessKey } = made.json() as { accessKeyId: string; secretAccessKey: string }
  t.like(made.json(), { role: 'deployer', account: 'x' })
  const fresh = { accessKeyId, secretAccessKey, role: 'deployer' as const, account: 'x', createdAt: 0 }
  t.is((await call(node, { path: '/v1/peers' }, fresh)).status, 200)
  const list = await call(node, { path: '/v1/keys' })
  t.false(list.text.includes(secretAccessKey))
  t.true(list.text.includes(accessKeyId))
  t.is((await call(node, { method: 'DELETE', path: `/v1/keys/${accessKeyId}` })).status, 204)
  t.is((await call(node, { method: 'DELETE', path: `/v1/keys/${accessKeyId}` })).status, 404)
  t.is((await call(node, { path: '/v1/peers' }, fresh)).json().code, 'UNAUTHENTICATED')
})

test('an admin removes a node by name, alone or with those that it invited', async (t) => {
  const node = await start(t)
  const remove = (path: string) => call(node, { method: 'DELETE', path })
  t.deepEqual((await remove('/v1/peers/two')).json(), { removed: ['two'] })
  t.deepEqual((await remove('/v1/peers/two?invited=1')).json(), { removed: ['two', "two's"] })
  t.is((await remove('/v1/peers/two?invited=perhaps')).status, 400)
})

test('an admin takes the work off the node, and lets it work again', async (t) => {
  const node = await start(t)
  const drain = (method: string, body = '') => call(node, { method, path: '/v1/node/drain', body })
  t.deepEqual((await drain('PUT')).json(), { draining: true, inFlight: 0, takers: 2 })
  t.deepEqual((await drain('DELETE')).json(), { draining: false, inFlight: 0, takers: 2 })
  t.is((await drain('PUT', '{}')).status, 413)
  t.is((await call(node, { method: 'PUT', path: '/v1/node/rest' })).status, 404)
})

test('an admin looks at what leaving would do, and makes the node leave, with whom it names', async (t) => {
  const node = await start(t)
  const plan = async (query: string) => (await call(node, { path: `/v1/node/leave${query}` })).json().successor
  t.deepEqual(await plan(''), { peerId: 'two', name: 'two' })
  t.deepEqual(await plan('?successor=heir-1'), { peerId: 'two', name: 'heir-1' })
  t.is(await plan('?successor='), null)
  const leave = (body: string) => call(node, { method: 'POST', path: '/v1/node/leave', body })
  t.like((await leave('')).json(), { successor: { name: 'two' }, told: ['two'] })
  t.like((await leave('{"successor":"heir"}')).json(), { successor: { name: 'heir' } })
  t.is((await leave('{"successor":null}')).json().successor, null)
  for (const wrong of [
    '{"successor":""}',
    '{"successor":7}',
    '{"heir":"x"}',
    `{"successor":"${'x'.repeat(65)}"}`,
    '{"successor":"a b"}'
  ]) {
    const answer = await leave(wrong)
    t.is(answer.status, 400, wrong)
    t.is(answer.json().code, 'INVALID_ARGUMENT')
  }
  const long = await call(node, { path: `/v1/node/leave?successor=${'x'.repeat(65)}` })
  t.is(long.status, 400)
  t.regex(String(long.json().message), /successor 'x+' must be a name or peer id of 1 to 64/)
})

test('a key without an account gets that of its maker', async (t) => {
  const node = await start(t)
  t.is((await call(node, { method: 'POST', path: '/v1/keys', body: '{"role":"invoker"}' })).json().account, 'operator')
})

test('invites pass their order on, with defaults', async (t) => {
  const node = await start(t)
  const invite = (body: string) => call(node, { method: 'POST', path: '/v1/invites', body })
  t.is((await invite('')).json().token, 'node:3600000:1')
  t.is((await invite('{"role":"invoker","ttlSeconds":60,"uses":3}')).json().token, 'invoker:60000:3:operator')
  t.is((await invite('{"role":"deployer","account":"bob"}')).json().token, 'deployer:3600000:1:bob')
  const guest = await node.keys.create({ role: 'admin', account: 'guest' })
  const order = { method: 'POST', path: '/v1/invites', body: '{"role":"invoker"}' }
  t.is((await call(node, order, guest)).json().token, 'invoker:3600000:1:guest', 'that of the key that invites')
})

test('an invite token becomes a key of the account that it was made for, without a signature', async (t) => {
  const node = await start(t)
  const redeem = (token: unknown) => ask(node, { method: 'POST', path: '/v1/invites/redeem', body: JSON.stringify({ token }) })
  t.is((await redeem('invoker:1:1:bob')).json().account, 'bob')
  // Of before invites said whose they are.
  const made = await redeem('deployer:1:1')
  t.is(made.status, 201)
  const { accessKeyId, secretAccessKey, role, account } = made.json() as unknown as AccessKey
  t.deepEqual({ role, account }, { role: 'deployer', account: 'operator' })
  const key = { accessKeyId, secretAccessKey, role, account, createdAt: 0 }
  t.is((await call(node, { path: '/v1/peers' }, key)).status, 200)
  t.is((await call(node, { path: '/v1/keys' }, key)).json().code, 'FORBIDDEN')
  const keys = node.keys.list().length
  for (const [token, code] of [
    ['node:1:1', 'INVALID_INVITE'],
    ['', 'INVALID_ARGUMENT'],
    [7, 'INVALID_ARGUMENT'],
    ['x'.repeat(16_385), 'INVALID_ARGUMENT']
  ]) {
    const answer = await redeem(token)
    t.true(answer.status >= 400 && answer.status < 500, String(answer.status))
    t.is(answer.json().code, code)
  }
  t.is(node.keys.list().length, keys)
})

const WRONG: [path: string, body: string, message: RegExp][] = [
  ['/v1/invites', '{"role":"admin"}', /role/],
  ['/v1/invites', '{"ttlSeconds":0}', /ttlSeconds/],
  ['/v1/invites', '{"ttlSeconds":2592001}', /ttlSeconds/],
  ['/v1/invites', '{"uses":1.5}', /uses/],
  ['/v1/invites', '{"more":1}', /more/],
  ['/v1/invites', '[]', /body/],
  ['/v1/invites', '{', /Could not parse request body/],
  ['/v1/keys', '{}', /role/],
  ['/v1/keys', '{"role":"god"}', /role/],
  ['/v1/keys', '{"role":"admin","account":"a b"}', /account/]
]
for (const [path, body, message] of WRONG) {
  test(`POST ${path} refuses ${body}`, async (t) => {
    const node = await start(t)
    const answer = await call(node, { method: 'POST', path, body })
    t.is(answer.status, 400)
    t.is(answer.json().code, 'INVALID_ARGUMENT')
    t.regex(String(answer.json().message), message)
    t.is(node.keys.list().length, 4)
  })
}

test('a body above the bound of the mesh API is 413', async (t) => {
  const node = await start(t)
  const plain = { method: 'POST', path: '/v1/keys', body: 'x'.repeat(20_000) }
  const answer = await call(node, plain)
  t.is(answer.status, 413)
  t.is(answer.json().code, 'TOO_LARGE')
  const chunked = await call(node, { ...plain, headers: { 'transfer-encoding': 'chunked' } })
  t.is(chunked.status, 413)
  t.regex(chunked.text, /smaller than 16384 bytes for the keys operation/)
})

test('a balance is that of the own account, unless an admin asks', async (t) => {
  const node = await start(t)
  const balance = async (query: string, key = node.admin) => await call(node, { path: `/v1/ledger/balance${query}` }, key)
  t.is((await balance('')).text, '[{"account":"operator","balance":"138"},{"account":"team","balance":"-138"}]')
  t.is((await balance('?account=team')).text, '[{"account":"team","balance":"-138"}]')
  t.is((await balance('', node.deployer)).text, '[{"account":"team","balance":"-138"}]')
  t.is((await balance('?account=operator', node.deployer)).status, 403)
  t.is((await balance('', node.invoker)).status, 403)
  t.is((await balance('?account=a%20b')).status, 400)
  t.is((await balance('?from=yesterday')).status, 400)
  t.is((await balance('?from=5&to=9')).headers['x-peerless-itemised-from'], '0')
})

const line = (requestId: string) => ({ requestId, charge: 138 }) as StatementLine

test('a statement is one line per item, and a reader that stops reading stops the ledger', async (t) => {
  let given = 0
  const node = await start(t, {
    statement: async function* () {
      for (; given < 1_000_000; given++) yield line(`${given}`.padEnd(1_000))
    }
  })
  const response = await opened(node, '/v1/ledger/statement?from=0&to=99')
  t.is(response.headers['content-type'], 'application/x-ndjson')
  t.is(response.headers['x-peerless-itemised-from'], '0')
  const [chunk] = (await once(response, 'data')) as [Buffer]
  response.pause()
  t.is(JSON.parse(chunk.toString().split('\n')[0] ?? '').charge, 138)
  // Nobody reads: the socket's buffers fill, then the ledger is asked for no more.
  let before = -1
  while (before !== given) {
    before = given
    await new Promise((resolve) => setImmediate(resolve))
    await ask(node, { path: '/healthz' })
  }
  t.true(given < 100_000, `${given} lines were read ahead`)
  response.destroy()
})

test('an error before the first line has a status, one after it cuts the connection', async (t) => {
  let count = 0
  const node = await start(t, {
    statement: async function* () {
      for (let index = 0; index < count; index++) yield line('x'.repeat(40_000))
      throw new Error('disk')
    }
  })
  t.is((await call(node, { path: '/v1/ledger/statement' })).status, 500)
  count = 2
  await t.throwsAsync(call(node, { path: '/v1/ledger/statement' }), { code: 'ECONNRESET' })
})

test('an empty statement is an empty answer', async (t) => {
  const answer = await call(await start(t), { path: '/v1/ledger/statement' })
  t.is(answer.status, 200)
  t.is(answer.text, '')
})

for (const query of ['from=-1', 'from=x', 'to=1e3', `to=${'9'.repeat(16)}`]) {
  test(`GET /v1/ledger/statement refuses ${query}`, async (t) => {
    t.is((await call(await start(t), { path: `/v1/ledger/statement?${query}` })).json().code, 'INVALID_ARGUMENT')
  })
}

test('logs are for the account of the function', async (t) => {
  const node = await start(t, { logs: { read: () => lines([logLine('one'), logLine('two')]) } })
  const answer = await call(node, { path: '/v1/logs?function=hello&since=5' }, node.deployer)
  t.deepEqual(
    answer.text
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text).message),
    ['one', 'two']
  )
  t.is((await call(node, { path: '/v1/logs?function=hello' }, node.stranger)).status, 403)
  t.is((await call(node, { path: '/v1/logs?function=nobody' })).status, 404)
  t.is((await call(node, { path: '/v1/logs' })).status, 400)
  t.is((await call(node, { path: '/v1/logs?function=hello&follow=maybe' })).status, 400)
})

test('followed logs come line by line, and end at the reader when the client goes', async (t) => {
  let more: (message: string) => void = () => undefined
  let stopped: () => void = () => undefined
  const ended = new Promise<void>((resolve) => {
    stopped = resolve
  })
  const node = await start(t, {
    logs: {
      async *read({ follow, signal }) {
        t.true(follow)
        signal.addEventListener('abort', () => more(''))
        while (!signal.aborted) {
          const message = await new Promise<string>((resolve) => {
            more = resolve
          })
          if (message !== '') yield logLine(message)
        }
        stopped()
      }
    }
  })
  const response = await opened(node, '/v1/logs?function=hello&follow=1')
  for (const message of ['first', 'second']) {
    more(message)
    const [chunk] = (await once(response, 'data')) as [Buffer]
    t.is(JSON.parse(chunk.toString()).message, message)
  }
  response.destroy()
  await ended
})

test('followed logs end when the gateway closes', async (t) => {
  const node = await start(t, {
    logs: {
      async *read({ signal }) {
        yield logLine('x')
        await once(signal, 'abort')
      }
    }
  })
  const response = await opened(node, '/v1/logs?function=hello&follow=1')
  response.resume()
  const ended = once(response, 'end')
  const closed = node.gateway.close(60_000)
  await ended
  await closed
  t.true(response.complete)
})

test('who follows logs with a key that was revoked meanwhile reads no further', async (t) => {
  let more: (message: string) => void = () => undefined
  const node = await start(t, {
    logs: {
      async *read({ signal }) {
        while (!signal.aborted) yield logLine(await new Promise<string>((resolve) => (more = resolve)))
      }
    }
  })
  const response = await opened(node, '/v1/logs?function=hello&follow=1', node.deployer)
  more('before')
  const [chunk] = (await once(response, 'data')) as [Buffer]
  t.is(JSON.parse(chunk.toString()).message, 'before')
  const read: Buffer[] = []
  response.on('data', (bytes: Buffer) => read.push(bytes))
  const ended = once(response, 'end')
  await node.keys.revoke(node.deployer.accessKeyId)
  more('after')
  await ended
  t.is(Buffer.concat(read).toString(), '')
})

test('streams are bounded', async (t) => {
  const node = await start(t, {
    limits: { streamsMax: 1 },
    logs: {
      async *read({ signal }) {
        yield logLine('x')
        await once(signal, 'abort')
      }
    }
  })
  const first = await opened(node, '/v1/logs?function=hello&follow=1')
  const second = await call(node, { path: '/v1/logs?function=hello&follow=1' })
  t.is(second.status, 503)
  t.is(second.headers['retry-after'], '5')
  first.destroy()
})

test('one account does not open all of them', async (t) => {
  const node = await start(t, {
    limits: { streamsMax: 4 },
    logs: {
      async *read({ signal }) {
        yield logLine('x')
        await once(signal, 'abort')
      }
    }
  })
  const path = '/v1/logs?function=hello&follow=1'
  const own = await Promise.all([1, 2, 3].map(() => opened(node, path, node.deployer)))
  const fourth = await call(node, { path }, node.deployer)
  t.is(fourth.status, 429)
  t.regex(fourth.text, /3 streams of account 'team' are open at this node, at most 3/)
  const others = await opened(node, path)
  t.is(others.statusCode, 200)
  for (const response of [...own, others]) response.destroy()
})

test('peers and node answer as the mesh says; other paths are 404 once signed', async (t) => {
  const node = await start(t)
  t.is((await call(node, { path: '/v1/node' })).json().mesh, 'mesh-1')
  t.is((await call(node, { path: '/v1/peers' }, node.invoker)).status, 403)
  for (const path of ['/v1/', '/v1/nothing', '/v1/keys/', '/v1/__proto__', '/v1/peers/']) {
    const answer = await call(node, { path })
    t.is(answer.status, 404, path)
    t.is(answer.json().code, 'NOT_FOUND')
  }
  t.is((await ask(node, { path: '/v1/nothing' })).status, 403)
})

for (const [body, message] of [
  ['{"uses":1.5}', 'uses 1.5: Invalid input: expected int, received number'],
  ['{"role":"king"}', /^role "king": Invalid option: expected one of "node"/],
  [`{"role":"${'k'.repeat(500)}"}`, /^role "k{50,70}…: Invalid option/],
  ['{"role":{"a":1}}', /^role: Invalid option/],
  ['[]', 'the body: Invalid input: expected object, received array'],
  ['{"kind":"node"}', 'the body: Unrecognized key: "kind"']
] as const)
  test(`a body with ${body.slice(0, 40)} is refused with the value, where there is one, and the rule`, async (t) => {
    const node = await start(t)
    const answer = await call(node, { method: 'POST', path: '/v1/invites', body })
    t.is(answer.status, 400)
    const said = String(answer.json().message)
    if (typeof message === 'string') t.is(said, message)
    else t.regex(said, message)
  })
