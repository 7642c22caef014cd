import { stat } from 'node:fs/promises'
import { Agent } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListTagsCommand,
  type Runtime,
  TagResourceCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdated
} from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, dataFolder, eventually, up } from '../_daemon.ts'
import { flood, get, invoke, ROLE, zipOf } from '../_functions.ts'
import { aliveOf, commandOf, descendantsOf, statOf } from '../_processes.ts'

// One after the other: each test has as many processes as a small mesh.
const FRONTS = 3
const ECHO = 'export const handler = async () => process.env.ROUND'

interface Peer {
  peerId: string
  machine: string
  status: string
  slots: number
}

async function peersOf(daemon: Daemon): Promise<Peer[]> {
  const { code, stdout, stderr } = await daemon.cli('peers', '--json')
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

function idsOf(peers: readonly Peer[]): string[] {
  return peers.map(({ peerId }) => peerId).sort()
}

/** Processes of the fronts after the first. */
async function furtherOf(daemon: Daemon): Promise<number[]> {
  const below = await descendantsOf(await daemon.pid())
  const commands = await Promise.all(below.map(commandOf))
  return below.filter((_, index) => commands[index]?.includes('front.js'))
}

/** Function URL requests answered so far, by front. */
async function requestsOf(daemon: Daemon): Promise<Record<string, number>> {
  const { body } = await get(`${daemon.http}/metrics`)
  const lines = body.matchAll(/^peerless_http_requests_total\{route="function_url",status="200",front="(\d+)"\} (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, front, count]) => [front, Number(count)]))
}

/** Every request on a connection of its own, which the system gives to one front or another. */
async function clientOf(daemon: Daemon): Promise<LambdaClient> {
  const { accessKeyId, secretAccessKey } = await daemon.keys()
  return new LambdaClient({
    endpoint: daemon.http,
    region: 'eu-somewhere-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
    requestHandler: { httpAgent: new Agent({ keepAlive: false }) }
  })
}

test.serial('the fronts of a machine share its port, its load and its books', async (t) => {
  const daemon = await up(t, { args: ['--fronts', String(FRONTS), '--slots', '8', '--name', 'ada', '--sample'] })
  const peers = await peersOf(daemon)
  t.deepEqual(peers.map(({ slots }) => slots).sort(), [2, 3, 3])
  t.deepEqual(new Set(peers.map(({ machine }) => machine)), new Set([daemon.peerId]))
  t.deepEqual(new Set(peers.map(({ status }) => status)), new Set(['connected']))

  const url = `${daemon.http}/fn/hello?name=Ada`
  const wrong: string[] = []
  await flood([url], 600, 30, ({ status, body }) => {
    if (status !== 200 || !body.includes('Ada')) wrong.push(`${status} ${body}`)
  })
  t.deepEqual(wrong, [])
  const counted = await requestsOf(daemon)
  t.deepEqual(
    Object.keys(counted).sort(),
    ['1', '2', '3'],
    'thirty connections miss none of three fronts but once in 60,000 times'
  )
  t.is(
    Object.values(counted).reduce((sum, count) => sum + count, 0),
    600
  )
  const page = (await get(`${daemon.http}/metrics`)).body
  t.is([...page.matchAll(/^# TYPE peerless_http_requests_total /gm)].length, 1)
  t.regex(page, /^peerless_http_request_duration_seconds_count\{route="function_url",front="2"\} \d+$/m)

  const booked = async () => (await daemon.cli('ledger', 'verify')).code === 0 && (await statementsOf(daemon)) === 600
  t.true(await eventually(booked, Boolean, 20_000))
})

/** A client of a machine that the function was just created at. */
async function withEcho(daemon: Daemon): Promise<LambdaClient> {
  const client = await clientOf(daemon)
  await client.send(
    new CreateFunctionCommand({
      FunctionName: 'echo',
      Role: ROLE,
      Runtime: 'nodejs22.x' as Runtime,
      Handler: 'index.handler',
      Code: { ZipFile: zipOf(ECHO) }
    })
  )
  return client
}

async function statementsOf(daemon: Daemon): Promise<number> {
  const { stdout } = await daemon.cli('ledger', 'statement', '--account', 'default', '--json')
  return stdout.split('\n').filter(Boolean).length
}

test.serial('what was written through one front is read and run through any other at once', async (t) => {
  const daemon = await up(t, { args: ['--fronts', String(FRONTS)] })
  const client = await withEcho(daemon)
  for (let round = 0; round < 12; round++) {
    const Environment = { Variables: { ROUND: String(round) } }
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'echo', Environment }))
    const read = () => client.send(new GetFunctionConfigurationCommand({ FunctionName: 'echo' }))
    const all = await Promise.all(Array.from({ length: 6 }, read))
    t.deepEqual(new Set(all.map((one) => one.Environment?.Variables?.ROUND)), new Set([String(round)]))
    await waitUntilFunctionUpdated({ client, maxWaitTime: 30 }, { FunctionName: 'echo' })
    t.is((await invoke(client, 'echo', {})).result, String(round))
  }
  // Changes of one function at once, on connections of their own: none may undo another.
  const Resource = 'arn:aws:lambda:us-east-1:000000000000:function:echo'
  const names = Array.from({ length: 20 }, (_, index) => `tag-${index}`)
  await Promise.all(names.map((name) => client.send(new TagResourceCommand({ Resource, Tags: { [name]: 'there' } }))))
  t.deepEqual(Object.keys((await client.send(new ListTagsCommand({ Resource }))).Tags ?? {}).sort(), [...names].sort())
})

