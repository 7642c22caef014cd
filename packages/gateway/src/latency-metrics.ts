import type { LatencyStatus } from '@peerless/interface'
import { Gauge, type Registry } from 'prom-client'

const STATES = ['learning', 'held', 'missed'] as const

/** Latency targets as this node has heard of them, read when somebody scrapes. There are at most a thousand. */
export function registerLatencyMetrics(registry: Registry, latency: () => LatencyStatus[]): void {
  const gauge = (name: string, help: string, value: (status: LatencyStatus) => number | undefined) => {
    new Gauge({
      name: `peerless_latency_${name}`,
      help,
      labelNames: ['function', 'version'],
      registers: [registry],
      collect() {
        this.reset()
        for (const status of latency()) {
          const found = value(status)
          if (found !== undefined) this.set({ function: status.function, version: status.version }, found)
        }
      }
    })
  }
  gauge(
    'target_seconds',
    'What the author asked for: 99 of 100 calls are to be answered within that',
    ({ targetMs }) => targetMs / 1_000
  )
  gauge('p99_seconds', 'Measured over the whole mesh', ({ p99Ms }) => (p99Ms === undefined ? undefined : p99Ms / 1_000))
  gauge('late_ratio', 'Share of the calls that came later than the target', ({ lateShare }) => lateShare)
  gauge('warm_wanted', 'Instances wanted warm over the whole mesh', ({ warm }) => warm)
  gauge('warm_wanted_here', 'Those of them that are for this node to keep', ({ warmHere }) => warmHere)
  new Gauge({
    name: 'peerless_latency_state',
    help: '1 for the state that the target is in; missed with its reason: service, capacity, cold or wait',
    labelNames: ['function', 'version', 'state', 'reason'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { function: name, version, state, reason } of latency()) {
        for (const one of STATES) {
          const labels = { function: name, version, state: one, reason: one === state ? (reason ?? '') : '' }
          this.set(labels, one === state ? 1 : 0)
        }
      }
    }
  })
}
