import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import {
  GetFunctionCommand,
  InvokeCommand,
  type LambdaServiceException,
  ListFunctionsCommand,
  UpdateFunctionCodeCommand
} from '@aws-sdk/client-lambda'
import test, { type ExecutionContext } from 'ava'
import { rawZip } from '../../packages/bundle/test/_raw-zip.ts'
import { dataFolder, run } from '../_daemon.ts'
import { HELLO, invoke, zipOf } from '../_functions.ts'
import { type DeployOptions, deploy, type Files, sharedDaemon, zipOfFiles } from './_deployed.ts'

const PEERLESS = join(import.meta.dirname, '..', '..', 'bin', 'peerless')
// Serial: a node takes 16 deployments at once.
const shared = sharedDaemon()
/** Of payloads; what the reference of the Lambda API says. */
const PAYLOAD_BYTES_MAX = 6_291_556
/** No test may take the name of another's function. */
let made = 0

interface Refusal {
  error: string
  status?: number
  message: RegExp
}

async function refusal(t: ExecutionContext, order: Promise<unknown>, { error, status = 400, message }: Refusal): Promise<void> {
  const thrown = (await t.throwsAsync(order)) as LambdaServiceException
  t.is(thrown.name, error, thrown.message)
  t.is(thrown.$metadata.httpStatusCode, status)
  t.regex(thrown.message, message)
}

const refusedAtDeploy = test.macro({
  async exec(
    t,
    code: () => Files | Uint8Array,
    message: RegExp,
    options: DeployOptions & { error?: string; status?: number } = {}
  ) {
    const { error = 'InvalidParameterValueException', status = 400 } = options
    const name = `refused-${made++}`
    const expected = { error, status, message }
    await refusal(t, deploy(shared, name, code(), options), expected)
    const missing = { error: 'ResourceNotFoundException', status: 404, message: new RegExp(name) }
    await refusal(t, shared.lambda.send(new GetFunctionCommand({ FunctionName: name })), missing)
  },
  title: (title = '') => `${title} is refused at deploy, and nothing is stored`
})

const whole = zipOf(HELLO)
test.serial(
  'text in place of a zip',
  refusedAtDeploy,
  () => Buffer.from('not a zip '.repeat(20)),
  /^Could not unzip uploaded file/
)
test.serial('a zip cut in half', refusedAtDeploy, () => whole.subarray(0, whole.length / 2), /^Could not unzip uploaded file/)
test.serial(
  'a zip whose data was changed',
  refusedAtDeploy,
  () => rawZip([{ name: 'index.mjs', content: HELLO, crc: 1 }]),
  /'index\.mjs' does not match its checksum/
)
for (const name of ['../index.mjs', 'lib/../../index.mjs'])
  test.serial(
    `a zip with ${name}`,
    refusedAtDeploy,
    () => rawZip([{ name, content: HELLO }]),
    /index\.mjs' leaves the zip's folder by '\.\.'/
  )
test.serial(
  'a zip with an absolute path',
  refusedAtDeploy,
  () => rawZip([{ name: '/etc/index.mjs', content: '' }]),
  /has an absolute path/
)
test.serial(
  'a zip with a symbolic link',
  refusedAtDeploy,
  () => rawZip([{ name: 'index.mjs', content: '/etc/passwd', mode: 0o120_777 }]),
  /'index\.mjs' is a symbolic link/
)
test.serial(
  'a zip that declares more than 250 MB',
  refusedAtDeploy,
  () => rawZip([0, 1, 2].map((index) => ({ name: `${index}.js`, content: 'x', bytes: 100_000_000 }))),
  /^Unzipped size must be smaller than 262144000 bytes$/
)
test.serial(
  'a bomb that inflates past what it declares',
  refusedAtDeploy,
  () => {
    const zeros = Buffer.alloc(50_000_000)
    const crc = crc32(zeros.subarray(0, 1_000))
    return rawZip([{ name: 'index.mjs', content: '', raw: deflateRawSync(zeros), bytes: 1_000, crc }])
  },
  /'index\.mjs' inflates to more than the 1000 bytes/
)

