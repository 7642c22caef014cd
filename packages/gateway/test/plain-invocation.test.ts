import { once } from 'node:events'
import { connect } from 'node:net'
import test from 'ava'
import fc from 'fast-check'
import { PlainInvocationReader } from '../src/plain-invocation.ts'
import { type Ask, type SignOptions, signed } from './_http.ts'
import { nodeReads } from './_node-reads.ts'
import { echo, type Fixture, ran, recordOf, start } from './_ports.ts'

const PATH = '/2015-03-31/functions/hello/invocations'
const HEAD_BYTES_MAX = 1_000
const PLAIN = `POST ${PATH} HTTP/1.1\r\nHost: x:1\r\nContent-Length: 3\r\nX-Any:\t a \r\n\r\n{é}`

test('a plain invocation is read whole', (t) => {
  const read = new PlainInvocationReader(HEAD_BYTES_MAX).read(Buffer.from(PLAIN, 'latin1'))
  t.like(read, { method: 'POST', url: PATH, rawHeaders: ['Host', 'x:1', 'Content-Length', '3', 'X-Any', 'a'] })
  t.deepEqual({ ...read?.headers }, { host: 'x:1', 'content-length': '3', 'x-any': 'a' })
  t.is(read?.body.toString('latin1'), '{é}')
})

test('a body stays what it is when the buffer that it was read into has the next read', (t) => {
  const chunk = Buffer.from(PLAIN, 'latin1')
  const read = new PlainInvocationReader(HEAD_BYTES_MAX).read(chunk)
  chunk.fill(0)
  t.is(read?.body.toString('latin1'), '{é}')
})

const NOT_PLAIN: Record<string, string> = {
  'another method': PLAIN.replace('POST', 'PUT'),
  'another operation': PLAIN.replace('/invocations', '/response-streaming-invocations'),
  'another version of the API': PLAIN.replace('2015-03-31', '2014-11-13'),
  'a path that goes on': PLAIN.replace('/invocations', '/invocations/'),
  'a fragment': PLAIN.replace('/invocations', '/invocations#a'),
  'HTTP/1.0': PLAIN.replace('1.1', '1.0'),
  'no host': PLAIN.replace('Host: x:1\r\n', ''),
  'no length': PLAIN.replace('Content-Length: 3\r\n', ''),
  'two lengths': PLAIN.replace('X-Any:\t a ', 'content-length: 3'),
  'a length that is no number': PLAIN.replace('Length: 3', 'Length: 3, 3'),
  'a signed length': PLAIN.replace('Length: 3', 'Length: +3'),
  'something behind it': `${PLAIN}\r\n`,
  'a header twice': PLAIN.replace('X-Any:\t a ', 'X-Any: a\r\nx-any: a'),
  'a transfer coding': PLAIN.replace('X-Any:\t a ', 'Transfer-Encoding: chunked'),
  'a content coding': PLAIN.replace('X-Any:\t a ', 'Content-Encoding: gzip'),
  'an upgrade': PLAIN.replace('X-Any:\t a ', 'Upgrade: websocket'),
  'an expectation': PLAIN.replace('X-Any:\t a ', 'Expect: 100-continue'),
  'connection: close': PLAIN.replace('X-Any:\t a ', 'Connection: close'),
  'a space before the colon': PLAIN.replace('X-Any:', 'X-Any :'),
  'a folded line': PLAIN.replace('\t a ', 'a\r\n b'),
  'a bare line feed': PLAIN.replace('\t a ', 'a\nX-B: c'),
  'obs-text': PLAIN.replace('\t a ', '\xe9'),
  'a head that is too long': PLAIN.replace('\t a ', 'b'.repeat(HEAD_BYTES_MAX)),
  'half a head': PLAIN.slice(0, 60)
}

for (const [title, text] of Object.entries(NOT_PLAIN)) {
  test(`left to Node: ${title}`, (t) => {
    t.is(new PlainInvocationReader(HEAD_BYTES_MAX).read(Buffer.from(text, 'latin1')), undefined)
  })
}

const PIECES = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  ':',
  ' ',
  '\t',
  '\0',
  'é',
  'a',
  '3',
  'X-B: c\r\n',
  'X-B : c\r\n',
  'Host: y\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 4\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Connection: keep-alive\r\n',
  '?Qualifier=a',
  'POST '
]

