import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateFunctionCommand, type LambdaClient, type Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, dataFolder, eventually, up } from '../_daemon.ts'
import { invoke, lambdaOf, ROLE, SLEEP, zipOf } from '../_functions.ts'

const STAGED = join(import.meta.dirname, '_staged-node.ts')
/** It takes three in a row to leave a node alone by oneself, and a word of three to leave it alone together (packages/routing/src/constants.ts); and some were under way. */
const FAILURES_EACH_MAX = 12

test('a node that fails every call is avoided on the word of others, and used again when it is well', async (t) => {
  t.timeout(600_000)
  const sickness = join(await dataFolder(t), 'ill')
  const well = await up(t, { args: ['--slots', '8'] })
  const invite = (await well.cli('invite', '--uses', '5')).stdout.trim()
  // All but two run nothing themselves, so each call goes to one of the two.
  const staged = (slots: string, env = {}) => up(t, { args: ['--join', invite, '--slots', slots], preload: STAGED, env })
  const [ill, ...callers] = (await Promise.all([
    staged('8', { PEERLESS_STAGED_ILL: sickness }),
    ...Array.from({ length: 4 }, () => staged('0'))
  ])) as [Daemon, ...Daemon[]]
  await (await lambdaOf(well)).send(
    new CreateFunctionCommand({
      FunctionName: 'sleep',
      Role: ROLE,
      Runtime: 'nodejs22.x' as Runtime,
      Handler: 'index.handler',
      Timeout: 15,
      Code: { ZipFile: zipOf(SLEEP) }
    })
  )
  const clients = await Promise.all(callers.map((node) => lambdaOf(node)))
  for (const client of clients) await usesBoth(client, [well, ill])

  await writeFile(sickness, '')
  const avoids = (caller: Daemon) => caller.log.includes(`avoids ${ill.peerId}`)
  const end = performance.now() + 120_000
  const met = await Promise.all(
    clients.map(async (client) => {
      const reasons: string[] = []
      // Who has left it alone by itself asks nobody, so the word of others shows at the first that would have called there once more.
      while (!callers.some(avoids)) {
        if (performance.now() > end) throw new Error(`nobody avoids it after ${reasons.length} failures`)
        const failed = await invoke(client, 'sleep', { ms: 1 }).then(
          () => undefined,
          ({ message }: Error) => message
        )
        if (failed !== undefined) reasons.push(failed)
      }
      return reasons
    })
  )
  for (const reasons of met) {
    t.true(reasons.length <= FAILURES_EACH_MAX, `${reasons.length} failures until it was avoided`)
    for (const reason of reasons) t.regex(reason, /malformed answer/)
  }

  await rm(sickness)
  for (const client of clients) await usesBoth(client, [well, ill])
  for (const node of [well, ill, ...callers.slice(0, 1)]) {
    const verified = await node.cli('ledger', 'verify')
    t.is(verified.code, 0, verified.stderr)
  }
})

/** More calls at once than one of them has slots, until each of the nodes has answered one. */
async function usesBoth(client: LambdaClient, nodes: Daemon[]): Promise<void> {
  const seen = new Set<string>()
  await eventually(
    async () => {
      const answers = await Promise.allSettled(Array.from({ length: 12 }, () => invoke(client, 'sleep', { ms: 300 })))
      for (const answer of answers) if (answer.status === 'fulfilled') seen.add(answer.value.node)
      return nodes.filter(({ peerId }) => !seen.has(peerId)).length
    },
    (missing) => missing === 0,
    60_000
  )
}
