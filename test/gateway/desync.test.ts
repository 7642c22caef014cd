import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { deploy, type Shared } from '../walkthrough/_deployed.ts'

/**
 * Whatever bytes come on a connection, in whatever pieces, the daemon's two readers of HTTP see the requests that Node's parser alone sees, and answer
 * each of them once, in order.
 */
const shared = {} as Shared
const endings: (() => unknown)[] = []
const ECHO = `export const handler = async (event) => ({ path: event.rawPath, method: event.requestContext.http.method, body: event.body ?? null })`

test.before(async () => {
  shared.node = await up({ teardown: (ending) => endings.unshift(ending) })
  shared.lambda = await lambdaOf(shared.node)
  await deploy(shared, 'echo', { 'index.mjs': ECHO }, { url: true })
})

test.after.always('the daemon is ready after all of it, and none of it was an error of the node', async (t) => {
  t.is((await fetch(`${shared.node.http}/readyz`)).status, 200)
  t.deepEqual(
    shared.node.log.filter((line) => /"level":(50|60)/.test(line)),
    []
  )
  for (const ending of endings) await ending()
})

interface Seen {
  readonly method: string
  readonly url: string
}

interface Answered {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends the pieces one after the other, each when the one before is out; all that comes back until the other side closes. */
async function talk(port: number, pieces: readonly Buffer[], ends: boolean): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => undefined)
  let received = ''
  socket.setEncoding('latin1').on('data', (piece: string) => {
    received += piece
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  for (const piece of pieces) {
    if (socket.destroyed) break
    await new Promise((resolve) => socket.write(piece, resolve))
    await new Promise((resolve) => setImmediate(resolve))
  }
  // Where the end of the last request did not come, no answer will: then the client goes. Else the other side closes, as the last request asks for.
  if (ends) socket.end()
  await closed
  return received
}

/** A bare server with Node's parser: the requests that it makes of the bytes. */
async function reference(t: ExecutionContext): Promise<(pieces: readonly Buffer[], ends: boolean) => Promise<Seen[]>> {
  let seen: Seen[] = []
  const server = createServer({ maxHeaderSize: 16_384 }, (request, response) => {
    const { method = '', url = '' } = request
    request.resume().once('end', () => {
      seen.push({ method, url })
      response.end()
    })
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return async (pieces, ends) => {
    seen = []
    await talk((server.address() as AddressInfo).port, pieces, ends)
    return seen
  }
}

/** Takes the answers apart by their lengths; undefined where what came is no row of answers. */
function answersOf(received: string, requests: readonly Seen[]): Answered[] | undefined {
  const answers: Answered[] = []
  for (let at = 0; at < received.length; ) {
    const end = received.indexOf('\r\n\r\n', at)
    if (end < 0) return undefined
    const head = received.slice(at, end)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    if (!(status >= 100)) return undefined
    at = end + 4
    if (status === 100) continue
    const length = requests[answers.length]?.method === 'HEAD' ? 0 : Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
    answers.push({ status, head, body: received.slice(at, at + length) })
    at += length
  }
  return answers
}

const KINDS: readonly ((n: number) => string)[] = [
  (n) => `GET /fn/echo/${n} HTTP/1.1\r\nHost: a\r\n\r\n`,
  (n) => `GET /fn/echo/${n}?a=b HTTP/1.1\r\nHost: a\r\nCookie: c=d\r\nConnection: keep-alive\r\n\r\n`,
  (n) => `GET /fn/echo/${n} HTTP/1.1\r\nHost: a\r\nOrigin: https://b.example\r\n\r\n`,
  (n) => `HEAD /fn/echo/${n} HTTP/1.1\r\nHost: a\r\n\r\n`,
  (n) =>
    `POST /fn/echo/${n} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 48\r\n\r\nGET /fn/echo/smuggled HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\n`,
  (n) =>
    `POST /fn/echo/${n} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n`,
  (n) => `PUT /fn/echo/${n} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`,
  (n) => `GET /fn/nobody/${n} HTTP/1.1\r\nHost: a\r\n\r\n`,
  (n) => `GET /healthz?${n} HTTP/1.1\r\nHost: a\r\n\r\n`
]

const LAST = 'GET /fn/echo/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

const conversation = fc.array(fc.nat(KINDS.length - 1), { minLength: 1, maxLength: 6 }).map((kinds) => {
  const texts = kinds.map((kind, index) => (KINDS[kind] as (n: number) => string)(index))
  return Buffer.from(texts.join('') + LAST, 'latin1')
})

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b)
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length)).filter((piece) => piece.length > 0)
}

