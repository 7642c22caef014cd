import { join } from 'node:path'
import test from 'ava'
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
}
