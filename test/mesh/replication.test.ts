import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateFunctionCommand, GetFunctionCommand, type Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { get, HELLO, invoke, lambdaOf, ROLE, zipOf } from '../_functions.ts'

test('code that nobody called yet survives the node where it was deployed', async (t) => {
  const [a, b] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const zip = zipOf(HELLO)
  await (await lambdaOf(a)).send(
    new CreateFunctionCommand({
      FunctionName: 'hello',
      Role: ROLE,
      Runtime: 'nodejs22.x' as Runtime,
      Handler: 'index.handler',
      Code: { ZipFile: zip }
    })
  )
  const blocks = async () => (await readdir(join(b.dataDir, 'blocks'))).filter((name) => name.startsWith('bafk'))
  await eventually(blocks, (names) => names.length === 2)
  await a.stop('SIGKILL')
  const client = await lambdaOf(b)
  t.deepEqual((await invoke(client, 'hello', { name: 'Ada' })).result, { hello: 'Ada' })
  const { Code } = await client.send(new GetFunctionCommand({ FunctionName: 'hello' }))
  t.is((await get(String(Code?.Location))).status, 200)
})