const port = () => Number(new URL(shared.node.http).port)

test('requests of every kind, cut anywhere, are answered once and in order', async (t) => {
  const nodeReads = await reference(t)
  await fc.assert(
    fc.asyncProperty(conversation, fc.array(fc.nat(2_000), { maxLength: 5 }), async (bytes, places) => {
      const pieces = cut(bytes, places)
      const requests = await nodeReads(pieces, false)
      const received = await talk(port(), pieces, false)
      const answers = answersOf(received, requests)
      if (answers?.length !== requests.length) return false
      return requests.every(({ method, url }, index) => {
        const { status, body } = answers[index] as Answered
        if (url.startsWith('/fn/nobody')) return status === 404
        if (status !== 200) return false
        if (!url.startsWith('/fn/echo') || method === 'HEAD') return true
        const said = JSON.parse(body) as { path: string; method: string; body: string | null }
        return said.method === method && url.startsWith(`/fn/echo${said.path}`)
      })
    }),
    { seed: 11, numRuns: 60 }
  )
  t.pass()
})

const REFUSALS: ReadonlySet<number> = new Set([100, 400, 408, 417, 431])

const damage = fc.record({
  at: fc.nat(400),
  drop: fc.nat(8),
  insert: fc.oneof(
    fc.constantFrom(
      '\r\n',
      '\n',
      '\r',
      '\r\n\r\n',
      '\0',
      ' ',
      '\t',
      ':',
      'Content-Length: 7\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Transfer-Encoding : chunked\r\n',
      'transfer-encoding: identity\r\n',
      'Connection: close\r\n',
      'Expect: 100-continue\r\n',
      'Host: c\r\n',
      '0\r\n\r\n',
      'ffffffffffffffff',
      '-1',
      '\xff'
    ),
    fc.string({ maxLength: 6 })
  )
})

test('damaged and random bytes are read as Node reads them, and what is no request ends the connection', async (t) => {
  const nodeReads = await reference(t)
  const damaged = fc.tuple(conversation, fc.array(damage, { minLength: 1, maxLength: 3 })).map(([bytes, damages]) => {
    let text = bytes.toString('latin1')
    for (const { at, drop, insert } of damages) {
      const place = at % text.length
      text = text.slice(0, place) + insert + text.slice(place + drop)
    }
    return Buffer.from(text, 'latin1')
  })
  const random = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  let refused = 0
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 5, arbitrary: damaged }, random),
      fc.array(fc.nat(2_000), { maxLength: 2 }),
      async (bytes, places) => {
        const pieces = cut(bytes, places)
        const requests = await nodeReads(pieces, true)
        const received = await talk(port(), pieces, true)
        const statuses = [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1]))
        const served = statuses.filter((status) => !REFUSALS.has(status))
        if (served.length < statuses.length) refused++
        if (served.length > requests.length) return false
        // What functions saw are requests that Node saw, in the same order, none of them twice.
        let next = 0
        for (const [, path, method] of received.matchAll(/\{"path":"([^"]*)","method":"([A-Z]+)"/g)) {
          const sees = (one: Seen) => one.method === method && (path === '/' || one.url.includes(`/fn/echo${path}`))
          while (next < requests.length && !sees(requests[next] as Seen)) next++
          if (next++ >= requests.length) return false
        }
        return true
      }
    ),
    { seed: 12, numRuns: 250 }
  )
  t.true(refused > 50, `${refused} refused`)
})

test('slow clients get 408 for their headers, and meanwhile nobody waits for them', async (t) => {
  const slow = Array.from({ length: 200 }, (_, index) => {
    const socket = connect(port(), '127.0.0.1')
    let received = ''
    socket.setEncoding('latin1').on('data', (piece: string) => {
      received += piece
    })
    socket.on('error', () => undefined)
    const text = index % 2 === 0 ? 'GET /fn/echo HTTP/1.1\r\nHost: a\r\n' : 'GET /fn/echo HTTP/1.1\r\nHost: a\r\nX-Y: '
    socket.write(text)
    // One more byte now and then is no progress.
    const drip = setInterval(() => socket.write('x'), 1_000)
    return new Promise<string>((resolve) =>
      socket.once('close', () => {
        clearInterval(drip)
        resolve(received)
      })
    )
  })
  for (let index = 0; index < 20; index++) t.is((await fetch(`${shared.node.http}/fn/echo/${index}`)).status, 200)
  for (const received of await Promise.all(slow)) t.regex(received, /^HTTP\/1\.1 408 |^$/)
})
