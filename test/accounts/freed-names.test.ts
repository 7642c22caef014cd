import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DeleteFunctionCommand, PutFunctionConcurrencyCommand, UpdateFunctionCodeCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, meshOf, up } from '../_daemon.ts'
import { HELLO, invoke, zipOf } from '../_functions.ts'
import { configure, deploy, send } from '../async/_async.ts'
import { type Person, personOf } from './_accounts.ts'

const TELLS = "export const handler = async (event) => { console.log('SAW ' + JSON.stringify(event)); return event }"
const FAILS = `export const handler = async (event) => { throw new Error('secret of alice: ' + event.secret) }`

interface People {
  daemon: Daemon
  alice: Person
  bob: Person
}

async function people(t: Parameters<typeof up>[0]): Promise<People> {
  const daemon = await up(t)
  return { daemon, alice: await personOf(daemon, 'alice'), bob: await personOf(daemon, 'bob') }
}

const settledAs = (person: Person, id: string) =>
  eventually(
    () => person.ask('GET', `/v1/async/${id}`),
    ({ status, text }) => status === 200 && JSON.parse(text).status !== 'queued'
  )

test('whoever takes the name of a removed function sees nothing of what its events left, and who sent them still does', async (t) => {
  const { alice, bob } = await people(t)
  await deploy(alice.lambda, 'orders', FAILS)
  await configure(alice.lambda, 'orders', undefined, undefined)
  const id = await send(alice.lambda, 'orders', { secret: 'x1' })
  t.like((await settledAs(alice, id)).json(), { status: 'failed', account: 'alice' })
  await alice.lambda.send(new DeleteFunctionCommand({ FunctionName: 'orders' }))
  await deploy(bob.lambda, 'orders', TELLS)

  t.is((await bob.ask('GET', `/v1/async/${id}`)).status, 403)
  t.deepEqual((await bob.ask('GET', '/v1/dead-letters?function=orders')).json(), [])
  t.is((await bob.ask('GET', `/v1/dead-letters/${id}`)).status, 403)
  t.deepEqual((await bob.ask('POST', '/v1/dead-letters/redrive', { all: true })).json(), [])
  t.deepEqual((await bob.ask('POST', '/v1/dead-letters/purge', { function: 'orders' })).json(), { purged: 0 })

  t.regex((await alice.ask('GET', `/v1/async/${id}`)).text, /secret of alice: x1/)
  t.like((await alice.ask('GET', '/v1/dead-letters')).json(), [{ requestId: id, function: 'orders' }])
  t.like((await alice.ask('GET', `/v1/dead-letters/${id}`)).json(), { event: { secret: 'x1' } })
})

test('an event that waits when its function is removed does not run on what another account makes under the same name', async (t) => {
  const { alice, bob } = await people(t)
  await deploy(alice.lambda, 'orders', TELLS)
  // It is throttled for as long as it takes to free the name.
  await alice.lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'orders', ReservedConcurrentExecutions: 0 }))
  const id = await send(alice.lambda, 'orders', { secret: 'x2' })
  await alice.lambda.send(new DeleteFunctionCommand({ FunctionName: 'orders' }))
  await deploy(bob.lambda, 'orders', TELLS)
  const own = await send(bob.lambda, 'orders', { mine: true })
  t.like((await settledAs(bob, own)).json(), { status: 'succeeded', result: { mine: true } })
  // It is given up after half a minute, in which its own function could have come back.
  t.like((await alice.ask('GET', `/v1/async/${id}`)).json(), { status: 'queued', attempts: 0 })
  const logs = await bob.ask('GET', '/v1/logs?function=orders')
  t.regex(logs.text, /SAW .*mine/)
  t.notRegex(logs.text, /x2/)
})

test('what a removed function logged is not shown to whoever has its name, at any node', async (t) => {
  const [daemon, other] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const alice = await personOf(daemon, 'alice')
  const bob = await personOf(daemon, 'bob')
  await deploy(alice.lambda, 'orders', TELLS)
  await invoke(alice.lambda, 'orders', { secret: 'x3' })
  const shown = (await alice.ask('GET', '/v1/logs?function=orders')).text
  t.regex(shown, /x3/)
  await alice.lambda.send(new DeleteFunctionCommand({ FunctionName: 'orders' }))
  await deploy(bob.lambda, 'orders', TELLS)
  await invoke(bob.lambda, 'orders', { mine: true })
  const logs = (await bob.ask('GET', '/v1/logs?function=orders')).text
  t.regex(logs, /SAW .*mine/)
  t.notRegex(logs, /x3/)
  const there = await eventually(
    () => bob.at(other).ask('GET', '/v1/logs?function=orders'),
    ({ status }) => status === 200
  )
  t.regex(there.text, /SAW .*mine/)
  t.notRegex(there.text, /x3/)
})

test('code that came from S3 after the name was taken by another account does not become that function', async (t) => {
  const waiting: ServerResponse[] = []
  const bucket = createServer((_request, response) => void waiting.push(response))
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    bucket.closeAllConnections()
    bucket.close()
  })
  const daemon = await up(t, { args: ['--s3-endpoint', `http://127.0.0.1:${(bucket.address() as AddressInfo).port}`] })
  const alice = await personOf(daemon, 'alice')
  const bob = await personOf(daemon, 'bob')
  await deploy(alice.lambda, 'orders', HELLO)
  const late = alice.lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'orders', S3Bucket: 'code', S3Key: 'k' }))
  const refused = t.throwsAsync(late, { name: 'AccessDeniedException' })
  await eventually(
    async () => waiting.length,
    (count) => count === 1
  )
  await alice.lambda.send(new DeleteFunctionCommand({ FunctionName: 'orders' }))
  await deploy(bob.lambda, 'orders', "export const handler = async () => 'of bob'")
  waiting[0]?.end(zipOf("export const handler = async () => 'of alice'"))
  await refused
  t.regex(JSON.stringify(await invoke(bob.lambda, 'orders', {})), /of bob/)
})
