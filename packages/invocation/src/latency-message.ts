import { FUNCTION_NAME, LATEST, LIMITS, PeerlessError } from '@peerless/interface'
import { LATENCY_BUCKETS, type LatencyDecision, LatencyHistogram } from '@peerless/routing'
import { LATENCY_VERSIONS_MAX } from './constants.ts'
import type { FunctionSample } from './latency-book.ts'

/**
 * MESSAGE.DEMAND. Header: ['seen', […]] from a node whose clients called, to the one that decides for the function; ['wanted', […]] from that one to all.
 * Neither is answered with anything, and either may be lost: the next second brings another.
 */
export type DemandMessage =
  | { readonly kind: 'seen'; readonly samples: FunctionSample[] }
  | { readonly kind: 'wanted'; readonly decisions: FunctionDecision[] }

/** What the node that decides for a function says of one of its versions. */
export interface FunctionDecision extends LatencyDecision {
  readonly functionName: string
  readonly version: string
  readonly targetMs: number
}

/** Calls of a node in a second; nothing real comes near. */
const CALLS_MAX = 10_000_000
const SUM_MAX = Number.MAX_SAFE_INTEGER
const WARM_MAX = 1_000_000
const STATES = ['learning', 'held', 'missed'] as const
const REASONS = [undefined, 'service', 'capacity', 'cold', 'wait'] as const
const VERSION = /^[1-9]\d{0,15}$/

export function samplesToWire(samples: readonly FunctionSample[]): unknown[] {
  return [
    'seen',
    samples.map(({ functionName, version, sample }) => {
      const { calls, seen, seenSquares, busyMs, late, startMs, latency, service } = sample
      const why = [late.service, late.capacity, late.cold, late.wait]
      return [functionName, version, calls, seen, seenSquares, busyMs, why, startMs ?? null, latency.flat(), service.flat()]
    })
  ]
}

export function decisionsToWire(decisions: readonly FunctionDecision[]): unknown[] {
  return [
    'wanted',
    decisions.map(({ functionName, version, targetMs, warm, state, reason, p99Ms, calls, lateShare }) => [
      functionName,
      version,
      targetMs,
      warm,
      STATES.indexOf(state),
      REASONS.indexOf(reason),
      p99Ms ?? null,
      calls,
      lateShare
    ])
  ]
}

/** @throws PeerlessError MALFORMED */
export function demandFromWire(alleged: unknown): DemandMessage {
  const [kind, list] = Array.isArray(alleged) ? alleged : []
  if (!Array.isArray(list) || list.length > LATENCY_VERSIONS_MAX)
    throw malformed(`it is no list of at most ${LATENCY_VERSIONS_MAX}`)
  if (kind === 'seen') return { kind, samples: list.map(sampleOf) }
  if (kind === 'wanted') return { kind, decisions: list.map(decisionOf) }
  throw malformed('it is neither what was seen nor what is wanted')
}

function sampleOf(alleged: unknown): FunctionSample {
  const [functionName, version, calls, seen, seenSquares, busyMs, why, startMs, latency, service] = entryOf(alleged, 10)
  if (!isAmount(calls, CALLS_MAX) || !isAmount(seen, SUM_MAX) || !isAmount(seenSquares, SUM_MAX) || !isAmount(busyMs, SUM_MAX))
    throw malformed('a sum is no amount')
  if (!Array.isArray(why) || why.length !== 4 || !why.every((count) => isAmount(count, CALLS_MAX)))
    throw malformed('the late calls are not four counts')
  const start = startMs ?? undefined
  if (start !== undefined && !isAmount(start, LIMITS.latencyTargetMsMax)) throw malformed('the time of a start is no amount')
  const [late0, late1, late2, late3] = why as [number, number, number, number]
  return {
    functionName: nameOf(functionName),
    version: versionOf(version),
    sample: {
      calls,
      seen,
      seenSquares,
      busyMs,
      startMs: start,
      late: { service: late0, capacity: late1, cold: late2, wait: late3 },
      latency: histogramOf(latency),
      service: histogramOf(service)
    }
  }
}

function decisionOf(alleged: unknown): FunctionDecision {
  const [functionName, version, targetMs, warm, state, reason, p99Ms, calls, lateShare] = entryOf(alleged, 9)
  const known = typeof state === 'number' ? STATES[state] : undefined
  if (known === undefined || typeof reason !== 'number' || !(reason in REASONS)) throw malformed('the state is none')
  const p99 = p99Ms ?? undefined
  if (p99 !== undefined && !isAmount(p99, SUM_MAX)) throw malformed('the p99 is no amount')
  if (!isAmount(targetMs, LIMITS.latencyTargetMsMax) || !isAmount(calls, SUM_MAX) || !isAmount(lateShare, 1))
    throw malformed('target, calls and share are no amounts')
  if (!isAmount(warm, WARM_MAX) || !Number.isInteger(warm)) throw malformed(`the instances are no count up to ${WARM_MAX}`)
  return {
    functionName: nameOf(functionName),
    version: versionOf(version),
    targetMs,
    warm,
    state: known,
    reason: REASONS[reason],
    p99Ms: p99,
    calls,
    lateShare
  }
}

function histogramOf(alleged: unknown): LatencyHistogram {
  if (!Array.isArray(alleged) || alleged.length % 2 !== 0 || alleged.length > 2 * LATENCY_BUCKETS)
    throw malformed('a histogram is no list of pairs')
  const histogram = new LatencyHistogram()
  for (let index = 0; index < alleged.length; index += 2) {
    const [bucket, count] = [alleged[index], alleged[index + 1]] as unknown[]
    if (!isAmount(bucket, LATENCY_BUCKETS - 1) || !Number.isInteger(bucket) || !isAmount(count, CALLS_MAX))
      throw malformed('a histogram has a bucket or a count that is none')
    histogram.addTo(bucket, count)
  }
  return histogram
}

function entryOf(alleged: unknown, length: number): unknown[] {
  if (Array.isArray(alleged) && alleged.length === length) return alleged
  throw malformed(`an entry is no list of ${length}`)
}

function nameOf(alleged: unknown): string {
  if (typeof alleged === 'string' && FUNCTION_NAME.test(alleged)) return alleged
  throw malformed('a function has no name')
}

function versionOf(alleged: unknown): string {
  if (typeof alleged === 'string' && (alleged === LATEST || VERSION.test(alleged))) return alleged
  throw malformed('a version is neither $LATEST nor a number')
}

function isAmount(value: unknown, most: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= most
}

function malformed(why: string): PeerlessError {
  return new PeerlessError('MALFORMED', `malformed message about demand: ${why}`)
}
