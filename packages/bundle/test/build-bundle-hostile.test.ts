import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LIMITS } from '@peerless/interface'
import test from 'ava'
import { buildBundle } from '../src/index.ts'
import { BUILTINS, bundleOf, callBundle, type Files, runBundle, zipOf } from './_zip.ts'

/** A file of this machine that no zip may learn about. */
const SECRET = 'PEERLESS-SECRET-7f3a'
let folder = ''
let outside = ''

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerless-bundle-'))
  outside = join(folder, 'secret.json')
  await writeFile(outside, JSON.stringify({ secret: SECRET }))
  await writeFile(join(folder, 'secret.js'), `module.exports = "${SECRET}"`)
  await writeFile(join(folder, 'map.json'), JSON.stringify({ version: 3, sources: [SECRET], names: [], mappings: 'AAAA' }))
})
test.after.always(async () => await rm(folder, { recursive: true, force: true }))

/** Enough '..' to be at the root of any disk. */
const UP = '../'.repeat(30)

const unresolved: Record<string, (path: string) => string> = {
  'a relative path': (path) => `${UP}.${path}`,
  'a relative path through a folder': (path) => `./lib/${UP}.${path}`,
  'an absolute path': (path) => path,
  'the task folder': (path) => `/var/task/${UP}.${path}`,
  'a package': (path) => `pkg/${UP}.${path}`,
  'a scope': (path) => `@scope/${UP}.${path}`,
  'a # name': () => '#out',
  "a package's main": () => 'main',
  "a package's exports": () => 'exported',
  "a folder's main": () => './lib'
}
for (const [what, specifier] of Object.entries(unresolved)) {
  for (const [how, statement] of Object.entries({
    import: (path: string) => `import x from ${JSON.stringify(path)}; export const handler = () => x`,
    'import as text': (path: string) =>
      `import x from ${JSON.stringify(path)} with { type: 'text' }; export const handler = () => x`,
    require: (path: string) => `exports.handler = () => require(${JSON.stringify(path)})`
  })) {
    test(`${how} does not reach the disk through ${what}`, async (t) => {
      const files = (path: string): Files => ({
        'index.js': statement(specifier(path)),
        'package.json': JSON.stringify({ imports: { '#out': `./${UP}.${path}` } }),
        'lib/package.json': JSON.stringify({ main: `${UP}.${path}` }),
        'node_modules/pkg/x.js': '',
        'node_modules/main/package.json': JSON.stringify({ main: `${UP}.${path}` }),
        'node_modules/exported/package.json': JSON.stringify({ exports: `./${UP}.${path}` })
      })
      const there = await t.throwsAsync(bundleOf(files(outside)), { code: 'INVALID_SOURCE' })
      t.regex(there?.message ?? '', /^index\.js:1:\d+: Could not resolve /)
      // Nor does the answer tell whether the file is there.
      const missing = outside.replace('secret.json', 'absent.json')
      const absent = await t.throwsAsync(bundleOf(files(missing)))
      t.is(there?.message.replaceAll(outside, missing), absent?.message)
    })
  }
}

for (const specifier of [
  'file:///etc/hostname',
  'FILE:///etc/hostname',
  'data:text/javascript,1',
  'https://example.com/x.js',
  '//example.com/x'
]) {
  test(`the import ${specifier} is refused`, async (t) => {
    await t.throwsAsync(bundleOf({ 'index.mjs': `import ${JSON.stringify(specifier)}; export const handler = 1` }), {
      code: 'INVALID_SOURCE',
      message: /only relative paths, packages and node: modules can be imported/
    })
  })
}

