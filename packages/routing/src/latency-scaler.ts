import type { LatencyStatus } from '@peerless/interface'
import { LatencyHistogram } from './latency-histogram.ts'
import { type Demand, LATE_SHARE_MAX, warmFor } from './warm-estimate.ts'

/** Seconds whose arrivals are remembered, one by one, and those that count as now. */
const SECONDS_KEPT = 60
const SECONDS_RECENT = 5
const SECOND_MS = 1_000
/** Stretches in which it is counted who was late: a minute of them, or up to ten until there are enough calls to say something. */
const STRETCH_MS = 10_000
const STRETCHES_KEPT = 60
const STRETCHES_MIN = 6
const CALLS_ENOUGH = 100
/** With fewer calls nothing is said. */
const CALLS_MIN = 20
/** Fewer are wanted only when fewer have been enough for so long. */
const HOLD_MS = 30_000
/** A load that rises is taken to rise on, but not to more than so many times itself. */
const GROWTH_MAX = 4
/** When calls are late though the estimate had them in time: half as many again, and slowly back. */
const BOOST_UP = 1.5
const BOOST_DOWN = 0.8
const BOOST_MAX = 4
const GOOD_STRETCHES = 6
/** Run times that are remembered: the newer half counts as much as all before. */
const SERVICE_CALLS_KEPT = 2_000
/** Nodes whose calls are told apart. */
const NODES_MAX = 256

/** Why calls were late. */
interface LateCounts {
  readonly service: number
  readonly capacity: number
  readonly cold: number
  readonly wait: number
}

/** What one node saw of its clients' calls of one version in about a second. */
export interface LatencySample {
  readonly calls: number
  /** Sums over the calls: how many of the same version were under way at this node when it came, and the square of that. */
  readonly seen: number
  readonly seenSquares: number
  /** Milliseconds from arrival to answer, of all calls together. */
  readonly busyMs: number
  readonly late: LateCounts
  /** Milliseconds of a start, if there was one. */
  readonly startMs: number | undefined
  readonly latency: LatencyHistogram
  readonly service: LatencyHistogram
}

export type LatencyDecision = Pick<LatencyStatus, 'state' | 'reason' | 'p99Ms' | 'calls' | 'lateShare' | 'warm'>

interface Counts {
  calls: number
  seen: number
  seenSquares: number
  busyMs: number
}

interface Second {
  readonly at: number
  readonly nodes: Map<string, Counts>
}

interface Stretch {
  readonly at: number
  readonly latency: LatencyHistogram
  calls: number
  service: number
  capacity: number
  cold: number
  wait: number
}

/**
 * How many instances of one version are to be warm over the whole mesh, so that 99 of 100 calls are answered within the target: an estimate from what came
 * and how long it took, corrected by what was late in spite of it. Told the time; the same for every clock.
 */
export class LatencyScaler {
  #seconds: Second[] = []
  #stretches: Stretch[] = []
  /** What was wanted lately. */
  #wanted: { at: number; count: number }[] = []
  readonly #service = new LatencyHistogram()
  #startMs: number | undefined
  #boost = 1
  #good = 0
  #judged = Number.NEGATIVE_INFINITY
  #lastCallAt: number

  /** @param now monotonic milliseconds, as everywhere here */
  constructor(now: number) {
    this.#lastCallAt = now
  }

  /** When the last call was heard of, or when this began. */
  get lastCallAt(): number {
    return this.#lastCallAt
  }

  /** Whether it knows how long a start takes. */
  get knowsStart(): boolean {
    return this.#startMs !== undefined
  }

  /** What another node wanted that decided before: holds until this one has seen for itself. */
  adopt(now: number, warm: number): void {
    this.#wanted.push({ at: now, count: warm })
  }

  /** How long a start took, where that is known without a call. */
  started(startMs: number): void {
    this.#startMs = this.#startMs === undefined ? startMs : this.#startMs + (startMs - this.#startMs) / 4
  }

