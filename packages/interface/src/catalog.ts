import type { DestinationService } from './destination.ts'
import type {
  CodeSigningRecord,
  EventSourceMappingRecord,
  FunctionRecord,
  LayerRecord,
  LayerVersionRecord,
  VersionRecord
} from './function.ts'
import type { RouteRecord } from './route.ts'
import type { FiringRecord, TriggerRecord } from './trigger.ts'

/** What a key may do. admin: everything; deployer: deploy and invoke in its account; invoker: invoke only. */
export type KeyRole = 'admin' | 'deployer' | 'invoker'

/** An access key as SigV4 needs it. The secret is replicated sealed and opened in memory only. */
export interface AccessKey {
  accessKeyId: string
  secretAccessKey: string
  role: KeyRole
  account: string
  createdAt: number
  /** Peer id of the node that made it for itself: its command line signs with it. */
  node?: string | undefined
}

/** What the catalog says of a node of the mesh. */
export interface NodeRecord {
  peerId: string
  name: string
  /** The operator's account: it is paid for what the node runs. */
  account: string
  /** Multiaddrs with /p2p/. */
  addresses: string[]
  version: string
  httpAddress: string | undefined
  /** Peer id of the first front of its machine, where several nodes are the fronts of one; undefined: it is a machine by itself. */
  machine?: string | undefined
  /** Services that it delivers records to, for every node of the mesh. */
  destinations?: DestinationService[] | undefined
}

export interface CatalogKinds {
  function: FunctionRecord
  /** Named `FUNCTION:N`. */
  version: VersionRecord
  layer: LayerRecord
  /** Named `LAYER:N`. */
  layerVersion: LayerVersionRecord
  /** Named by its UUID. */
  mapping: EventSourceMappingRecord
  /** Named `csc-…`. */
  signing: CodeSigningRecord
  key: AccessKey
  node: NodeRecord
  trigger: TriggerRecord
  firing: FiringRecord
  /** Named by its id. */
  route: RouteRecord
}

export type CatalogKind = keyof CatalogKinds

/**
 * The replicated record. Reads are from memory and synchronous; a write is on this node's disk when its promise resolves
 * and spreads on its own. Per key, the highest (hybrid time, author) wins everywhere.
 */
export interface Catalog {
  get<Kind extends CatalogKind>(kind: Kind, name: string): CatalogKinds[Kind] | undefined
  /** In order of name. */
  list<Kind extends CatalogKind>(kind: Kind): CatalogKinds[Kind][]
  /** Writes a new value, newer than what this node knows. @throws INVALID_ARGUMENT, TOO_LARGE */
  put<Kind extends CatalogKind>(kind: Kind, name: string, value: CatalogKinds[Kind]): Promise<void>
  /** Leaves a tombstone. Returns false when there was nothing. */
  remove(kind: CatalogKind, name: string): Promise<boolean>
  /**
   * Runs what reads an entry, and those that it counts, and writes them back: alone among the nodes that are connected, and after what was written in the turns
   * before can be read here. Short: a turn is over after some seconds, whatever it does. Where nodes do not see each other, both have their turn, and the later write wins.
   * @throws what `task` throws
   */
  inTurn<Result>(kind: CatalogKind, name: string, task: () => Promise<Result>): Promise<Result>
  /** Called after each change, own or replicated, with undefined for a removal. Returns a function that stops it. */
  onChange(listener: (kind: CatalogKind, name: string) => void): () => void
}
