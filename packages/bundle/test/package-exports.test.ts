import test from 'ava'
import { exportsTarget, isFreeOfSideEffects } from '../src/package-exports.ts'

const CONDITIONS = new Set(['node', 'import'])
const target = test.macro((t, map: unknown, key: string, expected: string | undefined) => {
  t.is(exportsTarget(map, key, CONDITIONS), expected)
})
test('a string is the root', target, './a.js', '.', './a.js')
test('a string has no subpaths', target, './a.js', './a', undefined)
test(
  'conditions are tried in the order of the file',
  target,
  { browser: './b.js', import: './i.js', node: './n.js' },
  '.',
  './i.js'
)
test('default is always taken', target, { browser: './b.js', default: './d.js' }, '.', './d.js')
test(
  'conditions inside conditions fall back to the next',
  target,
  { node: { require: './r.js' }, default: './d.js' },
  '.',
  './d.js'
)
test('null closes a path', target, { './*': './lib/*', './private/*': null }, './private/x', undefined)
test('null ends the conditions', target, { node: null, default: './d.js' }, '.', undefined)
test('an array is tried in order', target, [{ browser: './b.js' }, './a.js'], '.', './a.js')
test('an exact key comes before a pattern', target, { './a*': './p/*', './ab': './exact.js' }, './ab', './exact.js')
test('the longest prefix wins', target, { './*': './1/*', './a/*': './2/*', './a/b*': './3/*' }, './a/bc', './3/c')
test('a pattern has an ending too', target, { './*.js': './src/*.mjs' }, './x/y.js', './src/x/y.mjs')
test('a star stands for something', target, { './a/*': './b/*' }, './a/', undefined)
test('all stars of a target are filled in', target, { './*': './*/*.js' }, './x', './x/x.js')
test('a target does not climb', target, './../../etc/passwd', '.', undefined)
test('a star does not climb', target, { './*': './lib/*' }, './../../etc/passwd', undefined)
test('a target is not in another package', target, './node_modules/other/x.js', '.', undefined)
test('a replacement pattern in a star is only text', target, { './*': './lib/*' }, './$&$1', './lib/$&$1')
test('private imports may name packages', target, { '#a': { browser: './b.js', default: 'pkg/sub' } }, '#a', 'pkg/sub')
for (const odd of [undefined, null, 5, true, [], {}, { '.': 5 }, { './*': {} }]) {
  test(`exports of ${JSON.stringify(odd)} lead nowhere`, target, odd, '.', undefined)
}

const pure = test.macro((t, sideEffects: unknown, file: string, expected: boolean) => {
  t.is(isFreeOfSideEffects({ sideEffects }, file), expected)
})
test('false frees every file', pure, false, 'a.js', true)
test('without a word nothing is free', pure, undefined, 'a.js', false)
test('files that are not listed are free', pure, ['./setup.js', '*.css'], 'lib/a.js', true)
test('a listed file is not', pure, ['./lib/setup.js'], 'lib/setup.js', false)
test('a name counts in any folder', pure, ['setup.js'], 'lib/deep/setup.js', false)
test('a star stays in its folder', pure, ['lib/*.js'], 'lib/deep/a.js', true)
test('two stars do not', pure, ['lib/**'], 'lib/deep/a.js', false)
test('any folder before a name', pure, ['**/polyfill/*.js'], 'a/b/polyfill/c.js', false)
test('any folder, but not any name', pure, ['**/polyfill/*.js'], 'a/b/polyfiller/c.js', true)
test('what is not understood counts as listed', pure, ['{a,b}.js'], 'c.js', false)
test('a pattern that would take for ever is not understood', pure, [`${'*a'.repeat(200)}b`], 'a'.repeat(1_000), false)
