import type { InstanceStatus } from '@peerless/interface'
import { type CollectFunction, Gauge, type Registry } from 'prom-client'

/** What this node's instances did and use, read when somebody scrapes. There are at most a few hundred. */
export function registerInstanceMetrics(registry: Registry, instances: () => InstanceStatus[]): void {
  const gauge = (name: string, help: string, value: (instance: InstanceStatus) => number | undefined) => {
    const collect: CollectFunction<Gauge> = function () {
      this.reset()
      for (const instance of instances()) {
        const found = value(instance)
        if (found === undefined) continue
        this.set({ function: instance.function, version: instance.version, instance: instance.instance }, found)
      }
    }
    new Gauge({
      name: `peerless_instance_${name}`,
      help,
      labelNames: ['function', 'version', 'instance'],
      registers: [registry],
      collect
    })
  }
  gauge('calls', 'Calls that this instance was given', ({ calls }) => calls)
  gauge('errors', 'Of those, calls that did not end well', ({ errors }) => errors)
  gauge('cpu_seconds', 'CPU time of its calls', ({ cpuMs }) => (cpuMs === undefined ? undefined : cpuMs / 1_000))
  gauge('memory_bytes', 'Its heap as last sampled', ({ memoryMb }) => (memoryMb === undefined ? undefined : memoryMb * 1_048_576))
  gauge('last_use_seconds', 'When it last ended a call, since the epoch', ({ lastUsedAt }) => lastUsedAt / 1_000)
  new Gauge({
    name: 'peerless_instances',
    help: 'Instances of this node by function and state',
    labelNames: ['function', 'state'],
    registers: [registry],
    collect() {
      this.reset()
      for (const instance of instances()) this.inc({ function: instance.function, state: instance.state })
    }
  })
}
