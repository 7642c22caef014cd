import { join } from 'node:path'
import test from 'ava'
import { type Daemon, eventually, meshOf, run } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { deploy } from '../gateway/_streams.ts'

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

const STREAMS = `
export const handler = awslambda.streamifyResponse(async ({ mode }, stream) => {
  if (mode === 'words') for (const word of ['one ', 'two ', 'three']) stream.write(word)
  if (mode === 'fail') { stream.write('part'); await new Promise((resolve) => setTimeout(resolve, 1)); throw new Error('midway') }
  if (mode === 'large') for (let left = 100; left > 0; left--) {
    if (!stream.write(Buffer.alloc(50000))) await new Promise((resolve) => stream.once('drain', resolve))
  }
  stream.end()
})`

test('boto3 reads streamed answers, at the node that runs the function and through another', async (t) => {
  const [a, b] = (await meshOf(t, 2)) as [Daemon, Daemon]
  await deploy(await lambdaOf(a), 'streams', STREAMS)
  await eventually(
    async () => (await b.cli('ls', '--json')).stdout,
    (list) => list.includes('streams')
  )
  const { accessKeyId, secretAccessKey } = await a.keys()
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_DEFAULT_REGION: 'eu-west-1' }
  const { code, stdout, stderr } = await run(PYTHON, [join(import.meta.dirname, 'boto3-stream.py'), a.http, b.http], { env })
  t.is(code, 0, stderr)
  t.is(stdout.trim().split('\n').at(-1), 'ok')
  t.log(stdout.trim().split('\n')[0])
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
