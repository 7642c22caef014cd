import { isAscii } from 'node:buffer'
import { SourceMap } from 'node:module'
import { LIMITS } from '@peerless/interface'
import { encode } from '@peerless/wire'
import test from 'ava'
import { buildBundle, cidOf, decodeBundle, encodeBundle } from '../src/index.ts'
import { BUILTINS, bundleOf, callBundle, type Files, runBundle, zipOf } from './_zip.ts'

/** The files' handler, bundled and called, returns this. */
const returns = test.macro(async (t, files: Files, expected: unknown, handler?: string) => {
  // Through JSON: what comes out of another global is not equal by prototype.
  t.deepEqual(JSON.parse(JSON.stringify(await callBundle(await bundleOf(files, handler)))), expected)
})

test('an ES module', returns, { 'index.mjs': 'export const handler = async () => 1' }, 1)
test('CommonJS', returns, { 'index.js': 'exports.handler = () => 1' }, 1)
test('CommonJS that replaces its exports', returns, { 'index.cjs': 'module.exports = { handler: () => 1 }' }, 1)
test('ES module syntax in a .js file without a package.json', returns, { 'index.js': 'export const handler = () => 1' }, 1)
test(
  'TypeScript in a folder, with an import that names the .js of a .ts',
  returns,
  {
    'src/app.ts': "import { three } from './three.js'; enum E { A = 4 }; export const run = (): number => E.A + three",
    'src/three.ts': 'export const three: number = 3'
  },
  7,
  'src/app.run'
)
test(
  'a handler in any script, ES module',
  returns,
  { 'index.mjs': 'export const größe处理 = () => "ü处" + `é处`' },
  'ü处é处',
  'index.größe处理'
)
test('a handler in any script, CommonJS', returns, { 'index.js': 'exports.größe处理 = () => "ü处"' }, 'ü处', 'index.größe处理')
test('texts and tags beyond ASCII are what they were, and V8 is given ASCII', async (t) => {
  const source = `const tag = ({ raw }) => raw[0]; const { ключ } = { ключ: 'ж' }
      export const handler = () => [ключ, "\u{1F600}😀", tag\`é\\n处\`, /[é处]/u.test('处'), '\ud83d'.length, (() => 'ü')()]`
  const bundle = await bundleOf({ 'index.mjs': source })
  t.deepEqual(JSON.parse(JSON.stringify(await callBundle(bundle))), ['ж', '😀😀', 'é\\n处', true, 1, 'ü'])
  const { script } = await bundleOf({ 'index.mjs': 'export const handler = () => "処理 – größe"' })
  t.true(isAscii(Buffer.from(script)))
})
test('TypeScript as .mts', returns, { 'index.mts': 'export const handler = (): number => 1' }, 1)
test('TypeScript as .cts', returns, { 'index.cts': 'import p = require("path"); export = { handler: () => p.sep }' }, '/')
test('JSX', returns, { 'index.tsx': 'const React = { createElement: (t: string) => t }; export const handler = () => <a/>' }, 'a')
test(
  'decorators, which V8 does not know',
  returns,
  {
    'index.ts': 'const d = (v: any, c: any) => v; class A { @d accessor x = 1 }; export const handler = () => new A().x'
  },
  1
)
test(
  'JavaScript beside its TypeScript is what runs',
  returns,
  {
    'index.ts': 'export const handler = () => "ts"',
    'index.js': 'exports.handler = () => "js"'
  },
  'js'
)
test('top-level await', returns, { 'index.mjs': 'const x = await Promise.resolve(7); export const handler = () => x' }, 7)
test(
  'top-level await in an import',
  returns,
  {
    'index.mjs': "import { x } from './x.mjs'; export const handler = () => x",
    'x.mjs': 'export const x = await 7'
  },
  7
)
test(
  'dynamic import of a file of the zip',
  returns,
  {
    'index.mjs': "export const handler = async () => (await import('./late.mjs')).v",
    'late.mjs': 'export const v = 3'
  },
  3
)
test('an export that changes is seen to change', async (t) => {
  const exported = await runBundle(await bundleOf({ 'index.mjs': 'export let n = 1; export const handler = () => { n += 1 }' }))
  t.is(exported.n, 1)
  ;(exported.handler as () => void)()
  t.is(exported.n, 2)
})
test(
  'code that only sloppy mode allows',
  returns,
  {
    'index.js': 'var o = { a: 5 }; with (o) { exports.handler = function () { return a + 010 } }'
  },
  13
)
test('CommonJS is sloppy, ES modules are strict', async (t) => {
  const body = '() => (function () { return this === undefined })()'
  t.false(await callBundle(await bundleOf({ 'index.js': `exports.handler = ${body}` })))
  t.true(await callBundle(await bundleOf({ 'index.mjs': `export const handler = ${body}` })))
})

