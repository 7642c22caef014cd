import { InvokeCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { eventually } from '../_daemon.ts'
import { get } from '../_functions.ts'
import { type DeployOptions, deploy, type Files, sharedDaemon } from './_deployed.ts'

// Serial: functions of one account share a process, so one that hogs it would end its neighbours' calls.
const shared = sharedDaemon()
let made = 0

interface FunctionErrorJson {
  errorType: string
  errorMessage: string
  trace?: string[]
}

async function deployed(code: Files | string, options: DeployOptions = {}): Promise<string> {
  const name = `fn-${made++}`
  await deploy(shared, name, typeof code === 'string' ? { 'index.mjs': code } : code, options)
  return name
}

const call = (name: string, event: unknown = {}) =>
  shared.lambda.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)), LogType: 'Tail' }))
const payload = (answer: { Payload?: Uint8Array }) => JSON.parse(Buffer.from(answer.Payload ?? []).toString()) as unknown

const failing = test.macro({
  async exec(t, source: string, errorType: string, message: RegExp, options: DeployOptions & { trace?: RegExp } = {}) {
    const name = await deployed(
      `let calls = 0\nexport const handler = async (event) => {\n  if (event.well) return ++calls\n${source}\n}`,
      options
    )
    t.is(payload(await call(name, { well: true })), 1)
    const answer = await call(name)
    t.is(answer.StatusCode, 200)
    t.is(answer.FunctionError, 'Unhandled')
    t.is(answer.ExecutedVersion, '$LATEST')
    const error = payload(answer) as FunctionErrorJson
    t.is(error.errorType, errorType)
    t.regex(error.errorMessage, message)
    if (options.trace !== undefined) t.regex(error.trace?.join('\n') ?? '', options.trace)
    t.regex(Buffer.from(answer.LogResult ?? '', 'base64').toString(), /REPORT RequestId: .*Billed Duration: [1-9]\d* ms/)
    const next = await call(name, { well: true })
    t.is(next.FunctionError, undefined, 'the next call is answered')
  },
  title: (title = '') => `${title} is Lambda’s outcome, and the next call is answered`
})

test.serial('a thrown error', failing, '  throw new TypeError("no luck")', 'TypeError', /^no luck$/, { trace: /index\.mjs:4/ })
test.serial('a thrown string', failing, '  throw "text"', 'string', /^text$/)
test.serial(
  'a timeout',
  failing,
  '  await new Promise(() => setInterval(() => {}, 10))',
  'Sandbox.Timedout',
  /Task timed out after 1\.00 seconds$/,
  {
    timeoutSeconds: 1
  }
)
test.serial('a loop without an end', failing, '  for (;;);', 'Sandbox.Timedout', /Task timed out after 1\.00 seconds$/, {
  timeoutSeconds: 1
})
test.serial(
  'a heap that runs full',
  failing,
  '  const all = []; for (;;) all.push(new Array(1000).fill({}))',
  'Runtime.OutOfMemory',
  /128/,
  {
    timeoutSeconds: 30
  }
)
test.serial(
  'memory outside the heap that runs full',
  failing,
  '  const all = []; for (;;) all.push(new Uint8Array(8_000_000).fill(1))',
  'RangeError',
  /allocation failed/,
  { timeoutSeconds: 30 }
)
test.serial('process.exit', failing, '  process.exit(3)', 'Runtime.ExitError', /exit status 3$/)
test.serial('a result with a cycle', failing, '  const a = {}; a.a = a; return a', 'TypeError', /circular/i)
test.serial('a bigint as the result', failing, '  return 1n', 'TypeError', /BigInt/)
test.serial('an answer above 6 MB', failing, '  return "x".repeat(6_291_557)', 'Function.ResponseSizeTooLarge', /6291556/)

test.serial('an error while a module is loaded is Lambda’s outcome, at every call', async (t) => {
  const name = await deployed('throw new RangeError("at load")\nexport const handler = () => 1')
  for (let count = 0; count < 2; count++) {
    const answer = await call(name)
    t.is(answer.FunctionError, 'Unhandled')
    t.like(payload(answer), { errorType: 'RangeError', errorMessage: 'at load' })
  }
})

test.serial(
  'the header x-amz-function-error is on failures only, and the function URL answers 502 with the reason',
  async (t) => {
    const name = await deployed(
      'export const handler = async (event) => { if (event.rawQueryString) throw new Error("secret detail") }',
      {
        url: true
      }
    )
    const good = await get(`${shared.node.http}/fn/${name}`)
    t.is(good.status, 200)
    t.is(good.headers['x-amz-function-error'], undefined)
    const bad = await get(`${shared.node.http}/fn/${name}?fail`)
    t.is(bad.status, 502)
    t.is(bad.headers['x-amz-function-error'], 'Unhandled')
    t.regex(bad.body, new RegExp(`function '${name}' threw an error`))
    t.notRegex(bad.body, /secret detail/)
  }
)

