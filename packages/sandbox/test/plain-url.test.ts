import test from 'ava'
import fc from 'fast-check'
import { URL_COMPONENTS } from '../src/bridge-operations.ts'
import { plainUrl } from '../src/guest/plain-url.guest.ts'

const RUNS = 20_000

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(
      ...[
        'a',
        'z9',
        '-',
        '--',
        'xn--',
        '0',
        '1',
        '255',
        '256',
        '08',
        '0x7f',
        '.',
        '..',
        '/',
        '//',
        '/.',
        '%2e',
        '%',
        'A',
        'é',
        '\u00ad'
      ],
      ...[
        ':',
        ':80',
        ':443',
        ':8080',
        ':65536',
        ':0',
        '@',
        '?',
        '?a=b&c=%zz+~',
        '#',
        '\\',
        ' ',
        '\t',
        '\n',
        "'",
        '_',
        '~',
        '|',
        '[::1]'
      ]
    ),
    fc.string({ maxLength: 3 })
  ),
  { maxLength: 8 }
)
const near = fc
  .tuple(fc.constantFrom('http://', 'https://', 'http:/', 'HTTP://', 'ws://', ''), pieces, pieces)
  .map(([scheme, host, rest]) => `${scheme}${host.join('')}/${rest.join('')}`)
const anything = fc.oneof(near, fc.webUrl(), fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string())

function byStandard(text: string): string[] | undefined {
  const url = URL.parse(text)
  return url === null ? undefined : URL_COMPONENTS.map((name) => url[name])
}

test('what is taken for a plain URL has the components that the standard gives it', (t) => {
  let plain = 0
  fc.assert(
    fc.property(anything, (text) => {
      const components = plainUrl(text)
      if (components === undefined) return
      plain++
      t.deepEqual(components, byStandard(text), text)
    }),
    { numRuns: RUNS }
  )
  // Else nothing was tried.
  t.true(plain > RUNS / 50, `${plain}`)
})

const plain = test.macro((t, text: string) => {
  t.deepEqual(plainUrl(text), byStandard(text))
})
test('the root of a host', plain, 'http://localhost/')
test('an address with a port', plain, 'http://127.0.0.1:8787/')
test('a path and a query', plain, 'https://api.example-shop.com/v1/items/a.json?page=2&q=a%20b+c')
test('empty segments', plain, 'http://a//b//')

const notPlain = test.macro((t, text: string) => {
  t.is(plainUrl(text), undefined)
})
for (const text of [
  'http://a',
  'http://A/',
  'http://1.2/',
  'http://0x7f.1/',
  'http://127.0.0.256/',
  'http://a.1/',
  'http://xn--p1ai/',
  'http://a:80/',
  'https://a:443/',
  'http://a:65536/',
  'http://u@a/',
  'http://a/./b',
  'http://a/b/..',
  'http://a/%2e/b',
  'http://a/b#c',
  'http://a/b?',
  "http://a/b?'",
  'http://a/b\n',
  'file:///etc/passwd'
]) {
  test(`${JSON.stringify(text)} is left to the executor`, notPlain, text)
}
