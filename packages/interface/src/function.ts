/** What the mesh knows of a function. Stored in the catalog under `function/NAME`; plain data, CBOR-safe. */

/** Who may call the function URL: anyone, or a signed request of a key that may invoke. undefined: no function URL. */
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
}

export interface FunctionRecord {
  name: string
  /** The account that owns it and pays. */
  account: string
  createdAt: number
  urlAuth: UrlAuth | undefined
  latest: FunctionVersion
}

/** A record and the version that a qualifier resolved to. */
export interface ResolvedFunction {
  record: FunctionRecord
  version: FunctionVersion
}
