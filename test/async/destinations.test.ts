import { CreateFunctionCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { eventually, up } from '../_daemon.ts'
import { lambdaOf, ROLE, zipOf } from '../_functions.ts'
import { configure, deploy, resultOf, send, settled } from './_async.ts'
import { KEYS, type Received, serviceServer } from './_services.ts'

const ENV = { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey, AWS_REGION: 'eu-west-3' }
const GOOD = 'export const handler = async (event) => ({ got: event.n })'
const BAD = "export const handler = async () => { throw new RangeError('broken on purpose') }"
const QUEUE = 'arn:aws:sqs:eu-central-1:000000000000:records'
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

const jsonOf = (text: string) => JSON.parse(text) as Record<string, unknown>

test("records and dead letters go to queues, topics, streams, buckets and buses in AWS's protocols, also from a node without endpoints", async (t) => {
  const server = await serviceServer(t, 1)
  const flags = ['sqs', 'sns', 'kinesis', 's3', 'eventbridge'].flatMap((service) => [`--${service}-endpoint`, server.url])
  const door = await up(t, { args: flags, env: ENV })
  const invite = (await door.cli('invite')).stdout.trim()
  // It knows no endpoint and has no keys of the services: its peer delivers.
  const runner = await up(t, { args: ['--join', invite], env: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' } })
  const client = await lambdaOf(runner)
  await deploy(client, 'good', GOOD)
  await deploy(client, 'bad', BAD)
  const next = (matches: (one: Received) => boolean) =>
    eventually(
      async () => server.received.find(matches),
      (one) => one !== undefined
    ) as Promise<Received>

  await eventually(
    () =>
      configure(client, 'good', QUEUE, undefined).then(
        () => true,
        () => false
      ),
    (done) => done
  )
  // The first answer is 503: it is tried again.
  const id = await send(client, 'good', { n: 7 })
  const queued = await next(({ headers }) => headers['x-amz-target'] === 'AmazonSQS.SendMessage')
  t.deepEqual(server.refused, [503])
  t.is(queued.scope, 'eu-central-1/sqs')
  t.is(queued.headers['content-type'], 'application/x-amz-json-1.0')
  const message = jsonOf(queued.body)
  t.deepEqual(Object.keys(message), ['QueueUrl', 'MessageBody'])
  t.is(message.QueueUrl, `${server.url}/000000000000/records`)
  const record = jsonOf(message.MessageBody as string)
  t.deepEqual(Object.keys(record), [
    'version',
    'timestamp',
    'requestContext',
    'requestPayload',
    'responseContext',
    'responsePayload'
  ])
  t.deepEqual(record.requestContext, {
    requestId: id,
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:good:$LATEST',
    condition: 'Success',
    approximateInvokeCount: 1
  })
  t.deepEqual(record.responsePayload, { got: 7 })

  await configure(client, 'good', 'arn:aws:kinesis:eu-central-1:000000000000:stream/tale', undefined)
  const streamed = await send(client, 'good', { n: 8 })
  const put = jsonOf((await next(({ headers }) => headers['x-amz-target'] === 'Kinesis_20131202.PutRecord')).body)
  t.like(put, { StreamName: 'tale', PartitionKey: streamed })
  t.like(jsonOf(Buffer.from(put.Data as string, 'base64').toString()), { responsePayload: { got: 8 } })

  await configure(client, 'good', 'arn:aws:events:eu-central-1:000000000000:event-bus/default', undefined)
  await send(client, 'good', { n: 9 })
  const bus = await next(({ headers }) => headers['x-amz-target'] === 'AWSEvents.PutEvents')
  t.is(bus.scope, 'eu-central-1/events')
  const [entry] = jsonOf(bus.body).Entries as [Record<string, unknown>]
  t.like(entry, {
    Source: 'lambda',
    DetailType: 'Lambda Function Invocation Result - Success',
    EventBusName: 'arn:aws:events:eu-central-1:000000000000:event-bus/default'
  })
  t.deepEqual((entry.Resources as string[])[0], 'arn:aws:lambda:us-east-1:000000000000:function:good:$LATEST')
  t.like(jsonOf(entry.Detail as string), { responsePayload: { got: 9 } })

  await configure(client, 'bad', undefined, 'arn:aws:s3:::lost-and-found')
  const failed = await send(client, 'bad', { n: 10 })
  const object = await next(({ method }) => method === 'PUT')
  t.is(object.scope, 'eu-west-3/s3')
  t.regex(
    object.path,
    new RegExp(
      `^/lost-and-found/aws/lambda/async/bad/\\d{4}/\\d\\d/\\d\\d/\\d{4}-\\d\\d-\\d\\dT\\d\\d\\.\\d\\d\\.\\d\\d-${UUID}$`
    )
  )
  t.like(jsonOf(object.body), {
    requestContext: { requestId: failed, condition: 'RetriesExhausted' },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' }
  })

  // A DeadLetterConfig gets the event itself, with AWS's three attributes.
  await configure(client, 'bad', undefined, undefined)
  const topic = 'arn:aws:sns:eu-central-1:000000000000:alarms'
  await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'bad', DeadLetterConfig: { TargetArn: topic } }))
  const dead = await send(client, 'bad', { n: 11 })
  const published = new URLSearchParams((await next(({ body }) => body.startsWith('Action=Publish'))).body)
  t.is(published.get('TopicArn'), topic)
  t.is(published.get('Message'), '{"n":11}')
  const attributes = [1, 2, 3].map((number) => {
    const entry = `MessageAttributes.entry.${number}`
    return [published.get(`${entry}.Name`), published.get(`${entry}.Value.DataType`), published.get(`${entry}.Value.StringValue`)]
  })
  t.deepEqual(attributes, [
    ['RequestID', 'String', dead],
    ['ErrorCode', 'Number', '200'],
    ['ErrorMessage', 'String', 'broken on purpose']
  ])
  await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'bad', DeadLetterConfig: { TargetArn: QUEUE } }))
  await send(client, 'bad', { n: 12 })
  const letter = await next(({ body }) => body.includes('MessageAttributes') && body.includes('QueueUrl'))
  t.like(jsonOf(letter.body), {
    MessageBody: '{"n":12}',
    MessageAttributes: { ErrorCode: { DataType: 'Number', StringValue: '200' } }
  })

  // Nothing was left over, and no log has a key.
  t.is((await runner.cli('dead-letters', 'list', '--json')).stdout, '[]\n')
  for (const { log } of [door, runner]) t.false(log.join('\n').includes(KEYS.secretAccessKey))
  t.is((await settled(door, dead)).status, 'failed')
  t.is((await resultOf(runner, id)).status, 'succeeded')
})

