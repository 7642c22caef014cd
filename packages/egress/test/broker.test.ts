import { deflateSync, gzipSync } from 'node:zlib'
import { EGRESS_WINDOW_BYTES } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { PER_INSTANCE_MAX } from '../src/limits.ts'
import { readHead } from '../src/request-head.ts'
import { ask, open, order, serve, serveRaw } from './_outside.ts'

test('a name that resolves to a closed address is denied, whatever else it resolves to', async (t) => {
  const port = await serve(t, (_request, response) => response.end('reached'))
  const egress = open(t, { allow: [], lookup: async () => ['127.0.0.1', '10.0.0.1'] })
  const { failure } = await ask(egress, order(`http://anything.test:${port}/`))
  t.like(failure, { rule: 'address', denied: true })
  t.regex(failure?.message ?? '', /127\.0\.0\.1: loopback is closed/)
  t.is(egress.counts.denied, 1)
})

test('rebinding: only the addresses that were checked are connected to, by one lookup per hop', async (t) => {
  const port = await serve(t, (_request, response) => response.end('reached'))
  let lookups = 0
  const egress = open(t, {
    allow: ['127.0.0.2/32'],
    lookup: async () => {
      lookups++
      // The closed one is left out, the open one is used: nobody asks again.
      return lookups === 1 ? ['127.0.0.1', '127.0.0.2'] : ['127.0.0.1']
    }
  })
  const { failure } = await ask(egress, order(`http://rebind.test:${port}/`))
  t.is(lookups, 1)
  t.is(failure?.rule, 'connect', 'the server listens at the closed address only')
})

test('each hop of a redirect is checked anew, and a closed one ends it', async (t) => {
  const inner = await serve(t, (_request, response) => response.end('secret'), '127.0.0.3')
  const port = await serve(t, (_request, response) => response.writeHead(302, { location: `http://127.0.0.3:${inner}/` }).end())
  const { failure } = await ask(open(t), order(`http://127.0.0.1:${port}/`))
  t.like(failure, { rule: 'address', denied: true })
  for (const location of ['file:///etc/passwd', 'http://u:p@127.0.0.1/', 'gopher://127.0.0.1/', 'http://[::ffff:127.0.0.9]/']) {
    const evil = await serve(t, (_request, response) => response.writeHead(301, { location }).end())
    t.truthy((await ask(open(t), order(`http://127.0.0.1:${evil}/`))).failure, location)
  }
})

test('redirects follow the standard: methods, bodies, private headers, modes and their number', async (t) => {
  const seen: string[] = []
  const other = await serve(t, (request, response) =>
    response.end(`${request.method} ${request.headers.authorization ?? 'none'}`)
  )
  const port = await serve(t, (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['content-length'] ?? '-'}`)
    const [, status, to] = (request.url ?? '').split('/')
    if (status === 'end' || status === '') response.end(`${request.method} ${request.headers.authorization ?? 'none'}`)
    else
      response
        .writeHead(Number(status), {
          location: to === 'other' ? `http://127.0.0.1:${other}/` : to === 'loop' ? '/302/loop' : '/end'
        })
        .end()
  })
  const egress = open(t)
  const at = (path: string) => `http://127.0.0.1:${port}${path}`
  const secret = { headers: ['Authorization', 'k'] }
  const post = { method: 'POST', bodyBytes: 2, body: Buffer.from('hi'), ...secret }
  t.is((await ask(egress, order(at('/302/x'), post))).body, 'GET k')
  t.is((await ask(egress, order(at('/307/x'), post))).body, 'POST k')
  t.is((await ask(egress, order(at('/303/x'), { ...post, method: 'PUT' }))).body, 'GET k')
  t.is((await ask(egress, order(at('/302/other'), secret))).body, 'GET none', 'not to another origin')
  t.deepEqual(seen.slice(0, 4), ['POST /302/x 2', 'GET /end -', 'POST /307/x 2', 'POST /end 2'])
  const followed = await ask(egress, order(at('/301/x')))
  t.like(followed.head, { status: 200, redirected: true, url: at('/end') })
  t.like((await ask(egress, order(at('/301/x'), { redirect: 'manual' }))).head, { status: 301, redirected: false })
  t.is((await ask(egress, order(at('/301/x'), { redirect: 'error' }))).failure?.rule, 'redirects')
  t.regex((await ask(egress, order(at('/302/loop')))).failure?.message ?? '', /more than 20/)
})