test.serial('a missing handler file', refusedAtDeploy, () => ({ 'other.mjs': HELLO }), /handler 'index\.handler'.*index/)
test.serial(
  'a missing export',
  refusedAtDeploy,
  () => ({ 'index.mjs': 'export const main = () => 1' }),
  /'index\.mjs' has no export 'handler'; it exports main/
)
test.serial('a handler without a dot', refusedAtDeploy, () => ({ 'index.mjs': HELLO }), /'index'/, { handler: 'index' })
test.serial(
  'a syntax error',
  refusedAtDeploy,
  () => ({ 'index.mjs': 'export const handler = () => {\n  const x = ;\n}\n' }),
  /index\.mjs:2:13: Unexpected ";"/
)
test.serial(
  'a syntax error in an imported file',
  refusedAtDeploy,
  () => ({ 'index.mjs': `import './lib/broken.mjs'\n${HELLO}`, 'lib/broken.mjs': '\n\nlet let = 1' }),
  /lib\/broken\.mjs:3:\d+: /
)
test.serial(
  'an import of a node: module that functions do not have',
  refusedAtDeploy,
  () => ({ 'index.mjs': `import cluster from 'node:cluster'\nexport const handler = () => cluster.isPrimary` }),
  /index\.mjs:1:\d+: .*'node:cluster'/
)
test.serial(
  'an import of a package that is not in the zip',
  refusedAtDeploy,
  () => ({ 'index.mjs': `\nimport pad from 'left-pad'\nexport const handler = () => pad` }),
  /index\.mjs:2:\d+: .*left-pad/
)

const code = () => ({ 'index.mjs': HELLO })
const rule = { error: 'ValidationException' }
test.serial('a memory of 127 MB', refusedAtDeploy, code, /'127' at 'memorySize'.*greater than or equal to 128/, {
  ...rule,
  memoryMb: 127
})
test.serial('a memory of 10241 MB', refusedAtDeploy, code, /'10241' at 'memorySize'.*less than or equal to 10240/, {
  ...rule,
  memoryMb: 10_241
})
test.serial('a timeout of 0 s', refusedAtDeploy, code, /'0' at 'timeout'.*greater than or equal to 1/, {
  ...rule,
  timeoutSeconds: 0
})
test.serial('a timeout of 901 s', refusedAtDeploy, code, /'901' at 'timeout'.*less than or equal to 900/, {
  ...rule,
  timeoutSeconds: 901
})

for (const [what, name, error, bound] of [
  ['with a space', 'two words', 'ValidationException', /two words.*[a-zA-Z0-9-_]/],
  ['with a slash', '../etc', 'ValidationException', /\.\.\/etc/],
  ['of 65 characters', 'n'.repeat(65), 'InvalidParameterValueException', /n{65}.*less than or equal to 64/]
] as const)
  test.serial(`a function name ${what} is refused`, async (t) => {
    await refusal(t, deploy(shared, name, code()), { error, message: bound })
    const { Functions } = await shared.lambda.send(new ListFunctionsCommand({}))
    t.false(Functions?.some(({ FunctionName }) => FunctionName === name))
  })

test.serial('broken code for a function that runs is refused, and the old code goes on', async (t) => {
  await deploy(shared, 'steady', code())
  const order = new UpdateFunctionCodeCommand({ FunctionName: 'steady', ZipFile: zipOf('export const handler = (') })
  await refusal(t, shared.lambda.send(order), { error: 'InvalidParameterValueException', message: /index\.mjs:1:\d+: / })
  t.deepEqual((await invoke(shared.lambda, 'steady', { name: 'Ada' })).result, { hello: 'Ada' })
})

test.serial('a function that is not there is Lambda’s 404 by the client', async (t) => {
  await refusal(t, invoke(shared.lambda, 'nobody', {}), {
    error: 'ResourceNotFoundException',
    status: 404,
    message: /^Function not found: arn:aws:lambda:[\w-]+:000000000000:function:nobody$/
  })
})

test.serial('a function that is not there is a 404 with code and name at the function URL', async (t) => {
  const answer = await fetch(`${shared.node.http}/fn/nobody/path?x=1`)
  t.is(answer.status, 404)
  t.regex(answer.headers.get('x-amzn-requestid') ?? '', /^[0-9a-f-]{36}$/)
  t.deepEqual(await answer.json(), { code: 'NOT_FOUND', message: `there is no function 'nobody' in this mesh` })
})

test.serial('a payload above 6 MB is refused with 413 by client and function URL; one below passes', async (t) => {
  await deploy(shared, 'sizes', { 'index.mjs': 'export const handler = async (e) => (e.body ?? e.text).length' }, { url: true })
  const send = (characters: number) => invoke(shared.lambda, 'sizes', { text: 'x'.repeat(characters) })
  const post = (characters: number) =>
    fetch(`${shared.node.http}/fn/sizes`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'x'.repeat(characters)
    })
  t.is((await send(6_000_000)).result, 6_000_000)
  t.is(await (await post(6_000_000)).text(), '6000000')
  await refusal(t, send(PAYLOAD_BYTES_MAX), {
    error: 'RequestTooLargeException',
    status: 413,
    message: new RegExp(`${PAYLOAD_BYTES_MAX}`)
  })
  const refused = await post(PAYLOAD_BYTES_MAX + 1)
  t.is(refused.status, 413)
  const { code: reason, message } = (await refused.json()) as { code: string; message: string }
  t.is(reason, 'TOO_LARGE')
  t.regex(message, new RegExp(`${PAYLOAD_BYTES_MAX + 1} bytes; it must be at most ${PAYLOAD_BYTES_MAX}`))
})

