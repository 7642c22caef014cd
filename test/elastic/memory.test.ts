import { PutProvisionedConcurrencyConfigCommand } from '@aws-sdk/client-lambda'
import type { NodeStatus } from '@peerless/interface'
import test from 'ava'
import { type Daemon, dataFolder, eventually, up } from '../_daemon.ts'
import { get, HELLO, invoke, lambdaOf, SLEEP } from '../_functions.ts'
import { create, readyInstances, v1 } from './_elastic.ts'

/** Its instance keeps 40 MB. */
const HOLDS = `
const kept = Array.from({ length: 10 }, (_, index) => new Uint8Array(4_194_304).fill(index + 1))
export const handler = async () => kept.length`
const FUNCTIONS = 8
/** What a node may take beyond what it takes when it has just started. */
const ROOM_MB = 260

async function memoryOf(daemon: Daemon): Promise<NonNullable<NodeStatus['memory']>> {
  const { memory } = (await v1(daemon, 'GET', '/v1/node')) as NodeStatus
  if (memory === undefined) throw new Error('the node says nothing of its memory')
  return memory
}

test('a node keeps within its memory by giving up idle instances, what runs and what is provisioned not among them', async (t) => {
  const data = await dataFolder(t)
  const first = await up(t, { data })
  const { usedMb, boundMb } = await eventually(
    () => memoryOf(first),
    (memory) => memory.usedMb > 0
  )
  t.true((boundMb as number) > usedMb, 'without the option the machine is the bound')
  await first.stop()

  const bound = usedMb + ROOM_MB
  const daemon = await up(t, { data, args: ['--memory', String(bound)] })
  const client = await lambdaOf(daemon)
  await create(client, 'floor', HELLO, { Publish: true })
  const order = { FunctionName: 'floor', Qualifier: '1', ProvisionedConcurrentExecutions: 2 }
  await client.send(new PutProvisionedConcurrencyConfigCommand(order))
  await eventually(
    () => readyInstances(daemon, 'floor'),
    (instances) => instances.length === 2,
    20_000
  )
  await create(client, 'runs', SLEEP, { Timeout: 120 })
  const running = invoke(client, 'runs', { ms: 30_000 })
  // A call that is refused for want of memory finds room when something has been given up.
  for (let index = 0; index < FUNCTIONS; index++) {
    await create(client, `holds-${index}`, HOLDS, { MemorySize: 256, Timeout: 60 })
    await eventually(
      () => invoke(client, `holds-${index}`, {}).catch(() => undefined),
      (answer) => answer?.result === 10,
      40_000
    )
  }
  const after = await eventually(
    () => memoryOf(daemon),
    (memory) => memory.evicted > 0 && !memory.pressed,
    30_000
  )
  t.is(after.boundMb, bound)
  t.true(after.usedMb <= bound)
  t.is(after.evictedKept, 0)
  t.is((await readyInstances(daemon, 'floor')).length, 2)
  t.deepEqual((await running).result, { slept: 30_000 })
  const metrics = (await get(`${daemon.http}/metrics`)).body
  t.regex(metrics, /peerless_memory_bound_bytes \d+/)
  t.regex(metrics, /peerless_instances_evicted_total\{kept="no"\} [1-9]/)
  t.regex((await daemon.cli('show')).stdout, new RegExp(`memory +\\d+ of ${bound} MB, [1-9]\\d* idle instances given up`))
})
