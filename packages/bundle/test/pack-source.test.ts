import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { buildBundle, packSource, readZip } from '../src/index.ts'
import { BUILTINS, callBundle, type Files, zipOf } from './_zip.ts'

async function folderWith(t: ExecutionContext, files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-pack-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  return folder
}

/** Packed from `path` in the files' folder, deployed and called, it returns this. */
const returns = test.macro(async (t, files: Files, path: string, expected: unknown, handler?: string) => {
  const packed = await packSource({ path: join(await folderWith(t, files), path), handler })
  const { bundle } = await buildBundle({ ...packed, builtinsSupported: BUILTINS })
  t.deepEqual(JSON.parse(JSON.stringify(await callBundle(bundle))), expected)
})

const DEPENDENCY = {
  'node_modules/dep/package.json': '{"main":"main.js"}',
  'node_modules/dep/main.js': "const Emitter = require('events'); module.exports = () => typeof new Emitter().on"
}
test('a TypeScript file', returns, { 'app.ts': 'export const handler = (): number => 1' }, 'app.ts', 1)
test(
  'a file with npm dependencies, builtins and top-level await',
  returns,
  {
    ...DEPENDENCY,
    'app.ts':
      "import dep from 'dep'; import { join } from 'node:path'; const x = await 2; export const handler = () => [x, dep(), join('a', 'b')]"
  },
  'app.ts',
  [2, 'function', 'a/b']
)
test(
  'dependencies of a folder above',
  returns,
  {
    ...DEPENDENCY,
    'functions/one/index.mjs': "import dep from 'dep'; export const handler = () => dep()"
  },
  'functions/one',
  'function'
)
test(
  'CommonJS with builtins and an optional dependency',
  returns,
  {
    'index.js': "const { sep } = require('path'); try { require('not-there') } catch (e) { e } exports.handler = () => sep"
  },
  '.',
  '/'
)
test(
  'a folder by "main" in package.json',
  returns,
  {
    'package.json': '{"main":"lib/run.mjs"}',
    'lib/run.mjs': 'export const handler = () => 1',
    'index.mjs': 'export const handler = () => 2'
  },
  '.',
  1
)
test(
  'a folder whose "main" is not built yet, by its source',
  returns,
  {
    'package.json': '{"main":"dist/index.js"}',
    'src/index.ts': 'export const handler = () => 1'
  },
  '.',
  1
)
test('a folder and a handler in it', returns, { 'lib/x.mts': 'export const run = () => 1' }, '.', 1, 'lib/x.run')
test(
  'a tsconfig.json of the author counts',
  returns,
  {
    'tsconfig.json': '{"compilerOptions":{"paths":{"~/*":["./deep/*"]}}}',
    'index.ts': "import x from '~/x'; export const handler = () => x",
    'deep/x.ts': 'export default 1'
  },
  '.',
  1
)
test(
  'a computed import within a folder',
  returns,
  {
    'index.mjs': 'export const handler = async (_, n = "a") => (await import("./lang/" + n + ".mjs")).default',
    'lang/a.mjs': 'export default 1',
    'lang/b.mjs': 'export default 2'
  },
  '.',
  1
)

test('a default export with fetch becomes the handler', async (t) => {
  const folder = await folderWith(t, { 'index.ts': 'export default { fetch: () => new Response() }' })
  const packed = await packSource({ path: folder })
  t.is(packed.handler, 'index.default')
  t.is((await buildBundle({ ...packed, builtinsSupported: [] })).bundle.handlerExport, 'default')
})

test('one script and its map, the same bytes every time', async (t) => {
  const folder = await folderWith(t, { ...DEPENDENCY, 'index.ts': "import dep from 'dep'; export const handler = dep" })
  const [one, two] = await Promise.all([packSource({ path: folder }), packSource({ path: join(folder, 'index.ts') })])
  t.deepEqual(
    (await readZip(one.zip)).map(({ name }) => name),
    ['index.mjs', 'index.mjs.map']
  )
  t.true(Buffer.from(one.zip).equals(two.zip))
})

test('a ready zip is passed through', async (t) => {
  const zip = zipOf({ 'x.js': '1' })
  const folder = await folderWith(t, { 'ready.zip': zip })
  const packed = await packSource({ path: join(folder, 'ready.zip') })
  t.is(packed.handler, 'index.handler')
  t.true(Buffer.from(zip).equals(packed.zip))
  t.is((await packSource({ path: join(folder, 'ready.zip'), handler: 'x.run' })).handler, 'x.run')
})

test("a line of the bundle leads back to the author's line, through both maps", async (t) => {
  const folder = await folderWith(t, {
    'index.ts': "import { fail } from './fail.ts'\nexport const handler = fail",
    'fail.ts': 'type T = 1\n\nexport const fail = () => {\n  throw new Error("found")\n}'
  })
  const { bundle } = await buildBundle({ ...(await packSource({ path: folder })), builtinsSupported: [] })
  const lines = bundle.script.split('\n')
  const line = lines.findIndex((text) => text.includes('"found"'))
  const origin = new SourceMap(JSON.parse(bundle.sourceMap ?? '')).findEntry(line, lines[line]?.indexOf('throw') ?? -1)
  t.like(origin, { originalSource: 'fail.ts', originalLine: 3, originalColumn: 2 })
})

const refused = test.macro(async (t, files: Files, path: string, code: string, message: RegExp, handler?: string) => {
  const folder = await folderWith(t, files)
  const error = await t.throwsAsync(packSource({ path: join(folder, path), handler }), { code })
  t.regex(error?.message ?? '', message)
})
const GOOD = { 'index.ts': 'export const other = 1' }
test('a path that is not there', refused, GOOD, 'no.ts', 'INVALID_ARGUMENT', /can't be read: ENOENT/)
test(
  'a file of another kind',
  refused,
  { 'app.rb': '' },
  'app.rb',
  'INVALID_ARGUMENT',
  /'app\.rb' can't be deployed: a file ends in one of/
)
test(
  'an empty folder',
  refused,
  { 'x/y.md': '' },
  'x',
  'HANDLER_NOT_FOUND',
  /no "main" in package\.json and none of index or src\/index/
)
test('a handler whose file is not there', refused, GOOD, '.', 'HANDLER_NOT_FOUND', /no file 'app' with one of/, 'app.handler')
test('a handler whose export is not there', refused, GOOD, '.', 'HANDLER_NOT_FOUND', /has no export 'handler'; it exports other/)
test('a syntax error', refused, { 'index.ts': 'let a = 1\nlet = ;' }, '.', 'INVALID_SOURCE', /^index\.ts:2:\d+: /)
test(
  'a dependency that is not installed',
  refused,
  { 'index.ts': "import 'left-pad'" },
  '.',
  'INVALID_SOURCE',
  /^index\.ts:1:8: Could not resolve "left-pad"/
)
test('a broken package.json', refused, { 'package.json': '{', ...GOOD }, '.', 'INVALID_SOURCE', /package\.json/)
