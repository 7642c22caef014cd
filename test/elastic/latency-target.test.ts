import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LatencyStatus } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { get, invoke, lambdaOf, SLEEP } from '../_functions.ts'
import { create, readyInstances, v1 } from './_elastic.ts'

/** Starts for 400 ms, runs for 20. */
const SLOW_START = `
const until = Date.now() + 400
while (Date.now() < until);
export const handler = () => new Promise((resolve) => setTimeout(resolve, 20, 'done'))`

async function deployFolder(t: ExecutionContext, daemon: Daemon, source: string, manifest: unknown): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'index.mjs'), source)
  await writeFile(join(folder, 'peerless.json'), JSON.stringify(manifest))
  const { code, stderr } = await daemon.cli('deploy', folder)
  t.is(code, 0, stderr)
}

async function statusOf(daemon: Daemon, name: string): Promise<LatencyStatus | undefined> {
  const all = (await v1(daemon, 'GET', '/v1/latency')) as LatencyStatus[]
  return all.find((status) => status.function === name)
}

test('a target from the manifest holds on every node: one instance ahead of the first call, as many as bursts take, none of them twice', async (t) => {
  const [first, second] = (await meshOf(t, 2, ['--slots', '8'])) as [Daemon, Daemon]
  await deployFolder(t, first, SLOW_START, { name: 'bursty', timeout: 5, url: true, latencyTarget: '250ms' })
  const shown = await eventually(
    async () => JSON.parse((await second.cli('show', 'bursty', '--json')).stdout || '{}') as Record<string, unknown>,
    ({ LatencyTarget }) => LatencyTarget !== undefined
  )
  t.like(shown.LatencyTarget, { targetMs: 250 })

  const [warm] = await eventually(
    () => readyInstances(second, 'bursty'),
    (instances) => instances.length > 0,
    20_000
  )
  t.is(warm?.calls, 0)
  t.is((await readyInstances(second, 'bursty')).length, 1)
  t.like(await statusOf(second, 'bursty'), { state: 'learning', warm: 1, targetMs: 250 })

  const burst = async () => {
    const urls = Array.from({ length: 6 }, (_, index) => `${(index % 2 === 0 ? first : second).http}/fn/bursty`)
    const answers = await Promise.all(urls.map((url) => get(url)))
    for (const { status, body } of answers) t.is(status, 200, body)
    return answers.filter(({ headers }) => headers['x-peerless-cold'] === '1').length
  }
  // What one burst at a time takes is six instances, and a moment after they are asked for they are there, on both nodes or on one.
  await eventually(
    async () => {
      const cold = await burst()
      return { cold, status: await statusOf(first, 'bursty') }
    },
    ({ cold, status }) => cold === 0 && (status?.warm ?? 0) >= 4 && (status?.calls ?? 0) >= 100,
    40_000
  )
  const status = (await statusOf(first, 'bursty')) as LatencyStatus
  t.true(status.warm <= 16, `${status.warm} wanted of 16 slots`)
  const [here, there] = await Promise.all([first, second].map((node) => statusOf(node, 'bursty')))
  t.is(here?.owner, there?.owner, 'one node decides')
  t.true([first.peerId, second.peerId].includes(status.owner))

  await v1(second, 'DELETE', '/v1/functions/bursty/latency-target')
  await eventually(
    () => statusOf(first, 'bursty'),
    (gone) => gone === undefined
  )
  t.false((await first.cli('show', 'bursty')).stdout.includes('latency target'))
})

test('a target that the run time alone misses is said to be missed for that: by the API, the command and the metrics of any node', async (t) => {
  const [first, second] = (await meshOf(t, 2, ['--slots', '8'])) as [Daemon, Daemon]
  const client = await lambdaOf(first)
  await create(client, 'long', SLEEP, { Timeout: 5 })
  await v1(first, 'PUT', '/v1/functions/long/latency-target', { targetMs: 50 })
  await t.throwsAsync(v1(first, 'PUT', '/v1/functions/long/latency-target', { targetMs: 0 }), { message: /400.*targetMs/ })
  await t.throwsAsync(v1(first, 'PUT', '/v1/functions/none/latency-target', { targetMs: 5 }), { message: /404/ })
  const other = await lambdaOf(second, first)
  await eventually(
    () => invoke(other, 'long', { ms: 80 }).catch(() => undefined),
    (answer) => answer !== undefined
  )
  for (let call = 0; call < 30; call++) await invoke(call % 2 === 0 ? client : other, 'long', { ms: 80 })
  for (const node of [first, second]) {
    const status = await eventually(
      () => statusOf(node, 'long'),
      (found) => found?.state === 'missed',
      20_000
    )
    t.like(status, { reason: 'service', lateShare: 1 })
    t.regex((await node.cli('show', 'long')).stdout, /latency target +50 ms: missed by 100\.0 % of the calls: its own run time/)
    const metrics = (await get(`${node.http}/metrics`)).body
    t.regex(metrics, /peerless_latency_state\{function="long",version="\$LATEST",state="missed",reason="service"\} 1/)
    t.regex(metrics, /peerless_latency_target_seconds\{function="long",version="\$LATEST"\} 0\.05/)
  }
})