test('a place that no node delivers to is refused when it is set, in the words of AWS', async (t) => {
  const node = await up(t)
  const client = await lambdaOf(node)
  await deploy(client, 'f', GOOD)
  const refused = async (destination: string) =>
    (await t.throwsAsync(configure(client, 'f', undefined, destination), { name: 'InvalidParameterValueException' }))?.message
  t.is(
    await refused(QUEUE),
    `The destination ARN ${QUEUE} is invalid: no node of this mesh delivers to sqs; start one with --sqs-endpoint URL.`
  )
  t.regex((await refused('arn:aws:kinesis:eu-central-1:000000000000:table/x')) ?? '', /must be the ARN of a queue, topic, stream/)
  t.regex((await refused('arn:aws:iam:eu-central-1:000000000000:role/x')) ?? '', /^The provided destination config/)
  t.regex((await refused('https://user:pass@example.com/')) ?? '', /no user name or password/)
  const target = { FunctionName: 'f', DeadLetterConfig: { TargetArn: QUEUE } }
  await t.throwsAsync(client.send(new UpdateFunctionConfigurationCommand(target)), {
    name: 'InvalidParameterValueException',
    message: /^The provided dead letter target ARN arn:aws:sqs:.*: no node of this mesh delivers to sqs/
  })
  const create = { ...target, FunctionName: 'g', Runtime: 'nodejs22.x', Role: ROLE, Handler: 'index.handler' } as const
  await t.throwsAsync(client.send(new CreateFunctionCommand({ ...create, Code: { ZipFile: zipOf(GOOD) } })), {
    name: 'InvalidParameterValueException'
  })
})