test.serial('peerless invoke exits with 1 when the function failed, and prints the error', async (t) => {
  const name = await deployed('export const handler = async () => { throw new Error("on purpose") }')
  const { code, stdout } = await shared.node.cli('invoke', name)
  t.is(code, 1)
  t.like(JSON.parse(stdout), { errorType: 'Error', errorMessage: 'on purpose' })
})

test.serial('what a function prints is in the tail and in peerless logs, with levels', async (t) => {
  const name = await deployed(`export const handler = async () => {
    console.log('plain', { a: 1 }); console.warn('careful'); console.error('broken'); console.debug('detail') }`)
  const answer = await call(name)
  const tail = Buffer.from(answer.LogResult ?? '', 'base64').toString()
  t.regex(tail, /^START RequestId: /)
  t.regex(tail, /\tINFO\tplain \{ a: 1 \}\n/)
  t.regex(tail, /\tERROR\tbroken\n/)
  const requestId = answer.$metadata.requestId
  const lines = await eventually(
    async () =>
      (await shared.node.cli('logs', name, '--json')).stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    (all) => all.length >= 7
  )
  t.deepEqual(
    lines.map(({ level, message }) => (level === 'platform' ? message.split(' ')[0] : `${level} ${message}`)),
    ['START', 'info plain { a: 1 }', 'warn careful', 'error broken', 'debug detail', 'END', 'REPORT']
  )
  t.true(lines.every((line) => line.requestId === requestId && line.node === shared.node.peerId && line.function === name))
})

test.serial('a tail is the last 4 KB', async (t) => {
  const name = await deployed(
    `export const handler = async () => { for (let i = 0; i < 200; i++) console.log(i + 'x'.repeat(50)) }`
  )
  const tail = Buffer.from((await call(name)).LogResult ?? '', 'base64')
  t.true(tail.length <= 4_096 && tail.length > 3_000, `${tail.length} bytes`)
  t.regex(tail.toString(), /199x{50}/)
  t.notRegex(tail.toString(), /START/)
})

test.serial('status, headers, cookies and a base64 body come out of the function URL', async (t) => {
  const name = await deployed(
    `export const handler = async () => ({ statusCode: 418, headers: { 'X-Kind': 'pot', 'content-type': 'image/png' },
      cookies: ['a=1; Path=/', 'b=2'], body: Buffer.from([0, 255, 137, 80]).toString('base64'), isBase64Encoded: true })`,
    { url: true }
  )
  const answer = await fetch(`${shared.node.http}/fn/${name}/tea`)
  t.is(answer.status, 418)
  t.is(answer.headers.get('x-kind'), 'pot')
  t.is(answer.headers.get('content-type'), 'image/png')
  t.deepEqual(answer.headers.getSetCookie(), ['a=1; Path=/', 'b=2'])
  t.deepEqual([...new Uint8Array(await answer.arrayBuffer())], [0, 255, 137, 80])
  for (const header of [
    'x-amzn-requestid',
    'x-peerless-node',
    'x-peerless-duration-ms',
    'x-peerless-billed-ms',
    'x-peerless-charge'
  ])
    t.truthy(answer.headers.get(header), header)
  t.is(answer.headers.get('x-peerless-cold'), '1')
})

test.serial('path, query, headers, cookies and a binary body come in by the function URL', async (t) => {
  const name = await deployed('export const handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) })', {
    url: true
  })
  const answer = await fetch(`${shared.node.http}/fn/${name}/a%20b/c?x=1&x=2&y=%C3%A9`, {
    method: 'PUT',
    headers: { cookie: 'k=v; l=w', 'X-Mine': 'yes', 'content-type': 'application/octet-stream' },
    body: Buffer.from([0, 1, 254])
  })
  const event = (await answer.json()) as Record<string, unknown> & { headers: Record<string, string> }
  t.like(event, { version: '2.0', rawPath: '/a%20b/c', rawQueryString: 'x=1&x=2&y=%C3%A9', body: 'AAH+', isBase64Encoded: true })
  t.deepEqual(event.queryStringParameters, { x: '1,2', y: 'é' })
  t.deepEqual(event.cookies, ['k=v', 'l=w'])
  t.is(event.headers['x-mine'], 'yes')
  t.is((event.requestContext as { http: { method: string } }).http.method, 'PUT')
})

