import type {
  Clock,
  Egress,
  FunctionVersion,
  InstanceStatus,
  Invocation,
  Logger,
  LogLine,
  MemoryStatus,
  Outcome,
  Random,
  Target
} from '@peerless/interface'
import type { Launchable } from './launch-ahead.ts'
import type { WarmOrder } from './warm-keeper.ts'

export interface InstancesOptions {
  nodeId: string
  /** Instances that may be busy at once, those being started included. 0: none, everything is BUSY. */
  slots: number
  clock: Clock
  random: Random
  logger: Logger
  /** The bytes of a version's bundle. @throws PeerlessError NOT_REPLICATED */
  loadBundle: (version: FunctionVersion) => Promise<Uint8Array>
  /** Whether a version is what its function has now, so that calls of it may come; nothing else is started ahead of them. Default: it is. */
  isDeployed?: ((of: Launchable) => boolean) | undefined
  /** Hot where functions write much: must not throw and should only take note. `account` is the function's. */
  onLog?: (account: string, line: LogLine) => void
  /** The way out for functions; without it every `fetch` is refused. */
  egress?: Egress | undefined
  /** An instance that was not used for so long is taken away. */
  idleMs?: number
  /** Bytes of a streamed answer; default LIMITS.streamBytesMax. */
  streamBytesMax?: number | undefined
  /** Megabytes that the daemon and its executors may hold together; above that idle instances are given up. Default: no bound. */
  memoryMb?: number | undefined
  /** Executor processes per account; default 2. */
  executorsPerAccountMax?: number
  /** Instances that start at once without being in each other's way; default: the machine's cores. */
  cores?: number | undefined
  /** Where is kept what revisions have shown, and V8's code caches; without it a restart puts everything on probation, and there are no caches. */
  directory?: string | undefined
  /** The Node that executors run: process.execPath. */
  nodePath: string
  /** For the environment of functions. */
  region: string
  accountId: string
}

/** Called exactly once; for a refusal already within `start`. */
export type OnOutcome = (outcome: Outcome) => void

/** This node's instances. */
export interface Instances extends Target {
  readonly slots: number
  /** Instances that run or are being started. */
  readonly busy: number
  /** `invoke` without a promise: the hot path. */
  start(invocation: Invocation, done: OnOutcome): void
  /** Idle instances per revision; a live view, only those above zero. */
  idle(): ReadonlyMap<string, number>
  hasIdle(revisionId: string): boolean
  /** Instances of a revision that are being started. */
  launching(revisionId: string): number
  /** Median of recent calls; 0 when there were none. */
  latencyMs(): number
  list(): InstanceStatus[]
  /** How many instances were started since the node was, by function. */
  starts(): ReadonlyMap<string, number>
  /** What the daemon and its executors hold, and what was given up for it. */
  memory(): MemoryStatus
  /** Milliseconds that the last start of a revision took, from the order to the instance being ready; undefined where none is remembered. */
  startMs(revisionId: string): number | undefined
  /** Instances that are to be there ahead of calls, and that the reaper leaves, until it is told anew. */
  readonly warm: {
    provision(orders: readonly WarmOrder[]): void
    /** An idle instance of it would have been of use here: one is started beside the calls, where there is room for that. */
    missed(of: Launchable): void
  }
  /** A first call of a version may come: what can be made ready without running its code is. Its bundle should be on this node's disk. */
  expect(version: FunctionVersion, account: string): void
  /** Takes away the instances of a revision that is no longer current; those that run end their call first. */
  retire(revisionId: string): void
  isolation(): { layer: string; active: boolean; detail: string }[]
  /** An executor answers. @throws PeerlessError UNAVAILABLE, DEADLINE_EXCEEDED, CONNECTION_LOST */
  probe(): Promise<void>
  /** Starts nothing more; resolves when all calls have ended or the time is up. Returns whether they have. */
  drain(timeoutMs: number): Promise<boolean>
  /** Ends every executor; resolves when the processes are gone. */
  stop(): Promise<void>
}
