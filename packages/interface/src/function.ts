/** What the mesh knows of functions. `FunctionRecord` is stored in the catalog under `function/NAME`, published versions under `version/NAME:N`; plain data, CBOR-safe. */

/** Who may call a function URL: anyone, or a signed request of a key that may invoke. */
export type UrlAuth = 'NONE' | 'AWS_IAM'

export interface CodeReference {
  /** CID of the zip as it was uploaded (GetFunction gives it back). */
  zipCid: string
  zipBytes: number
  /** base64 of SHA-256 of the zip, as Lambda's CodeSha256. */
  zipSha256: string
  /** CID of the bundle that executors load. */
  bundleCid: string
  bundleBytes: number
}

/** A layer as one version uses it; its code is already in the version's bundle. */
export interface LayerUse {
  arn: string
  zipBytes: number
  /** Its zip, which the function keeps when the layer's version is deleted. Functions of before this was noted have none. */
  zipCid?: string | undefined
}

/** LoggingConfig; levels only count where the format is JSON. */
export interface LoggingSettings {
  format: 'Text' | 'JSON'
  applicationLevel: string | undefined
  systemLevel: string | undefined
  group: string | undefined
}

/** One version as it can be run: everything an executor needs but the bundle's bytes. Immutable under its `revisionId`. */
export interface FunctionVersion {
  /** `$LATEST` or a number as text. */
  version: string
  /** Changes with every change of code or configuration; names instances, idle lists and code cache. */
  revisionId: string
  handler: string
  runtime: string
  role: string
  description: string
  memoryMb: number
  timeoutSeconds: number
  environment: Record<string, string>
  code: CodeReference
  /** Epoch milliseconds. */
  modifiedAt: number
  architecture?: 'x86_64' | 'arm64' | undefined
  /** Size of `/tmp`; default 512. */
  ephemeralStorageMb?: number | undefined
  tracing?: 'PassThrough' | 'Active' | undefined
  logging?: LoggingSettings | undefined
  /** Where asynchronous events go that failed for good: DeadLetterConfig.TargetArn. */
  deadLetterTarget?: string | undefined
  layers?: LayerUse[] | undefined
  /** JSON text of members that clients set and a mesh only keeps and gives back (VpcConfig, KMSKeyArn, SnapStart, …). */
  kept?: string | undefined
}

export interface CorsSettings {
  allowCredentials?: boolean | undefined
  allowHeaders?: string[] | undefined
  allowMethods?: string[] | undefined
  allowOrigins?: string[] | undefined
  exposeHeaders?: string[] | undefined
  /** Seconds. */
  maxAge?: number | undefined
}

export interface UrlSettings {
  auth: UrlAuth
  invokeMode: 'BUFFERED' | 'RESPONSE_STREAM'
  cors?: CorsSettings | undefined
  /** Epoch milliseconds, as all times here. */
  createdAt: number
  modifiedAt: number
}

/** How asynchronous invocations of one qualifier are treated; what is undefined has Lambda's default (2 retries, 6 hours). */
export interface EventInvokeSettings {
  retriesMax?: number | undefined
  eventAgeSecondsMax?: number | undefined
  /** ARNs, or `http(s)://` URLs for CloudEvents. */
  onSuccess?: string | undefined
  onFailure?: string | undefined
  modifiedAt: number
}

export interface ProvisionedSettings {
  requested: number
  modifiedAt: number
}

/** `any` is every account of the mesh; `value` is what was written. */
export interface PolicyPrincipal {
  kind: 'any' | 'aws' | 'service'
  value: string
}

/** One statement of a resource policy: who, beside the account that owns it, may do what. Those of one sid were written as one. */
export interface PolicyStatement {
  sid: string
  /** undefined allows. A denial holds against whatever allows, ownership too. */
  effect?: 'Deny' | undefined
  /** `lambda:InvokeFunction` and the like, or with stars and question marks. */
  action: string
  principal: PolicyPrincipal
  sourceArn?: string | undefined
  sourceAccount?: string | undefined
  eventSourceToken?: string | undefined
  organization?: string | undefined
  urlAuth?: UrlAuth | undefined
  viaUrl?: boolean | undefined
}

export interface ResourcePolicy {
  revisionId: string
  statements: PolicyStatement[]
}

/** What is set for one qualifier: `$LATEST`, a version or an alias. */
export interface QualifierSettings {
  url?: UrlSettings | undefined
  eventInvoke?: EventInvokeSettings | undefined
  provisioned?: ProvisionedSettings | undefined
  policy?: ResourcePolicy | undefined
  runtimeUpdate?: { mode: 'Auto' | 'Manual' | 'FunctionUpdate'; versionArn: string | undefined } | undefined
  scaling?: { min: number | undefined; max: number | undefined } | undefined
}

/** A name for one version, or for two between which calls are split. */
export interface AliasRecord {
  name: string
  version: string
  /** A second version and its share of the calls, 0 to 1. */
  second?: { version: string; weight: number } | undefined
  description: string
  revisionId: string
}

export interface FunctionRecord {
  name: string
  /** The account that owns it and pays. */
  account: string
  createdAt: number
  latest: FunctionVersion
  /** Number of the version published last; default 0, there was none. Numbers are never used again. */
  lastVersion?: number | undefined
  aliases?: Record<string, AliasRecord> | undefined
  /** By qualifier; `$LATEST` for the function itself. */
  qualifiers?: Record<string, QualifierSettings> | undefined
  /** Calls at once in the whole mesh; 0 refuses all; undefined: as many as there is room for. */
  reservedConcurrency?: number | undefined
  /**
   * Milliseconds within which 99 of 100 calls are to be answered, waiting and starting included; instances are kept warm for it, as few as
   * will do. undefined: none are. LIMITS.latencyTargetMsMin to latencyTargetMsMax.
   */
  latencyTargetMs?: number | undefined
  tags?: Record<string, string> | undefined
  /** Default Terminate. */
  recursiveLoop?: 'Terminate' | 'Allow' | undefined
  codeSigningArn?: string | undefined
}

/** A record and the version that a qualifier resolved to. */
export interface ResolvedFunction {
  record: FunctionRecord
  version: FunctionVersion
}

/** A published version; the entry's name is `NAME:N`. */
export interface VersionRecord {
  functionName: string
  account: string
  version: FunctionVersion
}

/** A layer's name and the number of its last version; numbers are never used again. */
export interface LayerRecord {
  name: string
  account: string
  lastVersion: number
}

/** One version of a layer; the entry's name is `NAME:N`. */
export interface LayerVersionRecord {
  name: string
  account: string
  version: number
  description: string
  licence: string | undefined
  runtimes: string[]
  architectures: string[]
  zipCid: string
  zipBytes: number
  zipSha256: string
  createdAt: number
  policy: ResourcePolicy | undefined
}

/** Where records come from to a function; polled by packages/events. */
export interface EventSourceMappingRecord {
  uuid: string
  account: string
  functionName: string
  /** As it stands in the mapping's FunctionArn; undefined: none. */
  qualifier: string | undefined
  enabled: boolean
  createdAt: number
  modifiedAt: number
  lastResult: string
  tags: Record<string, string>
  /** JSON text of the request's members as CreateEventSourceMapping takes them (EventSourceArn, BatchSize, FilterCriteria, …), defaults filled in. */
  settings: string
}

export interface CodeSigningRecord {
  id: string
  account: string
  description: string
  publishers: string[]
  untrusted: 'Warn' | 'Enforce'
  modifiedAt: number
  tags: Record<string, string>
}