const NPM: Files = {
  'node_modules/pkg/package.json': JSON.stringify({
    exports: {
      '.': { import: './lib/esm.mjs', require: './lib/common.js' },
      './sub/*': { types: './no.d.ts', default: './lib/*.js' }
    }
  }),
  'node_modules/pkg/lib/esm.mjs': 'export default "esm"',
  'node_modules/pkg/lib/common.js': 'module.exports = "common"',
  'node_modules/pkg/lib/deep.js': 'exports.deep = require("other")',
  'node_modules/pkg/node_modules/other/package.json': '{"main": "./start"}',
  'node_modules/pkg/node_modules/other/start.js': 'module.exports = "inner"',
  'node_modules/other/index.js': 'module.exports = "outer"',
  'node_modules/@scope/name/package.json': '{"main": "missing.js"}',
  'node_modules/@scope/name/index.json': '{"k": [1, 2]}'
}
test(
  'npm packages: import conditions, patterns, the nearest copy, scopes and JSON',
  returns,
  {
    ...NPM,
    'index.mjs': `import pkg from 'pkg'; import { deep } from 'pkg/sub/deep'; import outer from 'other'; import { k } from '@scope/name'
    export const handler = () => [pkg, deep, outer, k]`
  },
  ['esm', 'inner', 'outer', [1, 2]]
)
test('npm packages: require conditions', returns, { ...NPM, 'index.js': "exports.handler = () => require('pkg')" }, 'common')
test('a path that exports does not list is not there', async (t) => {
  const files = { ...NPM, 'index.mjs': "import x from 'pkg/lib/common.js'; export const handler = x" }
  await t.throwsAsync(bundleOf(files), {
    code: 'INVALID_SOURCE',
    message: 'index.mjs:1:15: Could not resolve "pkg/lib/common.js"'
  })
})
test(
  'a package imports itself, and by # names',
  returns,
  {
    'package.json': '{"name":"me","exports":{"./*":"./src/*.js"},"imports":{"#one":"./src/one.js","#dep":"dep"}}',
    'index.mjs': "import a from 'me/one'; import b from '#one'; import c from '#dep'; export const handler = () => [a, b, c]",
    'src/one.js': 'export default 1',
    'node_modules/dep.js': 'module.exports = 3'
  },
  [1, 1, 3]
)
test(
  '"type": "module" decides what a default import of CommonJS is, as in Node',
  returns,
  {
    'package.json': '{"type":"module"}',
    'index.js': "import d from './c.cjs'; export const handler = () => d",
    'c.cjs': 'exports.__esModule = true; exports.default = 4'
  },
  { __esModule: true, default: 4 }
)
test(
  'without it the default export of transpiled code is taken',
  returns,
  {
    'index.js': "import d from './c.cjs'; export const handler = () => d",
    'c.cjs': 'exports.__esModule = true; exports.default = 4'
  },
  4
)
test(
  'text and bytes by import attribute',
  returns,
  {
    'index.mjs':
      "import t from './t.md' with { type: 'text' }; import b from './t.md' with { type: 'bytes' }; export const handler = () => [t, b.length]",
    't.md': 'hé'
  },
  ['hé', 3]
)
test(
  'an absolute import of the task folder is an import from the zip',
  returns,
  {
    'index.js': "exports.handler = () => require('/var/task/lib/x')",
    'lib/x.js': 'module.exports = 1'
  },
  1
)
test('what a pure package exports and nobody uses is left out', async (t) => {
  const { script } = await bundleOf({
    'index.mjs': "import { used } from 'pure'; import 'impure'; export const handler = () => used",
    'node_modules/pure/package.json': '{"sideEffects": ["*.css"], "type": "module"}',
    'node_modules/pure/index.js': "export * from './used.js'; export * from './unused.js'",
    'node_modules/pure/used.js': 'export const used = 1',
    'node_modules/pure/unused.js': 'globalThis.WASTE = 1; export const unused = 2',
    'node_modules/impure/index.js': 'globalThis.WANTED = 1'
  })
  t.false(script.includes('WASTE'))
  t.true(script.includes('WANTED'))
})

