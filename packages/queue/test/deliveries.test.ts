import { type Catalog, serviceDestination } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import test from 'ava'
import { policyOf } from '../src/policy.ts'
import { serviceProblem } from '../src/service-request.ts'
import { accept, answer, orderOf, TestMesh } from './_nodes.ts'

const ID = '00000000-0000-4000-8000-000000000001'
const QUEUE = 'arn:aws:sqs:eu-west-1:000000000000:q'
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

test('a place that does not take its record is tried eight times in two minutes, then the record is a dead letter with the reason', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  mesh.policy = { onSuccess: QUEUE }
  mesh.endpoints.a = ['sqs']
  mesh.serviceAnswer = {
    status: 400,
    body: Buffer.from('{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}')
  }
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(120_000)
  t.is(mesh.sent.length, 7)
  t.is((await a.queue.deadLetters({}, 10)).length, 0)
  await mesh.clock.advance(20_000)
  t.is(mesh.sent.length, 8)
  const [letter] = await a.queue.deadLetters({ functionName: 'f', account: 'default' }, 10)
  t.like(letter?.result, { functionName: 'f', destination: QUEUE, condition: 'DestinationFailed', attempts: 8 })
  t.deepEqual(JSON.parse(text(letter?.result.payload)), {
    errorType: 'DestinationDeliveryFailed',
    errorMessage: 'it answered 400 QueueDoesNotExist The specified queue does not exist.'
  })
  t.is((await a.queue.result(ID))?.status, 'succeeded', 'the invocation itself is not touched')
  // Sent again, it goes where it should have gone, with what it is about.
  mesh.serviceAnswer = { status: 200, body: Buffer.from('{}') }
  const again = a.queue.redrive({ functionName: 'f' })
  await mesh.clock.advance(200)
  const [[, id]] = (await again) as [[string, string]]
  await mesh.clock.advance(200)
  t.is(mesh.sent.length, 9)
  t.is((await a.queue.result(id))?.status, 'succeeded')
  t.like(JSON.parse(JSON.parse(text(mesh.sent.at(-1)?.request.body)).MessageBody), { requestContext: { requestId: ID } })
})

test('a record that would fit no message, its numbers written out, goes without the answer, and with a copy', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const result = `[${Array.from({ length: 1_500_000 }, () => '1e9').join()}]`
  mesh.autoRun = () => answer('ok', result)
  mesh.policy = { onSuccess: QUEUE }
  mesh.endpoints.a = ['sqs']
  mesh.serviceAnswer = { status: 503, body: Buffer.from('') }
  const a = await mesh.up('a')
  const b = await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(500)
  t.is(b.queue.stats().copies, 1)
  const record = JSON.parse(JSON.parse(text(mesh.sent[0]?.request.body)).MessageBody)
  t.like(record, { requestContext: { requestId: ID }, requestPayload: { n: 1 }, responsePayload: null })
})

test('a node without the endpoint has a peer deliver, and says so when there is none', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  mesh.policy = { onSuccess: QUEUE }
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(140_000)
  t.is(mesh.sent.length, 0)
  const [letter] = await a.queue.deadLetters({}, 10)
  t.regex(text(letter?.result.payload), /no connected node delivers to sqs: start one with --sqs-endpoint URL/)
  mesh.endpoints.b = ['sqs']
  await mesh.up('b')
  await accept(mesh, a, orderOf(ID.replace(/1$/, '2')))
  await mesh.clock.advance(500)
  t.deepEqual(
    mesh.sent.map(({ node }) => node),
    ['b']
  )
})

test('a delivery outlives the node that owned it', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('error', '{"errorType":"E","errorMessage":"why"}')
  mesh.policy = { deadLetter: QUEUE, retries: 0 }
  mesh.endpoints.b = ['sqs']
  mesh.serviceAnswer = { status: 503, body: Buffer.from('') }
  const a = await mesh.up('a')
  await mesh.up('b')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(500)
  t.is(mesh.sent.length, 1)
  mesh.crash('a')
  mesh.serviceAnswer = { status: 200, body: Buffer.from('{}') }
  await mesh.clock.advance(20_000)
  const body = JSON.parse(text(mesh.sent.at(-1)?.request.body))
  t.is(body.MessageBody, '{"n":1}')
  t.deepEqual(body.MessageAttributes, {
    RequestID: { DataType: 'String', StringValue: ID },
    ErrorCode: { DataType: 'Number', StringValue: '200' },
    ErrorMessage: { DataType: 'String', StringValue: 'why' }
  })
})

test('of a call without an event the record and the dead letter have the empty object that the function got', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('error', '{"errorType":"E","errorMessage":"why"}')
  mesh.policy = { deadLetter: QUEUE, onFailure: QUEUE, retries: 0 }
  mesh.endpoints.a = ['sqs']
  mesh.serviceAnswer = { status: 200, body: Buffer.from('{}') }
  const a = await mesh.up('a')
  const bodies = () => mesh.sent.map(({ request }) => JSON.parse(JSON.parse(text(request.body)).MessageBody))
  await accept(mesh, a, orderOf(ID, { payload: '' }))
  await mesh.clock.advance(500)
  const [record, letter] = bodies()
  t.like(record, { requestContext: { requestId: ID }, requestPayload: {} })
  t.deepEqual(letter, {})
  await accept(mesh, a, orderOf(ID.replace(/1$/, '2'), { payload: 'null' }))
  await mesh.clock.advance(500)
  t.is(bodies()[2].requestPayload, null, 'null is an event')
  t.is(bodies()[3], null)
})

