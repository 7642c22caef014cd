import { LIMITS, type Ran } from '@peerless/interface'
import test from 'ava'
import { share } from './_instances.ts'

const EVENT = {
  version: '2.0',
  rawPath: '/a/b',
  rawQueryString: 'x=1&y=%C3%A9',
  cookies: ['a=1', 'b=2'],
  headers: { host: 'fn.example', 'content-type': 'text/plain', 'x-one': 'two' },
  requestContext: { http: { method: 'POST', path: '/a/b' } },
  body: 'aGVsbG8=',
  isBase64Encoded: true
}

const answers = test.macro(async (t, source: string, expected: { statusCode: number; headers: string[]; body: string }) => {
  const { define } = await share()
  const fn = define(source)
  // Enough calls that both ways in are taken.
  for (let call = 0; call < 8; call++) {
    const outcome = (await fn.call(EVENT, { kind: 'http' })) as Ran
    t.is(outcome.status, 'ok', Buffer.from(outcome.payload ?? []).toString())
    t.deepEqual(outcome.http, { statusCode: expected.statusCode, headers: expected.headers })
    t.is(Buffer.from(outcome.payload).toString(), expected.body)
  }
})
const json = ['content-type', 'application/json']

test.serial('an object without a status is a JSON answer', answers, 'exports.handler = async (e) => ({ path: e.rawPath })', {
  statusCode: 200,
  headers: json,
  body: '{"path":"/a/b"}'
})
test.serial('a string is the body', answers, 'exports.handler = async () => "plain"', {
  statusCode: 200,
  headers: json,
  body: 'plain'
})
test.serial('nothing is null', answers, 'exports.handler = async () => {}', { statusCode: 200, headers: json, body: 'null' })
test.serial(
  'status, headers, cookies and body are taken apart',
  answers,
  'exports.handler = async () => ({ statusCode: 201, headers: { "X-A": "b", "Content-Type": "text/html", "x-n": 7 }, cookies: ["c=1", "d=2"], body: "ä" })',
  {
    statusCode: 201,
    headers: ['x-a', 'b', 'content-type', 'text/html', 'x-n', '7', 'set-cookie', 'c=1', 'set-cookie', 'd=2'],
    body: 'ä'
  }
)
test.serial(
  'a body in base64 becomes its bytes',
  answers,
  'exports.handler = async (e) => ({ statusCode: "200", headers: {}, body: e.body, isBase64Encoded: true })',
  { statusCode: 200, headers: json, body: 'hello' }
)
test.serial(
  'a fetch handler gets a Request and gives a Response',
  answers,
  `exports.default = { async fetch(request, env, ctx) {
    ctx.waitUntil(Promise.resolve())
    const url = new URL(request.url)
    const headers = new Headers({ 'x-path': url.pathname })
    headers.append('set-cookie', 'a=1'); headers.append('set-cookie', 'b=2')
    const parts = [request.method, url.searchParams.get('y'), request.headers.get('cookie'), request.headers.get('x-one'), await request.text(), env._HANDLER]
    return new Response(parts.join('|'), { status: 202, headers })
  } }`,
  {
    statusCode: 202,
    headers: ['content-type', 'text/plain;charset=UTF-8', 'set-cookie', 'a=1', 'set-cookie', 'b=2', 'x-path', '/a/b'],
    body: 'POST|é|a=1; b=2|two|hello|index.handler'
  }
)

test.serial(
  'a fetch handler answers with what a generator of texts yields',
  answers,
  `exports.default = { fetch: () => new Response((async function* () { yield 'one '; yield ''; yield 'zwö' })()) }`,
  { statusCode: 200, headers: [], body: 'one zwö' }
)

test.serial('bytes of any value come out of a fetch handler', async (t) => {
  const { define } = await share()
  const fn = define('exports.default = { fetch: () => new Response(Uint8Array.from({ length: 256 }, (_, i) => i)) }')
  const outcome = (await fn.call(EVENT, { kind: 'http' })) as Ran
  t.deepEqual([...outcome.payload], [...Array(256).keys()])
})

