import { type ErrorCode, PeerlessError } from '@peerless/interface'

/** A PeerlessError that has a name of its own in the Lambda API, finer than the table's. */
export class ApiError extends PeerlessError {
  /** `x-amzn-ErrorType` */
  readonly awsCode: string
  /** False for the few texts that the service sends without `Type`. */
  readonly typed: boolean

  constructor(code: ErrorCode, awsCode: string, message: string, options: { typed?: boolean } = {}) {
    super(code, message)
    this.awsCode = awsCode
    this.typed = options.typed ?? true
  }
}

interface AwsKind {
  readonly awsCode: string
  readonly status: number
}

const INVALID_PARAMETER: AwsKind = { awsCode: 'InvalidParameterValueException', status: 400 }
const NOT_NOW: AwsKind = { awsCode: 'ServiceUnavailableException', status: 503 }
const BROKEN: AwsKind = { awsCode: 'ServiceException', status: 500 }

/** How each code looks to a Lambda client. Names and statuses of the Lambda service model, 2015-03-31; the last three are ours or unmodelled. */
const AWS_KINDS: Record<ErrorCode, AwsKind> = {
  INVALID_ARGUMENT: INVALID_PARAMETER,
  INVALID_ZIP: INVALID_PARAMETER,
  INVALID_SOURCE: INVALID_PARAMETER,
  HANDLER_NOT_FOUND: INVALID_PARAMETER,
  UNAUTHENTICATED: { awsCode: 'InvalidSignatureException', status: 403 },
  FORBIDDEN: { awsCode: 'AccessDeniedException', status: 403 },
  INVALID_INVITE: { awsCode: 'AccessDeniedException', status: 403 },
  NOT_FOUND: { awsCode: 'ResourceNotFoundException', status: 404 },
  CONFLICT: { awsCode: 'ResourceConflictException', status: 409 },
  PRECONDITION_FAILED: { awsCode: 'PreconditionFailedException', status: 412 },
  THROTTLED: { awsCode: 'TooManyRequestsException', status: 429 },
  NO_CAPACITY: NOT_NOW,
  BUSY: NOT_NOW,
  UNAVAILABLE: NOT_NOW,
  NOT_REPLICATED: NOT_NOW,
  CONNECTION_LOST: { awsCode: 'ServiceException', status: 502 },
  DEADLINE_EXCEEDED: { awsCode: 'ServiceException', status: 504 },
  NOT_A_MEMBER: BROKEN,
  MALFORMED: BROKEN,
  CORRUPT: BROKEN,
  INTERNAL: BROKEN,
  TOO_LARGE: { awsCode: 'RequestEntityTooLargeException', status: 413 },
  BUDGET_SPENT: { awsCode: 'BudgetSpentException', status: 402 }
}

/** Shapes whose message member is written `Message`; all others `message`. From the service model. */
const CAPITAL_MESSAGE = new Set([
  'AccessDeniedException',
  'CallbackTimeoutException',
  'CodeSigningConfigNotFoundException',
  'CodeVerificationFailedException',
  'RecursiveInvocationException',
  'ResourceInUseException',
  'ResourceNotFoundException',
  'ServiceException'
])
/** Errors of the front door, outside the service model: they carry no `Type`. */
const WITHOUT_TYPE =
  /^(ValidationException|RequestEntityTooLargeException|AccessDeniedException|SerializationException|UnknownOperationException|.*Signature.*|MissingAuthenticationToken.*|UnrecognizedClient.*)$/

export interface AwsError {
  readonly awsCode: string
  readonly status: number
  readonly body: Record<string, string>
}

/** The answer of the Lambda API to an error. */
export function awsErrorOf(error: PeerlessError): AwsError {
  const kind = AWS_KINDS[error.code]
  const awsCode = error instanceof ApiError ? error.awsCode : kind.awsCode
  const body: Record<string, string> = {}
  if (error.code === 'THROTTLED') body.Reason = String(error.detail?.reason ?? 'ConcurrentInvocationLimitExceeded')
  if (!WITHOUT_TYPE.test(awsCode) && !(error instanceof ApiError && !error.typed))
    body.Type = kind.status < 500 ? 'User' : 'Service'
  body[CAPITAL_MESSAGE.has(awsCode) ? 'Message' : 'message'] = error.message
  return { awsCode, status: kind.status, body }
}
