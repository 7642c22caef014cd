import { createHash } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runInThisContext } from 'node:vm'
import { createEgress } from '@peerless/egress'
import { realClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { start } from './_instances.ts'

/** What `fetch` and node:http send, and how they fail, inside a real executor and in Node itself, of the same server. `to` is its origin, `closed` one where nobody listens. */
const CASES = {
  'a body that is cut': `failing(async () => (await fetch(to + '/cut')).text())`,
  'a body that is cut, by its reader': `failing(async () => { const reader = (await fetch(to + '/cut')).body.getReader(); for (;;) if ((await reader.read()).done) return })`,
  'nobody listens': `fetch(closed).catch(({ name, message, cause }) => [name, message, cause.name, cause.message, cause.code, cause.syscall, cause.address, cause.port > 0])`,
  'an unknown name': `fetch('http://unknown.invalid/').catch(({ cause }) => [cause.code, cause.syscall, cause.hostname])`,
  'a body of texts in a stream': `echo({ body: new ReadableStream({ start(c) { c.enqueue('a'); c.enqueue(new TextEncoder().encode('é')); c.close() } }) })`,
  'a body of texts in a stream of Node': `echo({ body: require('stream').Readable.from(['a', 'b']) })`,
  'a body that breaks': `fetch(to, { method: 'POST', duplex: 'half', body: new ReadableStream({ pull(c) { c.error(new RangeError('mine')) } }) }).catch((e) => [e.name, e.message, e.cause.name, e.cause.message])`,
  'a clone of what was read': `failing(async () => { const r = await fetch(to); await r.text(); r.clone() })`,
  'a hash that fits': `fetch(to + '/text', { integrity: 'sha256-AAAA ' + hash }).then((r) => r.text())`,
  'a hash that does not fit': `fetch(to + '/text', { integrity: 'sha256-AAAA' }).catch((e) => [e.message, e.cause.message])`,
  'a hash that nobody knows': `fetch(to + '/text', { integrity: 'md5-AAAA' }).then((r) => r.text())`,
  'headers that fetch adds': `fetch(to, { headers: { accept: 'a/b' } }).then((r) => r.json()).then(({ headers }) => Object.keys(headers).filter((name) => /^(accept|user)/.test(name)).sort())`,
  'headers of node:http': `plain({})`,
  'headers of node:http that are given': `plain({ headers: { 'user-agent': 'me', 'x-list': ['a', 'b'] } })`,
  'the error of node:http': `new Promise((resolve) => require('http').get(closed).on('error', (e) => resolve([e.name, e.message, e.code, e.syscall, e.address])))`
}

const KIT = `
const failing = (run) => run().then(() => 'whole', ({ name, message, cause }) => [name, message, cause instanceof Error])
const echo = (options) => fetch(to, { method: 'POST', duplex: 'half', ...options }).then((r) => r.json()).then(({ body }) => body)
const plain = (options) => new Promise((resolve, reject) => {
  require('http').get(to, options, (r) => { let text = ''; r.on('data', (d) => { text += d }).on('end', () => resolve(Object.entries(JSON.parse(text).headers).sort())) }).on('error', reject)
})
`

async function serve(t: ExecutionContext): Promise<string> {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    if (request.url === '/text') response.end('text')
    else if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': 100 }).write('cut')
      setImmediate(() => response.destroy())
    } else response.end(JSON.stringify({ headers: request.headers, body: Buffer.concat(parts).toString() }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An origin that was there a moment ago. */
async function left(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

test('fetch and node:http send and fail as in Node', async (t) => {
  const to = await serve(t)
  const closed = await left()
  const egress = createEgress({
    clock: realClock,
    allow: ['127.0.0.0/8'],
    own: { addresses: () => [], ports: () => [] },
    lookup: async (name) => (await lookup(name, { all: true })).map(({ address }) => address)
  })
  t.teardown(() => egress.stop())
  const { define } = await start(t, { egress })
  const hash = `sha256-${createHash('sha256').update('text').digest('base64')}`
  const code = `const to = ${JSON.stringify(to)}, closed = ${JSON.stringify(closed)}, hash = ${JSON.stringify(hash)}\n${KIT}
const cases = { ${Object.entries(CASES).map(([name, expression]) => `${JSON.stringify(name)}: () => ${expression}`)} }
const run = async () => { const told = {}; for (const [name, one] of Object.entries(cases)) told[name] = await Promise.try(one).catch((e) => 'throws ' + e.stack); return told }`
  const fn = define(`${code}\nexports.handler = run`, { timeoutSeconds: 30 })
  const { json } = await fn.result()
  const inNode = runInThisContext(`(require) => {${code}\nreturn run()}`) as (load: unknown) => Promise<unknown>
  const here = JSON.parse(JSON.stringify(await inNode(process.getBuiltinModule))) as Record<string, unknown>
  for (const name of Object.keys(CASES)) t.deepEqual((json as Record<string, unknown>)[name], here[name], name)
})