test('modules that are asked for by process.getBuiltinModule are listed', async (t) => {
  const bundle = await bundleOf({
    'index.mjs':
      "export const handler = () => [process.getBuiltinModule('node:fs'), process.getBuiltinModule('sqlite'), process.getBuiltinModule(String(1))]"
  })
  t.deepEqual(bundle.builtins, ['fs'])
})

test('builtins come from the hook, as modules and by name, and are listed', async (t) => {
  const bundle = await bundleOf({
    'index.mjs': `import fs, { readFileSync } from 'node:fs'; import * as path from 'path'; import { old } from './old.cjs'
      export const handler = () => [typeof fs.readFileSync, readFileSync === fs.readFileSync, path.join('a', 'b'), old]`,
    'old.cjs': "const Emitter = require('events'); exports.old = new (class extends Emitter {})() instanceof Emitter"
  })
  t.deepEqual(bundle.builtins, ['events', 'fs', 'path'])
  t.is(JSON.stringify(await callBundle(bundle)), '["function",true,"a/b",true]')
})
test('a builtin that functions do not have fails the deployment, with the line', async (t) => {
  const files = { 'index.mjs': "export const handler = 1\nimport net from 'node:net'", 'b.js': '' }
  await t.throwsAsync(bundleOf(files), {
    code: 'INVALID_SOURCE',
    message: "index.mjs:2:17: module 'node:net' does not exist inside functions"
  })
})
test(
  'a package in the zip stands in for a builtin that functions do not have',
  returns,
  {
    'index.js': "exports.handler = () => require('punycode')",
    'node_modules/punycode/index.js': 'module.exports = "mine"'
  },
  'mine'
)
test(
  'an optional require or import fails at run time, where it is caught',
  returns,
  {
    'index.js': `let seen = []; for (const f of [() => { try { require('inspector') } catch (e) { seen.push(e.message) } },
    () => { try { require('not-there') } catch (e) { seen.push(e.message) } }]) f()
    exports.handler = async () => { await import('node:net').catch((e) => seen.push(e.message)); return seen }`
  },
  ["Cannot find module 'inspector'", "Cannot find module 'not-there'", "Cannot find module 'node:net'"]
)
test(
  'computed names reach the hook at run time',
  returns,
  {
    'index.mjs':
      "export const handler = async (_, n = 'pa') => [typeof (await import(n + 'th')).join, typeof (await import(n + 'th')).default.join]"
  },
  ['function', 'function']
)
test(
  'a computed require of a file says that there is none',
  returns,
  {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the code under test has a template string
    'index.js': 'exports.handler = (_, x = 1) => { try { return require(`./${x}`) } catch (e) { return e.message } }'
  },
  "Cannot find module './1'"
)
test('beside a computed require, literal ones are bundled', async (t) => {
  const bundle = await bundleOf({
    'index.js': `exports.handler = (_, x = 'fs') => [require('./lib').one, typeof require(x).readFileSync, require('path').sep, typeof require]
      module.exports.other = async () => await import('./lib')`,
    'lib.js': 'exports.one = 1'
  })
  t.is(JSON.stringify(await callBundle(bundle)), '[1,"function","/","function"]')
  t.deepEqual(bundle.builtins, ['path'])
})
test(
  'a module may make its own require',
  returns,
  {
    'index.mjs':
      "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); export const handler = () => require('node:path').sep"
  },
  '/'
)
test(
  'who takes getters of SharedArrayBuffer without asking whether there is one, finds that no value is one',
  returns,
  {
    'index.js': `const getter = Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, 'growable').get
      exports.handler = () => { try { return getter.call(new ArrayBuffer(1)) } catch (error) { return error.name } }`
  },
  'TypeError'
)
test('import.meta, __filename and __dirname say where AWS would have it', async (t) => {
  const common = await bundleOf({ 'a/index.js': 'exports.handler = () => [__filename, __dirname]' }, 'a/index.handler')
  t.is(JSON.stringify(await callBundle(common)), '["/var/task/a/index.js","/var/task/a"]')
  const esm = await bundleOf({
    'index.mjs': 'export const handler = () => [import.meta.url, import.meta.dirname, import.meta.main]'
  })
  t.is(JSON.stringify(await callBundle(esm)), '["file:///var/task/index.mjs","/var/task",null]')
})

