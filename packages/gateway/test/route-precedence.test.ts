import test from 'ava'
import fc from 'fast-check'
import { parseRouteKey } from '../src/route-pattern.ts'
import { takesFrom } from '../src/route-precedence.ts'
import { RouteTable } from '../src/route-table.ts'

const takes = test.macro({
  exec: (t, added: string, other: string, expected: boolean) => {
    t.is(takesFrom(parseRouteKey(added), parseRouteKey(other)), expected)
  },
  title: (_, added, other, expected) => `'${added}' ${expected ? 'takes' : 'takes nothing'} from '${other}'`
})

test(takes, 'POST /login', 'ANY /login', true)
test(takes, 'ANY /login', 'POST /login', false)
test(takes, 'GET /login', 'POST /login', false)
test(takes, 'GET /shop/admin', 'ANY /shop/{page}', true)
test(takes, 'GET /shop/{page}', 'ANY /shop/admin', false)
test(takes, 'GET /shop/{page}/x', 'ANY /shop/{all+}', true)
test(takes, 'ANY /{all+}', 'GET /shop', false)
test(takes, 'GET /shop/', 'ANY /shop/{all+}', false)
test(takes, '$default', 'ANY /{all+}', false)
test(takes, 'GET /x', '$default', true)

test('what takes requests from what is as the table says', (t) => {
  const texts = ['', 'a', 'b']
  const segment = fc.constantFrom(...texts, '{p}')
  const path = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([parts, greedy]) => parts.map((part, at) => (part === '{p}' ? `{p${at}}` : part)).concat(greedy ? ['{rest+}'] : []))
  const key = fc.tuple(fc.constantFrom('GET', 'POST', 'ANY'), path).map(([method, parts]) => `${method} /${parts.join('/')}`)
  const any = fc.oneof({ weight: 9, arbitrary: key }, { weight: 1, arbitrary: fc.constant('$default') })
  const paths = [1, 2, 3, 4].flatMap((length) => products([...texts, 'z'], length)).map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(any, any, (added, other) => {
      const [new_, old] = [parseRouteKey(added), parseRouteKey(other)]
      const alone = tableOf(old, old)
      const both = tableOf(old, new_)
      const found = ['GET', 'POST'].some((method) =>
        paths.some((one) => foundBy(alone, method, one) !== undefined && foundBy(both, method, one) === new_)
      )
      const same = new_.routeKey.replace(/\{p\d\}/g, '{}') === old.routeKey.replace(/\{p\d\}/g, '{}')
      // One of the same shape has the same id, so it is no second route.
      t.is(takesFrom(new_, old), same ? false : found, `${added} over ${other}`)
    }),
    { seed: 11, numRuns: 2_000 }
  )
})

function tableOf(...patterns: ReturnType<typeof parseRouteKey>[]) {
  const table = new RouteTable<ReturnType<typeof parseRouteKey>>()
  for (const pattern of patterns) table.add(pattern, pattern)
  return table
}

function foundBy(table: ReturnType<typeof tableOf>, method: string, path: string) {
  const match = table.match(method, path)
  return typeof match === 'object' ? match.value : undefined
}

function products(texts: string[], length: number): string[][] {
  return length === 0 ? [[]] : products(texts, length - 1).flatMap((head) => texts.map((text) => [...head, text]))
}
