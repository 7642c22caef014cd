import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { buildBundle, packSource } from '../src/index.ts'
import { BUILTINS, callBundle, type Files, zipOf } from './_zip.ts'

async function uploaded(_t: ExecutionContext, files: Files) {
  return zipOf(files)
}

async function packed(t: ExecutionContext, files: Files) {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-native-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return (await packSource({ path: folder })).zip
}

const WAYS = Object.entries({ 'a zip': uploaded, 'a folder': packed })

async function built(zip: Uint8Array) {
  return (await buildBundle({ zip, handler: 'index.handler', builtinsSupported: BUILTINS })).bundle
}

/** As sharp, bcrypt and better-sqlite3 say that they are native, and as msgpackr carries what is, without needing it. */
const AROUND: Files = {
  'node_modules/for-systems/package.json':
    '{"name":"for-systems","main":"./lib/index.js","optionalDependencies":{"@own/for-systems-linux-x64":"1"}}',
  'node_modules/for-systems/lib/index.js': 'module.exports = 1',
  'node_modules/for-systems/lib/package.json': '{"type":"commonjs"}',
  'node_modules/@own/built/package.json': '{"name":"@own/built","main":"index.js","dependencies":{"node-gyp-build":"4"}}',
  'node_modules/@own/built/index.js': 'module.exports = 1',
  'node_modules/faster/package.json': '{"name":"faster","main":"index.js","optionalDependencies":{"faster-native":"1"}}',
  'node_modules/faster/index.js': `exports.slow = () => 'slow'
exports.platform = require('./platform.node')
try { module.exports = require('./build/fast.node') } catch (error) { exports.code = error.code }`,
  'node_modules/faster/platform.node.js': "module.exports = 'JavaScript'",
  'node_modules/faster/build/fast.node': new Uint8Array([0x7f, 0x45, 0x4c, 0x46])
}

for (const [way, zip] of WAYS) {
  for (const name of ['for-systems', '@own/built']) {
    for (const [file, source] of [
      ['index.mjs', `import '${name}'; export const handler = () => 1`],
      ['index.js', `require('${name}'); exports.handler = () => 1`]
    ] as const) {
      test(`an import of machine code fails with its name: ${name} in ${file} of ${way}`, async (t) => {
        const refused = {
          code: 'INVALID_SOURCE',
          message: new RegExp(`^${file.replace('.', '\\.')}:1:\\d+: '${name}' is machine code`)
        }
        await t.throwsAsync(async () => await built(await zip(t, { ...AROUND, [file]: source })), refused)
      })
    }
  }

  test(`one that is guarded is left to run time, of ${way}`, async (t) => {
    const source =
      "let found = 'none'; try { found = require('for-systems') } catch { found += ' found' }\nexports.handler = () => found"
    t.is(await callBundle(await built(await zip(t, { ...AROUND, 'index.js': source }))), 'none found')
  })

  test(`a package whose machine code is not found does without, of ${way}`, async (t) => {
    const source = "import faster from 'faster'; export const handler = () => faster.slow() + faster.platform"
    t.is(await callBundle(await built(await zip(t, { ...AROUND, 'index.mjs': source }))), 'slowJavaScript')
  })

  test(`a bundle that counts on Lambda's AWS SDK is refused, one that does without is not, of ${way}`, async (t) => {
    const files = (body: string) => ({ 'index.js': `// node_modules/any/index.js\n${body}\nexports.handler = () => 1` })
    const refused = { code: 'INVALID_SOURCE', message: /^index\.js:2:\d+: Could not resolve "@aws-sdk\/client-s3": unlike/ }
    const needs = files('var client = require("@aws-sdk/client-s3")')
    await t.throwsAsync(async () => await built(await zip(t, needs)), refused)
    const tries = files('try { require("@aws-sdk/client-s3") } catch (error) { exports.error = error }')
    t.is(await callBundle(await built(await zip(t, tries))), 1)
  })

  test(`an AWS SDK that is not there is told from other packages, of ${way}`, async (t) => {
    const source = "import '@aws-sdk/client-s3'; import 'other'; export const handler = () => 1"
    const { message } = (await t.throwsAsync(async () => await built(await zip(t, { 'index.mjs': source })))) as Error
    t.regex(
      message,
      /^index\.mjs:1:8: Could not resolve "@aws-sdk\/client-s3": unlike those of Lambda, functions here find no AWS SDK/
    )
    t.regex(message, /\nindex\.mjs:1:\d+: Could not resolve "other"$/)
  })
}
