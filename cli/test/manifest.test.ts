import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readZip } from '@peerless/bundle'
import test from 'ava'
import { fakeLambda } from './_fake-lambda.ts'
import { startFakeNode, temporaryFolder } from './_fake-node.ts'
import { runCommand } from './_host.ts'

const SOURCE = `export const handler = async () => 'hello'`
const TARGET = '/v1/functions/greet/latency-target'
const MANIFEST = {
  name: 'greet',
  handler: 'index.handler',
  memory: 256,
  timeout: 9,
  environment: { AA: '1' },
  url: true,
  latencyTarget: '200ms'
}

async function folderWith(t: Parameters<typeof temporaryFolder>[0], manifest: unknown): Promise<string> {
  const cwd = await temporaryFolder(t)
  await writeFile(join(cwd, 'index.mjs'), SOURCE)
  await writeFile(join(cwd, 'peerless.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest))
  return cwd
}

test('a folder is deployed as its manifest says, and the manifest is not part of the code', async (t) => {
  const lambda = fakeLambda('greet')
  const targets: unknown[] = []
  const take = { [`PUT ${TARGET}`]: ({ body }: { body: Buffer }) => ({ json: targets.push(JSON.parse(body.toString())) }) }
  const node = await startFakeNode(t, { ...lambda.routes, ...take })
  const cwd = await folderWith(t, MANIFEST)
  const { code, stdout, stderr } = await runCommand(['deploy', '--json', '--data', node.data], { cwd })
  t.is(code, 0, stderr)
  t.like(JSON.parse(stdout), { name: 'greet', url: 'http://127.0.0.1/fn/greet/' })
  t.like((lambda.changes[0] as { create: unknown }).create, {
    FunctionName: 'greet',
    Handler: 'index.handler',
    MemorySize: 256,
    Timeout: 9,
    Environment: { Variables: { AA: '1' } }
  })
  t.deepEqual(targets, [{ targetMs: 200 }])
  t.false((await readZip(lambda.zip)).some(({ name }) => name === 'peerless.json'))
})

test('a manifest may begin with a byte order mark', async (t) => {
  const lambda = fakeLambda('greet')
  const node = await startFakeNode(t, lambda.routes)
  const cwd = await folderWith(t, `\ufeff${JSON.stringify({ name: 'greet' })}`)
  const { code, stderr } = await runCommand(['deploy', '--json', '--data', node.data], { cwd })
  t.is(code, 0, stderr)
})

test('options say otherwise', async (t) => {
  const lambda = fakeLambda('other')
  const asked: string[] = []
  const take = { 'DELETE /v1/functions/other/latency-target': () => ({ status: asked.push('gone') + 203 }) }
  const node = await startFakeNode(t, { ...lambda.routes, ...take })
  const cwd = await folderWith(t, MANIFEST)
  const flags = ['--name', 'other', '--memory', '512', '--latency-target', 'none']
  const { code, stderr } = await runCommand(['deploy', ...flags, '--data', node.data], { cwd })
  t.is(code, 0, stderr)
  t.like((lambda.changes[0] as { create: unknown }).create, { FunctionName: 'other', MemorySize: 512, Timeout: 9 })
  t.deepEqual(asked, ['gone'])
})

const wrong = test.macro({
  async exec(t, manifest: unknown, message: RegExp) {
    const node = await startFakeNode(t, fakeLambda('greet').routes)
    const { code, stderr } = await runCommand(['deploy', '--data', node.data], { cwd: await folderWith(t, manifest) })
    t.is(code, 1)
    t.regex(stderr, message)
    t.regex(stderr, /peerless\.json/)
  },
  title: (what = '') => `a manifest is refused that ${what}`
})

test('is no JSON', wrong, '{name}', /JSON/)
test('is no object', wrong, [], /an object with name, handler/)
test('has a member that there is not', wrong, { memoryMb: 256 }, /'memoryMb' must be one of name, handler, memory/)
test('has a wrong name', wrong, { name: '../x' }, /name '\.\.\/x' must be 1 to 64 letters/)
test('has too little memory', wrong, { memory: 64 }, /memory '64' must be a whole number of MB from 128 to 10240/)
test('has a timeout as text', wrong, { timeout: '3' }, /timeout '3' must be a whole number of seconds from 1 to 900/)
test('has a secret that is no text', wrong, { environment: { TOKEN: 17 } }, /environment: 'TOKEN' must be a text/)
test('has variables without a name', wrong, { environment: { '': 'x' } }, /NAME=VALUE/)
test('has a URL that is neither', wrong, { url: 'yes' }, /url 'yes' must be true or false/)
test('has a target without a unit', wrong, { latencyTarget: 200 }, /latencyTarget '200' must be a duration from 1ms to 900s/)
test('has a target of an hour', wrong, { latencyTarget: '1h' }, /latencyTarget '1h' must be a duration from 1ms to 900s/)
