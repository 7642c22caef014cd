/** An outbound request of a function, as it alleges it. */
export interface EgressOrder {
  readonly account: string
  readonly functionName: string
  /** Requests of one instance share a limit. */
  readonly instance: string
  /**
   * What the function's own configuration leaves of the node's policy: `undefined` all of it, else host names (`api.example.com`,
   * `*.example.com`) that alone may be reached; an empty list closes the function.
   */
  readonly hosts: readonly string[] | undefined
  /** `X-Amzn-Trace-Id` of the call under way, for requests that continue its chain. */
  readonly trace?: string | undefined
  readonly method: string
  readonly url: string
  /** name, value, name, value */
  readonly headers: readonly string[]
  readonly redirect: 'follow' | 'manual' | 'error'
  /** Of the whole body; -1 where that is not known before its end. */
  readonly bodyBytes: number
  /** What is there of the body already. */
  readonly body: Uint8Array
  /** Nothing more of the body comes. */
  readonly bodyEnded: boolean
  /** The whole exchange, milliseconds. */
  readonly timeoutMs: number
}

export interface EgressHead {
  readonly status: number
  readonly statusText: string
  /** After redirects. */
  readonly url: string
  readonly redirected: boolean
  readonly headers: string[]
}

export interface EgressFailure {
  /** Short and stable: which rule or step ended it. */
  readonly rule: string
  /** Names value, rule and bound; may be shown to the function. */
  readonly message: string
  /** By policy, not by the network. */
  readonly denied: boolean
  /** What Node calls such a failure of the network (`ECONNREFUSED`): clients decide by it whether they try again. */
  readonly code?: string | undefined
}

/** Calls come after `open` has returned; after `failed`, or `data` with `ended`, none. */
export interface EgressListener {
  head(head: EgressHead): void
  /** Never more than was credited. */
  data(bytes: Uint8Array, ended: boolean): void
  /** So many more bytes of the request's body are welcome. */
  pull(bytes: number): void
  failed(failure: EgressFailure): void
}

export interface EgressExchange {
  write(bytes: Uint8Array, ended: boolean): void
  /** So many more bytes of the response's body are welcome. */
  credit(bytes: number): void
  /** No listener is called any more. */
  abort(): void
}

/** The one way out of an isolate. Implemented in packages/egress, used by packages/instances. */
export interface Egress {
  /** Never throws: what is wrong with the order is told as a failure. */
  open(order: EgressOrder, listener: EgressListener): EgressExchange
}

/** Bytes of a body that one side may send before the other has asked for more; both ways, end to end. */
export const EGRESS_WINDOW_BYTES = 262_144