test('the default export stands in for a handler that is not exported', async (t) => {
  const web = await bundleOf({ 'index.mjs': 'export default { fetch: () => 1 }' })
  t.is(web.handlerExport, 'default')
  t.is(typeof ((await runBundle(web)).default as { fetch: unknown }).fetch, 'function')
  t.is((await bundleOf({ 'index.mjs': 'export default { fetch() {} }; export const handler = 1' })).handlerExport, 'handler')
})
test('odd export names are kept', async (t) => {
  const exported = await runBundle(
    await bundleOf({ 'index.mjs': 'const a = 1; export { a as "x }; y", a as handler, a as __proto__ }' })
  )
  t.deepEqual(Object.keys(exported).sort(), ['__proto__', 'handler', 'x }; y'])
})

test('the source map leads from the script to the line of the zip', async (t) => {
  const bundle = await bundleOf({
    'package.json': '{"type":"module"}',
    'index.ts': "import { fail } from './lib/fail.js'\n\nexport const handler = () => fail()",
    'lib/fail.ts': 'interface Unused { a: 1 }\n\nexport function fail(): never {\n  throw new Error("found")\n}'
  })
  const lines = bundle.script.split('\n')
  const line = lines.findIndex((text) => text.includes('"found"'))
  const origin = new SourceMap(JSON.parse(bundle.sourceMap ?? '')).findEntry(line, lines[line]?.indexOf('throw') ?? -1)
  t.like(origin, { originalSource: 'lib/fail.ts', originalLine: 3, originalColumn: 2 })
})

test('the same files and handler always give the same bytes', async (t) => {
  const files = { ...NPM, 'index.mjs': "import a from 'pkg'; import 'other'; import 'node:fs'; export const handler = await a" }
  const order = { zip: zipOf(files), handler: 'index.handler', builtinsSupported: BUILTINS }
  const cids = await Promise.all([1, 2, 3].map(async () => await cidOf((await buildBundle(order)).bytes)))
  t.is(new Set(cids).size, 1)
})
test('a bundle is read back from its bytes', async (t) => {
  const zip = zipOf({ 'index.mjs': "import 'fs'; export const handler = 1" })
  const { bytes, bundle } = await buildBundle({ zip, handler: 'index.handler', builtinsSupported: BUILTINS })
  t.deepEqual(decodeBundle(bytes), bundle)
  const { sourceMap: _, ...bare } = bundle
  t.deepEqual(decodeBundle(await encodeBundle({ ...bare, sourceMap: undefined })), { ...bare, sourceMap: undefined })
  const before = { ...bare, sourceMap: '{"of":"a version that did not compress it"}' }
  t.deepEqual(decodeBundle(encode(before)), before)
})
test('bytes that are no bundle are refused', async (t) => {
  const good = { format: 1 as const, script: '', sourceMap: undefined, builtins: [], handlerExport: 'h' }
  const bad = [{ script: 1 }, { sourceMap: 1 }, { sourceMap: Buffer.from('no zlib') }, { builtins: [1] }, { handlerExport: '' }]
  for (const change of bad) {
    t.throws(() => decodeBundle(encode({ ...good, sourceMap: null, ...change })), { code: 'MALFORMED' }, JSON.stringify(change))
  }
  t.throws(() => decodeBundle(encode({ ...good, sourceMap: null, format: 2 })), { code: 'MALFORMED' })
  t.throws(() => decodeBundle(encode([1])), { code: 'MALFORMED' })
  t.throws(() => decodeBundle(new Uint8Array([0xff])), { code: 'MALFORMED' })
  t.throws(() => decodeBundle(new Uint8Array(LIMITS.bundleBytesMax + 1)), { code: 'MALFORMED' })
})