  observe(now: number, node: string, sample: LatencySample): void {
    if (sample.startMs !== undefined) this.started(sample.startMs)
    if (sample.calls === 0) return
    this.#lastCallAt = now
    const second = this.#secondAt(now)
    const counts = second.nodes.get(node) ?? { calls: 0, seen: 0, seenSquares: 0, busyMs: 0 }
    if (second.nodes.size < NODES_MAX) second.nodes.set(node, counts)
    counts.calls += sample.calls
    counts.seen += sample.seen
    counts.seenSquares += sample.seenSquares
    counts.busyMs += sample.busyMs
    this.#service.merge(sample.service)
    if (this.#service.total > SERVICE_CALLS_KEPT) this.#service.fade(1 / 2)
    const stretch = this.#stretchAt(now)
    stretch.latency.merge(sample.latency)
    stretch.calls += sample.calls
    for (const why of ['service', 'capacity', 'cold', 'wait'] as const) stretch[why] += sample.late[why]
  }

  /**
   * About once a second.
   * @param instancesMax what all nodes together can run at once
   */
  decide(now: number, targetMs: number, instancesMax: number): LatencyDecision {
    this.#forget(now)
    this.#judge(now)
    const estimate = this.#estimate(now, targetMs, Number.MAX_SAFE_INTEGER)
    const boosted = this.#boost > 1 ? Math.max(1, Math.ceil(estimate * this.#boost)) : estimate
    this.#wanted.push({ at: now, count: boosted })
    const wanted = Math.max(...this.#wanted.map(({ count }) => count))
    return { ...this.#seen(wanted > instancesMax), warm: Math.min(wanted, instancesMax) }
  }

  #estimate(now: number, targetMs: number, instancesMax: number): number {
    const recent = this.#seconds.filter(({ at }) => at > now - SECONDS_RECENT * SECOND_MS)
    const growth = this.#growth(now)
    const counts = [countsOf(recent, SECONDS_RECENT), countsOf(this.#seconds, SECONDS_KEPT)].map(
      ({ mean, variance }, index): number => {
        const factor = index === 0 ? growth : 1
        const demand: Demand = {
          seenMean: mean * factor,
          seenVariance: variance * factor,
          service: this.#service,
          startMs: this.#startMs,
          targetMs
        }
        return warmFor(demand, instancesMax)
      }
    )
    return Math.max(...counts)
  }

  /** How many times the calls of the last two seconds will be there in two more, if they go on like that. */
  #growth(now: number): number {
    const between = (from: number, to: number) => {
      let calls = 0
      for (const { at, nodes } of this.#seconds) {
        if (at <= now - from * SECOND_MS || at > now - to * SECOND_MS) continue
        for (const counts of nodes.values()) calls += counts.calls
      }
      return calls
    }
    const [before, last] = [between(4, 2), between(2, 0)]
    return before === 0 ? 1 : Math.min(GROWTH_MAX, Math.max(1, last / before))
  }

  /** What was late in the stretch that ended last. One with few calls speaks against nothing. */
  #judge(now: number): void {
    const at = Math.floor(now / STRETCH_MS) * STRETCH_MS - STRETCH_MS
    if (at <= this.#judged) return
    this.#judged = at
    const ended = this.#stretches.findLast((stretch) => stretch.at === at)
    const enough = ended !== undefined && ended.calls >= CALLS_MIN
    if (enough && ended.capacity + ended.cold + ended.wait > lateAllowed(ended.calls)) {
      this.#boost = Math.min(BOOST_MAX, this.#boost * BOOST_UP)
      this.#good = 0
    } else if (++this.#good >= GOOD_STRETCHES) {
      this.#boost = Math.max(1, this.#boost * BOOST_DOWN)
      this.#good = 0
    }
  }

  #seen(short: boolean): Omit<LatencyDecision, 'warm'> {
    const latency = new LatencyHistogram()
    const sum = { calls: 0, service: 0, capacity: 0, cold: 0, wait: 0 }
    for (let index = this.#stretches.length - 1, taken = 0; index >= 0; index--, taken++) {
      if (taken >= STRETCHES_MIN && sum.calls >= CALLS_ENOUGH) break
      const stretch = this.#stretches[index] as Stretch
      latency.merge(stretch.latency)
      for (const what of ['calls', 'service', 'capacity', 'cold', 'wait'] as const) sum[what] += stretch[what]
    }
    const { calls, service, capacity, cold, wait } = sum
    const late = service + capacity + cold + wait
    const common = {
      calls,
      lateShare: calls === 0 ? 0 : late / calls,
      p99Ms: latency.valueBelow(Math.ceil(latency.total * LATE_SHARE_MAX))
    }
    if (calls < CALLS_MIN) return { ...common, state: 'learning', reason: undefined }
    if (late <= lateAllowed(calls)) return { ...common, state: 'held', reason: undefined }
    const most = Math.max(service, capacity, cold, wait)
    const why = most === service ? 'service' : most === capacity ? 'capacity' : most === cold ? 'cold' : 'wait'
    return { ...common, state: 'missed', reason: short && why !== 'service' ? 'capacity' : why }
  }

  #secondAt(now: number): Second {
    const at = Math.floor(now / SECOND_MS) * SECOND_MS
    let second = this.#seconds.at(-1)
    if (second === undefined || second.at < at) {
      second = { at, nodes: new Map() }
      this.#seconds.push(second)
    }
    return second
  }

