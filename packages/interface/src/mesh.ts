import type { IncomingRequest, OnPart, OnReply, Reply, StreamedRequest } from './request.ts'

/**
 * Request types between nodes. One list, so that no two packages take the same number. Shapes are documented where they are handled.
 */
export const MESSAGE = {
  /** packages/invocation */
  INVOKE: 1,
  BEACON: 2,
  /** packages/catalog */
  CATALOG_DIGEST: 10,
  CATALOG_BUCKETS: 11,
  CATALOG_PUSH: 12,
  CATALOG_TURN: 13,
  CATALOG_TURN_END: 14,
  CATALOG_TURN_NEWS: 15,
  /** packages/bundle over packages/mesh, always on the bulk carrier */
  BLOCK_STAT: 20,
  BLOCK_CHUNK: 21,
  /** packages/ledger */
  LEDGER_OFFER: 30,
  LEDGER_HEADS: 31,
  LEDGER_PULL: 32,
  LEDGER_PUSH: 33,
  LEDGER_CLAIM: 34,
  /** packages/invocation: logs of one node */
  LOGS_READ: 40,
  /** packages/invocation: instances of one node; places of reserved concurrency; demand of functions with a latency target */
  INSTANCES_READ: 41,
  RESERVE: 42,
  RESERVE_RECALL: 43,
  DEMAND: 44,
  /** node/: what one front of a machine has counted */
  METRICS_READ: 45,
  /** node/: which blocks a peer has not got, asked by one that leaves */
  BLOCKS_LACKED: 46,
  /** 50 and 51 are the own ones of packages/mesh (constants.ts there). */
  /** packages/queue: copies of accepted events, what became of them, and questions about them */
  QUEUE_STORE: 60,
  QUEUE_UPDATE: 61,
  QUEUE_ASK: 62,
  /** packages/queue: one delivery by a node that has the service's endpoint */
  QUEUE_DELIVER: 63,
  /** packages/queue: results and dead letters of a node that leaves */
  QUEUE_KEEP: 64,
  /** packages/events: who fires a schedule at a time */
  SCHEDULE_CLAIM: 70
} as const

export const TOPIC = {
  CATALOG: 'catalog',
  LEDGER: 'ledger'
} as const
export type Topic = (typeof TOPIC)[keyof typeof TOPIC]

/** `calls` for small and urgent, `bulk` for blocks and anti-entropy: one long-lived stream each, so neither waits for the other. */
export type Carrier = 'calls' | 'bulk'

export type PeerListener = (peerId: string, connected: boolean) => void

/** A peer that was silent for longer is not counted on: the longest time to a ping and its answer, and a quarter of a second. It may still live, so nothing is taken from it unasked. */
export const PEER_SILENT_MS_MIN = 2_500

/** What packages see of the mesh: members only, by peer id; no addresses, no libp2p. Implemented by packages/mesh and, in memory, by packages/testing. */
export interface Mesh {
  readonly peerId: string
  readonly meshId: string
  /** Members connected now, this node not included. */
  peers(): string[]
  /** Milliseconds, smoothed; undefined before it was measured. */
  rttMs(peerId: string): number | undefined
  /**
   * Milliseconds since anything came from a connected peer, time in which this process itself stood still left out; undefined when it is not connected. Who
   * lives is heard of every 2.25 s; above PEER_SILENT_MS_MIN it may be dead, and is given up a few seconds later.
   */
  silentMs(peerId: string): number | undefined
  /**
   * `calls` carrier, no promise: the hot path. `done` is called exactly once: with UNAVAILABLE when there is no
   * connection (nothing was sent: try elsewhere), with CONNECTION_LOST when it broke afterwards. Returns a function that cancels (DEADLINE_EXCEEDED).
   */
  request(peerId: string, type: number, header: unknown, payload: Uint8Array, done: OnReply): () => void
  /** `request` whose answer comes in parts: `onPart` for each, in order, then `done`. */
  requestStreamed(
    peerId: string,
    type: number,
    header: unknown,
    payload: Uint8Array,
    onPart: OnPart,
    done: OnReply
  ): StreamedRequest
  /** The same as a promise. Without a signal it waits for ever, as long as the connection lives. */
  call(
    peerId: string,
    type: number,
    header: unknown,
    payload?: Uint8Array,
    options?: { carrier?: Carrier; signal?: AbortSignal }
  ): Promise<Reply>
  /** A notification to every peer that is connected, on the `calls` carrier, which nobody answers. Best effort: one whose queue is full gets none. */
  tell(type: number, header: unknown): void
  /** Registers the one handler of a request type. */
  handle(type: number, handler: (peerId: string, request: IncomingRequest) => void): void
  /** Best effort, at most once per peer and message. Never the only way that state travels. */
  publish(topic: Topic, bytes: Uint8Array): void
  /** `from` is the member that published. */
  subscribe(topic: Topic, receive: (from: string, bytes: Uint8Array) => void): void
  onPeer(listener: PeerListener): void
}
