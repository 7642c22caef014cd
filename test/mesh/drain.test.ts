import { InvokeCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, up } from '../_daemon.ts'
import { create, get, HELLO, lambdaOf } from '../_functions.ts'

interface Peer {
  peerId: string
  status: string
}

async function statusOf(asked: Daemon, { peerId }: Daemon): Promise<string | undefined> {
  const { code, stdout, stderr } = await asked.cli('peers', '--json')
  if (code !== 0) throw new Error(stderr)
  return (JSON.parse(stdout) as Peer[]).find((peer) => peer.peerId === peerId)?.status
}

const seenAs = (asked: Daemon, of: Daemon, status: string) =>
  eventually(
    () => statusOf(asked, of),
    (seen) => seen === status
  )

/** Which node ran it. */
async function ranAt(daemon: Daemon): Promise<string | undefined> {
  const { status, headers } = await get(`${daemon.http}/fn/hello?name=Ada`)
  return status === 200 ? String(headers['x-peerless-node']) : undefined
}

test('a node that drains runs nothing more, answers all the same, and comes back', async (t) => {
  const a = await up(t)
  await create(a, 'hello', HELLO)
  // An instance is idle at the one that is to drain.
  t.is(await ranAt(a), a.peerId)
  const b = await up(t, { args: ['--join', (await a.cli('invite')).stdout.trim()] })
  await eventually(
    () => ranAt(b),
    (node) => node !== undefined
  )
  const drained = await a.cli('drain', '--json')
  t.is(drained.code, 0, drained.stderr)
  t.deepEqual(JSON.parse(drained.stdout), { draining: true, inFlight: 0, takers: 1 })
  t.is(await statusOf(a, a), 'draining')
  await seenAs(b, a, 'draining')
  const node = await a.cli('show', '--node', '--json')
  t.true(JSON.parse(node.stdout).draining)
  t.regex((await a.cli('show', '--node')).stdout, /draining: takes none/)
  const ready = await get(`${a.http}/readyz`)
  t.deepEqual([ready.status, JSON.parse(ready.body).message], [503, 'draining'])
  for (const asked of [a, b, a, b]) t.is(await ranAt(asked), b.peerId)
  // It is a node of the mesh in every other way: it takes deployments, and events that run elsewhere.
  await create(a, 'again', HELLO)
  const lambda = await lambdaOf(a)
  const payload = Buffer.from('{"name":"Grace"}')
  const accepted = await lambda.send(new InvokeCommand({ FunctionName: 'hello', InvocationType: 'Event', Payload: payload }))
  t.is(accepted.StatusCode, 202)
  const id = accepted.$metadata.requestId as string
  const result = await eventually(
    () => a.cli('result', id),
    ({ code }) => code === 0
  )
  t.is(result.stdout.trim(), '{"hello":"Grace"}')
  // Once more is no change.
  t.is((await a.cli('drain')).code, 0)
  t.regex((await a.cli('drain')).stderr, /Draining: 0 requests .* goes to 1 other\. 'peerless drain --off'/)

  const back = await a.cli('drain', '--off')
  t.is(back.code, 0, back.stderr)
  t.is(back.stderr, 'It takes work again.\n')
  t.is(await statusOf(a, a), 'connected')
  await seenAs(b, a, 'connected')
  t.is((await get(`${a.http}/readyz`)).status, 200)
  t.is(await ranAt(a), a.peerId)
  await a.cli('drain')
  t.is(await a.stop(), 0)
  // Who starts a node wants it to work.
  const again = await up(t, { data: a.dataDir })
  t.is(await statusOf(again, again), 'connected')
})

test('a mesh of one that drains refuses calls with 503 and the reason, events too', async (t) => {
  const daemon = await up(t)
  await create(daemon, 'hello', HELLO)
  t.is(await ranAt(daemon), daemon.peerId)
  t.regex((await daemon.cli('drain')).stderr, /No other node takes work, so calls that come here are refused/)
  const { status, body, headers } = await get(`${daemon.http}/fn/hello`)
  t.is(status, 503)
  t.regex(body, /this node is draining, and no other one is connected/)
  t.truthy(headers['retry-after'])
  const lambda = await lambdaOf(daemon)
  const order = { FunctionName: 'hello', Payload: Buffer.from('{}') }
  for (const InvocationType of ['RequestResponse', 'Event'] as const) {
    const error = await t.throwsAsync<Error & { $metadata: { httpStatusCode?: number } }>(
      lambda.send(new InvokeCommand({ ...order, InvocationType }))
    )
    t.is(error?.$metadata.httpStatusCode, 503, InvocationType)
    t.regex(error?.message ?? '', /draining/)
  }
  await daemon.cli('drain', '--off')
  t.is(await ranAt(daemon), daemon.peerId)
})

test('a node that runs nothing itself is ready while another that does is connected', async (t) => {
  const gateway = await up(t, { args: ['--slots', '0'] })
  const readiness = async () => {
    const { status, body } = await get(`${gateway.http}/readyz`)
    return status === 200 ? '' : String(JSON.parse(body).message)
  }
  t.regex(await readiness(), /runs nothing itself \(--slots 0\), and no node that does is connected/)
  const worker = await up(t, { args: ['--join', (await gateway.cli('invite')).stdout.trim()] })
  await eventually(readiness, (reason) => reason === '')
  t.is((await worker.cli('drain')).code, 0)
  await eventually(readiness, (reason) => reason.includes('runs nothing itself'))
  t.is((await worker.cli('drain', '--off')).code, 0)
  await eventually(readiness, (reason) => reason === '')
})
