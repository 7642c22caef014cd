import { CreateFunctionCommand, type Runtime } from '@aws-sdk/client-lambda'
import type { NodeStatus } from '@peerless/interface'
import test from 'ava'
import { type Daemon, eventually, meshOf, up } from '../_daemon.ts'
import { invoke, lambdaOf, ROLE, zipOf } from '../_functions.ts'

/** Takes its time to load. Long enough to be found and killed at it, within the 10 s that initialisation may take. */
const SLOW_TO_LOAD = `
await new Promise((resolve) => setTimeout(resolve, 6_000))
export const handler = async () => 'ran'
`

test('kill -9 of a node that was starting an instance for a call: the call had not started, and another node runs it', async (t) => {
  const [founder, other] = (await meshOf(t, 2, ['--slots', '2'])) as [Daemon, Daemon]
  const invite = await founder.cli('invite')
  const gateway = await up(t, { args: ['--join', invite.stdout.trim(), '--slots', '0'] })
  const client = await lambdaOf(gateway)
  await client.send(
    new CreateFunctionCommand({
      FunctionName: 'slow',
      Role: ROLE,
      Runtime: 'nodejs22.x' as Runtime,
      Handler: 'index.handler',
      Timeout: 5,
      Code: { ZipFile: zipOf(SLOW_TO_LOAD) }
    })
  )
  await eventually(
    async () => JSON.parse((await gateway.cli('peers', '--json')).stdout) as { slots: number }[],
    (peers) => peers.filter(({ slots }) => slots === 2).length === 2
  )
  const answer = invoke(client, 'slow', {})
  const starts = async (node: Daemon) => {
    const snapshot = JSON.parse((await node.cli('top', '--json', '--once')).stdout) as { node: NodeStatus }
    return snapshot.node.instances.some(({ state }) => state === 'starting')
  }
  const starting = await eventually(
    async () => ((await starts(founder)) ? founder : (await starts(other)) ? other : undefined),
    (node) => node !== undefined,
    3_500
  )
  await (starting as Daemon).stop('SIGKILL')
  const { result, node } = await answer
  t.is(result, 'ran')
  t.is(node, starting === founder ? other.peerId : founder.peerId)
})