test('packages of the machine are not found', async (t) => {
  await t.throwsAsync(bundleOf({ 'index.mjs': "import 'ava'; export const handler = 1" }), { code: 'INVALID_SOURCE' })
})

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the code under test has template strings
/** Forms of computed calls, which esbuild would answer by listing folders from this process's own. */
const COMPUTED = [
  "require('./' + x)",
  'require(`./${x}`)',
  "(require)('./' + x)",
  "require?.('./' + x)",
  "require/**/('./' + x)",
  "require(\n'./'\n+ x)",
  "require(x ? './' + x : './y')",
  "try { require('./' + x) } catch (e) { e }",
  "if (false) require('./' + x)",
  "require('./' + x + '.json')",
  "import('./' + x)",
  'import(`./${x}`)',
  "import/**/('./' + x)",
  "import //\n ('./' + x)",
  "import('./' + x, { with: { type: 'json' } })",
  "import('./' + x).catch(() => {})",
  "import.defer('./' + x)",
  "import.source('./' + x)",
  "new Worker(new URL('./' + x, import.meta.url))",
  "require.resolve('./' + x)",
  "module.require('./' + x)",
  "(module).require('./' + x)",
  "module['require']('./' + x)",
  "module[`require`]('./' + x)",
  "module['re\\x71uire']('./' + x)",
  "module['re\\161uire']('./' + x)",
  "module['re\\\nquire']('./' + x)",
  "module/**/./**/require/**/('./' + x)",
  "mod\\u0075le.re\\u{71}uire('./' + x)",
  "with (x) { module.require('./' + x) }",
  "with (x) { require('./' + x) }",
  "module?.require('./' + x)",
  "module.require?.('./' + x)",
  "module['req' + 'uire']('./' + x)",
  "(0, module.require)('./' + x)",
  "r\\u0065quire('./' + x)",
  "r\\u{00065}quire('./' + x)",
  "é; require('./' + x)"
]
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above
for (const [file, before] of [
  ['index.js', ''],
  ['index.mjs', 'await 1;'],
  ['index.ts', 'let n: number = 1;'],
  ['index.js', 'with ({}) {};'],
  ['index.mjs', "import './index.mjs';"],
  ['index.cts', 'declare const z: any; const casted = (module as any).require("./" + z);'],
  ['index.cts', 'declare const z: any; const casted = (<any>module).require("./" + z);'],
  ['index.cts', 'declare const z: any; const casted = module!.require("./" + z);'],
  ['index.cjs', 'exports.é = 1;']
] as const) {
  test(`computed calls list no folder of this machine (${file} ${before})`, async (t) => {
    for (const form of COMPUTED) {
      const files = {
        [file]: `${before} var é\u2028 = 1; ${/\.(?:js|c[jt]s)$/.test(file) ? 'exports.handler =' : 'export const handler ='} (x, y) => { ${form} }`
      }
      try {
        const { script } = await bundleOf(files)
        t.false(/package\.json|__glob/.test(script), form)
      } catch (error) {
        // Some of them are refused; none because of what lies on this disk.
        t.notRegex((error as Error).message, /outside the zip|Could not resolve (?:require|import)/, form)
      }
    }
  })
}

test('a star in the name of the handler or file is only a star', async (t) => {
  t.is(await callBundle(await bundleOf({ 'a*.mjs': 'export const handler = () => 1' }, 'a*.handler')), 1)
})

const commentOf: Record<string, (url: string) => string> = {
  line: (url) => `//# sourceMappingURL=${url}`,
  'old line': (url) => `//@ sourceMappingURL=${url}`,
  block: (url) => `/*# sourceMappingURL=${url} */`,
  twice: (url) => `//# sourceMappingURL=${url}\n//# sourceMappingURL=${url}`
}
for (const [kind, comment] of Object.entries(commentOf)) {
  test(`a source map comment reads no file of this machine (${kind})`, async (t) => {
    const map = join(folder, 'map.json')
    const inner = { version: 3, sources: [`file://${outside}`, outside, `${UP}.${outside}`], names: [], mappings: 'AAAA' }
    const inline = `data:application/json;base64,${Buffer.from(JSON.stringify(inner)).toString('base64')}`
    for (const url of [`file://${map}`, `FILE://${map}`, `file:${map}`, map, `${UP}.${map}`, `//localhost${map}`, inline]) {
      const { sourceMap, script } = await bundleOf({ 'index.mjs': `export const handler = () => 1\n${comment(url)}` })
      t.false(`${sourceMap}${script}`.includes(SECRET), url)
    }
  })
}

test('a source map in the zip is followed, also to a folder above within it', async (t) => {
  const map = JSON.stringify({ version: 3, sources: ['app.ts'], names: [], mappings: 'AAAA' })
  const bundle = await bundleOf(
    { 'dist/index.mjs': 'export const handler = () => 1\n//# sourceMappingURL=../maps/index.map\n', 'maps/index.map': map },
    'dist/index.handler'
  )
  t.deepEqual(JSON.parse(bundle.sourceMap ?? '').sources, ['app.ts'])
})

