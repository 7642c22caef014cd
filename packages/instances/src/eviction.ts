/**
 * How far ahead it is asked whether an instance will be used. Short on purpose: what is certain to be used within a minute may be worth keeping for a second or for
 * the whole of it, and only the former shows how much more often the one is used than the other. Of 1, 10 and 60 s this one did best on three traces.
 */
const HORIZON_MS = 1_000
/** Half a call in a minute is believed of an instance of which nothing was seen. */
const PRIOR_CALLS = 0.5
const PRIOR_MS = 60_000
/** What has been idle for so many of the times between its calls is not called like that any more. */
const IDLE_GAPS_MAX = 2
/** Of a revision that was never seen to start: what an ordinary small one takes. */
const START_MS_UNKNOWN = 50
/** Of an instance whose heap was not sampled yet. */
const INSTANCE_MB_UNKNOWN = 2

/** An instance that could go. */
export interface Candidate {
  readonly id: number
  /** The process that it is in. */
  readonly process: number
  /** Milliseconds that its revision takes to start. */
  readonly startMs: number | undefined
  /** Milliseconds since it was ordered, and since its last call ended. */
  readonly ageMs: number
  readonly idleMs: number
  readonly calls: number
  /** Megabytes of its heap; 0: not known. */
  readonly heapMb: number
  /** It is one of those that are to be kept warm. */
  readonly kept: boolean
}

/** A process that holds instances, and what else comes back to the machine when it ends. */
export interface Holder {
  readonly process: number
  readonly ownMb: number
  /** Something runs or starts in it: it can't end, and only what is idle in it can go. */
  readonly inUse: boolean
}

export interface Eviction {
  /** Processes that end, with all that is idle in them. */
  readonly processes: number[]
  readonly instances: number[]
  readonly freedMb: number
}

/**
 * What giving it up would cost, in expected milliseconds: how long a start takes × the chance that it is called for within a second. Calls are taken to come as
 * often as they did over its life, but if it has been idle for long, no oftener than that shows.
 */
export function worthMs({ startMs = START_MS_UNKNOWN, ageMs, idleMs, calls }: Candidate): number {
  const perMs = Math.min((calls + PRIOR_CALLS) / (ageMs + PRIOR_MS), IDLE_GAPS_MAX / Math.max(1, idleMs))
  return startMs * (1 - Math.exp(-perMs * HORIZON_MS))
}

interface Unit {
  readonly process: number
  /** undefined: the process with all that is in it. */
  readonly candidate: Candidate | undefined
  readonly keeps: boolean
  readonly freedMb: number
  readonly worthPerMb: number
}

/**
 * Which idle instances to give up for `needMb` megabytes: those whose worth per megabyte is least, single ones or a process with all that is in it, whichever is
 * cheaper (GreedyDual-Size; Cao and Irani 1997). What is to be kept warm goes last, what runs never.
 */
export function chooseEviction(candidates: readonly Candidate[], holders: readonly Holder[], needMb: number): Eviction {
  const inProcess = Map.groupBy(candidates, ({ process }) => process)
  const units: Unit[] = candidates.map((candidate) => {
    const freedMb = candidate.heapMb > 0 ? candidate.heapMb : INSTANCE_MB_UNKNOWN
    const worthPerMb = worthMs(candidate) / freedMb
    return { process: candidate.process, candidate, keeps: candidate.kept, freedMb, worthPerMb }
  })
  for (const { process, ownMb, inUse } of holders) {
    if (inUse) continue
    const all = inProcess.get(process) ?? []
    const worth = all.reduce((sum, candidate) => sum + worthMs(candidate), 0)
    const freedMb = Math.max(ownMb, 1)
    units.push({ process, candidate: undefined, keeps: all.some(({ kept }) => kept), freedMb, worthPerMb: worth / freedMb })
  }
  units.sort((a, b) => Number(a.keeps) - Number(b.keeps) || a.worthPerMb - b.worthPerMb)
  const processes: number[] = []
  const instances: number[] = []
  // What single instances freed of a process is not freed again with it.
  const freedOf = new Map<number, number>()
  let freedMb = 0
  for (const { process, candidate, freedMb: whole } of units) {
    if (freedMb >= needMb) break
    if (processes.includes(process)) continue
    const already = freedOf.get(process) ?? 0
    if (candidate === undefined) {
      processes.push(process)
      freedMb += Math.max(0, whole - already)
    } else {
      instances.push(candidate.id)
      freedOf.set(process, already + whole)
      freedMb += whole
    }
  }
  return { processes, instances, freedMb }
}
