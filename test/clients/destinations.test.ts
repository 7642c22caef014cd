import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import test, { type ExecutionContext } from 'ava'
import { eventually, run, up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { configure, deploy, send } from '../async/_async.ts'
import { freePort } from './_free-port.ts'

const SCRIPT = join(import.meta.dirname, 'destinations-client.py')

/** moto's server: SQS, SNS, Kinesis, S3 and EventBridge as the Python world tests against them. undefined where it is not installed. */
async function moto(t: ExecutionContext): Promise<string | undefined> {
  const probe = await run('moto_server', ['--help']).catch(() => undefined)
  if (probe?.code !== 0) return undefined
  const port = await freePort()
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  await eventually(
    () =>
      fetch(`${url}/moto-api/data.json`).then(
        ({ ok }) => ok,
        () => false
      ),
    (ok) => ok,
    30_000
  )
  return url
}

test('records and dead letters arrive at a queue, topic, stream, bucket and bus of a server that is not ours', async (t) => {
  const url = await moto(t)
  if (url === undefined) {
    t.log('skipped: no moto_server on this machine (pip install "moto[server]")')
    t.pass()
    return
  }
  const python = async (command: string) => {
    const { code, stdout, stderr } = await run('python3', [SCRIPT, url, command])
    if (code !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  }
  const places = (await python('make')) as Record<'queue' | 'topic' | 'stream' | 'bucket' | 'bus', string>
  const flags = ['sqs', 'sns', 'kinesis', 's3', 'eventbridge'].flatMap((service) => [`--${service}-endpoint`, url])
  const node = await up(t, {
    args: flags,
    env: { AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's', AWS_REGION: 'eu-central-1' }
  })
  const client = await lambdaOf(node)
  const good = 'export const handler = async (event) => event.n'
  for (const [name, place] of [
    ['a', places.queue],
    ['b', places.stream],
    ['c', places.bus]
  ] as const) {
    await deploy(client, name, good)
    await configure(client, name, place, undefined)
    await send(client, name, { n: name })
  }
  await deploy(client, 'bad', "export const handler = async () => { throw new Error('no') }")
  await configure(client, 'bad', undefined, places.bucket)
  await client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: 'bad', DeadLetterConfig: { TargetArn: places.topic } })
  )
  const failed = await send(client, 'bad', { n: 'bad' })

  const seen = await python('seen')
  t.like(JSON.parse(seen.queue[0].Body), { responsePayload: 'a', requestContext: { condition: 'Success' } })
  t.is(seen.records.length, 1)
  t.like(JSON.parse(seen.records[0][1]), { responsePayload: 'b', requestContext: { requestId: seen.records[0][0] } })
  const [[key, object]] = Object.entries(seen.objects) as [[string, string]]
  t.regex(key, /^aws\/lambda\/async\/bad\//)
  t.like(JSON.parse(object), { requestContext: { requestId: failed, condition: 'RetriesExhausted' } })
  const heard = seen.heard as { Body: string; MessageAttributes?: Record<string, { StringValue: string }> }[]
  const letter = heard.find(({ Body }) => Body === '{"n":"bad"}')
  t.is(letter?.MessageAttributes?.RequestID?.StringValue, failed)
  const event = heard.map(({ Body }) => JSON.parse(Body)).find((body) => body['detail-type'] !== undefined)
  t.like(event, {
    source: 'lambda',
    'detail-type': 'Lambda Function Invocation Result - Success',
    detail: { responsePayload: 'c' }
  })
  t.is((await node.cli('dead-letters', 'list', '--json')).stdout, '[]\n')
})
