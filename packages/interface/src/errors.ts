/**
 * Every error that crosses a package, the mesh or the HTTP port, by a stable code. Callers compare `code`, never the text.
 *
 * `fault` says whose mistake it is and so decides log level and retry:
 * `caller` (the request is wrong: never retried), `function` (the code that ran), `peer` (another node: try elsewhere), `node` (us).
 */
export type Fault = 'caller' | 'function' | 'peer' | 'node'

interface ErrorKind {
  readonly fault: Fault
  /** HTTP status where it reaches the gateway. */
  readonly status: number
}

/** The list. A new code is added here with one line of what it means; none is ever renamed. */
export const ERROR_KINDS = {
  /** A value broke a rule; the message names value, rule and bound. */
  INVALID_ARGUMENT: { fault: 'caller', status: 400 },
  /** A zip is not readable, escapes its folder, or inflates past the limit. */
  INVALID_ZIP: { fault: 'caller', status: 400 },
  /** The source does not parse or resolve; the message has file and line. */
  INVALID_SOURCE: { fault: 'caller', status: 400 },
  /** The handler's file or export is not in the bundle. */
  HANDLER_NOT_FOUND: { fault: 'caller', status: 400 },
  /** The request's credentials are absent, malformed, unknown or do not match. */
  UNAUTHENTICATED: { fault: 'caller', status: 403 },
  /** Known, but not allowed to do this. */
  FORBIDDEN: { fault: 'caller', status: 403 },
  /** No function, version, alias, key, account or peer of that name. */
  NOT_FOUND: { fault: 'caller', status: 404 },
  /** It exists already, or changed underneath. */
  CONFLICT: { fault: 'caller', status: 409 },
  /** A RevisionId or other precondition does not hold. */
  PRECONDITION_FAILED: { fault: 'caller', status: 412 },
  /** A payload, body or batch exceeds its bound. */
  TOO_LARGE: { fault: 'caller', status: 413 },
  /** A limit of the function or account; wait and try again. */
  THROTTLED: { fault: 'caller', status: 429 },
  /** The account's budget is spent. */
  BUDGET_SPENT: { fault: 'caller', status: 402 },
  /** An invite token is malformed, forged, expired, used or not for this mesh. */
  INVALID_INVITE: { fault: 'caller', status: 403 },
  /** The other end of a connection holds no valid membership. */
  NOT_A_MEMBER: { fault: 'peer', status: 403 },
  /** A frame, message or signature from a peer, function or disk is malformed. */
  MALFORMED: { fault: 'peer', status: 400 },
  /** Nothing was started: no free slot. Try elsewhere. */
  BUSY: { fault: 'peer', status: 503 },
  /** No node of the mesh has room; `Retry-After` says when to come back. */
  NO_CAPACITY: { fault: 'node', status: 503 },
  /** The other end went away. Whether the work started is in the outcome. */
  CONNECTION_LOST: { fault: 'peer', status: 502 },
  /** It took longer than its deadline. */
  DEADLINE_EXCEEDED: { fault: 'peer', status: 504 },
  /** This node is draining or not ready yet. */
  UNAVAILABLE: { fault: 'node', status: 503 },
  /** A bundle or entry that should be here or at a peer is not (yet). */
  NOT_REPLICATED: { fault: 'node', status: 503 },
  /** A stored file or row fails its checksum or signature. */
  CORRUPT: { fault: 'node', status: 500 },
  /** A bug in this node. The detail stays in its log. */
  INTERNAL: { fault: 'node', status: 500 }
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERROR_KINDS

/** The one error class. `message` is safe to show to the caller; `cause` and `detail` stay local. */
export class PeerlessError extends Error {
  readonly code: ErrorCode
  /** Structured facts for the log; never sent to another party. */
  readonly detail: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; detail?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PeerlessError'
    this.code = code
    this.detail = options.detail
  }

  get fault(): Fault {
    return ERROR_KINDS[this.code].fault
  }

  get status(): number {
    return ERROR_KINDS[this.code].status
  }
}

/** True when `error` is a PeerlessError, optionally of one code. */
export function isPeerlessError(error: unknown, code?: ErrorCode): error is PeerlessError {
  return error instanceof PeerlessError && (code === undefined || error.code === code)
}

/** A code that came over a wire, or INTERNAL when it is none that this version knows. */
export function errorCodeOf(alleged: unknown): ErrorCode {
  return typeof alleged === 'string' && Object.hasOwn(ERROR_KINDS, alleged) ? (alleged as ErrorCode) : 'INTERNAL'
}

/** The text of anything that was thrown, for logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
