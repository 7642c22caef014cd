import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CreateFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  InvokeCommand,
  type LambdaClient
} from '@aws-sdk/client-lambda'
import test, { type ExecutionContext } from 'ava'
import { type Daemon, eventually, meshOf, up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { ask } from './_http.ts'
import { deploy } from './_streams.ts'

/** Functions that call it go on when it lets them. */
async function gate(t: ExecutionContext): Promise<{ url: string; waiting(count: number): Promise<void>; open(): void }> {
  const held: ServerResponse[] = []
  const server = createServer((_request, response) => {
    held.push(response)
    server.emit('held')
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async waiting(count) {
      while (held.length < count) await once(server, 'held')
    },
    open() {
      for (const response of held.splice(0)) response.end('go')
    }
  }
}

const HELD = (url: string) => `export const handler = async () => (await fetch('${url}')).text()`
const STREAMED = (url: string) => `export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('first ')
  stream.end(await (await fetch('${url}')).text())
})`

async function withUrl(client: LambdaClient, name: string, mode: 'BUFFERED' | 'RESPONSE_STREAM'): Promise<void> {
  await client.send(new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'NONE', InvokeMode: mode }))
}

/** Deploys both at one node; resolves when the other knows them. */
async function deployBoth(url: string, at: LambdaClient, other: LambdaClient): Promise<void> {
  await deploy(at, 'held', HELD(url))
  await deploy(at, 'streamed', STREAMED(url))
  await withUrl(at, 'held', 'BUFFERED')
  await withUrl(at, 'streamed', 'RESPONSE_STREAM')
  await eventually(
    () => other.send(new GetFunctionUrlConfigCommand({ FunctionName: 'streamed' })).catch(() => undefined),
    (found) => found !== undefined
  )
}

async function drains(asked: Daemon, { peerId }: Daemon): Promise<void> {
  await eventually(
    async () => JSON.parse((await asked.cli('peers', '--json')).stdout) as { peerId: string; status: string }[],
    (peers) => peers.find((peer) => peer.peerId === peerId)?.status === 'draining'
  )
}

/** Its answer, which was neither refused nor cut. */
async function whole(t: ExecutionContext, answer: ReturnType<typeof ask>): ReturnType<typeof ask> {
  const got = await answer
  t.is(got.status, 200)
  t.false(got.cut)
  t.regex(got.text, /^(first )?go$/)
  return got
}

test('a node that is told to stop answers what it began, takes nothing more and ends with 0', async (t) => {
  const [a, b] = (await meshOf(t, 2, ['--allow-egress', '127.0.0.0/8'])) as [Daemon, Daemon]
  const { url, waiting, open } = await gate(t)
  const lambda = await lambdaOf(a)
  const there = await lambdaOf(b, a)
  await deployBoth(url, lambda, there)
  const answers: ReturnType<typeof ask>[] = []
  const first = new Promise<void>((resolve) => {
    t.teardown(() => open())
    answers.push(ask(b.http, { path: '/fn/streamed', onData: () => resolve() }))
  })
  const signed = there.send(new InvokeCommand({ FunctionName: 'held' }))
  answers.push(ask(b.http, { path: '/fn/held' }))
  await waiting(3)
  await first
  const stopped = b.stop('SIGTERM')
  await drains(a, b)
  t.is(
    await ask(b.http, { path: '/fn/held' })
      .then(({ status }) => status)
      .catch(() => 'closed'),
    'closed',
    'nothing more'
  )
  const late = lambda.send(new InvokeCommand({ FunctionName: 'held' }))
  await waiting(4)
  open()
  for (const answer of answers) {
    const { text, headers } = await whole(t, answer)
    if (!text.startsWith('first')) t.is(headers.connection, 'close')
  }
  t.is(Buffer.from((await signed).Payload ?? []).toString(), '"go"')
  t.is(Buffer.from((await late).Payload ?? []).toString(), '"go"', 'its peer runs what comes after')
  t.is(await stopped, 0)
})

test('calls that a peer forwarded to a node that is told to stop are answered whole', async (t) => {
  const gateway = await up(t, { args: ['--slots', '0'] })
  const invite = await gateway.cli('invite')
  const worker = await up(t, { args: ['--join', invite.stdout.trim(), '--allow-egress', '127.0.0.0/8'] })
  const { url, waiting, open } = await gate(t)
  t.teardown(() => open())
  await deployBoth(url, await lambdaOf(gateway), await lambdaOf(worker, gateway))
  const answers: ReturnType<typeof ask>[] = []
  const first = new Promise<void>((resolve) => {
    answers.push(ask(gateway.http, { path: '/fn/streamed', onData: () => resolve() }))
  })
  answers.push(ask(gateway.http, { path: '/fn/held' }))
  await waiting(2)
  await first
  const stopped = worker.stop('SIGTERM')
  await drains(gateway, worker)
  open()
  for (const answer of answers) t.is((await whole(t, answer)).headers['x-peerless-node'], worker.peerId)
  t.is(await stopped, 0)
})
