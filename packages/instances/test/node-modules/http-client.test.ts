import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { runInThisContext } from 'node:vm'
import { createEgress } from '@peerless/egress'
import { realClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { start } from '../_instances.ts'

/**
 * What a client of node:http hears, and in which order, inside a real executor and in Node itself, of the same server. Libraries (axios, got,
 * the AWS SDK) decide by these events and codes whether they follow, try again or fail.
 */
const HEARD = `
const { get, request } = require('http')
/** All that a request and its answer emit, until the request is closed and nothing more can come. */
const heard = (make, until = 'close') => new Promise((resolve) => {
  const log = []
  const listen = (emitter, who, names) => {
    for (const name of names) emitter.on(name, (value) => log.push(who + ' ' + name + (value instanceof Error ? ' ' + value.code + ' ' + value.message : '')))
  }
  const outgoing = make((response) => {
    log.push('response ' + response.statusCode)
    listen(response, 'response', ['end', 'error', 'aborted', 'timeout'])
    return response
  })
  listen(outgoing, 'request', ['socket', 'finish', 'abort', 'timeout', 'error', 'close'])
  outgoing.on(until, () => setTimeout(() => {
    const { destroyed, aborted, writableFinished, res } = outgoing
    resolve([log, destroyed, aborted, writableFinished, res?.complete, res?.aborted, res?.destroyed])
    outgoing.destroy()
  }, 30))
})
`

/** `to` is the server's origin, `closed` one where nobody listens. */
const CASES = {
  'a whole answer that is read': `heard((told) => get(to + '/short', (r) => told(r).resume()))`,
  'a whole answer that nobody listens to': `heard(() => get(to + '/short'))`,
  'a request destroyed before it leaves': `heard((told) => get(to + '/short', told).destroy())`,
  'a request destroyed with an error before it leaves': `heard((told) => get(to + '/short', told).destroy(new Error('mine')))`,
  'a request destroyed while it waits': `heard((told) => { const q = get(to + '/never', told); setTimeout(() => q.destroy(), 50); return q })`,
  'a request destroyed with an error while it waits': `heard((told) => { const q = get(to + '/never', told); setTimeout(() => q.destroy(new Error('mine')), 50); return q })`,
  'a request aborted while it waits': `heard((told) => { const q = get(to + '/never', told); setTimeout(() => q.abort(), 50); return q })`,
  'a request destroyed at its answer': `heard((told) => { const q = get(to + '/begun', (r) => { told(r); q.destroy() }); return q })`,
  'what the socket of a redirect that is left says, as follow-redirects leaves it': `new Promise((resolve) => { const log = []; const q = get(to + '/redirect', (r) => { q.destroy(); r.destroy(); setTimeout(() => resolve(log), 50) }); q.on('socket', (s) => { s.on('error', (e) => log.push(e.message)); s.on('close', () => log.push('close')) }) })`,
  'a socket destroyed while its request waits': `heard((told) => { const q = get(to + '/never', told); setTimeout(() => q.socket.destroy(), 50); return q })`,
  'a body that is cut': `heard((told) => get(to + '/cut', (r) => told(r).resume()))`,
  'a server that hangs up': `heard((told) => get(to + '/hang-up', told))`,
  'a timeout of the request': `heard((told) => get(to + '/never', { timeout: 50 }, told), 'timeout')`,
  'a timeout that destroys': `heard((told) => { const q = get(to + '/never', told); q.setTimeout(50, () => q.destroy()); return q })`,
  'no timeout while an answer goes on': `heard((told) => get(to + '/drips', { timeout: 400 }, (r) => told(r).resume()))`,
  'a timeout of the answer': `new Promise((resolve) => get(to + '/begun', (r) => { r.resume().setTimeout(50, () => { r.req.destroy(); resolve('silence') }) }).on('error', () => {}))`,
  'a signal': `heard((told) => get(to + '/never', { signal: AbortSignal.timeout(50) }, told))`,
  'the code where nobody listens': `new Promise((resolve) => get(closed).on('error', (e) => resolve([e.code, e.message])))`,
  'the code of an unknown name': `new Promise((resolve) => get('http://unknown.invalid/').on('error', (e) => resolve(e.code)))`,
  'answers that are left early hold no place': `(async () => { let left = 0; for (let i = 0; i < 70; i++) await new Promise((resolve, reject) => get(to + '/begun', { agent: false }, (r) => { r.on('error', () => {}); r.once('data', () => { r.destroy(); left++; resolve() }) }).on('error', reject)); return left })()`
}

async function serve(t: ExecutionContext): Promise<string> {
  const server = createServer((incoming, response) => {
    incoming.resume()
    switch (incoming.url) {
      case '/short':
        response.end('short')
        return
      case '/redirect':
        response.writeHead(302, { location: '/short' }).end()
        return
      case '/begun':
        response.write('begun')
        return
      case '/cut':
        response.writeHead(200, { 'content-length': 100 }).write('cut')
        setTimeout(() => response.destroy(), 50)
        return
      case '/hang-up':
        incoming.socket.destroy()
        return
      case '/drips': {
        let drops = 0
        const timer = setInterval(() => {
          response.write('drop')
          if (++drops < 8) return
          clearInterval(timer)
          response.end()
        }, 100)
      }
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A port of this machine where nobody listens any more. */
async function nobody(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

test('a client of node:http hears what it hears in Node', async (t) => {
  const unknown = () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }))
  const own = { addresses: () => [], ports: () => [] }
  const egress = createEgress({ clock: realClock, allow: ['127.0.0.0/8'], own, lookup: unknown })
  t.teardown(() => egress.stop())
  const { define } = await start(t, { egress })
  const to = await serve(t)
  const closed = await nobody()
  const cases = Object.entries(CASES).map(([name, expression]) => `${JSON.stringify(name)}: () => ${expression}`)
  const source = `${HEARD}
const all = async ({ to, closed }) => {
  const said = {}
  for (const [name, run] of Object.entries({ ${cases.join(',\n')} })) said[name] = await run()
  return said
}`
  const { json } = await define(`${source}\nexports.handler = all`, { timeoutSeconds: 60 }).result({ to, closed })
  const make = runInThisContext(`((require) => { ${source}\nreturn all })`) as (
    require: NodeJS.Require
  ) => (event: object) => unknown
  const all = make(createRequire(import.meta.url))
  const expected = JSON.parse(JSON.stringify(await all({ to, closed })))
  t.deepEqual(json, expected)
})
