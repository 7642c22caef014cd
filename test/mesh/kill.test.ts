import { CreateFunctionCommand, type Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, meshOf, up } from '../_daemon.ts'
import { invoke, lambdaOf, ROLE, zipOf } from '../_functions.ts'
import { recorder } from '../_recorder.ts'

/** Says where it began before it sleeps. */
const SLEEP_SAYING = (url: string) => `export const handler = async ({ ms }, context) => {
  await fetch('${url}?ms=' + ms + '&node=' + context.peerless.node)
  await new Promise((resolve) => setTimeout(resolve, ms))
  return { slept: ms }
}`

/** Of a function that sleeps for 3 s: on a loaded machine the request in which it says that it began takes seconds. */
const TIMEOUT_S = 15

for (const victim of [0, 1, 2]) {
  test(`kill -9 of ${victim === 0 ? 'the founder' : `node ${victim}`}: the others go on, and it comes back with its data`, async (t) => {
    const nodes = await meshOf(t, 3, ['--slots', '4', '--allow-egress', '127.0.0.0/8'])
    const { url, until } = await recorder(t)
    const [first] = nodes as [Daemon]
    const founder = await lambdaOf(first)
    await founder.send(
      new CreateFunctionCommand({
        FunctionName: 'sleep',
        Role: ROLE,
        Runtime: 'nodejs22.x' as Runtime,
        Handler: 'index.handler',
        Timeout: TIMEOUT_S,
        Code: { ZipFile: zipOf(SLEEP_SAYING(url)) }
      })
    )
    const dies = nodes[victim] as Daemon
    const alive = nodes.filter((node) => node !== dies) as [Daemon, Daemon]
    const client = await lambdaOf(alive[0])
    await eventually(
      () => invoke(client, 'sleep', { ms: 1 }).catch(() => undefined),
      (answer) => answer?.result !== undefined,
      5_000
    )
    await eventually(
      async () => JSON.parse((await alive[0].cli('peers', '--json')).stdout) as { slots: number }[],
      (peers) => peers.filter(({ slots }) => slots === 4).length === 3
    )

    // 20 calls for 12 slots: all three nodes run some, the rest waits at the node that was called.
    const started = performance.now()
    const calls = Array.from({ length: 20 }, () =>
      invoke(client, 'sleep', { ms: 3_000 }).then(
        ({ node, result }) => ({ node, result, error: undefined }),
        (error: Error) => ({ node: '', result: undefined, error })
      )
    )
    // What only waits for an instance there has not started, and is run elsewhere.
    await until((query) => query.get('node') === dies.peerId && query.get('ms') === '3000')
    await dies.stop('SIGKILL')

    const answers = await Promise.all(calls)
    const failed = answers.filter(({ error }) => error !== undefined)
    t.true(
      failed.length >= 1 && failed.length <= 4,
      `${failed.length} of 20 were in flight on it and failed: ${failed[0]?.error}`
    )
    t.true(performance.now() - started < 5_000 + 12_000, 'well within the deadline')
    for (const { node, error, result } of answers) {
      if (error === undefined) t.deepEqual(result, { slept: 3_000 })
      if (error === undefined && node === dies.peerId) t.pass('it had answered before it died')
    }
    // Calls through both others go on.
    for (const node of alive) t.deepEqual((await invoke(await lambdaOf(node), 'sleep', { ms: 1 })).result, { slept: 1 })

    const back = await up(t, { data: dies.dataDir, args: ['--slots', '4', '--allow-egress', '127.0.0.0/8'] })
    t.is(back.peerId, dies.peerId)
    t.deepEqual((await invoke(await lambdaOf(back), 'sleep', { ms: 1 })).result, { slept: 1 })
    const all = [back, ...alive]
    await eventually(
      () => Promise.all(all.map(async (node) => (await node.cli('ledger', 'balance', '--json')).stdout)),
      (balances) => new Set(balances).size === 1 && sum(balances[0] as string) === 0n,
      20_000
    )
    for (const node of all) {
      const verified = await node.cli('ledger', 'verify')
      t.is(verified.code, 0, verified.stderr)
    }
  })
}

function sum(balances: string): bigint {
  return (JSON.parse(balances) as { balance: string }[]).reduce((total, { balance }) => total + BigInt(balance), 0n)
}
