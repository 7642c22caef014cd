import type { AsyncInvoker, Clock, Invoker, Logger, Mesh, Random, ResolvedFunction } from '@peerless/interface'
import type { Post, Services } from './deliveries.ts'
import type { EventPolicy } from './destinations.ts'
import type { Disk } from './disk.ts'
import type { Left } from './hand-over.ts'

export interface QueueOptions {
  mesh: Mesh
  clock: Clock
  random: Random
  logger: Logger
  disk: Disk
  invoker: Invoker
  /** What a qualifier names now; undefined: no such function. */
  resolve: (functionName: string, qualifier: string | undefined) => ResolvedFunction | undefined
  policy: (functionName: string, qualifier: string | undefined, account: string | undefined) => EventPolicy
  post: Post
  services: Services
  region: string
  accountId: string
  /** Copies on other nodes, as far as there are any. Default 1. */
  replicas?: number
  /** Which machine a node is on. Default: each on its own. */
  machineOf?: (peerId: string) => string
  /** Why nothing that is accepted now could run anywhere; undefined where it can. Default: it can. */
  refusal?: () => string | undefined
  /** For how many milliseconds an attempt under this id may still run at a peer, at most; 0 where none does. Default: none does. */
  awayMs?: (requestId: string) => number
  /** Attempts under way at once. Default 64. */
  runsMax?: number
  /** The first wait before a retry, in milliseconds. Default RETRY_BASE_MS. */
  retryBaseMs?: number
}

export interface QueueService extends AsyncInvoker {
  /** Reads what the disk has, registers at the mesh, and begins to run. Once. */
  start(): Promise<void>
  /** No more is accepted or started here. */
  drain(): void
  /**
   * Drains, and gives results and dead letters that no other machine has to peers, and before that every event that this node owns to a peer for good, that first one copy at least is on that one's disk; also what it keeps for an owner that is
   * gone. What runs here or elsewhere meanwhile runs once more, when that attempt is over, or two minutes later (the longest wait between two attempts).
   * @returns what is left that only this node has
   */
  handOver(): Promise<Left>
  /** Accepts and runs again, after a `drain` or `handOver` that came to nothing. */
  resume(): void
  /** Hands over what is left, as far as anybody takes it, and closes the disk. */
  stop(): Promise<void>
}
