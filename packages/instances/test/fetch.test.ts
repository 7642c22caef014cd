import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { createEgress } from '@peerless/egress'
import { realClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { type Bench, start } from './_instances.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

async function serve(t: ExecutionContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => answer(request, response, Buffer.concat(parts)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function open(t: ExecutionContext, allow = ['127.0.0.0/8']): Promise<Bench> {
  const egress = createEgress({
    clock: realClock,
    allow,
    own: { addresses: () => [], ports: () => [] },
    lookup: async (name) => (name === 'inside.test' ? ['127.0.0.1'] : Promise.reject(new Error(`no ${name}`)))
  })
  t.teardown(() => egress.stop())
  return await start(t, { egress })
}

test.serial('a function fetches: method, headers and body arrive, and the answer comes back', async (t) => {
  const origin = await serve(t, (request, response, body) => {
    response.writeHead(201, { 'x-one': 'a', 'set-cookie': ['k=1', 'k=2'], 'content-type': 'application/json' })
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body: body.toString() }))
  })
  const { define } = await open(t)
  const fn = define(`exports.handler = async (url) => {
    const response = await fetch(url + '/path?q=1', { method: 'POST', headers: { 'X-Two': 'b', host: 'evil', connection: 'upgrade' }, body: 'hé' })
    return { status: response.status, text: response.statusText, ok: response.ok, url: response.url, one: response.headers.get('x-one'),
      cookies: response.headers.getSetCookie(), json: await response.json(), used: response.bodyUsed, type: response.type }
  }`)
  const { json } = (await fn.result(origin)) as { json: Record<string, unknown> & { json: { headers: Record<string, string> } } }
  t.is(json.status, 201)
  t.is(json.url, `${origin}/path?q=1`)
  t.deepEqual(json.cookies, ['k=1', 'k=2'])
  t.like(json.json, { method: 'POST', url: '/path?q=1', body: 'hé' })
  t.is(json.json.headers.host, origin.slice(7), 'the host is that of the URL')
  t.not(json.json.headers.connection, 'upgrade')
  t.is(json.json.headers['content-length'], '3')
  t.is(json.json.headers['x-two'], 'b')
})

test.serial('bodies larger than the window stream both ways', async (t) => {
  const origin = await serve(t, (request, response, body) => {
    response.setHeader('x-chunked', String(request.headers['transfer-encoding']))
    response.end(body)
  })
  const { define } = await open(t)
  const fn = define(`exports.handler = async (url) => {
    const bytes = new Uint8Array(3000000).map((_, index) => index % 251)
    const whole = await (await fetch(url, { method: 'PUT', body: bytes })).bytes()
    let pulls = 0
    const stream = new ReadableStream({ pull(c) { pulls++; if (pulls > 40) c.close(); else c.enqueue(new Uint8Array(50000).fill(pulls)) } })
    const response = await fetch(url, { method: 'POST', body: stream, duplex: 'half' })
    let length = 0, sum = 0
    for await (const piece of response.body) { length += piece.length; for (const byte of piece) sum += byte }
    return { same: whole.length === bytes.length && whole.every((byte, index) => byte === bytes[index]), chunked: response.headers.get('x-chunked'), length, sum }
  }`)
  const { json } = await fn.result(origin)
  t.deepEqual(json, { same: true, chunked: 'chunked', length: 2_000_000, sum: (50_000 * 40 * 41) / 2 })
})

test.serial('compressed answers are unpacked', async (t) => {
  const origin = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('unpacked '.repeat(10_000)))
  })
  const { define } = await open(t)
  const fn = define(`exports.handler = async (url) => (await (await fetch(url)).text()).length`)
  t.is((await fn.result(origin)).json, 90_000)
})

test.serial('what is closed is refused with the rule, and the log of the function says so', async (t) => {
  const { define, lines } = await open(t, [])
  const fn = define(`exports.handler = async (url) => {
    try { await fetch(url); return 'reached' } catch (error) { return [error instanceof TypeError, error.message, error.cause.name, error.cause.message] }
  }`)
  const { json } = await fn.result('http://inside.test:81/')
  t.deepEqual((json as unknown[]).slice(0, 3), [true, 'fetch failed', 'EgressDenied'])
  t.regex(String((json as unknown[])[3]), /127\.0\.0\.1: loopback is closed/)
  t.true(lines.some(({ level, message }) => level === 'warn' && /egress denied/.test(message)))
})

test.serial('an abort, the end of the invocation and the end of the instance each end the request', async (t) => {
  let closed: () => void = () => undefined
  const gone = () =>
    new Promise<void>((resolve) => {
      closed = resolve
    })
  // The head comes, the body never ends.
  const origin = await serve(t, (request, response) => {
    request.socket.once('close', () => closed())
    response.write('begun')
  })
  const { define } = await open(t)
  const aborts = define(`exports.handler = async (url) => {
    const controller = new AbortController()
    const response = await fetch(url, { signal: controller.signal })
    const text = response.text()
    controller.abort()
    return text.then(() => 'answered', (error) => error.name)
  }`)
  let over = gone()
  t.is((await aborts.result(origin)).json, 'AbortError')
  await over
  over = gone()
  const leaves = define(`let left
  exports.handler = async (event) => {
    if (event === 'look') { await new Promise((resolve) => setTimeout(resolve, 1)); return left }
    const response = await fetch(event)
    response.text().catch((error) => { left = error.cause.rule })
    return 'left'
  }`)
  t.is((await leaves.result(origin)).json, 'left')
  await over
  t.is((await leaves.result('look')).json, 'invocation')
  over = gone()
  const dies = define(`exports.handler = async (url) => { await fetch(url); process.exit(1) }`)
  t.is((await dies.call(origin)).status, 'exit')
  await over
})

test.serial('a fetch ends with the time of its invocation', async (t) => {
  const origin = await serve(t, () => undefined)
  const { define } = await open(t)
  const fn = define('exports.handler = (url) => fetch(url)', { timeoutSeconds: 1 })
  t.is((await fn.call(origin)).status, 'timeout')
})

test.serial('many requests at once wait their turn, and those that were given up leave no trace', async (t) => {
  let most = 0
  let now = 0
  const origin = await serve(t, (request, response) => {
    most = Math.max(most, ++now)
    response.once('close', () => now--)
    if (request.url !== '/never') setImmediate(() => response.end('x'.repeat(10)))
  })
  const { define } = await open(t)
  const fn = define(
    `exports.handler = async (url) => {
    let aborted = 0
    for (let index = 0; index < 1200; index++) {
      const controller = new AbortController()
      const promise = fetch(url + '/never', { signal: controller.signal }).catch((error) => { if (error.name === 'AbortError') aborted++ })
      controller.abort()
      await promise
    }
    const texts = await Promise.all(Array.from({ length: 300 }, () => fetch(url).then((response) => response.text())))
    return [aborted, texts.length, texts.every((text) => text.length === 10)]
  }`,
    { timeoutSeconds: 20 }
  )
  t.deepEqual((await fn.result(origin)).json, [1_200, 300, true])
  t.true(most <= 64, `${most} at once`)
})
