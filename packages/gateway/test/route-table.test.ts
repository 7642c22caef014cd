import { isPeerlessError } from '@peerless/interface'
import test from 'ava'
import fc from 'fast-check'
import { parseHost, parseRouteKey, type RoutePattern, routeIdOf } from '../src/route-pattern.ts'
import { RouteTable } from '../src/route-table.ts'

const SEED = 20261125

function tableOf(...keys: string[]): RouteTable<string> {
  const table = new RouteTable<string>()
  for (const key of keys) table.add(parseRouteKey(key), key)
  return table
}

/** AWS, "Create routes for HTTP APIs in API Gateway", the table of that page, and what follows from it. */
const AWS_TABLE = tableOf('GET /pets/dog/1', 'GET /pets/dog/{id}', 'GET /pets/{proxy+}', 'ANY /{proxy+}', '$default')

const leadsTo = test.macro({
  exec: (t, method: string, path: string, key: string, parameters: Record<string, string> = {}) => {
    t.deepEqual(AWS_TABLE.match(method, path), { value: key, parameters })
  },
  title: (_, method, path, key) => `${method} ${path} leads to ${key}`
})

test(leadsTo, 'GET', '/pets/dog/1', 'GET /pets/dog/1')
test(leadsTo, 'GET', '/pets/dog/2', 'GET /pets/dog/{id}', { id: '2' })
test(leadsTo, 'GET', '/pets/cat/1', 'GET /pets/{proxy+}', { proxy: 'cat/1' })
test(leadsTo, 'POST', '/test/5', 'ANY /{proxy+}', { proxy: 'test/5' })
test(leadsTo, 'POST', '/pets/dog/1', 'ANY /{proxy+}', { proxy: 'pets/dog/1' })
test(leadsTo, 'GET', '/', '$default')
test(leadsTo, 'GET', '/pets/', 'ANY /{proxy+}', { proxy: 'pets/' })
test(leadsTo, 'GET', '/pets/dog/a%2Fb%20c', 'GET /pets/dog/{id}', { id: 'a/b c' })
test(leadsTo, 'GET', '/p%65ts/dog/1', 'GET /pets/dog/1')
test(leadsTo, 'GET', '/pets/dog/..', 'GET /pets/dog/{id}', { id: '..' })

test('a parameter may be called as what every object has', (t) => {
  const match = tableOf('GET /{__proto__}/{constructor}').match('GET', '/a/b')
  t.is(JSON.stringify(typeof match === 'object' ? match.parameters : undefined), '{"__proto__":"a","constructor":"b"}')
})

test('a parameter stands for one segment that is not empty, a greedy one for all that is left', (t) => {
  const table = tableOf('GET /a/{x}', 'GET /b/{rest+}')
  t.is(table.match('GET', '/a/'), undefined)
  t.is(table.match('GET', '/a/1/2'), undefined)
  t.is(table.match('GET', '/a'), undefined)
  t.is(table.match('GET', '/b/'), undefined)
  t.is(table.match('GET', '/b'), undefined)
  t.deepEqual(table.match('GET', '/b//x'), { value: 'GET /b/{rest+}', parameters: { rest: '/x' } })
})

test('the method itself wins before ANY, and a method that is missing is looked for in wider routes', (t) => {
  const table = tableOf('ANY /x', 'GET /x', 'POST /{any}')
  t.like(table.match('GET', '/x'), { value: 'GET /x' })
  t.like(table.match('PUT', '/x'), { value: 'ANY /x' })
  t.like(tableOf('GET /x', 'POST /{any}').match('POST', '/x'), { value: 'POST /{any}' })
})

test('an escape that is no UTF-8 is malformed, not unmatched', (t) => {
  for (const path of ['/%', '/%zz', '/a/%ff', '/%c0%ae']) t.is(AWS_TABLE.match('GET', path), 'malformed', path)
})

const segment = fc.oneof(
  fc.constantFrom('a', 'b', 'c').map((text) => ({ kind: 'literal' as const, text })),
  fc.constantFrom('p', 'q', 'r').map((text) => ({ kind: 'parameter' as const, text }))
)
const pattern: fc.Arbitrary<RoutePattern> = fc
  .tuple(fc.constantFrom('GET', 'POST', 'ANY'), fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([method, segments, greedy]) => {
    const all = greedy ? [...segments, { kind: 'greedy' as const, text: 'rest' }] : segments
    return { routeKey: `${method} ${JSON.stringify(all)}`, method, segments: all }
  })