if (process.platform === 'linux') {
  test.serial('a front that dies is replaced while the others answer; all end with the first', async (t) => {
    const data = await dataFolder(t)
    const daemon = await up(t, { data, args: ['--fronts', String(FRONTS), '--sample'] })
    const url = `${daemon.http}/fn/hello?name=Ada`
    const before = await peersOf(daemon)
    const [victim] = await furtherOf(daemon)
    process.kill(victim as number, 'SIGKILL')
    // Gone whole, not as a zombie whose threads still end: from then on the system gives it no connection, and none of those that come may fail.
    await eventually(
      () => statOf(victim as number),
      (stat) => stat === undefined
    )
    for (let call = 0; call < 30; call++) t.is((await get(url)).status, 200)
    const again = async () => (await furtherOf(daemon)).length
    t.is(await eventually(again, (count) => count === FRONTS - 1), FRONTS - 1)
    const all = await eventually(
      () => peersOf(daemon),
      (peers) => peers.every(({ status }) => status === 'connected'),
      30_000
    )
    t.deepEqual(idsOf(all), idsOf(before), 'it is the same node as before')

    const further = await furtherOf(daemon)
    await daemon.stop('SIGKILL')
    t.deepEqual(
      await eventually(
        () => aliveOf(further),
        (alive) => alive.length === 0
      ),
      []
    )

    const next = await up(t, { data, args: ['--fronts', '2'] })
    t.is((await get(`${next.http}/fn/hello?name=Ada`)).status, 200)
    const left = await descendantsOf(await next.pid())
    t.is(await next.stop(), 0)
    // Executors end by themselves, with the pipe to the front that had them.
    const ended = await eventually(
      () => aliveOf(left),
      (alive) => alive.length === 0
    )
    t.deepEqual(ended, [])
  })
}

test.serial('a machine that drains does so with all its fronts, also with one that is started again', async (t) => {
  const daemon = await up(t, { args: ['--fronts', '2', '--sample'] })
  const url = `${daemon.http}/fn/hello?name=Ada`
  t.is((await get(url)).status, 200)
  const all = (status: string) =>
    eventually(
      () => peersOf(daemon),
      (peers) => peers.length === 2 && peers.every((peer) => peer.status === status),
      30_000
    )
  t.is((await daemon.cli('drain')).code, 0)
  await all('draining')
  const [further] = await furtherOf(daemon)
  process.kill(further as number, 'SIGKILL')
  await eventually(
    () => furtherOf(daemon),
    (pids) => pids.length === 1 && pids[0] !== further
  )
  await all('draining')
  for (let call = 0; call < 10; call++) t.is((await get(url)).status, 503)
  await daemon.cli('drain', '--off')
  await all('connected')
  for (let call = 0; call < 10; call++) t.is((await get(url)).status, 200)
})

test.serial('a machine that leaves does so with all its fronts, and they with what they had', async (t) => {
  const founder = await up(t)
  const token = (await founder.cli('invite')).stdout.trim()
  const daemon = await up(t, { args: ['--join', token, '--fronts', String(FRONTS)] })
  await withEcho(daemon)
  await eventually(
    () => peersOf(founder),
    (peers) => peers.length === 1 + FRONTS && peers.every(({ status }) => status === 'connected'),
    30_000
  )
  const ended = new Promise((resolve) => daemon.child.once('exit', resolve))
  const left = await daemon.cli('leave', '--yes')
  t.is(left.code, 0, `${left.stderr}${daemon.log.slice(-20).join('\n')}`)
  t.is(await ended, 0)
  const peers = await eventually(
    () => peersOf(founder),
    (all) => all.length === 1,
    20_000
  )
  t.deepEqual(idsOf(peers), [founder.peerId])
  t.is((await get(`${founder.http}/readyz`)).status, 200)
  const { accessKeyId, secretAccessKey } = await founder.keys()
  const there = new LambdaClient({ endpoint: founder.http, region: 'x', credentials: { accessKeyId, secretAccessKey } })
  t.is((await invoke(there, 'echo', {})).StatusCode, 200)
  for (const folder of ['', 'fronts/2/', 'fronts/3/'])
    for (const file of ['node.key', 'membership.cbor'])
      await t.throwsAsync(stat(join(daemon.dataDir, folder, 'mesh', file)), { code: 'ENOENT' })
})

test.serial('a port that another program has is not shared with it', async (t) => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen({ host: '127.0.0.1', port: 0, reusePort: true }, resolve))
  t.teardown(() => other.close())
  const { port } = other.address() as { port: number }
  const error = await t.throwsAsync(up(t, { args: ['--http', `127.0.0.1:${port}`, '--fronts', '2'] }))
  t.regex(error?.message ?? '', new RegExp(`EADDRINUSE.*${port}|${port}.*(in use|taken)`))
})
