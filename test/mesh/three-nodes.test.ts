import { UpdateFunctionCodeCommand } from '@aws-sdk/client-lambda'
import test, { type ExecutionContext } from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { create, flood, get, HELLO, invoke, lambdaOf, SLEEP, zipOf } from '../_functions.ts'

test('a function deployed at one node answers at the others within a second, and what ran is charged', async (t) => {
  const [a, b, c] = (await meshOf(t, 3)) as [Daemon, Daemon, Daemon]
  await create(a, 'hello', HELLO)
  const deployed = performance.now()
  const client = await lambdaOf(b, a)
  const answer = await eventually(
    () => invoke(client, 'hello', { name: 'Ada' }).catch((error: Error) => ({ result: error.name })),
    ({ result }) => typeof result === 'object',
    1_000
  )
  t.deepEqual(answer.result, { hello: 'Ada' })
  const page = await eventually(
    () => get(`${c.http}/fn/hello?name=Grace`),
    ({ status }) => status === 200,
    1_000
  )
  t.log(`answered at both others ${Math.round(performance.now() - deployed)} ms after the deployment`)
  t.is(page.body, '{"hello":"Grace"}')
  for (const name of [
    'x-amzn-requestid',
    'x-peerless-node',
    'x-peerless-duration-ms',
    'x-peerless-billed-ms',
    'x-peerless-charge'
  ]) {
    t.truthy(page.headers[name], name)
  }

  // A new code is what the others run, too, soon after.
  await (await lambdaOf(a)).send(
    new UpdateFunctionCodeCommand({ FunctionName: 'hello', ZipFile: zipOf(`export const handler = () => 'second'`) })
  )
  await eventually(
    () => invoke(client, 'hello', {}),
    ({ result }) => result === 'second',
    1_000
  )

  // Each answered call is one line of every node's statement, and the balances are the same everywhere and sum to zero.
  const lines = await eventually(
    () => statementOf(a),
    (all) => all.length >= 3
  )
  await eventually(
    () => Promise.all([a, b, c].map(balancesOf)),
    (all) => new Set(all.map((one) => JSON.stringify(one))).size === 1 && all[0]?.length !== 0
  )
  t.is(new Set(lines.map(({ requestId }) => requestId)).size, lines.length)
  sumsToZero(t, await balancesOf(c))
})

test('three calls at once through one node of one slot run on three nodes', async (t) => {
  const nodes = await meshOf(t, 3, ['--slots', '1'])
  const [a] = nodes as [Daemon]
  await create(a, 'sleep', SLEEP)
  const client = await lambdaOf(a)
  // Every node has said what it has once the peers are shown with their slots.
  await eventually(
    () => peersOf(a),
    (peers) => peers.filter(({ slots }) => slots === 1).length === 3
  )
  await eventually(
    () => Promise.all([1, 2, 3].map(() => invoke(client, 'sleep', { ms: 200 }))),
    (answers) => new Set(answers.map(({ node }) => node)).size === 3,
    5_000
  )
  t.pass()
})

test('20,000 calls at concurrency 64 over three nodes leave 20,000 receipts on every node', async (t) => {
  const nodes = await meshOf(t, 3)
  const [a] = nodes as [Daemon]
  await create(a, 'hello', HELLO)
  const urls = nodes.map(({ http }) => `${http}/fn/hello?name=Ada`)
  for (const url of urls)
    await eventually(
      () => get(url),
      ({ status }) => status === 200
    )
  const before = (
    await eventually(
      () => statementOf(a),
      (lines) => lines.length === new Set(lines.map(({ requestId }) => requestId)).size
    )
  ).length
  t.true(before <= urls.length + 10)
  const ids = new Set<string>()
  let charged = 0n
  await flood(urls, 20_000, 64, ({ status, headers }) => {
    if (status !== 200) throw new Error(`answered ${status}`)
    ids.add(String(headers['x-amzn-requestid']))
    charged += BigInt(String(headers['x-peerless-charge']))
  })
  t.is(ids.size, 20_000)
  for (const node of nodes) {
    const lines = await eventually(
      () => statementOf(node),
      (all) => all.filter(({ requestId }) => ids.has(requestId)).length === 20_000,
      20_000
    )
    const mine = lines.filter(({ requestId }) => ids.has(requestId))
    t.is(new Set(mine.map(({ requestId }) => requestId)).size, 20_000)
    t.is(
      mine.reduce((sum, { charge }) => sum + BigInt(charge), 0n),
      charged
    )
    sumsToZero(t, await balancesOf(node))
    const verified = await node.cli('ledger', 'verify')
    t.is(verified.code, 0, verified.stderr)
  }
})

interface Line {
  requestId: string
  charge: number
}

async function statementOf(node: Daemon): Promise<Line[]> {
  const { stdout } = await node.cli('ledger', 'statement', '--json')
  return stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
}

async function balancesOf(node: Daemon): Promise<{ account: string; balance: string }[]> {
  return JSON.parse((await node.cli('ledger', 'balance', '--json')).stdout)
}

async function peersOf(node: Daemon): Promise<{ slots: number; status: string }[]> {
  return JSON.parse((await node.cli('peers', '--json')).stdout)
}

function sumsToZero(t: ExecutionContext, balances: { balance: string }[]): void {
  t.is(
    balances.reduce((sum, { balance }) => sum + BigInt(balance), 0n),
    0n
  )
}
