/** A failure as a person needs it told: what happened and why in `message`, what to do next in `next`. Ends with exit code 1. */
export class CliError extends Error {
  readonly next: string | undefined
  readonly exitCode: number = 1

  constructor(message: string, next?: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CliError'
    this.next = next
  }
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends CliError {
  override readonly exitCode: number = 2
}

/** What to do about a token that does not hold. */
export const NEXT_INVITE = "Ask for a new token: 'peerless invite' on a node of the mesh prints one."

/** The node answered with a status that is no success. */
export class ApiError extends CliError {
  readonly status: number
  /** AWS's error type or the mesh API's code. */
  readonly code: string

  constructor(status: number, code: string, message: string, next?: string) {
    super(message, next)
    this.status = status
    this.code = code
  }
}
