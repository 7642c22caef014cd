import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { zipSync } from 'fflate'
import { run } from '../../_daemon.ts'
import { EXAMPLES } from '../_build.ts'
import { folderOf, sharedPlace } from '../_kit.ts'

const place = sharedPlace()

async function compiled(t: Parameters<typeof folderOf>[0], source: string, name: string): Promise<string> {
  const path = join(await folderOf(t, {}), name)
  const { code, stderr } = await run('clang', ['--target=wasm32-wasi', '-O2', '-o', path, source])
  if (code !== 0) throw new Error(stderr)
  return path
}

test('the example in C reads the event, logs and answers', async (t) => {
  const name = await place.deploy(await compiled(t, join(EXAMPLES, 'wasm-c', 'main.c'), 'words.wasm'))
  t.deepEqual((await place.call(name, { hello: 'world' })).result, { bytes: 17, words: 2 })
  t.true((await place.logs(name)).includes('read 17 bytes'))
})

test('a program finds all that it uses of WASI, in each call anew', async (t) => {
  const path = await compiled(t, join(import.meta.dirname, 'all-of-wasi.c'), 'wasi.wasm')
  const zip = join(path, '..', 'wasi.zip')
  await writeFile(zip, zipSync({ 'wasi.wasm': await readFile(path), 'data/text.txt': Buffer.from('of the bundle\n') }))
  const name = await place.deploy(zip, '--handler', 'wasi.wasm', '--env', 'COLOUR=blue', '--memory', '128')
  for (let count = 0; count < 3; count++) t.deepEqual((await place.call(name, { n: 123 })).result, [])
})
