import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { buildBundle, packSource } from '../src/index.ts'
import { BUILTINS, type Files, zipOf } from './_zip.ts'

/** As packages do that come with WebAssembly, fonts or tables (sql.js, tiktoken, pdfkit). */
const AROUND: Files = {
  'index.mjs': "import reads from 'reads'; import esm from 'esm'; import 'quiet'; export const handler = () => [reads, esm]",
  'node_modules/reads/package.json': '{"name":"reads","main":"dist/index.js"}',
  'node_modules/reads/dist/index.js':
    "module.exports = require.resolve('reads/asked.bin') + require('fs').existsSync(require('path').join(__dirname, 'machine.wasm')) + '../data/table.dat'",
  'node_modules/reads/dist/machine.wasm': 'wasm',
  'node_modules/reads/dist/other.wasm': 'not named',
  'node_modules/reads/data/table.dat': 'table',
  'node_modules/reads/README.md': 'readme',
  'node_modules/reads/node_modules/deep/machine.wasm': "another package's",
  'node_modules/esm/package.json': '{"name":"esm","type":"module","main":"index.js"}',
  'node_modules/esm/index.js': "export default new URL('font.ttf', import.meta.url).href",
  'node_modules/esm/font.ttf': 'font',
  'node_modules/reads/asked.bin': 'asked for by require.resolve',
  'node_modules/quiet/package.json': '{"name":"quiet","main":"index.js"}',
  'node_modules/quiet/index.js': "module.exports = 'asks not where it lies: list.txt'",
  'node_modules/quiet/list.txt': 'list'
}
const READ = [
  'node_modules/esm/font.ttf',
  'node_modules/reads/asked.bin',
  'node_modules/reads/data/table.dat',
  'node_modules/reads/dist/machine.wasm'
]

async function filesOf(zip: Uint8Array): Promise<string[]> {
  const { bundle } = await buildBundle({ zip, handler: 'index.handler', builtinsSupported: BUILTINS })
  return [...(bundle.files ?? new Map()).keys()].sort()
}

async function folderOf(t: ExecutionContext, files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-files-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

test('files that a package names and reads come along with its zip', async (t) => {
  t.deepEqual(await filesOf(zipOf(AROUND)), READ)
})

test('so they do of a layer', async (t) => {
  const layer = zipOf(Object.fromEntries(Object.entries(AROUND).map(([name, text]) => [`nodejs/${name}`, text])))
  const order = { zip: zipOf({ 'index.mjs': AROUND['index.mjs'] as string }), layers: [layer], handler: 'index.handler' }
  const { bundle } = await buildBundle({ ...order, builtinsSupported: BUILTINS })
  t.deepEqual(
    [...(bundle.files ?? new Map()).keys()].filter((name) => name.includes('node_modules')).sort(),
    READ.map((name) => `opt:/nodejs/${name}`)
  )
})

for (const [what, sub] of Object.entries({ 'a folder': '', 'a file above whose folder the packages lie': 'src/index.mjs' })) {
  test(`so they do of ${what}`, async (t) => {
    const files = sub === '' ? AROUND : { ...AROUND, [sub]: AROUND['index.mjs'] as string }
    const { zip } = await packSource({ path: join(await folderOf(t, files), sub) })
    t.deepEqual(await filesOf(zip), READ)
  })
}

for (const [file, source] of Object.entries({
  'index.js': "require('quiet'); exports.handler = () => [__filename, __dirname]",
  'index.ts': "import 'quiet'; export const handler = (): unknown => [import.meta.filename]",
  'code/own.ts': 'export const handler = (): unknown => [import.meta.filename]',
  'other.mjs': "import 'quiet'; export const handler = () => new URL(import.meta.url)"
})) {
  test(`code that asks for its own name can read itself: ${file}`, async (t) => {
    const { 'index.mjs': _, ...packages } = AROUND
    const files = { ...packages, [file]: source, 'none.mjs': 'export default 1' }
    const { zip } = await packSource({ path: join(await folderOf(t, files), file) })
    for (const [one, handler] of [
      [zip, 'index.handler'],
      [zipOf(files), `${file.replace(/\.\w+$/, '')}.handler`]
    ] as const) {
      const { bundle } = await buildBundle({ zip: one, handler, builtinsSupported: BUILTINS })
      const name = one === zip ? file.replace(/^code\//, '') : file
      const own = Buffer.from(bundle.files?.get(name) ?? []).toString()
      t.true(own.includes('handler'), [...(bundle.files ?? new Map()).keys()].join())
      t.false(bundle.files?.has('none.mjs') ?? false)
    }
  })
}

test('what there is no room for is left out, not refused', async (t) => {
  const large = new Uint8Array(33_000_000)
  const files = { ...AROUND, 'node_modules/reads/dist/machine.wasm': large, 'own.dat': new Uint8Array(1_000_000) }
  t.deepEqual(await filesOf(zipOf(files)), [...READ.slice(0, 3), 'own.dat'])
})
