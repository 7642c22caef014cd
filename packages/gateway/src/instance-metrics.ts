import type { InstanceStatus, NodeStatus } from '@peerless/interface'
import { type CollectFunction, Counter, Gauge, type Registry } from 'prom-client'

/** What this node's instances did and use, read when somebody scrapes. There are at most a few hundred. */
export function registerInstanceMetrics(registry: Registry, node: () => Pick<NodeStatus, 'instances' | 'starts'>): void {
  const instances = () => node().instances
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
  gauge('start_seconds', 'How long its revision took to start here the last time', ({ startMs }) =>
    startMs === undefined ? undefined : startMs / 1_000
  )
  gauge('started_seconds', 'When it was ordered, since the epoch', ({ startedAt }) =>
    startedAt === undefined ? undefined : startedAt / 1_000
  )
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
  new Counter({
    name: 'peerless_instance_starts_total',
    help: 'Instances that were started since the node was, by function, for calls and ahead of them',
    labelNames: ['function'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [name, count] of Object.entries(node().starts ?? {})) this.inc({ function: name }, count)
    }
  })
}
