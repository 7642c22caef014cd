import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { zipSync } from 'fflate'
import { EXAMPLES } from '../_build.ts'
import { folderOf, sharedPlace } from '../_kit.ts'
import { go, tinyGo } from '../_toolchains.ts'

const SOURCE = join(EXAMPLES, 'wasm-go', 'main.go')
const compilers = [
  ['Go', await go(), 'there is no Go from 1.21, which knows wasip1'],
  ['TinyGo', await tinyGo(), 'there is no tinygo']
] as const
const place = compilers.some(([, toolchain]) => toolchain !== undefined) ? sharedPlace() : undefined

for (const [language, toolchain, missing] of compilers) {
  if (toolchain === undefined || place === undefined) {
    test.skip(`${language}: ${missing}`, (t) => t.fail())
    continue
  }
  test(`the example in ${language} reads the event, logs and answers; what it cannot read is its error`, async (t) => {
    const path = join(await folderOf(t, {}), `${language.toLowerCase()}-count.wasm`)
    await toolchain.compile(SOURCE, path)
    const name = await place.deploy(path, '--memory', '256')
    const expected = { to: 2, be: 2, or: 1, not: 1 }
    for (let count = 0; count < 3; count++) t.deepEqual((await place.call(name, { text: 'to be or not to be' })).result, expected)
    t.true((await place.logs(name)).includes('counted 4 words'))
    const { errorType, errorMessage } = (await place.call(name, 7)).result as Record<string, string>
    t.is(errorType, 'Runtime.ExitError')
    t.regex(errorMessage ?? '', /exit status 1$/)
    t.true((await place.logs(name)).some((line) => line.startsWith('the event is no JSON')))
    t.deepEqual((await place.call(name, { text: 'on' })).result, { on: 1 })
  })

  test(`a program in ${language} finds all that it uses of WASI`, async (t) => {
    const path = join(await folderOf(t, {}), `${language.toLowerCase()}.wasm`)
    await toolchain.compile(join(import.meta.dirname, 'all-of-std.go'), path)
    const zip = join(path, '..', `${language.toLowerCase()}.zip`)
    await writeFile(zip, zipSync({ 'std.wasm': await readFile(path), 'data/text.txt': Buffer.from('of the bundle\n') }))
    const name = await place.deploy(zip, '--handler', 'std.wasm', '--memory', '256')
    for (let count = 0; count < 2; count++) t.deepEqual((await place.call(name, {})).result, [])
  })
}
