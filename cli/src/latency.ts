/** Latency targets through the mesh API. */
import type { LatencyStatus } from '@peerless/interface'
import type { NodeClient } from './client.ts'
import { objectOf } from './context.ts'
import { unlessMissing } from './lambda.ts'
import { digits } from './text.ts'

export interface LatencyTarget {
  targetMs: number | null
  versions: LatencyStatus[]
}

/** @param targetMs null takes it away */
export async function putLatencyTarget(client: NodeClient, name: string, targetMs: number | null): Promise<void> {
  const path = pathOf(name)
  if (targetMs === null) await client.json({ method: 'DELETE', path }, `deploy ${name}`)
  else await client.json({ method: 'PUT', path, json: { targetMs } }, `deploy ${name}`)
}

/** undefined where there is none, or where the node knows of no targets. */
export async function findLatencyTarget(client: NodeClient, name: string): Promise<LatencyTarget | undefined> {
  const answer = await unlessMissing(client.json({ method: 'GET', path: pathOf(name) }, name))
  const found = answer === undefined ? undefined : objectOf<LatencyTarget>(answer, name)
  return found === undefined || typeof found.targetMs !== 'number' ? undefined : found
}

const REASONS: Readonly<Record<string, string>> = {
  service: 'its own run time is longer, which no number of instances helps',
  capacity: 'the mesh has no room for more instances',
  cold: 'calls wait for instances to start',
  wait: 'calls wait for an instance'
}

/** For people: `200 ms: held ($LATEST: p99 35.1 ms of 512 calls, 3 warm, 1 of them here)`. */
export function latencyText({ targetMs, versions }: LatencyTarget): string {
  const target = `${digits(Number(targetMs))} ms`
  if (versions.length === 0) return `${target}: nothing is known yet`
  return versions
    .map(({ version, state, reason, p99Ms, calls, lateShare, warm, warmHere }) => {
      const why =
        state !== 'missed' ? '' : ` by ${(lateShare * 100).toFixed(1)} % of the calls: ${REASONS[String(reason)] ?? reason}`
      const p99 = typeof p99Ms === 'number' ? `p99 ${p99Ms.toFixed(1)} ms of ${digits(calls)} calls` : 'no calls'
      return `${target}: ${state}${why} (${version}: ${p99}, ${warm} warm, ${warmHere} of them here)`
    })
    .join('; ')
}

function pathOf(name: string): string[] {
  return ['v1', 'functions', name, 'latency-target']
}
