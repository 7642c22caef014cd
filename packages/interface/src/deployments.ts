import type { FunctionRecord, UrlAuth } from './function.ts'

/** The part of a function that its author sets; undefined leaves a default (create) or the old value (update). */
export interface FunctionSettings {
  handler?: string | undefined
  runtime?: string | undefined
  role?: string | undefined
  description?: string | undefined
  memoryMb?: number | undefined
  timeoutSeconds?: number | undefined
  environment?: Record<string, string> | undefined
  /** null takes the function URL away. */
  urlAuth?: UrlAuth | null | undefined
}

/** What a deployment at this node does: check, bundle, store, write to the catalog, announce. */
export interface Deployments {
  /** @throws CONFLICT when the name is taken; INVALID_ZIP, INVALID_SOURCE, HANDLER_NOT_FOUND, INVALID_ARGUMENT, TOO_LARGE */
  create(order: { name: string; account: string; zip: Uint8Array; settings: FunctionSettings }): Promise<FunctionRecord>
  /** @param order.revisionId when given, must be the current one, else PRECONDITION_FAILED */
  updateCode(order: { name: string; zip: Uint8Array; revisionId?: string | undefined; dryRun?: boolean }): Promise<FunctionRecord>
  updateConfiguration(order: {
    name: string
    settings: FunctionSettings
    revisionId?: string | undefined
  }): Promise<FunctionRecord>
  /** @throws NOT_FOUND */
  remove(name: string): Promise<void>
  /** The zip as uploaded, pulled from a peer when it is not here. @throws NOT_FOUND, NOT_REPLICATED */
  zipOf(record: FunctionRecord): Promise<Uint8Array>
}
