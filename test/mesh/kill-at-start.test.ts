import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateFunctionCommand, type Runtime } from '@aws-sdk/client-lambda'
import type { NodeStatus } from '@peerless/interface'
import test from 'ava'
import { type Daemon, eventually, meshOf, up } from '../_daemon.ts'
import { invoke, lambdaOf, ROLE, zipOf } from '../_functions.ts'

/** Is loaded when its address answers: the first time never. */
const LOADS_WHEN_TOLD = `
await (await fetch(process.env.GATE)).text()
export const handler = async () => 'ran'
`

test('kill -9 of a node that was starting an instance for a call: the call had not started, and another node runs it', async (t) => {
  let asked = 0
  const gate = createServer((_, response) => {
    if (++asked > 1) response.end('load')
  }).listen(0, '127.0.0.1')
  t.teardown(() => void gate.close().closeAllConnections())
  const workers = (await meshOf(t, 2, ['--slots', '2', '--allow-egress', '127.0.0.0/8'])) as [Daemon, Daemon]
  const invite = await workers[0].cli('invite')
  const gateway = await up(t, { args: ['--join', invite.stdout.trim(), '--slots', '0'] })
  const client = await lambdaOf(gateway)
  await client.send(
    new CreateFunctionCommand({
      FunctionName: 'gated',
      Role: ROLE,
      Runtime: 'nodejs22.x' as Runtime,
      Handler: 'index.handler',
      Timeout: 5,
      Environment: { Variables: { GATE: `http://127.0.0.1:${(gate.address() as AddressInfo).port}` } },
      Code: { ZipFile: zipOf(LOADS_WHEN_TOLD) }
    })
  )
  await eventually(
    async () => JSON.parse((await gateway.cli('peers', '--json')).stdout) as { slots: number }[],
    (peers) => peers.filter(({ slots }) => slots === 2).length === 2
  )
  const answer = invoke(client, 'gated', {})
  await eventually(
    async () => asked,
    (count) => count > 0
  )
  const nodes = await Promise.all(workers.map(async (node) => JSON.parse((await node.cli('top', '--json', '--once')).stdout)))
  const starting = workers[(nodes as { node: NodeStatus }[]).findIndex(({ node }) => node.instances.length > 0)] as Daemon
  await starting.stop('SIGKILL')
  const { result, node } = await answer
  t.is(result, 'ran')
  t.is(node, (workers.find((worker) => worker !== starting) as Daemon).peerId)
})
