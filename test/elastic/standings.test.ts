import { CreateFunctionCommand } from '@aws-sdk/client-lambda'
import type { InstanceStatus } from '@peerless/interface'
import test from 'ava'
import { type Daemon, dataFolder, eventually, up } from '../_daemon.ts'
import { invoke, lambdaOf, ROLE, zipOf } from '../_functions.ts'

/** V8 can't be stopped in this: the daemon has to end the process. */
const SOURCE = `export const handler = (event) => { if (event.hang) { let b = 3n ** 100000n; for (;;) b *= b } return 'ok' }`

async function standingOf(daemon: Daemon): Promise<string | undefined> {
  const { stdout } = await daemon.cli('top', '--json')
  const { node } = JSON.parse(stdout) as { node: { instances: InstanceStatus[] } }
  return node.instances.find((instance) => instance.function === 'moody')?.standing
}

test('a function that had to be ended is in quarantine after a restart, too', async (t) => {
  const data = await dataFolder(t)
  const first = await up(t, { data })
  const client = await lambdaOf(first)
  await client.send(
    new CreateFunctionCommand({
      FunctionName: 'moody',
      Role: ROLE,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Timeout: 1,
      MemorySize: 1024,
      Code: { ZipFile: zipOf(SOURCE) }
    })
  )
  for (let call = 0; call < 130; call++) t.is((await invoke(client, 'moody', {})).result, 'ok')
  t.is(await standingOf(first), 'proven')
  t.is((await invoke(client, 'moody', { hang: true })).FunctionError, 'Unhandled')
  // The call is told at once; that V8 does not come back is found out a little later.
  await eventually(
    async () => first.log.some((line) => line.includes('goes into quarantine')),
    (seen) => seen,
    20_000
  )
  await first.stop()
  const second = await up(t, { data })
  t.is((await invoke(await lambdaOf(second), 'moody', {})).result, 'ok')
  t.is(await standingOf(second), 'quarantine')
})
