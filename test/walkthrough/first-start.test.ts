import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DeleteFunctionCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { dataFolder, run, up } from '../_daemon.ts'
import { get, lambdaOf } from '../_functions.ts'
import { aliveOf } from '../_processes.ts'

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

test('who tells npm start to stop has told the node, which drains', async (t) => {
  const data = await dataFolder(t)
  const root = join(import.meta.dirname, '..', '..')
  const args = ['start', '--', '--data', data, '--http', '127.0.0.1:0']
  // A group of its own, for the end: what npm left behind would not be its child any more.
  const npm = spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  t.teardown(() => {
    try {
      process.kill(-(npm.pid as number), 'SIGKILL')
    } catch {
      // It has ended, and all of it: nobody is left in the group.
    }
  })
  const said: string[] = []
  createInterface({ input: npm.stderr }).on('line', (line) => said.push(line))
  const lines = createInterface({ input: npm.stdout })
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => line.startsWith('peerless is up on') && resolve())
    npm.once('close', () => reject(new Error(said.join('\n'))))
  })
  const { pid } = JSON.parse(await readFile(join(data, 'daemon.json'), 'utf8')) as { pid: number }
  const exited = new Promise((resolve) => npm.once('exit', resolve))
  const closed = new Promise((resolve) => npm.once('close', resolve))
  npm.kill('SIGTERM')
  await exited
  if (!t.deepEqual(await aliveOf([pid]), [], 'the node runs on without npm')) return
  await closed
  t.true(
    said.some((line) => line.startsWith('SIGTERM: finishing what runs')),
    said.join('\n')
  )
})
