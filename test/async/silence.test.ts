import type { LambdaClient } from '@aws-sdk/client-lambda'
import test, { type ExecutionContext } from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { recorder } from '../_recorder.ts'
import { deploy, type Result, resultOf, send } from './_async.ts'

const EVENTS_PER_NODE = 40

test('with one node standing still and another killed under load, what was accepted ends once, and what ran again is marked', async (t) => {
  t.timeout(300_000)
  const { url, heard } = await recorder(t)
  const runs = () => heard.map((query) => ({ n: Number(query.get('n')), attempt: Number(query.get('attempt')) }))
  const nodes = await meshOf(t, 3, ['--allow-egress', '127.0.0.0/8'])
  const [a, b, c] = nodes as [Daemon, Daemon, Daemon]
  const source = `export const handler = async ({ n, url }, context) => {
    await fetch(url + '?n=' + n + '&attempt=' + context.peerless.attempt)
    await new Promise((done) => setTimeout(done, 30))
    return n
  }`
  await deploy(await lambdaOf(a), 'work', source)
  const clients = await Promise.all(nodes.map((node) => lambdaOf(node, a)))
  for (const [index, client] of clients.entries())
    await eventually(
      () => send(client, 'work', { n: -1 - index, url }).catch(() => ''),
      (id) => id !== ''
    )
  const accepted = new Map<string, number>()
  const stalled = standStill(t, c)
  const load = async (node: number, client: LambdaClient) => {
    for (let index = 0; index < EVENTS_PER_NODE; index++) {
      const n = node * EVENTS_PER_NODE + index
      try {
        accepted.set(await send(client, 'work', { n, url }), n)
      } catch {
        // Its client knows that it may not be accepted.
      }
      if (node === 1 && index === EVENTS_PER_NODE / 4) stalled.begin()
    }
  }
  await Promise.all(clients.slice(0, 2).map((client, node) => load(node, client)))
  // Longer than its lease, so that its events were taken over; then it goes on, and finds that they were.
  const ended = (n: number) => runs().some((run) => run.n === n)
  await eventually(
    async () => [...accepted.values()].filter((n) => !ended(n)).length,
    (missing) => missing === 0,
    60_000
  )
  await eventually(
    async () => (await a.cli('peers', '--json')).stdout,
    (text) =>
      (JSON.parse(text) as { peerId: string; status: string }[]).find(({ peerId }) => peerId === c.peerId)?.status ===
      'unreachable',
    30_000
  )
  stalled.end()
  await eventually(
    async () => (await a.cli('peers', '--json')).stdout,
    (text) => (JSON.parse(text) as { status: string }[]).every(({ status }) => status === 'connected'),
    30_000
  )
  const more = [load(2, clients[2] as LambdaClient), load(3, clients[0] as LambdaClient), load(4, clients[1] as LambdaClient)]
  await eventually(
    async () => accepted.size,
    (count) => count > 3 * EVENTS_PER_NODE,
    60_000
  )
  await b.stop('SIGKILL')
  await Promise.all(more)
  t.true(accepted.size >= 4 * EVENTS_PER_NODE, `${accepted.size} accepted`)

  const endOf = (node: Daemon, id: string) =>
    eventually(
      () => resultOf(node, id, a).catch(() => undefined),
      (one) => one?.status === 'succeeded',
      60_000
    ) as Promise<Result>
  const check = async (id: string, n: number) => {
    const [one, other] = await Promise.all([endOf(a, id), endOf(c, id)])
    t.is(one.result, n)
    t.deepEqual(one, other, 'both nodes know the same one end')
  }
  await Promise.all([...accepted].map(([id, n]) => check(id, n)))
  for (const n of accepted.values()) t.true(ended(n), `${n} ran`)
  const begun = runs()
    .filter(({ n }) => n >= 0)
    .map(({ n, attempt }) => `${n} attempt ${attempt}`)
  t.is(new Set(begun).size, begun.length, 'what runs again has another number')
  t.log(
    `${accepted.size} accepted, ${begun.length} runs, ${runs().filter(({ attempt }) => attempt > 1).length} of them further attempts`
  )
})

function standStill(t: ExecutionContext, node: Daemon): { begin(): void; end(): void } {
  let pid = 0
  const end = () => {
    if (pid > 0) process.kill(pid, 'SIGCONT')
  }
  t.teardown(end)
  return {
    begin() {
      node.pid().then((found) => {
        pid = found
        process.kill(pid, 'SIGSTOP')
      })
    },
    end
  }
}
