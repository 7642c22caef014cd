import { once } from 'node:events'
import { connect } from 'node:net'
import test from 'ava'
import fc from 'fast-check'
import { ask, signed } from './_http.ts'
import { echo, type Fixture, start } from './_ports.ts'

const INVOKE = '/2015-03-31/functions/hello/invocations'

/** What differs from call to call, and what a connection says of itself. */
function masked(answer: string): string {
  return answer
    .replaceAll(/1-[0-9a-f]{8}-[0-9a-f]{24}|[0-9a-f]{8}-[0-9a-f]{4}-\d[0-9a-f]{3}-[0-9a-f-]{17}/g, 'ID')
    .replaceAll(/"x-forwarded-port":"\d+"/g, 'PORT')
}

/** The answers in a stream, each with its status, its headers but for those of the connection, and its body. */
function answersIn(text: string): string[] {
  const answers: string[] = []
  for (let rest = text; rest !== ''; ) {
    const head = rest.indexOf('\r\n\r\n') + 4
    if (head < 4) return [...answers, `cut: ${rest}`]
    const [status = '', ...fields] = rest.slice(0, head - 4).split('\r\n')
    const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, head))?.[1] ?? 0)
    const kept = fields
      .map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()))
      .filter((field) => !/^(date|connection|keep-alive): /.test(field))
      .sort()
    answers.push(masked([status, ...kept, rest.slice(head, head + length)].join('\n')))
    // What comes behind the last answer of a connection is none to any request.
    if (fields.some((field) => /^connection: close$/i.test(field))) break
    rest = rest.slice(head + length)
  }
  return answers
}

/** Sends the bytes in parts, each read before the next is sent, and says nothing more when all answers are there. */
async function talk(node: Fixture, port: number, parts: Buffer[]): Promise<string[]> {
  const barrier = () => ask(node, { path: '/healthz' })
  const socket = connect(port, node.host).setNoDelay(true)
  let text = ''
  socket.on('error', () => undefined)
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  for (const part of parts) {
    if (part.length > 0) socket.write(part)
    await barrier()
  }
  for (let round = 0; round < 3; round++) await barrier()
  const whole = text
  socket.end()
  await closed
  // An answer to the end itself is no answer to a request.
  return answersIn(whole)
}

const BODIES = [
  '',
  'a',
  '{}',
  '"',
  'é☃',
  '\r\n\r\n',
  'GET /fn/hello/inner HTTP/1.1\r\nHost: x\r\n\r\n',
  'x'.repeat(700),
  '0\r\n\r\n'
]
const HEADERS = [
  'Content-Type: application/json',
  'Content-Type: text/plain',
  'Cookie: a=b',
  'X-Any: 1',
  'Connection: keep-alive',
  'Connection: close',
  'TE: trailers',
  'Authorization: Basic YTpi',
  'Expect: 100-continue',
  'X-Amz-Date: 20260101T000000Z',
  'Transfer-Encoding: chunked',
  'Content-Length: 1',
  'X-Forwarded-For: 1.2.3.4'
]
const TARGETS = ['/fn/hello/a', '/fn/hello?b=c', '/fn/nobody', '/fn/secret', '/healthz', '/fn/hello#a']

const postTo = (...targets: string[]) =>
  fc
    .record({
      target: fc.constantFrom(...targets),
      headers: fc.uniqueArray(fc.constantFrom(...HEADERS), { maxLength: 2 }),
      body: fc.constantFrom(...BODIES),
      more: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -2, max: 4 }) })
    })
    .map(({ target, headers, body, more }) => {
      const bytes = Buffer.from(body)
      const length = `Content-Length: ${Math.max(0, bytes.length + more)}`
      return Buffer.concat([
        Buffer.from(`POST ${target} HTTP/1.1\r\n${['Host: x', ...headers, length].join('\r\n')}\r\n\r\n`),
        bytes
      ])
    })
const post = postTo(...TARGETS)
/** Nothing follows it: a stranger whose body has come is refused and may go on, from node:http he is cut off. */
const last = fc.option(postTo(INVOKE), { nil: Buffer.alloc(0) })
const get = fc.constantFrom(...TARGETS, '/fn/hello/b').map((target) => Buffer.from(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`))
const odd = fc.constantFrom('\r\n', 'x', 'POST ', 'GET / HTTP/1.0\r\n\r\n', '\0').map((text) => Buffer.from(text))

test('in whatever parts requests come, they are answered as node:http alone would', async (t) => {
  const node = await start(t)
  node.behave(echo)
  const alone = await node.gateway.listenAside()
  const date = new Date(node.clock.now())
  const invokes = await Promise.all(
    BODIES.map(async (body) => {
      const bytes = Buffer.from(body)
      const request = await signed(node, node.admin, { method: 'POST', path: INVOKE, body: bytes }, { date })
      const lines = Object.entries(request.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`)
      return Buffer.concat([
        Buffer.from(`POST ${INVOKE} HTTP/1.1\r\n${lines.join('')}content-length: ${bytes.length}\r\n\r\n`),
        bytes
      ])
    })
  )
  const request = fc.oneof(
    { weight: 6, arbitrary: post },
    { weight: 2, arbitrary: get },
    { weight: 2, arbitrary: fc.constantFrom(...invokes) },
    { weight: 1, arbitrary: odd }
  )
  const stream = fc.tuple(fc.array(request, { maxLength: 4 }), last).chain(([before, stranger]) => {
    const requests = [...before, stranger]
    const bytes = Buffer.concat(requests)
    // Where one ends, where its body begins, and anywhere.
    let at = 0
    const edges = requests.flatMap((one) => {
      const from = at
      at += one.length
      return [from + Math.max(0, one.indexOf('\r\n\r\n')) + 4, at].map((edge) => Math.min(edge, bytes.length))
    })
    const cut = fc.oneof(fc.constantFrom(...edges), fc.nat(bytes.length))
    return fc.uniqueArray(cut, { maxLength: 5 }).map((cuts) => {
      const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      return ends.slice(1).map((end, index) => bytes.subarray(ends[index], end))
    })
  })
  await fc.assert(
    fc.asyncProperty(stream, async (parts) => {
      const before = node.orders.length
      const plain = await talk(node, node.port, parts)
      const ran = node.orders.length - before
      const other = await talk(node, alone, parts)
      t.deepEqual(plain, other, JSON.stringify(parts.map(String)))
      t.is(ran, node.orders.length - before - ran)
    }),
    { seed: 5, numRuns: 250 }
  )
})
