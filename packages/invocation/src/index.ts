import {
  type Catalog,
  type Clock,
  type InstanceStatus,
  type Invoker,
  type Ledger,
  type Logger,
  type LogLine,
  type LogReader,
  type Mesh,
  type Random,
  TARIFF_DEFAULT,
  type Tariff
} from '@peerless/interface'
import { BeaconTable, type PeerLoad } from '@peerless/routing'
import { LatencyTargets } from './latency-targets.ts'
import { LoadReporter } from './load-reporter.ts'
import type { LocalInstances } from './local-instances.ts'
import { type LogArchive, LogStore } from './log-store.ts'
import { MeshInstances } from './mesh-instances.ts'
import { MeshLogs } from './mesh-logs.ts'
import { PeerCalls } from './peer-calls.ts'
import { Pipeline } from './pipeline.ts'

export type { LocalInstances } from './local-instances.ts'
export { LogDisk } from './log-disk.ts'

export interface InvocationOptions {
  mesh: Mesh
  catalog: Catalog
  instances: LocalInstances
  ledger: Ledger
  tariff?: Tariff
  clock: Clock
  random: Random
  logger: Logger
  /** Where log lines are kept beyond this start; in memory alone without. */
  logArchive?: LogArchive
}

export interface InvocationService extends Invoker {
  readonly logs: LogReader
  /** What `onLog` of the instances is given. */
  appendLog(account: string, line: LogLine): void
  /** The load of a peer as this node knows it. */
  loadOf(peerId: string): PeerLoad | undefined
  /** Whenever a peer takes work no more, or again. */
  onDraining(listener: () => void): void
  /** Instances of every node that answers within two seconds; `missing` are the peer ids of the others. */
  allInstances(): Promise<{ instances: InstanceStatus[]; missing: string[] }>
  /** Latency targets: what is wanted warm for them, and whether they are held. */
  readonly latency: Pick<LatencyTargets, 'wanted' | 'status' | 'onChange'>
  /** Requests taken here and not yet answered, and those of them that wait for a place. */
  readonly inFlight: number
  readonly waiting: number
  /** For how many milliseconds an attempt of this call may still run at a peer, at most; 0 where none does. */
  awayMs(requestId: string): number
  start(): void
  /** While it is true the peers send nothing more, and what comes here goes to them. */
  setDraining(draining: boolean): void
  /** While it is true nothing at all is taken: a node that drains refuses its clients, too, so that it has nothing under way some time. */
  setRefusing(refusing: boolean): void
  /** Why nothing is taken here now, not even to be sent on; undefined where it is. */
  readonly refusal: string | undefined
  /** From now on new calls are refused and the peers know it. */
  drain(): void
  stop(): void
}

/** The pipeline with its two targets (this node's instances, the peers), the load reports and the logs. */
export function createInvocation(options: InvocationOptions): InvocationService {
  const tariff = options.tariff ?? TARIFF_DEFAULT
  const table = new BeaconTable(options.mesh.peerId)
  const reporter = new LoadReporter({ ...options, table })
  const latency = new LatencyTargets({ ...options, table })
  const pipeline = new Pipeline({ ...options, tariff, table, reporter, latency })
  const peerCalls = new PeerCalls(
    { ...options, tariff, reporter },
    () => pipeline.pump(),
    () => pipeline.waiting === 0
  )
  pipeline.onPumped = () => peerCalls.freed()
  const store = new LogStore(options.clock.now(), options.logArchive)
  const logs = new MeshLogs({ ...options, store })
  const instances = new MeshInstances({ ...options, list: () => options.instances.list() })
  return {
    logs,
    invoke: (order) => pipeline.invoke(order),
    begin: (order, done) => pipeline.begin(order, done),
    appendLog: (account, line) => store.append(account, line),
    awayMs: (requestId) => pipeline.awayMs(requestId),
    loadOf: (peerId) => table.get(peerId),
    onDraining: (listener) => void reporter.onDraining.push(listener),
    allInstances: () => instances.all(),
    latency,
    get inFlight() {
      return reporter.inFlight
    },
    get waiting() {
      return pipeline.waiting
    },
    get refusal() {
      return reporter.refusal
    },
    start: () => {
      peerCalls.start()
      logs.start()
      instances.start()
      latency.start()
      reporter.start(() => pipeline.pump())
      pipeline.start()
    },
    setDraining: (draining) => {
      if (reporter.stopping) return
      reporter.draining = draining
      reporter.publish()
      // Those that wait for a place here may have one elsewhere, or the other way round.
      pipeline.pump()
    },
    setRefusing: (refusing) => {
      reporter.refusing = refusing
      pipeline.pump()
    },
    drain: () => {
      reporter.stopping = true
      reporter.draining = true
      reporter.publish()
    },
    stop: () => {
      reporter.stop()
      pipeline.stop()
      latency.stop()
    }
  }
}