const refusals = test.macro(async (t, answer: string, message: RegExp) => {
  const { define } = await share()
  const fn = define(`exports.handler = async () => (${answer})`)
  const { ran, json: error } = await fn.result(EVENT, { kind: 'http' })
  t.is(ran.status, 'error')
  t.is(ran.http, undefined)
  t.is((error as { errorType: string }).errorType, 'Runtime.InvalidHttpResponse')
  t.regex((error as { errorMessage: string }).errorMessage, message)
  t.is((await fn.call(EVENT, { kind: 'http' })).status, 'error', 'the instance goes on')
})
test.serial(
  'a line feed in a header',
  refusals,
  '{ statusCode: 200, headers: { a: "b\\r\\nx: y" } }',
  /value of header 'a' must be/
)
test.serial('a NUL in a header', refusals, '{ statusCode: 200, headers: { a: "b\\0x: y" } }', /'x: y' must be a token/)
test.serial('a header name that is no token', refusals, '{ statusCode: 200, headers: { "a b": "c" } }', /'a b' must be a token/)
test.serial('a status that is none', refusals, '{ statusCode: 99 }', /statusCode 99 must be an integer from 200 to 599/)
test.serial('a status that is no number', refusals, '{ statusCode: "teapot" }', /statusCode teapot/)
test.serial('base64 that is none', refusals, '{ statusCode: 200, body: "%%%", isBase64Encoded: true }', /must be base64/)
test.serial(
  'too many headers',
  refusals,
  '{ statusCode: 200, headers: Object.fromEntries(Array.from({ length: 300 }, (_, i) => ["h" + i, "v"])) }',
  /headers must be at most 200/
)

test.serial('the checks hold against a function that changes what they might use', async (t) => {
  const { define } = await share()
  const fn = define(`RegExp.prototype.test = () => true; RegExp.prototype.exec = () => []; String.prototype.split = () => []
    Array.prototype.join = () => 'x'; JSON.stringify = () => 'no'; Promise.prototype.then = undefined
    exports.handler = async () => ({ statusCode: 200, headers: { a: 'b\\n' } })`)
  const { ran, json: error } = await fn.result(EVENT, { kind: 'http' })
  t.is(ran.status, 'error')
  t.regex((error as { errorMessage: string }).errorMessage, /control characters/)
})

test.serial('a body above the limit is the error that Lambda gives', async (t) => {
  const { define } = await share()
  const { ran, json: error } = await define(`exports.handler = async () => 'x'.repeat(${LIMITS.payloadBytesMax + 1})`).result(
    EVENT,
    { kind: 'http' }
  )
  t.is(ran.status, 'error')
  t.is(ran.http, undefined)
  t.is((error as { errorType: string }).errorType, 'Function.ResponseSizeTooLarge')
})

test.serial('a body behind the event reaches the function as text or in base64, in its place', async (t) => {
  const { define } = await share()
  const fn = define('exports.handler = async (e) => ({ keys: Object.keys(e).join(), body: e.body, encoded: e.isBase64Encoded })')
  const bodies = [
    Buffer.from('"quoted"\n'),
    Buffer.from('\ufeffä€😀'),
    Buffer.alloc(300_000, 'ab"\n'),
    Buffer.from([0, 255, 128])
  ]
  for (const body of bodies) {
    for (const base64 of [false, true]) {
      const event = Buffer.from(JSON.stringify({ rawPath: '/', body: '', isBase64Encoded: base64 }))
      const payload = Buffer.concat([event, body])
      const outcome = (await fn.call(undefined, { kind: 'http', payload, body: { bytes: body.length, base64 } })) as Ran
      t.is(outcome.status, 'ok', Buffer.from(outcome.payload).toString().slice(0, 200))
      const expected = { keys: 'rawPath,body,isBase64Encoded', body: body.toString(base64 ? 'base64' : 'utf8'), encoded: base64 }
      t.deepEqual(JSON.parse(Buffer.from(outcome.payload).toString()), expected)
    }
  }
})