test('whatever it takes, Node reads alike: one request with the same line, headers and body', async (t) => {
  const reader = new PlainInvocationReader(HEAD_BYTES_MAX)
  let taken = 0
  const mutated = fc.tuple(fc.nat(PLAIN.length), fc.nat(12), fc.constantFrom(...PIECES)).map(([at, drop, piece]) => {
    const text = `${PLAIN.slice(0, at)}${piece}${PLAIN.slice(at + (drop > 6 ? drop - 6 : 0))}`
    return Buffer.from(text, 'latin1')
  })
  await fc.assert(
    fc.asyncProperty(mutated, async (bytes) => {
      const read = reader.read(bytes)
      if (read === undefined) return true
      taken++
      // What is still on its way comes.
      const rest = Buffer.alloc(read.bodyBytes - read.body.length, 'x')
      const requests = await nodeReads(Buffer.concat([bytes, rest]))
      if (requests?.length !== 1) return false
      const [request] = requests
      return (
        request?.method === read.method &&
        request.url === read.url &&
        JSON.stringify(request.rawHeaders) === JSON.stringify(read.rawHeaders) &&
        JSON.stringify(request.headers) === JSON.stringify(read.headers) &&
        request.body.equals(Buffer.concat([read.body, rest]))
      )
    }),
    { seed: 7, numRuns: 600 }
  )
  t.true(taken > 20, `only ${taken} of 600 were plain`)
})

