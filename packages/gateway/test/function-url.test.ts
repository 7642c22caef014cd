import { PeerlessError } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { ask, raw, signed } from './_http.ts'
import { type Behaviour, LIMITS, NODE_ID, ran, ranHttp, recordOf, start, urlOf } from './_ports.ts'

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

async function refusal(
  t: ExecutionContext,
  behaviour: Behaviour,
  expect: { status: number; code: string; retryAfter?: string; reason?: string }
) {
  const node = await start(t)
  node.behave(behaviour)
  const answer = await ask(node, { path: '/fn/hello' })
  t.is(answer.status, expect.status)
  t.is(answer.json().code, expect.code)
  t.is(answer.json().reason, expect.reason)
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
const reserved = { detail: { reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', retryAfterMs: 100 } }
test('refused: which limit is said', refusal, failing(new PeerlessError('THROTTLED', 'x', reserved)), {
  status: 429,
  code: 'THROTTLED',
  retryAfter: '1',
  reason: 'ReservedFunctionConcurrentInvocationLimitExceeded'
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
  t.is((await ask(node, { method: 'POST', path: '/fn/hello', headers: chunked, body: quotes })).status, 413)
  t.is(node.orders.length, 0)
})

test('a large body arrives whole, announced or chunked, also where quotes make it just fit', async (t) => {
  const node = await start(t)
  const headers = { 'content-type': 'text/plain' }
  // Every quote is two bytes of the event, which has some hundred others.
  const fits = Buffer.from(Array.from({ length: 3_140_000 }, (_, at) => (at % 2 === 0 ? '"' : String(at % 10))).join(''))
  const large = Buffer.from(Array.from({ length: 3_145_000 }, () => '"').join(''))
  for (const body of [fits, large, fits.subarray(0, 70_000)]) {
    for (const more of [{}, { 'transfer-encoding': 'chunked' }]) {
      const before = node.orders.length
      const { status } = await ask(node, { method: 'POST', path: '/fn/hello', headers: { ...headers, ...more }, body })
      t.is(status, 200)
      const order = node.orders[before]
      t.is(order?.body?.bytes, body.length)
      t.true(body.equals(order?.payload.subarray(-body.length) as Uint8Array))
    }
  }
})

test('an alias splits its calls as soon as its second version has come here, at its URL and at routes', async (t) => {
  const node = await start(t)
  const { latest } = recordOf('hello')
  const versionOf = (number: string) => ({ ...latest, version: number, revisionId: `revision-${number}` })
  const put = (number: string) =>
    node.catalog.put('version', `hello:${number}`, { functionName: 'hello', account: 'team', version: versionOf(number) })
  const live = { name: 'live', version: '1', second: { version: '2', weight: 1 }, description: '', revisionId: 'r' }
  await node.catalog.put('route', '0'.repeat(32), {
    id: '0'.repeat(32),
    host: undefined,
    routeKey: 'GET /live',
    account: 'team',
    functionName: 'hello',
    qualifier: 'live',
    auth: 'NONE',
    invokeMode: 'BUFFERED',
    cors: undefined,
    createdAt: 0,
    modifiedAt: 0
  })
  await put('1')
  await node.catalog.put(
    'function',
    'hello',
    recordOf('hello', { lastVersion: 2, aliases: { live }, qualifiers: { live: urlOf('NONE')?.$LATEST ?? {} } })
  )
  for (const version of ['1', '2']) {
    if (version === '2') await put('2')
    for (const path of ['/fn/hello:live', '/live']) {
      t.is((await ask(node, { path })).status, 200)
      t.is(node.orders.at(-1)?.target.version.version, version, path)
    }
  }
})