test('a source map with more sources than a zip may have files is left out', async (t) => {
  const mapped = async (count: number) => {
    const sources = Array.from({ length: count }, (_, at) => `${at}.ts`)
    const map = JSON.stringify({ version: 3, sources, names: [], mappings: 'AAAA' })
    return await bundleOf({
      'index.mjs': 'export const handler = () => 1\n//# sourceMappingURL=index.mjs.map\n',
      'index.mjs.map': map
    })
  }
  t.is(JSON.parse((await mapped(LIMITS.zipFilesMax)).sourceMap ?? '').sources.length, LIMITS.zipFilesMax)
  t.is((await mapped(LIMITS.zipFilesMax + 1)).sourceMap, undefined)
})

test('a tsconfig.json in the zip is not read', async (t) => {
  const files = {
    'tsconfig.json': JSON.stringify({
      extends: `${UP}.${outside}`,
      compilerOptions: { jsxFactory: 'evil', paths: { dep: [outside] } }
    }),
    'index.tsx': 'const React = { createElement: () => "plain" }; export const handler = () => <a/>'
  }
  t.is(await callBundle(await bundleOf(files)), 'plain')
})

test('a package.json of hostile shape hangs and breaks nothing', async (t) => {
  let deep: unknown = './x.js'
  for (let level = 0; level < 5_000; level++) deep = { default: deep }
  const shapes: unknown[] = [
    { exports: deep },
    { exports: { './*': '*' } },
    { exports: [[[null]]] },
    { main: ['x'] },
    { imports: { '#a': '#a' } },
    { sideEffects: ['*'.repeat(400)] },
    { sideEffects: ['(a+)+$'] },
    { name: {}, type: [] }
  ]
  for (const shape of shapes) {
    const files = {
      'index.mjs': "import x from 'p'; import '#a'; export const handler = x",
      'node_modules/p/package.json': JSON.stringify(shape),
      'package.json': JSON.stringify(shape)
    }
    await t.throwsAsync(bundleOf(files), { code: 'INVALID_SOURCE' }, JSON.stringify(shape).slice(0, 50))
  }
})

test('nothing of the zip runs while it is bundled', async (t) => {
  const bundle = await bundleOf({
    'index.js': 'globalThis.RAN = true; exports.handler = () => 1',
    'esbuild.config.js': 'process.exit(1)'
  })
  t.false('RAN' in globalThis)
  await runBundle(bundle)
})

test('code can not close the wrapper around it', async (t) => {
  for (const code of ['}).call(undefined) })(); globalThis.OUT = 1; (() => { (function () {', '} export const handler = 1; {']) {
    await t.throwsAsync(bundleOf({ 'index.mjs': code }), { code: 'INVALID_SOURCE' })
  }
  const tail = 'export const handler = () => `\nexport {\n  a as b\n};\n`'
  t.is(await callBundle(await bundleOf({ 'index.mjs': tail })), '\nexport {\n  a as b\n};\n')
})

test('the secret is where the tests think it is', async (t) => {
  t.true((await readFile(outside, 'utf8')).includes(SECRET))
})

const LONG = 1_000_000
const CREATES = "import { createRequire } from 'module'\n"
/** Text that searches would go through from each of its places to the end, which takes hours. */
const lengthy: Record<string, string> = {
  'empty lines': `${'\n'.repeat(LONG)}export const handler = () => 'built'`,
  'one word': `${CREATES}/* ${'a'.repeat(LONG)} */ export const handler = () => 'built'`,
  'blanks behind a word': `${CREATES}const${' '.repeat(LONG)}a = 'built'; export const handler = () => a`,
  'calls of require that are made':
    `${"createRequire(__filename, require.resolve('".repeat(LONG / 50)} */ export const handler = () => 'built'`.replace(
      /^/,
      '/* '
    ),
  'places in /var/task': `/* ${'/var/task/node_modules/a/b.dat '.repeat(LONG / 31)} __filename */ export const handler = () => 'built'`,
  'one word in a module with an asynchronous store': `import 'async_hooks'\n/*! ${'a'.repeat(LONG)} */ export const handler = async () => '${'a'.repeat(LONG)}' && 'built'`
}
for (const [what, source] of Object.entries(lengthy)) {
  test(`a file of ${what} is gone through once`, async (t) => {
    const builtins = [...BUILTINS, 'async_hooks']
    const { bundle } = await buildBundle({
      zip: zipOf({ 'index.mjs': source }),
      handler: 'index.handler',
      builtinsSupported: builtins
    })
    t.regex(bundle.script, /built/)
  })
}
