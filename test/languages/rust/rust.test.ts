import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { zipSync } from 'fflate'
import { EXAMPLES } from '../_build.ts'
import { folderOf, sharedPlace } from '../_kit.ts'
import { rust } from '../_toolchains.ts'

const toolchain = await rust()

if (toolchain === undefined) {
  test.skip('Rust: there is no rustc with the standard library of wasm32-wasip1 or wasm32-wasi', (t) => t.fail())
} else {
  const place = sharedPlace()

  test('the example in Rust reads the event, logs and answers', async (t) => {
    const path = join(await folderOf(t, {}), 'count.wasm')
    await toolchain.compile(join(EXAMPLES, 'wasm-rust', 'main.rs'), path)
    const name = await place.deploy(path)
    const expected = { text: 1, to: 2, be: 2, or: 1, not: 1 }
    for (let count = 0; count < 2; count++) t.deepEqual((await place.call(name, { text: 'to be or not to be' })).result, expected)
    t.true((await place.logs(name)).includes('read 29 bytes'))
  })

  test('a program in Rust finds all that it uses of WASI, and its ends are told', async (t) => {
    const path = join(await folderOf(t, {}), 'std.wasm')
    await toolchain.compile(join(import.meta.dirname, 'all-of-std.rs'), path)
    const zip = join(path, '..', 'std.zip')
    await writeFile(zip, zipSync({ 'std.wasm': await readFile(path), 'data/text.txt': Buffer.from('of the bundle\n') }))
    const name = await place.deploy(zip, '--handler', 'std.wasm', '--env', 'COLOUR=blue', '--memory', '128')
    for (let count = 0; count < 3; count++) t.deepEqual((await place.call(name, {})).result, [])
    t.like((await place.call(name, { do: 'panic' })).result, { errorType: 'RuntimeError', errorMessage: 'unreachable' })
    t.true(
      (await place.logs(name)).some((line) => line.includes('asked to')),
      'what it panicked with is in the log'
    )
    const { errorType, errorMessage } = (await place.call(name, { do: 'exit' })).result as Record<string, string>
    t.is(errorType, 'Runtime.ExitError')
    t.regex(errorMessage ?? '', /exit status 7$/)
    t.deepEqual((await place.call(name, {})).result, [])
  })
}
