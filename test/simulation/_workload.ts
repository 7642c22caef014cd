/** What is called, when and for how long. Everything comes from one seeded source of chance, so every policy meets the same calls. */

export type ServiceKind = 'exponential' | 'bimodal' | 'heavy'
export type ArrivalKind = 'poisson' | 'bursty' | 'trace'
type Next = () => number

export interface Arrival {
  /** Milliseconds. */
  at: number
  fn: number
  /** Milliseconds on a node of speed 1. */
  service: number
  /** Uniform in [0, 1): which node it comes to. */
  place: number
  /** The one after which the next ones are drawn. */
  last: boolean
}

export interface WorkloadOptions {
  readonly functions: number
  /** Exponent of the popularity: the n-th function is called as often as 1/n^zipf. */
  readonly zipf: number
  /** Calls per millisecond. */
  readonly rate: number
  readonly serviceMs: number
  readonly service: ServiceKind
  readonly arrivals: ArrivalKind
}

/** Groups of functions that burst together, and how: a fifth of the time four times the usual rate, else a quarter of it; the mean is 1. */
const GROUPS = 64
const BURST_SHARE = 0.2
const BURST_FACTOR = 4
const CALM_FACTOR = 0.25
const BURST_MS = 1_000
/** Of a trace, the rarer four fifths of the functions make this share of the calls (Shahrad et al. 2020: 18.6 % of the applications make 99.6 %). */
const RARE_FUNCTIONS = 0.8
const RARE_CALLS = 0.004
/** Of a trace, so many functions are called by timers, the rarer half of them (Shahrad et al. 2020: timers trigger 29 % of functions). */
const TIMER_SHARE = 0.29
const HEAVY_ALPHA = 1.3
const HEAVY_SPREAD = 1_000

export class Workload {
  readonly #o: WorkloadOptions
  readonly #next: Next
  readonly #alias: Alias
  readonly #scale: Float64Array
  readonly #groups: { until: number; burst: boolean }[] = []
  readonly #timers: { fn: number; period: number; at: number }[] = []
  #timerAt = 0
  #now = 0

  constructor(options: WorkloadOptions, next: Next) {
    this.#o = options
    this.#next = next
    const { functions, zipf } = options
    const weights = Float64Array.from({ length: functions }, (_, rank) => 1 / (rank + 1) ** zipf)
    this.#scale = new Float64Array(functions).fill(1)
    if (options.arrivals === 'bursty') for (let g = 0; g < GROUPS; g++) this.#groups.push({ until: 0, burst: false })
    if (options.arrivals === 'trace') this.#shapeTrace(weights)
    this.#alias = new Alias(weights)
  }

  /** Functions of a trace differ in how long they run, too, and the rare ones are mostly timers. */
  #shapeTrace(weights: Float64Array): void {
    const { functions, rate } = this.#o
    const common = Math.max(1, Math.floor(functions * (1 - RARE_FUNCTIONS)))
    const sum = (from: number, to: number) => weights.subarray(from, to).reduce((total, weight) => total + weight, 0)
    const rarer = (sum(0, common) / (1 - RARE_CALLS)) * (RARE_CALLS / Math.max(1e-9, sum(common, functions)))
    for (let fn = common; fn < functions; fn++) weights[fn] = (weights[fn] as number) * rarer
    let work = 0
    let calls = 0
    for (let fn = 0; fn < functions; fn++) {
      this.#scale[fn] = Math.min(8, Math.max(0.05, Math.exp(1.0 * normal(this.#next))))
      work += (weights[fn] as number) * (this.#scale[fn] as number)
      calls += weights[fn] as number
    }
    for (let fn = 0; fn < functions; fn++) this.#scale[fn] = ((this.#scale[fn] as number) * calls) / work
    for (let fn = functions >> 1; fn < functions; fn++) {
      if (this.#next() >= 2 * TIMER_SHARE) continue
      const period = calls / ((weights[fn] as number) * rate)
      this.#timers.push({ fn, period, at: this.#next() * period })
      weights[fn] = 0
    }
    this.#timers.sort((a, b) => a.at - b.at)
  }

  next(): Arrival {
    const factor = this.#o.arrivals === 'bursty' ? BURST_FACTOR : 1
    for (;;) {
      this.#now += -Math.log(1 - this.#next()) / (this.#o.rate * factor)
      const fn = this.#alias.draw(this.#next)
      if (factor === 1 || this.#next() * factor < this.#groupFactor(fn % GROUPS)) return this.#arrival(fn)
    }
  }

  /** A timer's call, in between: undefined when none is due before `before`. */
  timer(before: number): Arrival | undefined {
    const timer = this.#timers[0]
    if (timer === undefined || timer.at >= before) return undefined
    this.#timerAt = timer.at
    timer.at += timer.period
    let place = 0
    while (place + 1 < this.#timers.length && (this.#timers[place + 1] as { at: number }).at < timer.at) {
      this.#timers[place] = this.#timers[place + 1] as { fn: number; period: number; at: number }
      place++
    }
    this.#timers[place] = timer
    return this.#arrival(timer.fn, this.#timerAt)
  }

  #arrival(fn: number, at = this.#now): Arrival {
    return { at, fn, service: this.#service() * (this.#scale[fn] as number), place: this.#next(), last: false }
  }

  #groupFactor(group: number): number {
    const state = this.#groups[group] as { until: number; burst: boolean }
    while (state.until <= this.#now) {
      state.burst = this.#next() < BURST_SHARE
      state.until += -Math.log(1 - this.#next()) * BURST_MS
    }
    return state.burst ? BURST_FACTOR : CALM_FACTOR
  }

  #service(): number {
    const { service, serviceMs } = this.#o
    if (service === 'exponential') return -Math.log(1 - this.#next()) * serviceMs
    // Nine short ones, one eleven times as long; the mean is serviceMs.
    if (service === 'bimodal') return serviceMs * (this.#next() < 0.9 ? 0.5 : 5.5)
    return boundedPareto(this.#next()) * serviceMs
  }
}

/** Mean 1: from `low` to HEAVY_SPREAD times that. */
function boundedPareto(u: number): number {
  const a = HEAVY_ALPHA
  const cut = 1 - HEAVY_SPREAD ** -a
  const mean = ((a / (a - 1)) * (1 - HEAVY_SPREAD ** (1 - a))) / cut
  return (1 - u * cut) ** (-1 / a) / mean
}

export function normal(next: Next): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
}

/** Draws from a discrete distribution in constant time (Vose 1991). */
class Alias {
  readonly #chance: Float64Array
  readonly #other: Int32Array

  constructor(weights: Float64Array) {
    const count = weights.length
    const sum = weights.reduce((total, weight) => total + weight, 0)
    const scaled = weights.map((weight) => (weight * count) / sum)
    this.#chance = new Float64Array(count).fill(1)
    this.#other = Int32Array.from({ length: count }, (_, index) => index)
    const small: number[] = []
    const large: number[] = []
    for (let index = 0; index < count; index++) ((scaled[index] as number) < 1 ? small : large).push(index)
    while (small.length > 0 && large.length > 0) {
      const less = small.pop() as number
      const more = large.pop() as number
      this.#chance[less] = scaled[less] as number
      this.#other[less] = more
      scaled[more] = (scaled[more] as number) + (scaled[less] as number) - 1
      ;((scaled[more] as number) < 1 ? small : large).push(more)
    }
  }

  draw(next: Next): number {
    const index = Math.floor(next() * this.#chance.length)
    return next() < (this.#chance[index] as number) ? index : (this.#other[index] as number)
  }
}
