import { GetProvisionedConcurrencyConfigCommand, PutProvisionedConcurrencyConfigCommand } from '@aws-sdk/client-lambda'
import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { HELLO, lambdaOf } from '../_functions.ts'
import { create, readyInstances } from './_elastic.ts'

test('provisioned concurrency counts once over the mesh, and what a node held that died is held by others', async (t) => {
  const nodes = await meshOf(t, 3, ['--slots', '8'])
  const [first] = nodes as [Daemon]
  const client = await lambdaOf(first)
  await create(client, 'floor', HELLO, { Publish: true })
  const order = { FunctionName: 'floor', Qualifier: '1' }
  await client.send(new PutProvisionedConcurrencyConfigCommand({ ...order, ProvisionedConcurrentExecutions: 7 }))
  const warm = await eventually(
    () => readyInstances(first, 'floor'),
    (instances) => instances.length === 7,
    20_000
  )
  const held = new Map<string, number>()
  for (const { node, version, calls } of warm) {
    t.is(version, '1')
    t.is(calls, 0)
    held.set(node, (held.get(node) ?? 0) + 1)
  }
  const status = () => client.send(new GetProvisionedConcurrencyConfigCommand(order))
  t.like(await status(), { Status: 'READY', AvailableProvisionedConcurrentExecutions: 7 })
  const dies = nodes.find((node) => node !== first && held.has(node.peerId)) as Daemon
  t.not(dies, undefined, 'more than one node holds some')

  await dies.stop('SIGKILL')
  const after = await eventually(
    () => readyInstances(first, 'floor'),
    // More where one of those that others held is counted to another node now: it is kept until it has been idle for long.
    (instances) => instances.filter(({ node }) => node !== dies.peerId).length >= 7,
    20_000
  )
  for (const node of nodes) {
    const count = after.filter((instance) => instance.node === node.peerId).length
    if (node !== dies) t.true(count >= (held.get(node.peerId) ?? 0), 'what others held stayed where it was')
  }
  t.is((await status()).Status, 'READY')

  // One that leaves goes when the others hold what it held: no call is cold because of it.
  const leaver = nodes.find((node) => node !== first && node !== dies) as Daemon
  const left = await leaver.cli('leave', '--yes')
  t.is(left.code, 0, left.stderr)
  const alone = (await readyInstances(first, 'floor')).filter(({ node }) => node === first.peerId)
  t.true(alone.length >= 7, `${alone.length}`)
})
