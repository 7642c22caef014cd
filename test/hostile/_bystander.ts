import { Agent } from 'node:http'
import { get } from '../_functions.ts'

/** A call is started so often, whether the one before has been answered or not. */
const PERIOD_MS = 25

export const BYSTANDER = `let count = 0
export const handler = async (event) => { count++; await null; return { ok: true, path: event.rawPath } }`

export interface Interval {
  calls: number
  failures: string[]
  /** Milliseconds from when each call should have started to its answer. */
  latencies: number[]
  /** The longest that this process itself was late to start a call: a machine that pauses shows here, too. */
  lateMsMax: number
  /** The longest answer of the daemon's own health page, asked beside each tenth call. */
  healthMsMax: number
}

/** A function of the same account that is called all the time. */
export class Bystander {
  readonly #url: string
  readonly #healthUrl: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })
  readonly #timer: NodeJS.Timeout
  #due = performance.now()
  #ticks = 0
  #current: Interval = empty()
  #pending = new Set<Promise<void>>()

  constructor(http: string, name: string) {
    this.#url = `${http}/fn/${name}/ping`
    this.#healthUrl = `${http}/healthz`
    this.#timer = setInterval(() => this.#tick(), PERIOD_MS)
  }

  /** What happened since the last time; waits for the calls that are under way. */
  async take(): Promise<Interval> {
    await Promise.all(this.#pending)
    const taken = this.#current
    this.#current = empty()
    return taken
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#pending)
    this.#agent.destroy()
  }

  #tick(): void {
    const now = performance.now()
    const due = Math.max(this.#due + PERIOD_MS, now - 1_000)
    this.#due = now
    const interval = this.#current
    interval.lateMsMax = Math.max(interval.lateMsMax, now - due)
    this.#start(interval, now)
    if (++this.#ticks % 10 === 0) this.#health(interval, now)
  }

  #start(interval: Interval, startedAt: number): void {
    interval.calls++
    this.#track(
      get(this.#url, this.#agent).then(
        ({ status, body }) => {
          interval.latencies.push(performance.now() - startedAt)
          if (status !== 200 || !body.includes('"ok":true')) interval.failures.push(`${status} ${body.slice(0, 200)}`)
        },
        (error: Error) => {
          interval.failures.push(String(error))
        }
      )
    )
  }

  #health(interval: Interval, startedAt: number): void {
    const asked = get(this.#healthUrl, this.#agent).then(
      () => {
        interval.healthMsMax = Math.max(interval.healthMsMax, performance.now() - startedAt)
      },
      (error: Error) => {
        interval.failures.push(`health: ${error}`)
      }
    )
    this.#track(asked)
  }

  #track(call: Promise<void>): void {
    this.#pending.add(call)
    void call.finally(() => this.#pending.delete(call))
  }
}

function empty(): Interval {
  return { calls: 0, failures: [], latencies: [], lateMsMax: 0, healthMsMax: 0 }
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}
