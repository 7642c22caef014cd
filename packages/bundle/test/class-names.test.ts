import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { BUILTINS_SUPPORTED } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { buildBundle, packSource } from '../src/index.ts'
import { writeZip } from '../src/zip-write.ts'

const ERROR = 'extends Error {\n  constructor(text) { super(text); this.name = new.target.name }\n}'
/** One name in several modules and scopes, one of a global's that others use, one with a number of its author's, one that says its name itself. */
const FILES = {
  'index.mjs': `import { AbortError, Vector2 } from './one.mjs'
import { abort, Response } from './two.mjs'
import package_ from 'package'
export const handler = () => [
  [new AbortError('').name, abort().name, ...package_()],
  [Vector2.name, Response.name, new Vector2().length, typeof globalThis.Response]
]`,
  'one.mjs': `export class AbortError ${ERROR}
export class Vector { length = 1 }
export class Vector2 extends Vector {
  length = 2
}
export const other = (it) => it instanceof Response`,
  'two.mjs': `class AbortError ${ERROR}
export const abort = () => new AbortError('')
export class Response {
  static name = 'own'
}`,
  'node_modules/package/package.json': '{"name":"package","main":"index.js"}',
  'node_modules/package/index.js': `class AbortError ${ERROR}
exports.AbortError = class AbortError ${ERROR}
module.exports = () => {
  class AbortError extends Error {
  }
  return [new exports.AbortError('').name, AbortError.name]
}`
}

async function uploaded(_t: ExecutionContext, files: Record<string, string>) {
  return writeZip(files)
}

async function packed(t: ExecutionContext, files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-names-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return (await packSource({ path: join(folder, 'index.mjs') })).zip
}

for (const [way, zipOf] of Object.entries({ 'a zip': uploaded, 'a folder': packed })) {
  test(`classes keep the names of their authors, whatever other modules call theirs: ${way}`, async (t) => {
    const zip = await zipOf(t, FILES)
    const { bundle } = await buildBundle({ zip, handler: 'index.handler', builtinsSupported: BUILTINS_SUPPORTED })
    const { handler } = runInNewContext(bundle.script, {}) as { handler: () => unknown }
    t.is(JSON.stringify(handler()), JSON.stringify([Array(4).fill('AbortError'), ['Vector2', 'own', 2, 'undefined']]))
  })
}

for (const [way, zipOf] of Object.entries({ 'a zip': uploaded, 'a folder': packed })) {
  test(`classes that name themselves keep their names where no other module has them: ${way}`, async (t) => {
    const zip = await zipOf(t, {
      'index.mjs': `import { Missing } from './errors.mjs'
const Given = class _Given { static made = () => new _Given() }
export default class Shape { static of() { return new Shape() } }
export const handler = () => [new Missing().name, Missing.from(1).name, Given.name, Given.made().constructor.name, Shape.of().constructor.name]`,
      'errors.mjs': `export class Missing extends Error {
  constructor(text) { super(text); this.name = this.constructor.name }
  static from(other) { return other instanceof Missing ? other : new Missing(String(other)) }
}`
    })
    const { bundle } = await buildBundle({ zip, handler: 'index.handler', builtinsSupported: BUILTINS_SUPPORTED })
    const { handler } = runInNewContext(bundle.script, {}) as { handler: () => unknown }
    t.is(JSON.stringify(handler()), JSON.stringify(['Missing', 'Missing', '_Given', '_Given', 'Shape']))
  })
}

test('lines stay where they were', async (t) => {
  const zip = writeZip(FILES)
  const { bundle } = await buildBundle({ zip, handler: 'index.handler', builtinsSupported: BUILTINS_SUPPORTED })
  const map = new SourceMap(JSON.parse(Buffer.from(bundle.sourceMap ?? new Uint8Array(0)).toString()))
  const lines = bundle.script.split('\n')
  const line = lines.findIndex((text) => text.includes('abort = () =>'))
  const entry = map.findEntry(line, lines[line]?.indexOf('=>') ?? 0)
  t.like(entry, { originalLine: 3 })
})
