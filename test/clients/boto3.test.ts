import { join } from 'node:path'
import test from 'ava'
import { type Daemon, meshOf, run } from '../_daemon.ts'

/** Debian's Python has Debian's boto3; another Python first in the path has none of it. */
const PYTHON = '/usr/bin/python3'

test('boto3 of Debian deploys with versions, aliases, layers and tags at one node and invokes at another', async (t) => {
  const [a, b] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const { accessKeyId, secretAccessKey } = await a.keys()
  const { code, stdout, stderr } = await run(PYTHON, [join(import.meta.dirname, 'boto3-client.py'), a.http, b.http], {
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_DEFAULT_REGION: 'eu-west-1' }
  })
  t.is(code, 0, stderr)
  t.is(stdout.trim().split('\n').at(-1), 'ok')
})

test('curl signs for itself', async (t) => {
  const [a] = (await meshOf(t, 1)) as [Daemon]
  const { accessKeyId, secretAccessKey } = await a.keys()
  const signed = ['--aws-sigv4', 'aws:amz:us-east-1:lambda', '--user', `${accessKeyId}:${secretAccessKey}`, '-s']
  const listed = await run('curl', [...signed, `${a.http}/2015-03-31/functions`])
  t.deepEqual(JSON.parse(listed.stdout), { Functions: [] })
  const settings = await run('curl', [...signed, `${a.http}/2016-08-19/account-settings`])
  t.is(JSON.parse(settings.stdout).AccountUsage.FunctionCount, 0)
  const wrong = await run('curl', [...signed.slice(0, 3), `${accessKeyId}:wrong`, '-s', `${a.http}/2015-03-31/functions`])
  t.regex(wrong.stdout, /signature/i)
})