  #stretchAt(now: number): Stretch {
    const at = Math.floor(now / STRETCH_MS) * STRETCH_MS
    let stretch = this.#stretches.at(-1)
    if (stretch === undefined || stretch.at < at) {
      stretch = { at, latency: new LatencyHistogram(), calls: 0, service: 0, capacity: 0, cold: 0, wait: 0 }
      this.#stretches.push(stretch)
    }
    return stretch
  }

  #forget(now: number): void {
    this.#seconds = this.#seconds.filter(({ at }) => at > now - (SECONDS_KEPT + 1) * SECOND_MS)
    this.#stretches = this.#stretches.filter(({ at }) => at > now - STRETCHES_KEPT * STRETCH_MS)
    this.#wanted = this.#wanted.filter(({ at }) => at > now - HOLD_MS)
  }
}

/** Late calls of so many that still are one in a hundred, rounded up: one late call of a few says nothing. */
function lateAllowed(calls: number): number {
  return Math.ceil(calls * LATE_SHARE_MAX)
}

/** Calls under way that a call finds: at its own node as counted there, at the others as many as there are on average. */
function countsOf(seconds: readonly Second[], length: number): { mean: number; variance: number } {
  const nodes = new Map<string, Counts>()
  let calls = 0
  let busyMs = 0
  for (const second of seconds) {
    for (const [node, counts] of second.nodes) {
      const sum = nodes.get(node) ?? { calls: 0, seen: 0, seenSquares: 0, busyMs: 0 }
      nodes.set(node, sum)
      sum.calls += counts.calls
      sum.seen += counts.seen
      sum.seenSquares += counts.seenSquares
      sum.busyMs += counts.busyMs
      calls += counts.calls
      busyMs += counts.busyMs
    }
  }
  if (calls === 0) return { mean: 0, variance: 0 }
  let mean = 0
  let variance = 0
  for (const own of nodes.values()) {
    const share = own.calls / calls
    const ownMean = own.seen / own.calls
    const elsewhere = (busyMs - own.busyMs) / (length * SECOND_MS)
    mean += share * (ownMean + elsewhere)
    variance += share * (Math.max(0, own.seenSquares / own.calls - ownMean * ownMean) + elsewhere)
  }
  return { mean, variance }
}
