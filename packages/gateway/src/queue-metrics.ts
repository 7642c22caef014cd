import type { AsyncStats } from '@peerless/interface'
import { type CollectFunction, Counter, Gauge, type Registry } from 'prom-client'
import { CountedHistogram, type CountedValue } from './counted-histogram.ts'

/** What the queue counts, read when somebody scrapes. */
export function registerQueueMetrics(registry: Registry, stats: () => AsyncStats): void {
  const gauge = (name: string, help: string, value: (stats: AsyncStats) => number) =>
    new Gauge({
      name: `peerless_queue_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value(stats()))
      }
    })
  gauge('events', 'Asynchronous events that this node owns and has not settled', ({ events }) => events)
  gauge('running', 'Of those, attempts under way', ({ running }) => running)
  gauge('delayed', 'Of those, waiting for the time of their next attempt', ({ delayed }) => delayed)
  gauge('bytes', 'Bytes of their payloads', ({ bytes }) => bytes)
  gauge('oldest_seconds', 'Age of the oldest of them', ({ oldestMs }) => oldestMs / 1_000)
  gauge('copies', "Copies of other nodes' events", ({ copies }) => copies)
  gauge('dead_letters', 'Dead letters on the disk of this node', ({ deadLetters }) => deadLetters)
  const counter = (name: string, help: string, labelNames: string[], fill: (counter: Counter, stats: AsyncStats) => void) => {
    const collect: CollectFunction<Counter> = function () {
      this.reset()
      fill(this, stats())
    }
    new Counter({ name: `peerless_queue_${name}`, help, labelNames, registers: [registry], collect })
  }
  counter('accepted_total', 'Asynchronous events accepted here', [], (one, { accepted }) => one.inc(accepted))
  counter('taken_over_total', 'Events taken over from other nodes', [], (one, { takenOver }) => one.inc(takenOver))
  counter('settled_total', 'Events that ended, by how', ['status'], (one, { settled }) => {
    for (const [status, count] of Object.entries(settled)) one.inc({ status }, count)
  })
  new Gauge({
    name: 'peerless_queue_waiting',
    help: 'Events waiting for their turn, of the functions where most wait',
    labelNames: ['function'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [name, waiting] of stats().depths) this.set({ function: name }, waiting)
    }
  })
  registry.registerMetric(new CountedHistogram({ name: DELAY_NAME, help: DELAY_HELP }, () => valuesOf(stats().startDelays)))
}

const DELAY_NAME = 'peerless_queue_start_delay_seconds'
const DELAY_HELP = 'From accepted to the begin of the first attempt'

function valuesOf({ boundsMs, counts, sumMs }: AsyncStats['startDelays']): CountedValue[] {
  let below = 0
  const buckets = boundsMs.map((bound, bucket): CountedValue => {
    below += counts[bucket] as number
    return { suffix: 'bucket', value: below, labels: { le: bound / 1_000 } }
  })
  const total = below + (counts.at(-1) as number)
  return [
    ...buckets,
    { suffix: 'bucket', value: total, labels: { le: '+Inf' } },
    { suffix: 'sum', value: sumMs / 1_000, labels: {} },
    { suffix: 'count', value: total, labels: {} }
  ]
}