const reads = test.macro((t, arn: string, expected: [service: string, name: string] | undefined) => {
  const found = serviceDestination(arn)
  t.deepEqual(found === undefined ? undefined : [found.service, found.name], expected)
})
test('a queue', reads, QUEUE, ['sqs', 'q'])
test('a FIFO queue', reads, 'arn:aws:sqs:eu-west-1:000000000000:q.fifo', ['sqs', 'q.fifo'])
test('a topic', reads, 'arn:aws:sns:eu-west-1:000000000000:t', ['sns', 't'])
test('a stream of another partition', reads, 'arn:aws-cn:kinesis:cn-north-1:000000000000:stream/s', ['kinesis', 's'])
test('a bucket', reads, 'arn:aws:s3:::a-bucket', ['s3', 'a-bucket'])
test('an event bus', reads, 'arn:aws:events:eu-west-1:000000000000:event-bus/default', ['events', 'default'])
test('no bucket has capitals', reads, 'arn:aws:s3:::Bucket', undefined)
test('a key is no bucket', reads, 'arn:aws:s3:::a-bucket/key', undefined)
test('a bucket has no region', reads, 'arn:aws:s3:eu-west-1:000000000000:a-bucket', undefined)
test('a queue has a region', reads, 'arn:aws:sqs:::q', undefined)
test("no queue's name leaves its place", reads, 'arn:aws:sqs:eu-west-1:000000000000:../q', undefined)
test('a stream says that it is one', reads, 'arn:aws:kinesis:eu-west-1:000000000000:s', undefined)
test('a function is no service', reads, 'arn:aws:lambda:eu-west-1:000000000000:function:f', undefined)
test('what is too long is none', reads, `${QUEUE}${'q'.repeat(400)}`, undefined)

test('what a service says against a record is told in a line', (t) => {
  const said = (service: 'sns' | 's3' | 'events', status: number, body: string) =>
    serviceProblem(service, { status, body: Buffer.from(body) })
  t.is(said('sns', 403, '<E><Code>AuthorizationError</Code><Message>no</Message></E>'), 'it answered 403 AuthorizationError no')
  t.is(said('s3', 500, '\u0000'), 'it answered 500')
  t.is(said('s3', 200, ''), undefined)
  t.is(said('events', 200, '{"FailedEntryCount":0}'), undefined)
  t.regex(said('events', 200, '{"FailedEntryCount":1,"Entries":[{"ErrorCode":"X","ErrorMessage":"y"}]}') ?? '', /X y/)
  t.regex(said('events', 200, '<html>') ?? '', /without saying/)
})

test('a function that may not be invoked any more gets no record and no dead letter', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  const [theirs, ours] = ['theirs', 'ours'].map((name) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`)
  const ownerOf = ({ functionName }: { functionName: string }) => (functionName === 'ours' ? 'default' : undefined)
  mesh.autoRun = ({ order }) => answer(order.target.record.name === 'f' ? 'error' : 'ok')
  mesh.policy = { retries: 0 }
  mesh.policies.f = { onFailure: ours, deadLetter: theirs, ownerOf }
  mesh.policies.g = { onSuccess: theirs, ownerOf }
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await accept(mesh, a, orderOf(ID.replace(/1$/, '2'), { functionName: 'g' }))
  await mesh.clock.advance(1_000)
  t.deepEqual(mesh.started.map(({ functionName }) => functionName).toSorted(), ['f', 'g', 'ours'])
  t.is((await a.queue.deadLetters({}, 10)).length, 0, 'what failed went to where it may go')
  // With nowhere else to go it is kept.
  mesh.policies.f = { deadLetter: theirs, ownerOf }
  await accept(mesh, a, orderOf(ID.replace(/1$/, '3')))
  await mesh.clock.advance(1_000)
  t.like((await a.queue.deadLetters({}, 10))[0]?.result, { functionName: 'f', condition: 'RetriesExhausted' })
  t.false(mesh.started.some(({ functionName }) => functionName === 'theirs'))
})

test('whom a function may have invoked is asked of the catalog each time', (t) => {
  const statement = (qualifier: string, effect: 'Allow' | 'Deny', value: string) => ({
    [qualifier]: {
      policy: {
        revisionId: '',
        statements: [{ sid: 's', effect, action: 'lambda:InvokeFunction', principal: { kind: 'aws', value } }]
      }
    }
  })
  const functions: Record<string, object> = {
    mine: { account: 'a', qualifiers: statement('live', 'Deny', 'a') },
    theirs: { account: 'b', qualifiers: statement('live', 'Allow', 'a') }
  }
  const catalog = { get: (_kind: string, name: string) => functions[name] } as unknown as Catalog
  const owner = (functionName: string, qualifier?: string) =>
    policyOf(catalog, 'mine', undefined, 'a').ownerOf?.({ functionName, qualifier })
  t.is(owner('mine'), 'a')
  t.is(owner('mine', 'live'), undefined, 'a denial is about its own account too')
  t.is(owner('theirs'), undefined)
  t.is(owner('theirs', 'live'), 'b')
  t.is(owner('gone'), 'a', 'it is found missing when its turn comes, whoever has made one of that name meanwhile')
  functions.theirs = { account: 'b' }
  t.is(owner('theirs', 'live'), undefined)
})
