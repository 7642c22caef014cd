import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DeleteFunctionCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { dataFolder, run, up } from '../_daemon.ts'
import { get, lambdaOf } from '../_functions.ts'

const PEERLESS = join(import.meta.dirname, '..', '..', 'bin', 'peerless')
const SAMPLE = { args: ['--sample'] }

test('a first start that failed at a port that was taken does not use up the sample', async (t) => {
  const data = await dataFolder(t)
  const squatter = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => squatter.once('listening', resolve))
  const { port } = squatter.address() as AddressInfo
  const taken = [
    ['--http', `127.0.0.1:${port}`],
    ['--http', '127.0.0.1:0', '--listen', `/ip4/127.0.0.1/tcp/${port}`]
  ]
  for (const where of taken) {
    const failed = await run(PEERLESS, ['up', '--sample', '--data', data, ...where])
    t.is(failed.code, 1)
    t.regex(failed.stderr, new RegExp(`^error: listen EADDRINUSE.*:${port}\\n.*--http HOST:PORT or --listen MULTIADDR\\.\\n$`))
  }
  await new Promise((resolve) => squatter.close(resolve))

  const node = await up(t, { data, ...SAMPLE })
  t.is((await get(`${node.http}/fn/hello?name=Ada`)).body, 'Hello, Ada!\n')
})

test('a first start that failed at a port that was taken has founded no mesh and spent no invite', async (t) => {
  const founder = await up(t)
  const invite = (await founder.cli('invite')).stdout.trim()
  const data = await dataFolder(t)
  const http = founder.http.replace('http://', '')
  const [mesh = ''] = (JSON.parse((await founder.cli('peers', '--json')).stdout) as { addresses: string[] }[])[0]?.addresses ?? []
  for (const where of [
    ['--http', http],
    ['--http', '127.0.0.1:0', '--listen', mesh.replace(/\/p2p\/.*/, '')]
  ])
    for (const join of [[], ['--join', invite]]) t.is((await run(PEERLESS, ['up', '--data', data, ...where, ...join])).code, 1)

  const node = await up(t, { data, args: ['--join', invite] })
  t.is(node.ready.mesh, founder.ready.mesh)
})

test('a sample that was removed stays away at the next start', async (t) => {
  const data = await dataFolder(t)
  const first = await up(t, { data, ...SAMPLE })
  t.is((await get(`${first.http}/fn/hello`)).status, 200)
  await (await lambdaOf(first)).send(new DeleteFunctionCommand({ FunctionName: 'hello' }))
  t.is(await first.stop(), 0)
  const second = await up(t, { data, ...SAMPLE })
  t.is((await get(`${second.http}/fn/hello`)).status, 404)
})