test.serial('a payload that is no JSON is refused by name', async (t) => {
  await deploy(shared, 'parses', code())
  const order = new InvokeCommand({ FunctionName: 'parses', Payload: Buffer.from('{oops') })
  await refusal(t, shared.lambda.send(order), { error: 'InvalidRequestContentException', message: /parse.*json/i })
})

const malformedToken = test.macro({
  async exec(t, spoil: (token: string) => string, message: RegExp, exit?: { code: number }) {
    const invited = await shared.node.shell('invite')
    const data = await dataFolder(t)
    const args = ['up', '--data', data, '--http', '127.0.0.1:0', '--json', '--join', spoil(invited.stdout.trim())]
    const { code: exitCode, stdout, stderr } = await run(PEERLESS, args)
    t.is(exitCode, exit?.code ?? 1)
    t.is(stdout, '')
    t.regex(stderr, message)
    t.regex(stderr, /peerless invite/, 'and says how to get a good one')
    t.is((JSON.parse((await shared.node.shell('peers', '--json')).stdout) as unknown[]).length, 1)
  },
  title: (title = '') => `an invite token ${title} is refused with the reason`
})
test.serial('with another prefix', malformedToken, (token) => token.replace('plinv1.', 'plinv9.'), /must start with 'plinv1\.'/)
test.serial('cut off', malformedToken, (token) => token.slice(0, 60), /malformed.*cut off/)
test.serial('with a stray character', malformedToken, (token) => `${token}%`, /must be base64url/)
test.serial('of 100,000 characters', malformedToken, (token) => token.padEnd(100_000, 'A'), /1 to 16384 characters.*not 100000/, {
  code: 2
})
test.serial(
  'with one bit turned',
  malformedToken,
  (token) => `${token.slice(0, -6)}${token.at(-6) === 'A' ? 'B' : 'A'}${token.slice(-5)}`,
  /forged or damaged/
)

test.serial('peerless deploy says file and line of a syntax error and exits with 1', async (t) => {
  const folder = await dataFolder(t)
  await writeFile(join(folder, 'index.ts'), 'export const handler = async () => {\n\n  return 1 +\n}\n')
  const { code: exit, stdout, stderr } = await shared.node.shell('deploy', folder, '--name', 'typo')
  t.is(exit, 1)
  t.is(stdout, '')
  t.regex(stderr, /^error: .*index\.ts:4:\d+: Unexpected "}"/)
})

test.serial('peerless deploy names an option’s value and bounds and exits with 2', async (t) => {
  const folder = await dataFolder(t)
  await writeFile(join(folder, 'index.mjs'), HELLO)
  for (const [option, value, bounds] of [
    ['--memory', '64', /--memory '64'.*128 to 10240/],
    ['--timeout', '901', /--timeout '901'.*1 to 900/],
    ['--name', 'a b', /--name 'a b'.*1 to 64/]
  ] as const) {
    const { code: exit, stderr } = await shared.node.shell('deploy', folder, option, value)
    t.is(exit, 2)
    t.regex(stderr, bounds)
  }
})

test.serial('peerless deploy takes TypeScript with a package of node_modules', async (t) => {
  const folder = await dataFolder(t)
  const files = {
    'index.ts': `import { shout } from 'shout'\nexport const handler = async (event: { name: string }): Promise<string> => shout(event.name)`,
    'node_modules/shout/package.json': '{"name":"shout","version":"1.0.0","main":"lib/main.js"}',
    'node_modules/shout/lib/main.js': 'exports.shout = (text) => text.toUpperCase()'
  }
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), text)
  }
  const deployed = await shared.node.shell('deploy', folder, '--name', 'shouts', '--json')
  t.is(deployed.code, 0, deployed.stderr)
  t.like(JSON.parse(deployed.stdout), { name: 'shouts', version: '$LATEST', url: null })
  const invoked = await shared.node.shell('invoke', 'shouts', '--data', '{"name":"Ada"}')
  t.is(invoked.stdout.trim(), '"ADA"')
})

test.serial('peerless deploy of a broken zip says why', async (t) => {
  const folder = await dataFolder(t)
  const zip = join(folder, 'code.zip')
  await writeFile(zip, zipOfFiles({ 'index.mjs': HELLO }).subarray(20))
  const { code: exit, stderr } = await shared.node.shell('deploy', zip, '--name', 'broken')
  t.is(exit, 1)
  t.regex(stderr, /Could not unzip uploaded file/)
  t.is((await shared.node.shell('invoke', 'broken')).code, 1)
})
