import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'check-layers.ts')
const TABLE = '| package | owns |\n|---|---|\n| `interface` | nouns |\n| `wire` | frames |\n| `mesh` | libp2p |\n'

/** What the check says of a repository of these files. */
async function said(t: ExecutionContext, files: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const root = await mkdtemp(join(tmpdir(), 'peerless-layers-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  for (const [name, text] of Object.entries({ 'packages/README.md': TABLE, ...files })) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  return await new Promise((resolve) =>
    execFile(process.execPath, [SCRIPT], { cwd: root }, (error, _stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, stderr })
    )
  )
}

for (const [what, text] of [
  ['by its name', `import { x } from '@peerless/mesh'`],
  ['by its name, at run time', 'export const x = () => import(`@peerless/mesh`)'],
  ['by its name, as CommonJS', `export const x = require('@peerless/mesh')`],
  ['as types alone', `export type X = import('@peerless/mesh').X`],
  ['by a path that names the folder of packages', `export * from '../../../packages/mesh/src/index.ts'`],
  ['by a path from one package to the next', `export * from '../../mesh/src/index.ts'`],
  ['by a path to the daemon', `import '../../../node/src/index.ts'`]
] as const)
  test(`an import of a higher package ${what} is found`, async (t) => {
    const { code, stderr } = await said(t, { 'packages/wire/src/one.ts': `${text}\n` })
    t.is(code, 1)
    t.regex(stderr, /^packages\/wire\/src\/one\.ts: /)
  })

test('a package may import lower ones, and its own files by path', async (t) => {
  const text = `import { x } from '@peerless/interface'\nimport { y } from '../frame.ts'\nexport const z = [x, y]\n`
  t.deepEqual(await said(t, { 'packages/wire/src/deep/one.ts': text }), { code: 0, stderr: '' })
})

test('a lower package is imported by its entry, never by path', async (t) => {
  const { code } = await said(t, { 'packages/mesh/src/one.ts': `export * from '../../wire/src/frame.ts'\n` })
  t.is(code, 1)
})
