import type { FunctionVersion, Invocation } from '@peerless/interface'
import type { Manner } from '@peerless/sandbox'
import type { StreamIntake } from '@peerless/wire'
import type { CallLog } from './call-log.ts'
import type { Standing } from './conduct.ts'
import type { ExecutorProcess } from './executor-process.ts'
import type { Turn } from './thread-turns.ts'
import type { OnOutcome } from './types.ts'

/** A call under way, from the order to the outcome. */
export interface Running {
  /** Of a start, what it was ordered for, as long as that has not found another instance. */
  invocation: Invocation
  /** Taken away when the outcome is told: nothing is told twice. */
  done: OnOutcome | undefined
  /** Monotonic milliseconds. */
  startedAt: number
  /** After this the executor is not asked any more but killed. */
  overdueAt: number
  cold: boolean
  /** Of a start under way: gives the turn to compute to the next. */
  startOver: (() => void) | undefined
  /** It runs on the executor's own thread, see `ThreadTurns`. */
  onThread: boolean
  /** How often an executor turned it away before it was begun. */
  turnedAway: number
  initMs: number | undefined
  log: CallLog | undefined
  /** Where the answer is streamed. */
  intake?: StreamIntake | undefined
}

export function newRunning(invocation: Invocation, done: OnOutcome): Running {
  return {
    invocation,
    done,
    startedAt: 0,
    overdueAt: 0,
    cold: false,
    startOver: undefined,
    onThread: false,
    turnedAway: 0,
    initMs: undefined,
    log: undefined
  }
}

export interface Instance {
  readonly id: number
  readonly name: string
  readonly functionName: string
  readonly revision: Revision
  readonly executor: Executor
  state: 'starting' | 'idle' | 'busy' | 'gone'
  /** It goes when its call has ended: its revision belongs in another executor now. */
  leaving: boolean
  /** Calls sent and not answered, in the order in which they run: more than one only on a lane. */
  readonly calls: Running[]
  callCount: number
  errors: number
  /** Megabytes as the executor last said; 0: not yet. */
  usedMb: number
  /** Monotonic milliseconds. */
  readonly startedAt: number
  cpuUs: number
  /** Monotonic milliseconds. */
  lastUsedAt: number
  /** What the executor was told with the call before: only differences are sent. */
  attempt: number
  caller: string
  invokedArn: string
  clientContext: string | undefined
  trace: string | undefined
  /** Milliseconds by stage of its start. */
  startStagesMs: Record<string, number> | undefined
}

/** All instances of one revision on this node. */
export interface Revision {
  readonly id: string
  readonly version: FunctionVersion
  readonly account: string
  /** The most recently used last. */
  readonly idle: Instance[]
  /** At most one instance per executor, on which calls of a prompt revision are stacked. */
  readonly lanes: Instance[]
  /** Calls in a row that were answered without waiting. */
  promptCalls: number
  /** What `idle()` says of it. */
  counted: number
  alive: number
  launching: number
  retired: boolean
  manner: Manner
  standing: Standing
}

/** Why a process was killed decides what its calls are told. */
export type KillReason = 'deadline' | 'memory' | 'catastrophe' | 'idle' | 'stop'

export interface Executor {
  readonly process: ExecutorProcess
  /** What kind of code it takes. */
  standing: Standing
  /** The revision in quarantine that it is for. */
  ward: string | undefined
  readonly turn: Turn
  /** It does not answer in time: its idle instances wait here and nothing new goes there. */
  suspended: Instance[] | undefined
  /** Monotonic milliseconds; when that began last. */
  suspendedAt: number
  /** undefined while it is the spare. */
  account: string | undefined
  readonly instances: Map<number, Instance>
  /** Instances per bundle that it holds. */
  readonly bundles: Map<string, number>
  loads: number
  /** Monotonic milliseconds; when a start ended there last, well or not. */
  startedAt: number
  /** Takes no more instances. */
  draining: boolean
  killedFor: KillReason | undefined
  /** How it ended, where nobody ended it; told by `ExecutorPool.deathOf`. */
  death: 'exit' | 'memory' | undefined
  /** It will be killed for its memory in a moment. */
  condemned: boolean
  /** Revisions that are held to have made it end. */
  readonly blamed: Set<string>
  /** Every revision that it has been given. */
  readonly hosted: Set<string>
  /** It was asked to give memory back since it last ran something. */
  trimmed: boolean
  /** The call that made it overdue. */
  culprit: Running | undefined
  /** Monotonic milliseconds; when its last instance went. */
  idleSince: number
}