const answering = test.macro({
  async exec(t, files: Files, expected: unknown, options: DeployOptions = {}) {
    const name = await deployed(files, options)
    t.deepEqual(payload(await call(name, { name: 'Ada' })), expected)
    t.deepEqual(payload(await call(name, { name: 'Ada' })), expected, 'warm as cold')
  },
  title: (title = '') => `${title} is called and answers`
})
test.serial('an async handler', answering, { 'index.mjs': 'export const handler = async (e) => e.name' }, 'Ada')
test.serial(
  'a synchronous handler',
  answering,
  { 'index.mjs': 'export const handler = (e) => ({ sync: e.name })' },
  { sync: 'Ada' }
)
test.serial(
  'a callback handler',
  answering,
  { 'index.js': 'exports.handler = (e, context, done) => { setTimeout(() => done(null, e.name), 1) }' },
  'Ada'
)
test.serial(
  'a CommonJS handler with a required file',
  answering,
  {
    'index.cjs': `const { hi } = require('./lib/hi.cjs')\nmodule.exports = { handler: async (e) => hi(e.name) }`,
    'lib/hi.cjs': `exports.hi = (n) => 'hi ' + n`
  },
  'hi Ada'
)
test.serial(
  'a handler after a top-level await',
  answering,
  { 'index.mjs': 'const hi = await Promise.resolve("hi")\nexport const handler = async (e) => hi + " " + e.name' },
  'hi Ada'
)
test.serial(
  'a handler in a folder under another name',
  answering,
  { 'src/app.mjs': 'export const main = async (e) => e.name' },
  'Ada',
  { handler: 'src/app.main' }
)
test.serial(
  'a TypeScript handler',
  answering,
  {
    'index.ts':
      'interface Event { name: string }\nexport const handler = async (e: Event): Promise<string> => e.name satisfies string'
  },
  'Ada'
)
test.serial(
  'a handler that uses node: modules',
  answering,
  {
    'index.mjs': `import { createHash } from 'node:crypto'\nimport path from 'node:path'\nexport const handler = async (e) => [createHash('sha256').update(e.name).digest('hex').slice(0, 8), path.join('a', '..', 'b')]`
  },
  ['99a563ab', 'b']
)

test.serial('a default export with fetch answers as a web server', async (t) => {
  const name = await deployed(
    `export default { async fetch(request, env, ctx) {
      const { pathname, searchParams } = new URL(request.url)
      const headers = new Headers({ 'x-path': pathname }); headers.append('set-cookie', 'a=1'); headers.append('set-cookie', 'b=2')
      return new Response(request.method + ' ' + searchParams.get('q') + ' ' + await request.text(), { status: 201, headers }) } }`,
    { url: true }
  )
  const answer = await fetch(`${shared.node.http}/fn/${name}/some/path?q=1`, { method: 'POST', body: 'text' })
  t.is(answer.status, 201)
  t.is(answer.headers.get('x-path'), '/some/path')
  t.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
  t.is(await answer.text(), 'POST 1 text')
})

const noResponse = test.macro({
  async exec(t, answer: string) {
    const name = await deployed(`export const handler = async () => (${answer})`, { url: true })
    const { status, headers, body } = await get(`${shared.node.http}/fn/${name}`)
    t.is(status, 502)
    t.is(headers['x-amz-function-error'], 'Unhandled')
    t.is(headers['x-injected'], undefined)
    t.regex(body, new RegExp(name))
  },
  title: (title = '') => `${title} from a handler is a 502 at the function URL, not a broken answer`
})
test.serial('a status that is none', noResponse, '{ statusCode: 99 }')
test.serial('a header with a line feed', noResponse, `{ statusCode: 200, headers: { a: 'b\\r\\nx-injected: 1' } }`)
test.serial('a body that is no base64', noResponse, `{ statusCode: 200, body: '%%%', isBase64Encoded: true }`)

test.serial('a function cannot set the headers of the platform', async (t) => {
  const name = await deployed(
    `export const handler = async () => ({ statusCode: 200, headers: { 'x-peerless-charge': '-5', 'x-amzn-requestid': 'forged', 'content-length': '1' }, body: 'whole' })`,
    { url: true }
  )
  const { headers, body } = await get(`${shared.node.http}/fn/${name}`)
  t.is(body, 'whole')
  t.regex(String(headers['x-peerless-charge']), /^\d+$/)
  t.not(headers['x-amzn-requestid'], 'forged')
})
