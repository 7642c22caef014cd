import type { MemoryStatus } from '@peerless/interface'
import { Counter, Gauge, type Registry } from 'prom-client'

const MB = 1_048_576

/** What the daemon and its executors hold, read when somebody scrapes. */
export function registerMemoryMetrics(registry: Registry, memory: () => MemoryStatus | undefined): void {
  const registers = [registry]
  const gauge = (name: string, help: string, value: (status: MemoryStatus) => number | undefined) => {
    new Gauge({
      name: `peerless_memory_${name}`,
      help,
      registers,
      collect() {
        const status = memory()
        const found = status === undefined ? undefined : value(status)
        if (found === undefined) this.remove()
        else this.set(found)
      }
    })
  }
  gauge('used_bytes', 'What the daemon and its executors hold together', ({ usedMb }) => usedMb * MB)
  gauge('bound_bytes', 'What they may hold', ({ boundMb }) => (boundMb === undefined ? undefined : boundMb * MB))
  new Counter({
    name: 'peerless_instances_evicted_total',
    help: 'Idle instances given up for memory, by whether they were to be kept warm',
    labelNames: ['kept'],
    registers,
    collect() {
      this.reset()
      const { evicted, evictedKept } = memory() ?? { evicted: 0, evictedKept: 0 }
      this.inc({ kept: 'no' }, evicted - evictedKept)
      this.inc({ kept: 'yes' }, evictedKept)
    }
  })
}
