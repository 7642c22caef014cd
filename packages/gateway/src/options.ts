import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  AccessKey,
  AsyncInvoker,
  Catalog,
  Clock,
  Deployments,
  DestinationService,
  Invoker,
  KeyRole,
  Ledger,
  Logger,
  LogReader,
  MeshStatus,
  Random,
  Triggers
} from '@peerless/interface'
import type { Registry } from 'prom-client'
import type { GatewayLimits } from './limits.ts'

/** Access keys of the mesh, as the gateway needs them. `get` and `list` answer from memory. */
export interface AccessKeys {
  create(order: { role: KeyRole; account: string }): Promise<AccessKey>
  list(): AccessKey[]
  /** False when there was none of that id. */
  revoke(accessKeyId: string): Promise<boolean>
  get(accessKeyId: string): AccessKey | undefined
}

/** Reads an object of a bucket, for code that is named by S3Bucket and S3Key. @throws TOO_LARGE, and INVALID_ARGUMENT with S3's reason */
export type FetchObject = (order: {
  bucket: string
  key: string
  version: string | undefined
  bytesMax: number
}) => Promise<Uint8Array>

export interface GatewayOptions {
  invoker: Invoker
  /** Takes `Event` invocations; without it they are refused. */
  asyncInvoker?: AsyncInvoker
  /** Schedules; without it `/v1/triggers` is refused. */
  triggers?: Triggers
  /** Without it code comes in the request only. */
  fetchObject?: FetchObject
  /** Whether records of asynchronous invocations can be delivered to places of a service; without it, to none. */
  deliversTo?: (service: DestinationService) => boolean
  deployments: Deployments
  catalog: Catalog
  keys: AccessKeys
  ledger: Ledger
  logs: LogReader
  mesh: MeshStatus
  /** Where the first front of this machine listens aside (`listenAside`), when this is another one: what reads or changes records goes there. */
  firstFrontPort?: number
  /** 12 digits, as it stands in ARNs. */
  accountId: string
  /** As it stands in ARNs; requests may be signed for any region. */
  region: string
  clock: Clock
  random: Random
  logger: Logger
  /** Overrides of GATEWAY_LIMITS. */
  limits?: Partial<GatewayLimits>
  /** Where `/metrics` reads; the gateway adds its own. Default: a ProcessRegistry. */
  metrics?: MetricsSource
}

interface MetricsSource {
  readonly registry: Registry
  /** What `/metrics` answers, where that is more than what this node counts. @returns Prometheus text */
  readonly page?: () => Promise<string>
}

/** What every handler of the gateway works with: the options with their defaults filled in. */
export interface GatewayContext extends Omit<GatewayOptions, 'limits' | 'metrics'> {
  limits: GatewayLimits
}

export interface Gateway {
  /**
   * Port 0 takes a free one; the answer says which.
   * @param shared other processes of the same user may listen there, too, when they say so as well: the system spreads connections over them
   * @throws the socket's error (EADDRINUSE, EACCES; EINVAL or ENOTSUP where the system cannot share ports)
   */
  listen(host: string, port: number, shared?: boolean): Promise<{ host: string; port: number }>
  /** Listens at a free port of loopback as well, for the other fronts of the machine. @returns the port */
  listenAside(): Promise<number>
  /** Stops accepting, lets requests finish with `connection: close`, and cuts what is left after `graceMs`. May be called again. */
  close(graceMs: number): Promise<void>
  /** One request; what the server calls. */
  handle(request: IncomingMessage, response: ServerResponse): void
}
