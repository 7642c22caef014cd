import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutFunctionConcurrencyCommand, PutProvisionedConcurrencyConfigCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, dataFolder, up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'

test('versions, aliases and what is set for them, from the command line', async (t) => {
  const node = await up(t)
  const folder = await mkdtemp(join(await dataFolder(t), 'app-'))
  const deploy = async (text: string) => {
    await writeFile(join(folder, 'index.mjs'), `export const handler = async () => ${JSON.stringify(text)}`)
    await good(node, 'deploy', folder, '--name', 'app', '--url')
  }
  await deploy('one')
  t.regex(
    (await good(node, 'versions', 'app', '--publish', '--description', 'the first')).stderr,
    /^app:1 is what \$LATEST is now/
  )
  t.regex((await good(node, 'versions', 'app', '--publish')).stderr, /^app:1 /, 'nothing changed')
  await deploy('two')
  await good(node, 'versions', 'app', '--publish')
  const versions = JSON.parse((await good(node, 'versions', 'app', '--json')).stdout) as {
    Version: string
    Description: string
  }[]
  t.deepEqual(
    versions.map(({ Version, Description }) => [Version, Description]),
    [
      ['$LATEST', ''],
      ['1', 'the first'],
      ['2', '']
    ]
  )

  t.is((await good(node, 'alias', 'set', 'app:live', '1', '--description', 'for people')).stderr, 'app:live leads to 1.\n')
  t.is(JSON.parse((await good(node, 'invoke', 'app:live')).stdout), 'one')
  t.is((await good(node, 'alias', 'set', 'app:live', '1', '--split', '2=12.5')).stderr, 'app:live leads to 1 87.5 %, 2 12.5 %.\n')
  t.like(JSON.parse((await good(node, 'alias', 'ls', 'app', '--json')).stdout)[0], {
    Name: 'live',
    FunctionVersion: '1',
    Description: 'for people',
    RoutingConfig: { AdditionalVersionWeights: { 2: 0.125 } }
  })
  t.regex((await good(node, 'alias', 'ls', 'app')).stdout, /^live +1 87\.5 %, 2 12\.5 % +for people$/m)
  t.regex((await good(node, 'versions', 'app')).stdout, /^2 +live +128 MB/m)

  const client = await lambdaOf(node)
  await client.send(new PutFunctionConcurrencyCommand({ FunctionName: 'app', ReservedConcurrentExecutions: 7 }))
  const warm = { FunctionName: 'app', Qualifier: 'live', ProvisionedConcurrentExecutions: 1 }
  await client.send(new PutProvisionedConcurrencyConfigCommand(warm))
  const shown = (await good(node, 'show', 'app')).stdout
  t.regex(shown, /^versions +1, 2$/m)
  t.regex(shown, /^aliases +live leads to 1 87\.5 %, 2 12\.5 %$/m)
  t.regex(shown, /^reserved +7 concurrent calls$/m)
  t.regex(shown, /^provisioned +1 instances of live \(\w+\)$/m)
  t.regex(shown, /^url +http:\/\/127\.0\.0\.1:\d+\/fn\/app\/? \(auth NONE\)$/m)
  t.like(JSON.parse((await good(node, 'show', 'app', '--json')).stdout), {
    FunctionName: 'app',
    Versions: ['$LATEST', '1', '2'],
    ReservedConcurrentExecutions: 7,
    AuthType: 'NONE'
  })

  await good(node, 'alias', 'set', 'app:live', '2')
  t.is(JSON.parse((await good(node, 'invoke', 'app:live')).stdout), 'two')
  await good(node, 'alias', 'rm', 'app:live')
  t.is((await good(node, 'alias', 'ls', 'app', '--json')).stdout, '[]\n')
  for (const args of [
    ['alias', 'rm', 'app:live'],
    ['alias', 'set', 'app:live', '9'],
    ['versions', 'nobody'],
    ['alias', 'ls', 'nobody']
  ]) {
    const refused = await node.cli(...args)
    t.is(refused.code, 1, args.join(' '))
    t.regex(refused.stderr, /not found|not exist|Cannot find/i, args.join(' '))
  }
})

async function good(node: Daemon, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const { code, ...said } = await node.cli(...args)
  if (code !== 0) throw new Error(`${args.join(' ')}: ${said.stderr}`)
  return said
}
