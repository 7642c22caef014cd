import { CreateFunctionCommand } from '@aws-sdk/client-lambda'
import type { InstanceStatus } from '@peerless/interface'
import test from 'ava'
import { type Daemon, dataFolder, up } from '../_daemon.ts'
import { invoke, lambdaOf, ROLE, zipOf } from '../_functions.ts'

const SOURCE = `export const handler = (event) => { while (event.hang); return 'ok' }`

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
      Code: { ZipFile: zipOf(SOURCE) }
    })
  )
  t.is((await invoke(client, 'moody', {})).result, 'ok')
  t.is(await standingOf(first), 'probation')
  t.is((await invoke(client, 'moody', { hang: true })).FunctionError, 'Unhandled')
  await first.stop()
  const second = await up(t, { data })
  t.is((await invoke(await lambdaOf(second), 'moody', {})).result, 'ok')
  t.is(await standingOf(second), 'quarantine')
})
