import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { type Daemon, dataFolder, eventually, meshOf, run } from '../_daemon.ts'
import { HELLO, ROLE, zipOf } from '../_functions.ts'

const PEERLESS = join(import.meta.dirname, '..', '..', 'bin', 'peerless')

/** As a person would: the environment of `peerless env`, then the stock client, at another node than the one that was deployed to. */
async function aws(node: Daemon, ...args: string[]): Promise<string> {
  const command = `eval "$(${PEERLESS} env --data ${node.dataDir})" && aws ${await endpoint()} "$@"`
  const { code, stdout, stderr } = await run('bash', ['-c', command, 'aws', ...args], {
    env: { AWS_PAGER: '', AWS_EC2_METADATA_DISABLED: 'true', HOME: node.dataDir }
  })
  if (code !== 0) throw new Error(stderr)
  return stdout
}

/** Debian 12's client (2.9.19) does not know AWS_ENDPOINT_URL, which came with 2.13 and 1.29. */
async function endpoint(): Promise<string> {
  const { stdout, stderr } = await run('aws', ['--version'])
  const [, major, minor] = /aws-cli\/(\d+)\.(\d+)/.exec(stdout + stderr) ?? []
  return Number(minor) < (Number(major) === 2 ? 13 : 29) ? '--endpoint-url "$AWS_ENDPOINT_URL"' : ''
}

test('the AWS command line creates, invokes at another node, reads back and deletes', async (t) => {
  const [a, b] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const folder = await dataFolder(t)
  const zip = join(folder, 'code.zip')
  await writeFile(zip, zipOf(HELLO))
  const created = JSON.parse(
    await aws(
      a,
      'lambda',
      'create-function',
      '--function-name',
      'hello',
      '--role',
      ROLE,
      '--runtime',
      'nodejs22.x',
      '--handler',
      'index.handler',
      '--zip-file',
      `fileb://${zip}`
    )
  )
  t.is(created.FunctionName, 'hello')
  await aws(b, 'lambda', 'wait', 'function-active', '--function-name', 'hello')
  const out = join(folder, 'out.json')
  const payload = join(folder, 'event.json')
  await writeFile(payload, '{"name":"Ada"}')
  await eventually(
    () => aws(b, 'lambda', 'invoke', '--function-name', 'hello', '--payload', `fileb://${payload}`, out).catch(() => ''),
    (text) => text !== ''
  )
  t.deepEqual(JSON.parse(await readFile(out, 'utf8')), { hello: 'Ada' })
  t.regex(JSON.parse(await aws(b, 'sts', 'get-caller-identity')).Arn, /:user\/default$/)
  // The first call starts an instance, so it has lines although the function wrote none; two of them at a time.
  const events = await aws(a, 'logs', 'filter-log-events', '--log-group-name', '/aws/lambda/hello', '--page-size', '2')
  const messages = JSON.parse(events).events.map(({ message }: { message: string }) => message.split(' ')[0])
  t.deepEqual(messages, ['START', 'END', 'REPORT'])
  const listed = JSON.parse(await aws(b, 'lambda', 'list-functions'))
  t.deepEqual(
    listed.Functions.map(({ FunctionName }: { FunctionName: string }) => FunctionName),
    ['hello']
  )
  await aws(b, 'lambda', 'delete-function', '--function-name', 'hello')
  await eventually(
    () => aws(a, 'lambda', 'list-functions'),
    (text) => (JSON.parse(text) as { Functions: unknown[] }).Functions.length === 0
  )
})
