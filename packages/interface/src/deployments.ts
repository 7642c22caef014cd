import type { FunctionRecord, FunctionVersion, LayerUse, LoggingSettings, UrlAuth } from './function.ts'

/** The part of a function that its author sets; undefined leaves a default (create) or the old value (update). */
export interface FunctionSettings {
  handler?: string | undefined
  runtime?: string | undefined
  role?: string | undefined
  description?: string | undefined
  memoryMb?: number | undefined
  timeoutSeconds?: number | undefined
  environment?: Record<string, string> | undefined
  architecture?: 'x86_64' | 'arm64' | undefined
  ephemeralStorageMb?: number | undefined
  tracing?: 'PassThrough' | 'Active' | undefined
  logging?: LoggingSettings | undefined
  /** '' takes it away. */
  deadLetterTarget?: string | undefined
  /** Lowest first; their zips are merged under `/opt`. Each must be in the catalog. */
  layers?: LayerUse[] | undefined
  kept?: string | undefined
  /** null takes the function URL away. */
  urlAuth?: UrlAuth | null | undefined
}

/** Bytes that were stored under their CID. */
export interface StoredCode {
  zipCid: string
  zipBytes: number
  zipSha256: string
}

/** What a deployment at this node does: check, bundle, store, write to the catalog, announce. Changes of one function take turns. */
export interface Deployments {
  /** @throws CONFLICT when the name is taken; INVALID_ZIP, INVALID_SOURCE, HANDLER_NOT_FOUND, INVALID_ARGUMENT, TOO_LARGE */
  create(order: {
    name: string
    account: string
    zip: Uint8Array
    settings: FunctionSettings
    tags?: Record<string, string> | undefined
    codeSigningArn?: string | undefined
  }): Promise<FunctionRecord>
  /** @param order.revisionId when given, must be the current one, else PRECONDITION_FAILED */
  updateCode(order: {
    name: string
    zip: Uint8Array
    revisionId?: string | undefined
    dryRun?: boolean
    architecture?: 'x86_64' | 'arm64' | undefined
  }): Promise<FunctionRecord>
  updateConfiguration(order: {
    name: string
    settings: FunctionSettings
    revisionId?: string | undefined
  }): Promise<FunctionRecord>
  /**
   * Everything of a record but its code: `edit` gets the current record and gives the next one, or throws. It must not touch `latest`,
   * unless for its revision. @throws NOT_FOUND, and what `edit` throws
   */
  change(name: string, edit: (record: FunctionRecord) => FunctionRecord): Promise<FunctionRecord>
  /**
   * Makes `$LATEST` a version of its own. Where neither code nor configuration changed since the last one, that one is given back.
   * @throws NOT_FOUND, PRECONDITION_FAILED, INVALID_ARGUMENT (another zipSha256)
   */
  publish(order: {
    name: string
    zipSha256?: string | undefined
    description?: string | undefined
    revisionId?: string | undefined
  }): Promise<{ record: FunctionRecord; version: FunctionVersion; fresh: boolean }>
  /** One published version. @throws CONFLICT when an alias points to it; nothing happens when there is none */
  removeVersion(name: string, version: string): Promise<void>
  /** The function with all its versions, aliases and settings. @throws NOT_FOUND */
  remove(name: string): Promise<void>
  /** Checks that it is a zip within the bounds and keeps it, for a layer. @throws INVALID_ZIP, TOO_LARGE */
  storeZip(zip: Uint8Array): Promise<StoredCode>
  /** A zip as uploaded, pulled from a peer when it is not here. @throws NOT_REPLICATED */
  zipOf(code: Pick<StoredCode, 'zipCid' | 'zipBytes'>): Promise<Uint8Array>
}
