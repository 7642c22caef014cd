import type { FunctionVersion, InstanceStatus, Invocation, Outcome } from '@peerless/interface'

/** What the pipeline needs of this node's instances; `packages/instances` is one. */
export interface LocalInstances {
  /** Busy instances allowed at once; 0 makes the node a pure gateway. */
  readonly slots: number
  readonly busy: number
  /** Idle instances per revisionId, only those above zero. */
  idle(): ReadonlyMap<string, number>
  hasIdle(revisionId: string): boolean
  latencyMs(): number
  list(): InstanceStatus[]
  /** Milliseconds that the last start of a revision took here; undefined where none is remembered. */
  startMs(revisionId: string): number | undefined
  /** Runs it or refuses it with BUSY at once. `done` is called exactly once, after the slot is free again. */
  start(invocation: Invocation, done: (outcome: Outcome) => void): void
  readonly warm: {
    /** An idle instance of it would have been of use here: one is started beside the calls, where there is room for that. */
    missed(of: { functionName: string; account: string; version: FunctionVersion }): void
  }
}