const refused = test.macro(async (t, files: Files, handler: string, code: string, message: RegExp) => {
  const error = await t.throwsAsync(bundleOf(files, handler), { code })
  t.regex(error?.message ?? '', message)
})
const ONE = { 'index.mjs': 'export const other = 1' }
test(
  'a syntax error has file, line and column',
  refused,
  { 'index.mjs': 'const a = 1\nexport const handler = ( => 1' },
  'index.handler',
  'INVALID_SOURCE',
  /^index\.mjs:2:26: Unexpected "=>"$/
)
test(
  'an error in a "type": "module" file has its name',
  refused,
  { 'package.json': '{"type":"module"}', 'index.js': '1 1' },
  'index.handler',
  'INVALID_SOURCE',
  /^index\.js:1:3: /
)
test(
  'an import that is not there has its line',
  refused,
  { 'index.mjs': "\nimport './no.js'" },
  'index.handler',
  'INVALID_SOURCE',
  /^index\.mjs:2:8: Could not resolve "\.\/no\.js"$/
)
test(
  'an import of an export that is not there names both',
  refused,
  { 'index.mjs': "import { x } from './b.mjs'; x()", 'b.mjs': 'export {}' },
  'index.handler',
  'INVALID_SOURCE',
  /No matching export in 'b\.mjs' for import "x"/
)
test(
  'a kind of file that is not understood is named',
  refused,
  { 'index.mjs': "import './a.css'", 'a.css': '' },
  'index.handler',
  'INVALID_SOURCE',
  /'a\.css' can't be imported: files ending in '\.css'/
)
test(
  'a kind of import that is not understood is named, though it is a member of every object',
  refused,
  { 'index.mjs': "import a from './a.txt' with { type: 'constructor' }", 'a.txt': '' },
  'index.handler',
  'INVALID_SOURCE',
  /'a\.txt' can't be imported: the attribute type 'constructor' is not understood/
)
test(
  'a broken package.json is named',
  refused,
  { 'package.json': '{', 'index.js': '' },
  'index.handler',
  'INVALID_SOURCE',
  /^package\.json: is not JSON/
)
test(
  'a missing export names what there is',
  refused,
  ONE,
  'index.handler',
  'HANDLER_NOT_FOUND',
  /'index\.mjs' has no export 'handler'; it exports other$/
)
test(
  'a missing file names what was looked for',
  refused,
  ONE,
  'app.handler',
  'HANDLER_NOT_FOUND',
  /no file 'app' with one of \.js .* in the zip; the zip has index\.mjs$/
)
test(
  'a zip of the folder instead of its content is recognised',
  refused,
  { 'my/index.mjs': '' },
  'index.handler',
  'HANDLER_NOT_FOUND',
  /zip the folder's content/
)
for (const handler of ['index', '.handler', 'index.', '../index.handler', '/index.handler', 'a//index.handler', 'index.a.b']) {
  test(`the handler '${handler}' is refused`, refused, ONE, handler, 'HANDLER_NOT_FOUND', /is not of the form/)
}
test('a handler with a space is refused', refused, ONE, 'in dex.handler', 'INVALID_ARGUMENT', /no space/)
