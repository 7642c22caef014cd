import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { BUILTINS_SUPPORTED } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { buildBundle, packSource } from '../src/index.ts'
import { writeZip } from '../src/zip-write.ts'

async function folderOf(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-absent-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

async function deployed(t: ExecutionContext, files: Record<string, string>) {
  const { zip, handler } = await packSource({ path: await folderOf(t, files) })
  return (await buildBundle({ zip, handler, builtinsSupported: BUILTINS_SUPPORTED })).bundle
}

test("the author's import of a module that functions lack fails with its name, file and line", async (t) => {
  const files = {
    'package.json': '{"main":"src/index.ts"}',
    'src/index.ts': "export { handler } from './work.ts'\n",
    'src/work.ts': "\nimport { spawn } from 'child_process'\nexport const handler = () => spawn('ls')\n"
  }
  await t.throwsAsync(deployed(t, files), {
    code: 'INVALID_SOURCE',
    message: /work\.ts:2:\d+: module 'node:child_process' does not exist inside functions/
  })
})

test('one that is guarded is left to run time', async (t) => {
  const source =
    "let threads; try { threads = require('worker_threads') } catch { threads = undefined }\nexports.handler = () => threads === undefined"
  const { script } = await deployed(t, { 'index.js': source })
  t.regex(script, /__peerlessRequire\("worker_threads"\)|require\("worker_threads"\)/)
})

test("a package's import of one is left to its use", async (t) => {
  const { script } = await deployed(t, {
    'index.mjs': "import { tool } from 'tool'\nexport const handler = () => tool()",
    'node_modules/tool/package.json': '{"name":"tool","main":"index.js"}',
    'node_modules/tool/index.js': "const { spawn } = require('child_process'); exports.tool = (run) => run ? spawn('ls') : 'fine'"
  })
  t.regex(script, /__peerlessRequire\("absent:child_process"\)/)
})

/** What esbuild, webpack and rollup make of an author's file and a package, as far as it matters here. */
const BUNDLED = {
  'esbuild, CommonJS':
    'var tls = require("tls");\n// node_modules/tool/index.js\nexports.handler = () => typeof tls.connect + typeof require("not-installed")',
  'esbuild, ES module': `// node_modules/tool/index.js
import tls from "tls"
import { createRequire as made } from "module"; const require = made(import.meta.url);
var __require = /* @__PURE__ */ ((x) => typeof require !== "undefined" ? require : typeof Proxy !== "undefined" ? new Proxy(x, {
  get: (a, b) => (typeof require !== "undefined" ? require : a)[b]
}) : x)(function(x) {
  if (typeof require !== "undefined") return require.apply(this, arguments);
  throw Error('Dynamic require of "' + x + '" is not supported');
});
export const handler = () => typeof tls.connect + typeof __require("http2").connect + typeof __require("not-installed")`,
  minified: `/*${'x'.repeat(5_000)}*/import t from"tls";export const handler=()=>typeof t.connect+typeof process`
}

for (const [by, source] of Object.entries(BUNDLED)) {
  for (const way of ['uploaded', 'packed'] as const) {
    test(`in a file that a bundler made, such an import counts as a package's: ${by}, ${way}`, async (t) => {
      const files = { [by.includes('CommonJS') ? 'index.js' : 'index.mjs']: source }
      const { script } =
        way === 'packed'
          ? await deployed(t, files)
          : (await buildBundle({ zip: writeZip(files), handler: 'index.handler', builtinsSupported: BUILTINS_SUPPORTED })).bundle
      t.true(script.includes('__peerlessRequire("absent:tls")'))
      if (by.includes('esbuild')) t.true(script.includes('__peerlessRequire("not-installed")'))
      if (by.includes('ES module')) t.true(script.includes('__peerlessRequire("absent:http2")'))
    })
  }
}

test('files that are no code come along, each module says where it lay', async (t) => {
  const bundle = await deployed(t, {
    'index.js': "exports.handler = () => require('./lib/deep.js').where",
    'lib/deep.js': "'use strict'\nexports.where = __dirname",
    'lib/page.html': '<p>',
    'data.json': '{}',
    '.secret': 'no',
    'types.d.ts': 'export {}'
  })
  t.deepEqual([...(bundle.files ?? new Map()).keys()].sort(), ['data.json', 'lib/page.html'])
  t.regex(bundle.script, /__dirname2? = "\/var\/task\/lib"/)
})

const DRIVERS = {
  'node_modules/query/package.json': '{"name":"query","main":"index.js"}',
  'node_modules/query/index.js': `exports.driver = (name) => name === 'one' ? require('driver-one') : require('./drivers/two.js')
exports.late = () => import('driver-three')`
}

for (const [form, source] of Object.entries({
  'ES module': "import query from 'query'\nexport const handler = query.driver",
  CommonJS: "exports.handler = require('query').driver"
})) {
  test(`what a package requires and is not there is left to its use: ${form}`, async (t) => {
    const files = { [form === 'CommonJS' ? 'index.js' : 'index.mjs']: source, ...DRIVERS }
    const packed = await deployed(t, files)
    const zip = writeZip(files)
    const { bundle: uploaded } = await buildBundle({ zip, handler: 'index.handler', builtinsSupported: BUILTINS_SUPPORTED })
    for (const { script } of [packed, uploaded]) {
      const hook = (name: string) => {
        throw new Error(`asked for ${name}`)
      }
      const { handler } = runInNewContext(script, { __peerlessRequire: hook }) as { handler: (name: string) => unknown }
      t.throws(() => handler('one'), { message: 'asked for driver-one' })
      t.throws(() => handler('two'), { message: 'asked for ./drivers/two.js' })
    }
  })
}

test('what the author requires and is not there fails at deployment, beside packages that do the same', async (t) => {
  const files = { 'index.js': "require('query')\nexports.handler = () => require('mine')", ...DRIVERS }
  await t.throwsAsync(deployed(t, files), { code: 'INVALID_SOURCE', message: /^index\.js:2:\d+: Could not resolve "mine"/ })
})

test("a package's import statement that leads nowhere fails at deployment", async (t) => {
  const files = {
    'index.mjs': "import 'tool'\nexport const handler = () => 1",
    'node_modules/tool/package.json': '{"name":"tool","main":"index.mjs"}',
    'node_modules/tool/index.mjs': "import 'not-there'"
  }
  await t.throwsAsync(deployed(t, files), { code: 'INVALID_SOURCE', message: /Could not resolve "not-there"/ })
})

test('computed names of a package that fit no file are left to run time', async (t) => {
  const { script } = await deployed(t, {
    'index.mjs': "import tool from 'tool'\nexport const handler = () => tool",
    'node_modules/tool/package.json': '{"name":"tool","main":"index.js"}',
    'node_modules/tool/index.js':
      "let found = 'none'; for (const name of ['Release', 'Debug']) { try { found = require('./build/' + name + '/addon') } catch (error) { found += ' ' + error.message } }\nmodule.exports = found"
  })
  const __peerlessRequire = (name: string) => {
    throw new Error(`no ${name}`)
  }
  const { handler } = runInNewContext(script, { __peerlessRequire }) as { handler: () => unknown }
  t.is(handler(), 'none no ./build/Release/addon no ./build/Debug/addon')
})
