/** How a node is started; `cli` makes it from flags. */
export interface NodeOptions {
  /** Everything that outlives the process is in here; created where needed. */
  dataDirectory: string
  http: { host: string; port: number }
  /** Multiaddrs to listen on for peers; empty: a free port of loopback. */
  listen: string[]
  /** Invite token; only for a folder that is not of a mesh yet. */
  join?: string | undefined
  /** Shown to people; also the account that is paid for what this node runs. Default: made from the peer id. */
  name?: string | undefined
  /** Busy instances at once. Default: 32 per core. 0: a gateway that runs nothing. */
  slots?: number | undefined
  /** Megabytes that the daemon and its executors may hold together. Default: 80 % of the machine's, or of what its control group allows. */
  memoryMb?: number | undefined
  /** Bytes of a streamed answer of a function that runs here. Default: LIMITS.streamBytesMax. */
  streamBytesMax?: number | undefined
  /** Other nodes that have an asynchronous event on their disk before it is accepted, as far as there are any. Default 1. */
  replicas?: number | undefined
  /** Mean milliseconds between two comparisons of the catalog with a random peer. Default 4,000. */
  antiEntropyMs?: number | undefined
  /** How long the ledger keeps each receipt, in milliseconds, at least a day. Default 400 days. */
  ledgerKeepMs?: number | undefined
  /** Processes of this machine that share the HTTP port, this one included; each is a node of the mesh. Default 1. */
  fronts?: number | undefined
  /** Set by the machine's first front for the others. */
  front?: FrontOptions | undefined
  /** 12 digits, shown in ARNs. */
  accountId: string
  s3Endpoint?: string | undefined
  /** Where records of asynchronous invocations are delivered to, beside `s3Endpoint`. Origins. */
  sqsEndpoint?: string | undefined
  snsEndpoint?: string | undefined
  kinesisEndpoint?: string | undefined
  eventbridgeEndpoint?: string | undefined
  /** CIDR ranges that functions may reach although they are closed by default. */
  allowEgress: string[]
  /** Deploy the sample function `hello` when this start founds a mesh. */
  sample?: boolean | undefined
  /** First line on stdout is machine-readable. */
  json: boolean
}

/** A further front of a machine. */
interface FrontOptions {
  /** From 2. */
  number: number
  /** Of the machine. */
  count: number
  /** Peer id of the first front. */
  machine: string
  /** Where the first front takes, at loopback, what reads or changes records. */
  firstPort: number
}
