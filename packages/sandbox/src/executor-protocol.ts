import type { BundleNeeds } from './isolate-kind.ts'

/**
 * What a daemon and its executors say to each other over the inherited pipe, in wire frames. Headers are arrays of fixed positions,
 * because two of them are written and read for every call.
 */
export const EXECUTOR_MESSAGE = {
  /** Notification, daemon → executor: one piece of a bundle, in order. */
  BUNDLE: 1,
  /** Notification: no instance will ask for this bundle any more. */
  FORGET: 2,
  /** Request: make an instance. */
  LOAD: 3,
  /**
   * Request: run one invocation on an instance. With KIND_STREAM in its kind the answer may come in parts: first [status code, flat headers],
   * then chunks without a header, at most LIMITS.streamWindowBytes beyond what was credited. Failure BUSY or UNAVAILABLE: it was not begun, because the instance waits for something
   * within another call, or is gone.
   */
  INVOKE: 4,
  /** Notification: an instance is not needed any more. */
  DISPOSE: 5,
  /** Request: say how it goes. */
  PING: 6,
  /** Notification: nothing runs, so give back what memory nobody uses. */
  TRIM: 7,
  /**
   * Request: make V8's code cache of a bundle that was sent, whose CID is the header. Asked only of processes that run no function. The answer
   * comes in parts, whose payloads are the cache's bytes in order.
   */
  COMPILE: 8,
  /**
   * Request: the calls under way take no more of the executor's own thread, each goes on on one of its own. The answer, which is empty, says that the thread
   * has come back from all that was sent before.
   */
  ASIDE: 9,
  /**
   * Request: run a bundle that was sent as the start of an instance does, and make V8's code cache with the functions that ran. The header is a LoadOrder, whose instance is
   * none; answered as COMPILE is. Asked once of a process that nothing else is asked of afterwards.
   */
  EVALUATE: 10,
  /** Notification: isolates of an IsolateKind will be asked for. Before the glue it says what is prepared first. */
  EXPECT: 11,
  /** Notification, executor → daemon: started, and how confined. */
  HELLO: 16,
  /** Notification: a line of console output. */
  LOG: 17,
  /** Notification: V8 lost control over an isolate; this process must be drained and killed. */
  CATASTROPHE: 18,
  /** Notifications, executor → daemon: an outbound request, its body, what it has room for, its end before its time. */
  EGRESS_OPEN: 32,
  EGRESS_WRITE: 33,
  EGRESS_CREDIT: 34,
  EGRESS_ABORT: 35,
  /** Notifications, daemon → executor: the response's head, pieces of its body, room for the request's body, failure. */
  EGRESS_HEAD: 36,
  EGRESS_DATA: 37,
  EGRESS_PULL: 38,
  EGRESS_FAILED: 39
} as const

/**
 * exchange (a number of the executor's, used once), instance, milliseconds that it may take, method, URL, flat headers, redirect mode,
 * bytes of the whole body or -1 where they are not known. The payload is the body's beginning.
 */
export type EgressOpenHeader = [
  exchange: number,
  instance: number,
  timeoutMs: number,
  method: string,
  url: string,
  headers: string[],
  redirect: string,
  bodyBytes: number,
  ended: boolean
]

/** The payload is a piece of the body; both ways. */
export type EgressDataHeader = [exchange: number, ended: boolean]
/** So many more bytes are welcome; both ways. */
export type EgressCreditHeader = [exchange: number, bytes: number]
export type EgressHeadHeader = [
  exchange: number,
  status: number,
  statusText: string,
  url: string,
  redirected: boolean,
  headers: string[]
]
export type EgressFailedHeader = [exchange: number, rule: string, message: string, denied: boolean, code: string | null]

/** In the place of a CID: a part of the glue that isolates evaluate when they first use it. */
export const CHUNK_PREFIX = 'glue:'
/** In the place of a CID: the glue, with which an executor begins to prepare isolates, and the script of `node:` modules. */
export const GLUE_NAME = 'glue'
export const LIBRARY_NAME = 'library'
/** Before a CID: the code cache of that bundle, which was sent before it; before one of the names above: that of the script. */
export const CODE_CACHE_PREFIX = 'cache:'
/** Before a CID: the source map of that bundle, which was sent before it without one. */
export const SOURCE_MAP_PREFIX = 'map:'

/** What the daemon knows of a bundle, said with each piece of it. */
export interface BundleFacts {
  /** Its source map is still to come. */
  readonly mapFollows: boolean
  readonly needs: BundleNeeds | undefined
}