test('compressed bodies are unpacked, in chains too, and broken ones fail', async (t) => {
  const answers: Record<string, [string, Buffer]> = {
    '/gzip': ['gzip', gzipSync('body')],
    '/deflate': ['deflate', deflateSync('body')],
    '/both': ['deflate, gzip', gzipSync(deflateSync('body'))],
    '/unknown': ['zebra', Buffer.from('body')],
    '/broken': ['gzip', Buffer.from('not gzip at all')],
    '/many': [Array.from({ length: 9 }, () => 'gzip').join(', '), Buffer.from('x')]
  }
  const port = await serve(t, (request, response) => {
    const [coding, body] = answers[request.url ?? ''] as [string, Buffer]
    response.writeHead(200, { 'content-encoding': coding }).end(body)
  })
  const egress = open(t)
  for (const path of ['/gzip', '/deflate', '/both', '/unknown']) {
    t.is((await ask(egress, order(`http://127.0.0.1:${port}${path}`))).body, 'body', path)
  }
  for (const path of ['/broken', '/many']) {
    t.is((await ask(egress, order(`http://127.0.0.1:${port}${path}`))).failure?.rule, 'content-encoding', path)
  }
})

test('no more than was credited is sent, and the server waits', async (t) => {
  const port = await serve(t, (_request, response) => response.end(Buffer.alloc(4 * EGRESS_WINDOW_BYTES)))
  let received = 0
  let reached: () => void
  const full = new Promise<void>((resolve) => {
    reached = resolve
  })
  const ended = new Promise<void>((resolve) => {
    const exchange = open(t).open(order(`http://127.0.0.1:${port}/`), {
      head: () => undefined,
      pull: () => undefined,
      failed: (failure) => t.fail(failure.message),
      data: (bytes, last) => {
        received += bytes.length
        if (received === EGRESS_WINDOW_BYTES) reached()
        if (last) resolve()
      }
    })
    void full.then(async () => {
      // Everything that could come by itself has come by now.
      await new Promise((resolve) => setImmediate(resolve))
      t.is(received, EGRESS_WINDOW_BYTES)
      for (let left = 4; left > 0; left--) exchange.credit(EGRESS_WINDOW_BYTES)
    })
  })
  await ended
  t.is(received, 4 * EGRESS_WINDOW_BYTES)
})

