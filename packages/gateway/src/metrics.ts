import { type CollectFunction, Counter, Gauge, type Registry } from 'prom-client'
import { CountedHistogram, type CountedValue } from './counted-histogram.ts'
import { ProcessRegistry } from './process-registry.ts'

/** Counted apart; an index into arrays, so that counting a request is an addition. */
export const ROUTE = { FUNCTION_URL: 0, LAMBDA: 1, MESH: 2, OPERATIONS: 3, OTHER: 4, ROUTES: 5 } as const
export type Route = (typeof ROUTE)[keyof typeof ROUTE]
const ROUTE_NAMES = ['function_url', 'lambda', 'mesh', 'operations', 'other', 'routes'] as const

const STATUSES = 600
/** Counted where the client went away before its answer; never sent. The number is nginx's. */
export const CLIENT_GONE = 499
/** Seconds: from a warm call on this node (under a millisecond) to a function's longest life (900 s). */
const DURATION_BUCKETS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 900] as const

const OUTCOMES = ['ok', 'error', 'timeout', 'exit', 'refused'] as const
export type CountedOutcome = (typeof OUTCOMES)[number]

/** Bucket counts and sum of one route, in the form that prom-client prints. */
interface Durations {
  readonly buckets: Float64Array
  sum: number
  count: number
}

/** Plain numbers on the hot path; prom-client sees them when somebody scrapes. */
export class GatewayMetrics {
  readonly registry: Registry
  readonly #requests = new Float64Array(ROUTE_NAMES.length * STATUSES)
  readonly #durations: readonly Durations[] = ROUTE_NAMES.map(() => ({
    buckets: new Float64Array(DURATION_BUCKETS.length),
    sum: 0,
    count: 0
  }))
  readonly #invocations = { ok: 0, error: 0, timeout: 0, exit: 0, refused: 0 }
  #coldStarts = 0
  #inFlight = 0

  constructor(registry: Registry = new ProcessRegistry()) {
    this.registry = registry
    this.#register()
  }

  started(): void {
    this.#inFlight++
  }

  /** A request was answered, or its client went away (status 499). */
  answered(route: Route, status: number, durationMs: number): void {
    this.#inFlight--
    const known = status >= 0 && status < STATUSES ? status : 0
    const cell = route * STATUSES + known
    this.#requests[cell] = (this.#requests[cell] as number) + 1
    const durations = this.#durations[route] as Durations
    const seconds = durationMs / 1_000
    durations.sum += seconds
    durations.count++
    for (let bucket = 0; bucket < DURATION_BUCKETS.length; bucket++) {
      if (seconds > (DURATION_BUCKETS[bucket] as number)) continue
      durations.buckets[bucket] = (durations.buckets[bucket] as number) + 1
      return
    }
  }

  invoked(outcome: CountedOutcome, cold: boolean): void {
    this.#invocations[outcome]++
    if (cold) this.#coldStarts++
  }

  #register(): void {
    const registers = [this.registry]
    this.#counter('peerless_http_requests_total', 'Requests answered, by route and status', ['route', 'status'], (counter) => {
      this.#requests.forEach((count, cell) => {
        if (count === 0) return
        counter.inc({ route: ROUTE_NAMES[Math.floor(cell / STATUSES)] as string, status: String(cell % STATUSES) }, count)
      })
    })
    this.#counter('peerless_gateway_invocations_total', 'Invocations by what they ended with', ['outcome'], (counter) => {
      for (const outcome of OUTCOMES) counter.inc({ outcome }, this.#invocations[outcome])
    })
    this.#counter('peerless_gateway_cold_starts_total', 'Invocations for which an instance was launched', [], (counter) => {
      counter.inc(this.#coldStarts)
    })
    const inFlight = () => this.#inFlight
    new Gauge({
      name: 'peerless_http_requests_in_flight',
      help: 'Requests taken and not yet answered',
      registers,
      collect() {
        this.set(inFlight())
      }
    })
    this.registry.registerMetric(
      new CountedHistogram({ name: DURATION_NAME, help: DURATION_HELP }, () => valuesOf(this.#durations))
    )
  }

  #counter(name: string, help: string, labelNames: string[], fill: (counter: Counter) => void): void {
    const collect: CollectFunction<Counter> = function () {
      this.reset()
      fill(this)
    }
    new Counter({ name, help, labelNames, registers: [this.registry], collect })
  }
}

const DURATION_NAME = 'peerless_http_request_duration_seconds'
const DURATION_HELP = 'From the last header of a request to its answer'

function valuesOf(all: readonly Durations[]): CountedValue[] {
  const values: CountedValue[] = []
  all.forEach((durations, index) => {
    if (durations.count === 0) return
    const route = ROUTE_NAMES[index] as string
    let below = 0
    DURATION_BUCKETS.forEach((le, bucket) => {
      below += durations.buckets[bucket] as number
      values.push({ suffix: 'bucket', value: below, labels: { le, route } })
    })
    values.push({ suffix: 'bucket', value: durations.count, labels: { le: '+Inf', route } })
    values.push({ suffix: 'sum', value: durations.sum, labels: { route } })
    values.push({ suffix: 'count', value: durations.count, labels: { route } })
  })
  return values
}