/** What the table promises, said without a tree: the best of all that match. */
function best(patterns: readonly RoutePattern[], method: string, path: readonly string[]): string | undefined {
  const rank = { literal: 0, parameter: 1, greedy: 2 }
  return patterns
    .filter((one) => one.method === method || one.method === 'ANY')
    .filter(({ segments = [] }) => {
      const greedy = segments.at(-1)?.kind === 'greedy'
      if (greedy ? path.length < segments.length : path.length !== segments.length) return false
      return segments.every(({ kind, text }, index) => kind !== 'literal' || text === path[index])
    })
    .map((one) => ({
      key: one.routeKey,
      order: [...(one.segments ?? []).map(({ kind }) => rank[kind]), one.method === method ? 0 : 1]
    }))
    .sort((a, b) => compare(a.order, b.order))[0]?.key
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

test('of all routes that match, the most specific one wins', (t) => {
  fc.assert(
    fc.property(
      fc.array(pattern, { maxLength: 12 }),
      fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 6 }),
      fc.constantFrom('GET', 'POST', 'PUT'),
      (patterns, path, method) => {
        const unique = [...new Map(patterns.map((one) => [routeIdOf(undefined, one), one])).values()]
        const table = new RouteTable<string>()
        for (const one of unique) table.add(one, one.routeKey)
        const found = table.match(method, `/${path.join('/')}`)
        const expected = best(unique, method, path)
        if (expected === undefined) t.is(found, undefined)
        else t.like(found, { value: expected })
      }
    ),
    { seed: SEED, numRuns: 500 }
  )
})

test('whatever a path holds, matching says yes, no or malformed, and parameters come back as they were escaped', (t) => {
  const table = tableOf('GET /files/{name}', 'ANY /{rest+}')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const found = table.match('GET', `/files/${encodeURIComponent(text.replaceAll(/[\ud800-\udfff]/g, ''))}`)
      if (text.replaceAll(/[\ud800-\udfff]/g, '') === '') t.like(found, { value: 'ANY /{rest+}' })
      else t.deepEqual(found, { value: 'GET /files/{name}', parameters: { name: text.replaceAll(/[\ud800-\udfff]/g, '') } })
      table.match('GET', `/${text}`)
    }),
    { seed: SEED, numRuns: 500 }
  )
})

const refusesRoute = test.macro({
  exec: (t, alleged: string, says: string) => {
    const error = t.throws(() => parseRouteKey(alleged))
    t.true(isPeerlessError(error, 'INVALID_ARGUMENT'))
    t.true(error?.message.includes(says), error?.message)
  },
  title: (_, alleged: string) => `the route '${alleged.slice(0, 40)}' is refused`
})

test(refusesRoute, '', 'METHOD /path')
test(refusesRoute, 'GET', 'METHOD /path')
test(refusesRoute, 'FETCH /x', 'GET, HEAD')
test(refusesRoute, 'GET x', "begins with '/'")
test(refusesRoute, `GET /${'x'.repeat(500)}`, '500')
test(refusesRoute, `GET ${'/x'.repeat(65)}`, '64')
test(refusesRoute, 'GET /a{b}', 'whole segment')
test(refusesRoute, 'GET /{a}{b}', 'whole segment')
test(refusesRoute, 'GET /{}', 'whole segment')
test(refusesRoute, 'GET /{a+}/b', 'last segment')
test(refusesRoute, 'GET /{a}/{a}', 'alike')
test(refusesRoute, 'GET /a\u0000b', 'characters')
test(refusesRoute, 'GET /%zz', 'characters')
test(refusesRoute, 'GET /%ff', 'characters')
test(refusesRoute, 'GET /a?b=c', 'characters')

test('routes that match the same have the same id, others have not', (t) => {
  const id = (key: string, host?: string) => routeIdOf(host, parseRouteKey(key))
  t.is(id('GET /users/{id}'), id('get  /users/{name}'))
  t.is(id('GET /us%65rs'), id('GET /users'))
  const different = [
    id('GET /users/{id}'),
    id('GET /users/{id+}'),
    id('ANY /users/{id}'),
    id('GET /users/id'),
    id('GET /users/{id}', 'a.example.com'),
    id('$default'),
    id('ANY /')
  ]
  t.is(new Set(different).size, different.length)
})

test('hosts are names that lead nowhere else', (t) => {
  t.is(parseHost('API.Example.com.'), 'api.example.com')
  t.is(parseHost('*.example.com'), '*.example.com')
  for (const bad of [
    'localhost',
    'x.localhost',
    '127.0.0.1',
    '[::1]',
    'a',
    '*.com',
    '*',
    'a..b',
    '-a.com',
    'a.com:80',
    'a.com/x',
    'é.com'
  ]) {
    t.throws(() => parseHost(bad), { message: /at least two labels/ }, bad)
  }
})