/** What a client gets for these bytes, without what differs from call to call; `plain`: the plain front answered. */
async function answerTo(
  node: Fixture,
  { path, headers = {}, body = '' }: Ask,
  extra = ''
): Promise<{ plain: boolean; text: string }> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = `content-length: ${Buffer.byteLength(body)}\r\n`
  const socket = connect(node.port, node.host)
  socket.write(Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}${length}${extra}\r\n`), Buffer.from(body)]))
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  const whole = () => {
    const end = text.indexOf('\r\n\r\n')
    return end >= 0 && text.length >= end + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
  }
  while (!whole()) await once(socket, 'data')
  socket.destroy()
  const [head = '', rest = ''] = text.split('\r\n\r\n', 2)
  const [status, ...fields] = head.split('\r\n')
  const kept = fields
    .map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()))
    // A request that node:http refuses before it has read the body ends the connection; here the body has come.
    .filter((field) => !/^(date|connection|keep-alive): /.test(field))
    .sort()
  const masked = [status, ...kept, '', rest].join('\n').replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{21}/g, 'UUID')
  return { plain: /^date: /m.test(head), text: masked }
}

const ASKS: Record<string, Ask & { as?: 'invoker' | 'stranger'; sign?: Partial<SignOptions> }> = {
  'an event': { path: PATH, body: '{"a":"ü"}' },
  nothing: { path: PATH },
  'the type by name': { path: PATH, body: '{}', headers: { 'x-amz-invocation-type': 'RequestResponse' } },
  'a dry run': { path: PATH, body: '{}', headers: { 'x-amz-invocation-type': 'DryRun' } },
  'a log tail': { path: PATH, body: '{}', headers: { 'x-amz-log-type': 'Tail' } },
  'a client context': { path: PATH, body: '{}', headers: { 'x-amz-client-context': Buffer.from('{"a":1}').toString('base64') } },
  'a qualifier': { path: `${PATH}?Qualifier=%24LATEST`, body: '{}' },
  'an ARN': { path: PATH.replace('hello', 'arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello'), body: '{}' },
  'an invoker': { path: PATH, body: '{}', as: 'invoker' },
  'one who may not': { path: PATH, body: '{}', as: 'stranger' },
  'no such function': { path: PATH.replace('hello', 'nobody'), body: '{}' },
  'no such version': { path: `${PATH}?Qualifier=7`, body: '{}' },
  'no JSON': { path: PATH, body: '{"a":' },
  'an unknown type': { path: PATH, body: '{}', headers: { 'x-amz-invocation-type': 'Sometimes' } },
  'an event where there is no queue': { path: PATH, body: '{}', headers: { 'x-amz-invocation-type': 'Event' } },
  'a name that breaks the rules': { path: PATH.replace('hello', 'a%20b'), body: '{}' },
  'another service': { path: PATH, body: '{}', sign: { service: 's3' } },
  'a time long ago': { path: PATH, body: '{}', sign: { date: new Date(0) } },
  'no signed hash': { path: PATH, body: '{"a":1}', sign: { withoutHash: true } }
}

test('what the plain front answers is what node:http would be answered with', async (t) => {
  const node = await start(t)
  for (const [title, { as, sign, ...options }] of Object.entries(ASKS)) {
    const key = as === undefined ? node.admin : node[as]
    const request = await signed(node, key, { method: 'POST', ...options }, { date: new Date(node.clock.now()), ...sign })
    const plain = await answerTo(node, request)
    // Known to change nothing, and not taken by the plain front.
    const other = await answerTo(node, request, 'te: trailers\r\n')
    t.deepEqual([plain.plain, other.plain], [true, false], title)
    t.is(plain.text, other.text, title)
  }
})

const CALLS: Record<string, Ask & { other?: true }> = {
  JSON: {
    path: '/fn/hello/a/b?c=d&c=e',
    headers: { 'content-type': 'application/json', cookie: 'a=b; c=d', 'x-any': 'a' },
    body: '{"a":"ü"}'
  },
  'text of many kinds': { path: '/fn/hello', headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'a"b\\c\n\u0000é☃' },
  'bytes that are no text': { path: '/fn/hello', headers: { 'content-type': 'text/plain' }, body: Buffer.from([0xff, 0, 0x22]) },
  'a form': { path: '/fn/hello', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=b' },
  'a body without a type': { path: '/fn/hello', body: 'abc' },
  'a large one': { path: '/fn/hello', headers: { 'content-type': 'application/json' }, body: JSON.stringify('x'.repeat(30_000)) },
  'no body': { path: '/fn/hello' },
  'no such function': { path: '/fn/nobody', body: '{}', other: true },
  'a signature where none is asked for': { path: '/fn/hello', headers: { authorization: 'Basic YTpi' }, body: '{}', other: true }
}

test('a POST to a function URL is answered by the plain front as node:http would', async (t) => {
  const node = await start(t)
  node.behave(echo)
  for (const [title, { other, ...ask }] of Object.entries(CALLS)) {
    const given = { ...ask, headers: { host: 'x', ...ask.headers } }
    const mask = (text: string) => text.replaceAll(/1-[0-9a-f]{8}-[0-9a-f]{24}|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}/g, 'ID')
    const [plain, through] = [await answerTo(node, given), await answerTo(node, given, 'te: trailers\r\n')]
    t.deepEqual([plain.plain, through.plain], [other !== true, false], title)
    t.is(mask(plain.text), mask(through.text), title)
  }
  t.is(node.orders.length, 2 * (Object.keys(CALLS).length - 1))
})

test('a POST for whose body there is no room is told so, and one behind it is answered', async (t) => {
  const node = await start(t, { limits: { bodyBytesHeldMax: 8 } })
  node.behave(echo)
  const ask = (body: string) => answerTo(node, { path: '/fn/hello', headers: { host: 'x' }, body })
  for (let round = 0; round < 3; round++) {
    t.regex((await ask('123456789')).text, /^HTTP\/1\.1 503/)
    t.regex((await ask('12345678')).text, /^HTTP\/1\.1 200/)
  }
})

test('a body that is not the one that was signed is refused, and nothing is run', async (t) => {
  const node = await start(t)
  for (const withoutHash of [true, false]) {
    const ask = { method: 'POST', path: PATH, body: '{"a":1}' }
    const request = await signed(node, node.admin, ask, { date: new Date(node.clock.now()), withoutHash })
    const { plain, text } = await answerTo(node, { ...request, body: '{"a":2}' })
    t.true(plain)
    t.regex(text, /^HTTP\/1\.1 403 .*InvalidSignatureException/s)
  }
  const { text } = await answerTo(node, { path: PATH, headers: { host: 'x' }, body: '{}' })
  t.regex(text, /MissingAuthenticationTokenException/)
  t.is(node.orders.length, 0)
})

test('a large answer, one that failed and one with bytes are the function’s, whole', async (t) => {
  const node = await start(t)
  const large = JSON.stringify('ä'.repeat(2_000_000))
  const answers = [ran(large), ran('{"errorType":"E"}', { status: 'error' }), ran(Buffer.from([0x22, 0xc3, 0xa4, 0x22]))]
  const ask = await signed(node, node.admin, { method: 'POST', path: PATH, body: '{}' }, { date: new Date(node.clock.now()) })
  for (const answer of answers) {
    node.behave(() => answer)
    const [plain, other] = [await answerTo(node, ask), await answerTo(node, ask, 'te: trailers\r\n')]
    t.true(plain.plain)
    t.is(plain.text, other.text)
    t.true(plain.text.endsWith(Buffer.from(answer.payload).toString('latin1')))
  }
})

test('what is held of bodies counts, and a host of function URLs or routes is not taken for the API', async (t) => {
  const node = await start(t, { limits: { bodyBytesHeldMax: 8 } })
  const date = new Date(node.clock.now())
  const ask = await signed(node, node.admin, { method: 'POST', path: PATH, body: '{"a":12345}' }, { date })
  t.regex((await answerTo(node, ask)).text, /^HTTP\/1\.1 503 .*\nretry-after: 1\n/s)
  const small = await signed(node, node.admin, { method: 'POST', path: PATH, body: '{}' }, { date })
  t.regex((await answerTo(node, small)).text, /^HTTP\/1\.1 200 /)
  await node.catalog.put('function', 'other', recordOf('other'))
  const elsewhere = await answerTo(node, { ...small, headers: { ...small.headers, host: 'other.fn.localhost' } })
  t.false(elsewhere.plain)
})
