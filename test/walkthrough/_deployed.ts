import { CreateFunctionCommand, CreateFunctionUrlConfigCommand, type LambdaClient, type Runtime } from '@aws-sdk/client-lambda'
import test from 'ava'
import { zipSync } from 'fflate'
import { type Daemon, up } from '../_daemon.ts'
import { lambdaOf, ROLE } from '../_functions.ts'

export interface Shared {
  node: Daemon
  lambda: LambdaClient
}

/** One daemon for all tests of a file, started before them and stopped after them. After them it must still be ready. */
export function sharedDaemon(): Shared {
  const shared = {} as Shared
  const endings: (() => unknown)[] = []
  test.before(async () => {
    shared.node = await up({ teardown: (ending) => endings.unshift(ending) })
    shared.lambda = await lambdaOf(shared.node)
  })
  test.after('the daemon is the same and ready after all of it', async (t) => {
    const pid = await shared.node.pid()
    t.is((await fetch(`${shared.node.http}/readyz`)).status, 200)
    t.notThrows(() => process.kill(pid, 0))
    await deploy(shared, 'afterwards', { 'index.mjs': 'export const handler = async () => "still here"' }, { url: true })
    t.is(await (await fetch(`${shared.node.http}/fn/afterwards`)).text(), 'still here')
    t.deepEqual(
      shared.node.log.filter((line) => /"level":(50|60)/.test(line)),
      [],
      'and nothing of it was an error of the node'
    )
  })
  test.after.always(async () => {
    for (const ending of endings) await ending()
  })
  return shared
}

export type Files = Readonly<Record<string, string>>

export function zipOfFiles(files: Files): Uint8Array {
  const entries = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const)
  return zipSync(Object.fromEntries(entries), { mtime: new Date('2026-01-01T00:00:00Z') })
}

export interface DeployOptions {
  handler?: string
  memoryMb?: number
  timeoutSeconds?: number
  url?: boolean
}

/** By the stock client; a zip is uploaded as it is. */
export async function deploy(
  { lambda }: Shared,
  name: string,
  code: Files | Uint8Array,
  options: DeployOptions = {}
): Promise<void> {
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: ROLE,
      Runtime: 'nodejs22.x' as Runtime,
      Handler: options.handler ?? 'index.handler',
      MemorySize: options.memoryMb,
      Timeout: options.timeoutSeconds,
      Code: { ZipFile: code instanceof Uint8Array ? code : zipOfFiles(code) }
    })
  )
  if (options.url === true) await lambda.send(new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'NONE' }))
}
