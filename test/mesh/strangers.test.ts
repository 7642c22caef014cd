import { access, rm } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { CreateFunctionCommand, LambdaClient, ListFunctionsCommand, type Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, dataFolder, eventually, run, up } from '../_daemon.ts'
import { HELLO, lambdaOf, ROLE, zipOf } from '../_functions.ts'

const PEERLESS = joinPath(import.meta.dirname, '..', '..', 'bin', 'peerless')

async function invite(node: Daemon, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await node.cli('invite', ...args)
  if (code !== 0) throw new Error(stderr)
  return stdout.trim()
}

test('a used, an expired and a forged token are refused with the reason, and leave nothing', async (t) => {
  const founder = await up(t)
  const used = await invite(founder)
  await up(t, { args: ['--join', used] })
  const expired = await invite(founder, '--ttl', '1s')
  const good = await invite(founder)
  const middle = Math.floor(good.length / 2)
  const forged = good.slice(0, middle) + (good[middle] === 'A' ? 'B' : 'A') + good.slice(middle + 1)
  const join = async (token: string) =>
    run(PEERLESS, ['up', '--data', await dataFolder(t), '--http', '127.0.0.1:0', '--json', '--join', token])

  const second = await join(used)
  t.is(second.code, 1)
  t.regex(second.stderr, /used/)
  const broken = await join(forged)
  t.is(broken.code, 1)
  t.regex(broken.stderr, /invite|token/i)
  const garbage = await join('not-a-token')
  t.is(garbage.code, 1)
  const late = await eventually(
    () => join(expired),
    ({ code }) => code === 1,
    5_000
  )
  t.regex(late.stderr, /expired/)

  const { stdout } = await founder.cli('peers', '--json')
  t.is((JSON.parse(stdout) as unknown[]).length, 2)
})

test('unsigned and wrongly signed requests are refused, and nothing is stored', async (t) => {
  const node = await up(t)
  const unsigned = await fetch(`${node.http}/2015-03-31/functions`, {
    method: 'POST',
    body: JSON.stringify({ FunctionName: 'evil' })
  })
  t.is(unsigned.status, 403)
  t.is(unsigned.headers.get('x-amzn-errortype'), 'MissingAuthenticationTokenException')

  const { accessKeyId } = await node.keys()
  const order = new CreateFunctionCommand({
    FunctionName: 'evil',
    Role: ROLE,
    Runtime: 'nodejs22.x' as Runtime,
    Handler: 'index.handler',
    Code: { ZipFile: zipOf(HELLO) }
  })
  const strangers = [
    { accessKeyId, secretAccessKey: 'wrong' },
    { accessKeyId: 'PLKAUNKNOWNUNKNOWN22', secretAccessKey: 'wrong' }
  ]
  for (const [index, credentials] of strangers.entries()) {
    const client = new LambdaClient({ endpoint: node.http, region: 'x', credentials, maxAttempts: 1 })
    const error = await t.throwsAsync(client.send(order))
    t.is(error?.name, index === 0 ? 'InvalidSignatureException' : 'UnrecognizedClientException')
  }
  t.deepEqual((await (await lambdaOf(node)).send(new ListFunctionsCommand({}))).Functions, [])
  t.true(node.log.some((line) => line.includes('refused')))
})

test('a node whose membership is gone from the disk founds no mesh of its own in its old data', async (t) => {
  const node = await up(t)
  const token = await invite(node)
  const guest = await up(t, { args: ['--join', token] })
  await guest.stop()
  const file = joinPath(guest.dataDir, 'mesh', 'membership.cbor')
  await rm(file)
  const alone = await run(PEERLESS, ['up', '--data', guest.dataDir, '--http', '127.0.0.1:0', '--json'])
  t.is(alone.code, 1)
  t.true(alone.stderr.includes(file), alone.stderr)
  await t.throwsAsync(access(file), { code: 'ENOENT' })
  const back = await up(t, { data: guest.dataDir, args: ['--join', await invite(node)] })
  t.is(back.peerId, guest.peerId)
  t.is(back.ready.mesh, node.ready.mesh)
})

test('two daemons never share a data folder', async (t) => {
  const node = await up(t)
  const second = await run(PEERLESS, ['up', '--data', node.dataDir, '--http', '127.0.0.1:0', '--json'])
  t.is(second.code, 1)
  t.regex(second.stderr, /runs already/)
})