/** cid, bytes of the whole bundle, offset of this piece. */
export type BundleHeader = [cid: string, totalBytes: number, offset: number, facts?: BundleFacts]

/** What an instance is told once. Environment variables include those that the platform sets. */
export interface LoadOrder {
  instance: number
  revisionId: string
  bundleCid: string
  memoryMb: number
  initMsMax: number
  environment: Record<string, string>
  functionName: string
  functionVersion: string
  logGroup: string
  logStream: string
  node: string
  /** Bytes of a streamed answer; LIMITS.streamBytesMax where it is not said. */
  streamBytesMax?: number | undefined
  /** What other executors found out about this revision. */
  manner: Manner
}

/** How a version is entered: `unknown` and `slow` on a thread of its own, `short` on the executor's own thread. */
export type Manner = 'unknown' | 'short' | 'slow'
export const MANNERS: readonly Manner[] = ['unknown', 'short', 'slow']

/**
 * instance, kind, milliseconds that it may take, request id, bytes at the payload's end that are the event's body (EventBody of
 * packages/interface; 0: it has none of its own); then, only where they differ from the instance's call before:
 * attempt, caller, invoked ARN, client context (JSON text or null), trace (or null where a chain begins).
 */
export type InvokeHeader = [
  instance: number,
  kind: number,
  timeoutMs: number,
  requestId: string,
  bodyBytes: number,
  attempt?: number,
  caller?: string,
  invokedArn?: string,
  clientContext?: string | null,
  trace?: string | null
]

/** The instance is gone: it must not be used again. */
export const FLAG_GONE = 1
/** Two bits with the index in MANNERS. */
export const FLAG_MANNER_SHIFT = 1
/** The call was entered synchronously and answered before it was left: others may wait in the pipe for the same instance. */
export const FLAG_PROMPT = 8
/** V8 did not take the code cache that was sent with the bundle; it was compiled without. */
export const FLAG_CACHE_REFUSED = 16

/** status, wall µs, CPU µs, heap MB as last sampled (0: not sampled yet), flags; then for `http`: status code and flat headers. */
export type ResultHeader = [
  status: number,
  durationUs: number,
  cpuUs: number,
  memoryMb: number,
  flags: number,
  statusCode?: number,
  headers?: string[]
]

/**
 * Answer to LOAD: status, µs it took, flags, and where they went (see START_STAGES; fewer where it failed). The payload is the Lambda error
 * JSON where status is not ok.
 */
export type LoadedHeader = [status: number, initUs: number, flags: number, stagesUs?: number[]]

/**
 * What an executor does to make an instance, in order: wait for an isolate with the glue evaluated (nothing where one waited), set up its
 * globals, compile the bundle, evaluate it, find the handler.
 */
export const START_STAGES = ['isolate', 'globals', 'compile', 'evaluate', 'handler'] as const

/** instance, request id, level, epoch ms, lines dropped before this one. The payload is the text. */
export type LogHeader = [instance: number, requestId: string, level: number, timeMs: number, dropped: number]

export type CatastropheHeader = [instance: number, message: string, revisionId: string]

/** What an executor says of itself when it starts and on PING. */
export interface ExecutorStatus {
  pid: number
  nodeVersion: string
  v8Version: string
  /** Whether an attempt to read a file that everyone may read was refused, and what the permission model says of the rest. */
  confined: boolean
  permissions: Record<string, boolean>
  /** Names in the environment that it was started with, which must be none. */
  environment: string[]
  instances: number
  heapUsedMb: number
}

/** The largest piece of a bundle in one frame: small enough that calls behind it do not wait long. */
export const BUNDLE_PIECE_BYTES = 262_144

/** The JSON that Lambda answers for a function error. */
export function functionErrorJson(errorType: string, errorMessage: string, trace?: string[]): string {
  return JSON.stringify(trace === undefined ? { errorType, errorMessage } : { errorType, errorMessage, trace })
}

/** As recorded on AWS. */
export function timeoutErrorJson(requestId: string, timeoutMs: number): string {
  const seconds = (timeoutMs / 1_000).toFixed(2)
  return functionErrorJson('Sandbox.Timedout', `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`)
}

export function exitErrorJson(requestId: string, reason: string): string {
  return functionErrorJson('Runtime.ExitError', `RequestId: ${requestId} Error: ${reason}`)
}

export function memoryErrorJson(requestId: string, memoryMb: number): string {
  return functionErrorJson(
    'Runtime.OutOfMemory',
    `RequestId: ${requestId} Error: Runtime exited with error: signal: killed (memory limit of ${memoryMb} MB exceeded)`
  )
}