test('requests of one instance beyond the limit wait for a place', async (t) => {
  const waiting: (() => void)[] = []
  const port = await serve(t, (_request, response) => waiting.push(() => response.end('x')))
  const egress = open(t)
  const all = Array.from({ length: PER_INSTANCE_MAX + 3 }, () => ask(egress, order(`http://127.0.0.1:${port}/`)))
  while (waiting.length < PER_INSTANCE_MAX) await new Promise((resolve) => setImmediate(resolve))
  t.is(egress.running, PER_INSTANCE_MAX)
  let answered = 0
  for (const one of all) void one.then(() => answered++)
  while (answered < all.length) {
    for (const end of waiting.splice(0)) end()
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.is(egress.running, 0)
})

test('the whole takes no longer than it may', async (t) => {
  const clock = new VirtualClock()
  const port = await serve(t, (_request, response) => {
    response.write('some')
  })
  const egress = open(t, { clock })
  const asked = ask(egress, order(`http://127.0.0.1:${port}/`, { timeoutMs: 500 }))
  await clock.advance(499)
  t.is(egress.counts.failed, 0)
  await clock.advance(2)
  t.is((await asked).failure?.rule, 'time')
})

test('orders that break a rule are refused before anything is sent', async (t) => {
  let hits = 0
  const port = await serve(t, (_request, response) => {
    hits++
    response.end()
  })
  const egress = open(t)
  const url = `http://127.0.0.1:${port}/`
  const bad: Parameters<typeof order>[] = [
    ['ftp://127.0.0.1/'],
    ['http://u:p@127.0.0.1/'],
    ['nonsense'],
    [`${url}${'x'.repeat(70_000)}`],
    [url, { method: 'CONNECT' }],
    [url, { method: 'GET / HTTP/1.1\r\nx: y' }],
    [url, { headers: ['a b', 'x'] }],
    [url, { headers: ['a', 'x\r\nInjected: 1'] }],
    [url, { headers: ['a', 'x\0'] }],
    [url, { headers: Array.from({ length: 1_000 }, (_, index) => `h${index >> 1}`) }],
    [url, { headers: ['a', 'x'.repeat(70_000)] }],
    [url, { method: 'POST', bodyBytes: 1e12, bodyEnded: false }],
    [url, { method: 'POST', bodyBytes: 3, body: Buffer.from('four'), bodyEnded: true }],
    ['http://127.0.0.1:25/']
  ]
  for (const args of bad) t.truthy((await ask(egress, order(...args))).failure, JSON.stringify(args).slice(0, 100))
  t.is(hits, 0)
})

test('headers of connection and framing are the broker’s', async (t) => {
  const port = await serve(t, (request, response) => response.end(JSON.stringify(request.rawHeaders)))
  const { body } = await ask(
    open(t),
    order(`http://127.0.0.1:${port}/`, {
      headers: [
        'Host',
        'evil',
        'Content-Length',
        '5',
        'Transfer-Encoding',
        'chunked',
        'Upgrade',
        'h2c',
        'X-Own',
        '1',
        'User-Agent',
        'me'
      ]
    })
  )
  t.deepEqual(
    (JSON.parse(body) as string[]).filter((_, index) => index % 2 === 0).sort(),
    ['Host', 'Connection', 'user-agent', 'x-own'].sort()
  )
})

test('proxies of the environment are not used', async (t) => {
  const port = await serve(t, (_request, response) => response.end('direct'))
  process.env.HTTP_PROXY = 'http://127.0.0.1:1'
  process.env.NODE_USE_ENV_PROXY = '1'
  t.teardown(() => {
    delete process.env.HTTP_PROXY
    delete process.env.NODE_USE_ENV_PROXY
  })
  t.is((await ask(open(t), order(`http://127.0.0.1:${port}/`))).body, 'direct')
})

test('a hostile server ends its own request only', async (t) => {
  const egress = open(t)
  const answers = [
    '',
    'garbage\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'
  ]
  for (const answer of answers) {
    const port = await serveRaw(t, (socket) => socket.end(answer))
    t.truthy((await ask(egress, order(`http://127.0.0.1:${port}/`))).failure, JSON.stringify(answer.slice(0, 80)))
  }
  t.is(egress.running, 0)
})

test('property: a request head is either refused or safe to send', (t) => {
  const text = fc.oneof(fc.string(), fc.constantFrom('host', 'a', 'x\r\ny: z', 'x\ny', '\0', 'é', '€', ' ', ''))
  const url = fc.oneof(fc.webUrl(), fc.string(), fc.constant('http://h/\r\nx'))
  fc.assert(
    fc.property(text, url, fc.array(text, { maxLength: 12 }), (method, target, headers) => {
      try {
        const head = readHead(order(target, { method, headers }))
        const sent = [head.method, head.url.href, ...head.headers.keys(), ...head.headers.values()].join('')
        if (/[\r\n\0]/.test(sent)) throw new Error(`unsafe: ${JSON.stringify(sent)}`)
        if (head.headers.has('host')) throw new Error('a Host of the function')
      } catch (error) {
        if ((error as Error).constructor.name !== 'EgressError') throw error
      }
    }),
    { seed: 3, numRuns: 3_000 }
  )
  t.pass()
})

test('a request that is signed for a Lambda API continues the chain of its call, and no other does', (t) => {
  const scope = 'Credential=AK/20261129/us-east-1'
  const trace = (authorization: string, own?: string) => {
    const headers = ['authorization', authorization, ...(own === undefined ? [] : ['X-Amzn-Trace-Id', own])]
    return readHead({ ...order('http://a.test/', { headers }), trace: 'Root=1-true' }).headers.get('x-amzn-trace-id')
  }
  const lambda = `AWS4-HMAC-SHA256 ${scope}/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=0`
  t.is(trace(lambda), 'Root=1-true')
  t.is(trace(lambda, 'Root=1-made-up'), 'Root=1-true')
  const signed = lambda.replace('x-amz-date', 'x-amz-date;x-amzn-trace-id')
  t.is(trace(signed, 'Root=1-signed'), 'Root=1-signed', 'it would be refused with another')
  t.is(trace(lambda.replace('/lambda/', '/s3/')), undefined)
  t.is(trace(lambda.replace('/lambda/', '/s3/'), 'Root=1-own'), 'Root=1-own')
  t.is(trace('Bearer /lambda/aws4_request'), undefined)
})

test('parts of a body that come before the exchange has begun follow the part that came with the order', async (t) => {
  const port = await serve(t, (request, response) => {
    request.pipe(response)
  })
  const egress = open(t)
  for (const bodyBytes of [13, -1]) {
    const body = await new Promise<string>((resolve, reject) => {
      let text = ''
      const exchange = egress.open(
        order(`http://127.0.0.1:${port}/`, { method: 'PUT', bodyBytes, body: Buffer.from('one-'), bodyEnded: false }),
        {
          head: () => undefined,
          data: (bytes, ended) => {
            text += Buffer.from(bytes).toString()
            if (ended) resolve(text)
          },
          pull: () => undefined,
          failed: (failure) => reject(new Error(failure.message))
        }
      )
      // As frames that one read of the pipe brought.
      exchange.write(Buffer.from('two-'), false)
      exchange.write(Buffer.from('three'), true)
    })
    t.is(body, 'one-two-three')
  }
})
