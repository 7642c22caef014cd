import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { eventually, meshOf } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { configure, deploy, send, settled } from './_async.ts'

const ECHO = 'export const handler = async (event, context) => ({ event, attempt: context.peerless?.attempt })'
const FAILS = "export const handler = async () => { throw new TypeError('broken on purpose') }"
const TELLS = "export const handler = async (event) => { console.log('GOT ' + JSON.stringify(event)) }"

test('asynchronous invocations end where they should, and any node can tell how', async (t) => {
  const received: { headers: Record<string, unknown>; body: Record<string, unknown> }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      received.push({ headers: request.headers, body: JSON.parse(text) })
      response.writeHead(204).end()
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  const [a, b] = (await meshOf(t, 2, ['--allow-egress', '127.0.0.0/8'])) as [
    Awaited<ReturnType<typeof meshOf>>[0],
    Awaited<ReturnType<typeof meshOf>>[0]
  ]
  const client = await lambdaOf(a)
  await deploy(client, 'echo', ECHO)
  await deploy(client, 'fails', FAILS)
  const tells = await deploy(client, 'tells', TELLS)

  // A result, at the node that did not take it.
  const first = await send(client, 'echo', { n: 1 })
  const result = await settled(b, first)
  t.is(result.status, 'succeeded')
  t.deepEqual(result.result, { event: { n: 1 }, attempt: 1 })

  // A failure with nowhere to go: a dead letter, seen from the other node, sent again, and purged.
  await configure(client, 'fails', undefined, undefined)
  const dead = await send(client, 'fails', { n: 2 })
  t.like(await settled(a, dead), { status: 'failed', condition: 'RetriesExhausted', attempts: 1, functionError: 'Unhandled' })
  const listed = JSON.parse((await b.cli('dead-letters', 'list', '--json')).stdout) as { requestId: string }[]
  t.deepEqual(
    listed.map(({ requestId }) => requestId),
    [dead]
  )
  t.is((await b.cli('dead-letters', 'show', dead)).stdout, '{"n":2}\n')
  const again = (await b.cli('dead-letters', 'redrive', dead)).stdout.trim()
  t.not(again, dead)
  t.is((await settled(a, again)).status, 'failed')
  t.is((await a.cli('dead-letters', 'purge', '--all')).code, 0)
  t.is((await b.cli('dead-letters', 'list', '--json')).stdout, '[]\n')

  // Destinations: a function on success, an address on failure, with AWS's records.
  const { port } = server.address() as AddressInfo
  await configure(client, 'echo', tells, undefined)
  await configure(client, 'fails', undefined, `http://127.0.0.1:${port}/failures`)
  const good = await send(client, 'echo', { n: 3 })
  const bad = await send(client, 'fails', { n: 4 })
  const { stdout: logs } = await eventually(
    () => b.cli('logs', 'tells', '--json'),
    ({ stdout }) => stdout.includes('GOT ')
  )
  const line = logs.split('\n').find((one) => one.includes('GOT ')) as string
  const record = JSON.parse((JSON.parse(line).message as string).replace(/^.*?GOT /, ''))
  t.like(record, {
    version: '1.0',
    requestContext: { requestId: good, condition: 'Success', approximateInvokeCount: 1 },
    requestPayload: { n: 3 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST' },
    responsePayload: { event: { n: 3 }, attempt: 1 }
  })
  t.regex(record.requestContext.functionArn, /:function:echo:\$LATEST$/)
  await eventually(
    async () => received.length,
    (count) => count > 0
  )
  t.regex(String(received[0]?.headers['content-type']), /^application\/cloudevents\+json/)
  t.like(received[0]?.body, { specversion: '1.0', id: bad, type: 'peerless.invocation.failed', subject: 'fails' })
  t.like(received[0]?.body.data, {
    requestContext: { requestId: bad, condition: 'RetriesExhausted' },
    requestPayload: { n: 4 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: { errorType: 'TypeError', errorMessage: 'broken on purpose' }
  })

  // Functions that are each other's destination are stopped.
  const ping = await deploy(client, 'ping', 'export const handler = async () => ({ to: "pong" })')
  const pong = await deploy(client, 'pong', 'export const handler = async () => ({ to: "ping" })')
  await configure(client, 'ping', pong, undefined)
  await configure(client, 'pong', ping, undefined)
  await send(client, 'ping', {})
  const letters = await eventually(
    async () => JSON.parse((await a.cli('dead-letters', 'list', '--json')).stdout) as Record<string, unknown>[],
    (list) => list.length > 0
  )
  t.like(letters[0], { function: 'ping', condition: 'RecursiveInvocation', attempts: 0 })
  t.like(letters[0]?.result, { errorType: 'RecursiveInvocationException' })

  // What is wrong is refused with a reason.
  t.is((await a.cli('result', '00000000-0000-4000-8000-000000000000')).code, 1)
  const metrics = await (await fetch(`${a.http}/metrics`)).text()
  t.regex(metrics, /^peerless_queue_accepted_total [1-9]/m)
  t.regex(metrics, /^peerless_queue_start_delay_seconds_count [1-9]/m)
})
