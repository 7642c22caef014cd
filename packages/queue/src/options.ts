import type { AsyncInvoker, Clock, Invoker, Logger, Mesh, Random, ResolvedFunction } from '@peerless/interface'
import type { EventPolicy } from './destinations.ts'
import type { Disk } from './disk.ts'

/** Sends a record to an address outside the mesh. Resolves with the HTTP status; rejects when there was no answer. */
type Post = (url: string, headers: Record<string, string>, body: Uint8Array, timeoutMs: number) => Promise<number>

export interface QueueOptions {
  mesh: Mesh
  clock: Clock
  random: Random
  logger: Logger
  disk: Disk
  invoker: Invoker
  /** What a qualifier names now; undefined: no such function. */
  resolve: (functionName: string, qualifier: string | undefined) => ResolvedFunction | undefined
  policy: (functionName: string, qualifier: string | undefined) => EventPolicy
  post: Post
  region: string
  accountId: string
  /** Copies on other nodes, as far as there are any. Default 1. */
  replicas?: number
  /** Attempts under way at once. Default 64. */
  runsMax?: number
  /** The first wait before a retry, in milliseconds. Default RETRY_BASE_MS. */
  retryBaseMs?: number
}

export interface QueueStats {
  /** Accepted here or taken over, and not settled; running ones included. */
  readonly events: number
  readonly running: number
  readonly delayed: number
  readonly bytes: number
  /** Milliseconds since the oldest of them was accepted; 0 when there is none. */
  readonly oldestMs: number
  readonly copies: number
  readonly accepted: number
  readonly takenOver: number
  readonly settled: Readonly<Record<'succeeded' | 'failed' | 'expired', number>>
  readonly deadLetters: number
  /** Milliseconds from accepted to started of first attempts: how many, and their sum. */
  readonly startDelayCount: number
  readonly startDelaySumMs: number
  /** Waiting per function, the deepest first, at most 100. */
  readonly depths: readonly (readonly [functionName: string, waiting: number])[]
}

export interface QueueService extends AsyncInvoker {
  /** Reads what the disk has, registers at the mesh, and begins to run. Once. */
  start(): Promise<void>
  stats(): QueueStats
  /** No more is accepted or started here. */
  drain(): void
  /** Hands over what is left, as far as anybody takes it, and closes the disk. */
  stop(): Promise<void>
}
