import { jsonParse, now, reflectApply, stringSlice } from './intrinsics.guest.ts'

/** What the platform says about the instance. */
export interface Identity {
  functionName: string
  /** What stands for it in a lineage. */
  lineageMark: string
  functionVersion: string
  memoryMb: number
  logGroup: string
  logStream: string
  node: string
}

/** And, where it changes, about the call. */
export interface Meta {
  attempt?: number
  caller?: string
  invokedArn?: string
  clientContext?: string | null
  trace?: string | null
}

/** Ends a call, for handlers that neither return nor call back: the first years of Lambda knew no other way. */
export type Done = (call: object, error: unknown, result: unknown) => void

let identity: Identity
let end: Done
let attempt = 1
let caller = ''
let invokedArn = ''
let clientContext: unknown
let trace: string | null = null
/** Of the call under way, or the last one. */
let requestId: string | undefined

export function configureContext(value: Identity, done: Done): void {
  identity = value
  end = done
  attempt = 1
  caller = ''
  invokedArn = ''
  clientContext = undefined
  trace = null
  requestId = undefined
}

export function applyMeta(meta: Meta): void {
  if (meta.attempt !== undefined) attempt = meta.attempt
  if (meta.caller !== undefined) caller = meta.caller
  if (meta.invokedArn !== undefined) invokedArn = meta.invokedArn
  if (meta.trace !== undefined) trace = meta.trace
  if (meta.clientContext === undefined) return
  clientContext = meta.clientContext === null ? undefined : jsonParse(meta.clientContext)
}

export function beginTrace(id: string): void {
  requestId = id
}

/**
 * `_X_AMZN_TRACE_ID`, which AWS's SDKs send with their requests: undefined before the first call. For a call that begins a chain it is made when it is asked for
 * (the form is that of lineage.ts in packages/interface).
 */
export function currentTrace(): string | undefined {
  if (trace !== null || requestId === undefined) return trace ?? undefined
  const part = (from: number, to?: number) => reflectApply(stringSlice, requestId, [from, to]) as string
  const root = `${part(0, 8)}-${part(9, 13)}${part(14, 18)}${part(19, 23)}${part(24)}`
  return `Root=1-${root};Parent=${part(19, 23)}${part(24)};Sampled=0;Lineage=${identity.lineageMark}:1`
}

/** The second argument of a handler: fields and their types as Lambda's Node runtime has them. */
export class LambdaContext {
  callbackWaitsForEmptyEventLoop = true
  readonly awsRequestId: string
  readonly functionName = identity.functionName
  readonly functionVersion = identity.functionVersion
  readonly memoryLimitInMB = String(identity.memoryMb)
  readonly logGroupName = identity.logGroup
  readonly logStreamName = identity.logStream
  readonly invokedFunctionArn = invokedArn
  readonly clientContext = clientContext
  readonly identity = undefined
  readonly peerless = { node: identity.node, attempt, caller }
  readonly getRemainingTimeInMillis: () => number
  readonly #call: object

  constructor(requestId: string, timeoutMs: number, call: object) {
    const deadline = now() + timeoutMs
    this.awsRequestId = requestId
    this.getRemainingTimeInMillis = () => Math.max(0, deadline - now())
    this.#call = call
  }

  /** Bound when they are asked for, since they are handed on as callbacks; a call that does not ask pays nothing. */
  get done(): (error?: unknown, result?: unknown) => void {
    const call = this.#call
    return (error, result) => end(call, error, result)
  }

  get succeed(): (result?: unknown) => void {
    const call = this.#call
    return (result) => end(call, undefined, result)
  }

  get fail(): (error?: unknown) => void {
    const call = this.#call
    return (error) => end(call, error ?? 'handled', undefined)
  }
}
