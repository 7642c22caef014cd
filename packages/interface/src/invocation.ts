import type { FunctionVersion } from './function.ts'

/** `event`: payload in, payload out. `http`: payload is a payload-2.0 event as JSON, the outcome has status and headers split off. */
export type InvocationKind = 'event' | 'http'

/**
 * Where the body of an `http` event is: the last `bytes` of the payload, as they came, behind the event's JSON, whose member `body` is empty. Only who
 * runs the function makes a text of them, so that on the way nobody escapes, encodes or parses what may have megabytes.
 */
export interface EventBody {
  /** At least 1. */
  readonly bytes: number
  /** The event's `isBase64Encoded`: the function gets them in base64, else as the UTF-8 text that they are. */
  readonly base64: boolean
}

/** One attempt's order: everything the place that runs it must know. Payloads are bytes; nobody on the way parses them. */
export interface Invocation {
  /** UUID of the call; the same for all its attempts. */
  readonly requestId: string
  /** From 1. */
  readonly attempt: number
  readonly kind: InvocationKind
  readonly functionName: string
  readonly account: string
  readonly version: FunctionVersion
  /** UTF-8 JSON; empty means no event (`{}` for the handler, as AWS does). */
  readonly payload: Uint8Array
  /** undefined: the payload is the whole event. */
  readonly body?: EventBody | undefined
  /** Epoch milliseconds after which nobody waits. The function's own timeout counts from when it starts. */
  readonly deadline: number
  /** Peer id of the node that took the call. */
  readonly caller: string
  /** Whether the outcome should carry the last 4 KB of log. */
  readonly logTail: boolean
  /** Decoded JSON text of X-Amz-Client-Context. */
  readonly clientContext: string | undefined
  readonly invokedArn: string
  /** `X-Amzn-Trace-Id` with the lineage, this call counted, where it is part of a chain (lineage.ts). undefined: the chain begins here. */
  readonly trace?: string | undefined
  /** Where the answer goes as it is written. undefined: the answer is the outcome's payload, whatever the function does. */
  readonly stream?: StreamSink | undefined
  /** Who must be asked before a call that had to wait is started. undefined: nobody. */
  readonly gate?: StartGate | undefined
}

/**
 * Between a call from another node and its start, where it can't start at once. The caller hears that it waits, and is asked before it starts; so when this
 * node goes away in between, the caller knows that nothing was started, and runs it elsewhere.
 */
export interface StartGate {
  /** True from `waits` until the caller has let it start: the call must not be handed to an instance. */
  readonly closed: boolean
  /** It waits for an instance. Nothing the second time. */
  waits(): void
  /** An instance is there. `answer` is called once, later; false: the caller is gone, has given up or does not answer in time. */
  ask(answer: (allowed: boolean) => void): void
}

/** What a streamed answer says of itself before its first byte. */
export interface StreamHead {
  /** `http`: status and headers. `event`: 200, and `content-type` where the function set one. */
  readonly http: HttpHead
  /** Peer id of the node that runs it. */
  readonly node: string
  /** A new instance was launched for it. */
  readonly cold: boolean
}

/**
 * Takes a streamed answer. Nothing of it is called when the function answers at once: then the outcome's payload is the answer, and
 * `Ran.streamedBytes` is undefined. The outcome comes after the last chunk, also when the function failed midway.
 */
export interface StreamSink {
  /** Once, before the first chunk. `source` slows or stops the function from then on. */
  open(head: StreamHead, source: StreamSource): void
  /** 1 to LIMITS.streamChunkBytesMax bytes, the receiver's to keep. At most LIMITS.streamWindowBytes come beyond what was credited. */
  chunk(bytes: Uint8Array): void
}

/** Granted in place of a credit where nobody takes any more: more than any stream has, so it needs no message of its own. */
export const STREAM_CLOSED_CREDIT = 0xff_ff_ff_ff

export interface StreamSource {
  /** So many bytes went on to the client: the function may write as many more. */
  credit(bytes: number): void
  /** Nobody takes any more: what follows is dropped, the function is told that its stream closed, and runs to its own end. */
  cancel(): void
}

/** What an attempt used, as measured where it ran. Milliseconds carry a fraction; billing rounds, measuring does not. */
export interface Usage {
  /** Peer id of the node that ran it. */
  readonly node: string
  readonly instance: string
  /** Wall time of the handler, monotonic clock of the executor; initialisation not included. */
  readonly durationMs: number
  /** Time from order to ready where a new instance was launched for it; undefined when an idle one served it. */
  readonly initMs: number | undefined
  /** CPU time of the isolate, where known. */
  readonly cpuMs: number | undefined
  readonly memoryMb: number
  readonly memoryUsedMb: number | undefined
  readonly cold: boolean
}

export interface HttpHead {
  readonly statusCode: number
  /** Flat list: name, value, name, value…; checked where it left the isolate: tokens and no control characters. */
  readonly headers: readonly string[]
}

/** Nothing was started; the invocation can be tried elsewhere without harm. */
export interface Refused {
  readonly status: 'refused'
  readonly code: 'BUSY' | 'NOT_REPLICATED' | 'UNAVAILABLE' | 'THROTTLED' | 'NO_CAPACITY'
  readonly message: string
  readonly retryAfterMs: number
}

/** It was started, and nobody knows how it ended: the node or process that ran it went away. */
export interface Lost {
  readonly status: 'lost'
  readonly message: string
  readonly node: string
}

/** It ran to one of four ends. `error` is what the handler threw, `timeout` and `exit` are what was done to it. */
export interface Ran {
  readonly status: 'ok' | 'error' | 'timeout' | 'exit'
  /** Result JSON (event), body (http), or the Lambda error JSON where status is not `ok`. */
  readonly payload: Uint8Array
  /** Present when kind was `http` and status is `ok`. */
  readonly http: HttpHead | undefined
  readonly usage: Usage
  /** Bytes that went through the sink; undefined when it was never opened. The payload is then empty, or the error JSON. */
  readonly streamedBytes?: number | undefined
  /** UTF-8 text, when asked for. */
  readonly logTail: string | undefined
}

export type Outcome = Ran | Refused | Lost

/** True when it ran to an end of its own: it is answered and charged. */
export function didRun(outcome: Outcome): outcome is Ran {
  return outcome.status !== 'refused' && outcome.status !== 'lost'
}

/** A place that can run an invocation: this node's instances, or a peer. It never throws: what goes wrong is an outcome. */
export interface Target {
  readonly nodeId: string
  invoke(invocation: Invocation): Promise<Outcome>
}

/** One line that a function wrote, or that the platform wrote about it. */
export interface LogLine {
  /** Epoch milliseconds. */
  time: number
  level: 'debug' | 'info' | 'warn' | 'error' | 'platform'
  message: string
  function: string
  version: string
  requestId: string
  instance: string
  node: string
}
