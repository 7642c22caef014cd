import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { buildBundle, packSource } from '../src/index.ts'
import { BUILTINS, callBundle, type Files, zipOf } from './_zip.ts'

const AROUND: Files = {
  'data.json': '{"from":"data"}',
  'old.cjs': "exports.from = 'old' + require('./data.json').from",
  'node_modules/tool/package.json': '{"name":"tool","main":"index.js"}',
  'node_modules/tool/index.js': "module.exports = { from: 'tool' }",
  'node_modules/inner/package.json': '{"name":"inner","type":"module","main":"index.js","imports":{"#own/*":"./own/*.cjs"}}',
  'node_modules/inner/index.js':
    "import { createRequire as made } from 'module'\nimport { createRequire } from 'module'\nconst require$1 = createRequire(import.meta.url)\nexport default () => require$1('#own/part')",
  'node_modules/inner/own/part.cjs': "exports.from = 'part'"
}

/** What stands in the handler's file, which ES modules write to load what is none, and what it gives. */
const MODULES: Record<string, [head: string, value: string, expected: unknown]> = {
  'by the usual name': [
    'const require = createRequire(import.meta.url)',
    '[require(\'./data.json\').from, require("./old.cjs").from]',
    ['data', 'olddata']
  ],
  'by another name': [
    'const load = createRequire(import.meta.url)',
    "[load('tool').from, load('./old.cjs').from]",
    ['tool', 'olddata']
  ],
  'by another name, with other uses': [
    'let load = createRequire(import.meta.url)',
    "[load('tool').from, typeof load.resolve, \"load('x')\".length]",
    ['tool', 'function', 12]
  ],
  'by the usual name, with other uses': ['const require = createRequire(import.meta.url)', 'typeof require.resolve', 'function'],
  'to know where a file is': [
    'const require = createRequire(import.meta.url); const load = createRequire(import.meta.url)',
    "[require.resolve('./data.json'), load.resolve('tool')]",
    ['/var/task/data.json', '/var/task/node_modules/tool/index.js']
  ],
  'at once': ['', "createRequire(import.meta.url)('./data.json').from", 'data'],
  'by a file name': ['const require = createRequire(import.meta.filename)', "require('./data.json').from", 'data'],
  'a builtin': ['const require = createRequire(import.meta.url)', "require('node:path').join('a', 'b')", 'a/b'],
  'in a package': ["import inner from 'inner'", 'inner().from', 'part'],
  'imported by another name': [
    "import { createRequire as made$1 } from 'module'; const load = made$1(import.meta.url)",
    "[load('tool').from, load('./data.json').from]",
    ['tool', 'data']
  ],
  'text that looks like it': [
    'const require = createRequire(import.meta.url)',
    "['require it', require('./data.json').from]",
    ['require it', 'data']
  ]
}

async function uploaded(_t: ExecutionContext, files: Files) {
  return zipOf(files)
}

async function packed(t: ExecutionContext, files: Files) {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-require-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return (await packSource({ path: join(folder, 'index.mjs') })).zip
}

for (const [way, zip] of Object.entries({ 'a zip': uploaded, 'a folder': packed })) {
  for (const [how, [head, value, expected]] of Object.entries(MODULES)) {
    test(`an ES module loads what is none: ${how}, of ${way}`, async (t) => {
      const index = `import { createRequire } from 'node:module'\n${head}\nexport const handler = () => (${value})`
      const order = {
        zip: await zip(t, { ...AROUND, 'index.mjs': index }),
        handler: 'index.handler',
        builtinsSupported: BUILTINS
      }
      t.is(JSON.stringify(await callBundle((await buildBundle(order)).bundle)), JSON.stringify(expected))
    })
  }
}

/** What rollup makes of `createRequire(import.meta.url)` for CommonJS. */
const ROLLUP = `const module$1 = require('module');
const require$1 = module$1.createRequire((typeof document === 'undefined' ? require('u' + 'rl').pathToFileURL(__filename).href : (_documentCurrentScript && _documentCurrentScript.src || new URL('index.js', document.baseURI).href)));
module.exports = () => require$1('#own/part')`

for (const [way, zip] of Object.entries({ 'a zip': uploaded, 'a folder': packed })) {
  test(`CommonJS that was made of such an ES module loads the same, of ${way}`, async (t) => {
    const files = {
      ...AROUND,
      'node_modules/inner/package.json': '{"name":"inner","main":"index.js","imports":{"#own/*":"./own/*.cjs"}}',
      'node_modules/inner/index.js': ROLLUP,
      'index.mjs': "import inner from 'inner'; export const handler = () => inner().from"
    }
    const order = { zip: await zip(t, files), handler: 'index.handler', builtinsSupported: BUILTINS }
    t.is(await callBundle((await buildBundle(order)).bundle), 'part')
  })
}

test('a computed name behind such a require reaches no disk', async (t) => {
  const index =
    "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\nexport const handler = (name = 'passwd') => require('../../../../../../../etc/' + name)"
  const { bundle } = await buildBundle({
    zip: zipOf({ 'index.mjs': index }),
    handler: 'index.handler',
    builtinsSupported: BUILTINS
  })
  t.false(bundle.script.includes('root:'))
  await t.throwsAsync(callBundle(bundle))
})
