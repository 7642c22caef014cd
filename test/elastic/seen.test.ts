import type { InstanceStatus } from '@peerless/interface'
import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { get, invoke, lambdaOf } from '../_functions.ts'
import { create, v1 } from './_elastic.ts'

/** Computes for some milliseconds; fails when it is told to. */
const WORKS = `
export const handler = async (event) => {
  const numbers = Array.from({ length: 200_000 }, (_, index) => String(index * 7919))
  numbers.sort()
  if (event.fail) throw new Error('as told')
  return numbers.length
}`

test('what an instance did and used is seen at any node: in the API, in the metrics of its node, by the command', async (t) => {
  // One slot: with more, a slow machine starts another instance ahead of calls that come one upon the other.
  const [first, second] = (await meshOf(t, 2, ['--slots', '1'])) as [Daemon, Daemon]
  const client = await lambdaOf(first)
  await create(client, 'works', WORKS, { Timeout: 60, MemorySize: 256 })
  const before = Date.now()
  for (let call = 0; call < 3; call++) t.is((await invoke(client, 'works', {})).result, 200_000)
  t.is((await invoke(client, 'works', { fail: true })).FunctionError, 'Unhandled')

  const { instances, missing } = (await v1(second, 'GET', '/v1/instances?mesh=1')) as {
    instances: InstanceStatus[]
    missing: string[]
  }
  t.deepEqual(missing, [])
  const own = instances.filter((instance) => instance.function === 'works')
  const sum = (of: (instance: InstanceStatus) => number | undefined) => own.reduce((total, one) => total + (of(one) ?? 0), 0)
  t.is(
    sum(({ calls }) => calls),
    4
  )
  t.is(
    sum(({ errors }) => errors),
    1
  )
  t.true(sum(({ cpuMs }) => cpuMs) > 1)
  t.true(sum(({ memoryMb }) => memoryMb) > 1)
  for (const { node, startMs, startedAt, lastUsedAt, version, state } of own) {
    t.true([first.peerId, second.peerId].includes(node as string))
    t.true((startMs as number) > 0)
    t.true(lastUsedAt >= (startedAt as number) && lastUsedAt >= before)
    t.deepEqual([version, state], ['$LATEST', 'idle'])
  }

  const holder = own[0]?.node === first.peerId ? first : second
  const { instance, calls } = own[0] as InstanceStatus
  const metrics = (await get(`${holder.http}/metrics`)).body
  const labels = `function="works",version="\\$LATEST",instance="${instance}"`
  const value = (name: string) => Number(new RegExp(`^peerless_instance_${name}\\{${labels}\\} (\\S+)$`, 'm').exec(metrics)?.[1])
  t.is(value('calls'), calls)
  t.true(value('errors') <= 1)
  t.true(value('cpu_seconds') > 0.001)
  t.true(value('memory_bytes') > 1_000_000)
  t.true(value('start_seconds') > 0)
  t.true(value('last_use_seconds') * 1_000 >= before - 1)
  t.true(value('started_seconds') * 1_000 >= before - 1)
  const starts = Number(/^peerless_instance_starts_total\{function="works"\} (\d+)$/m.exec(metrics)?.[1])
  t.is(starts, own.filter(({ node }) => node === holder.peerId).length)

  const json = JSON.parse((await second.cli('top', '--instances', '--json')).stdout) as { instances: InstanceStatus[] }
  t.is(json.instances.filter((one) => one.function === 'works').length, own.length)
  const text = (await second.cli('top', '--instances')).stdout
  t.regex(text, /FUNCTION +VERSION +STATE +STANDING +CALLS +ERRORS +CPU S +MB +START MS +LAST USE S +NODE +INSTANCE/)
  t.true(text.includes(instance.slice(0, 12)))

  // A node that is gone is not asked any more, and what it had is not shown.
  await second.stop('SIGKILL')
  await eventually(
    async () => (await v1(first, 'GET', '/v1/instances?mesh=1')) as { instances: InstanceStatus[] },
    ({ instances: left }) => left.every(({ node }) => node === first.peerId)
  )
})

test('what a node sees of its peers, and what the ledger holds, is in its metrics', async (t) => {
  const [first, second] = (await meshOf(t, 2)) as [Daemon, Daemon]
  const client = await lambdaOf(first)
  await create(client, 'works', WORKS, { Timeout: 60 })
  for (let call = 0; call < 3; call++) await invoke(client, 'works', {})
  const page = async () => (await get(`${second.http}/metrics`)).body
  const value = (text: string, name: string) => Number(new RegExp(`^peerless_${name} (\\S+)$`, 'm').exec(text)?.[1])
  const settled = await eventually(page, (text) => value(text, 'ledger_receipts') === 3)
  t.is(value(settled, 'peers\\{status="connected"\\}'), 1)
  t.true(value(settled, 'clock_offset_seconds') < 1)
  t.true(value(settled, 'ledger_statements') >= 1 && value(settled, 'ledger_bytes') > 4_096)
  for (const name of ['ledger_receipts_lost_total', 'ledger_frozen', 'ledger_itemised_from_seconds'])
    t.is(value(settled, name), 0)
  await first.stop('SIGKILL')
  await eventually(page, (text) => value(text, 'peers\\{status="unreachable"\\}') === 1)
  t.pass()
})
