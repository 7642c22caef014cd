import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type ApiCall,
  type ApiOperation,
  type ApiParts,
  type ApiRequest,
  AWS_STYLE,
  type ErrorStyle,
  serveApi
} from './api-call.ts'
import { ApiError, awsErrorOf } from './api-error.ts'
import { CloudWatchLogs } from './cloudwatch-logs.ts'
import { ROUTE } from './metrics.ts'
import { Sigv4Verifier } from './sigv4.ts'
import { allegedService } from './sigv4-parts.ts'
import { queryPairs, queryValue } from './url-query.ts'

/** Two short parameters; nothing else is taken. */
const STS_BODY_BYTES_MAX = 8_192
const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Names of the front door's errors in services of the query protocol, where they differ from Lambda's (STS API reference, common errors). */
const QUERY_CODES: Readonly<Record<string, string>> = {
  InvalidSignatureException: 'SignatureDoesNotMatch',
  UnrecognizedClientException: 'InvalidClientTokenId',
  IncompleteSignatureException: 'IncompleteSignature',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken'
}

/** Of services whose parameters come as a form (STS, IAM, CloudFormation, …). */
const QUERY_STYLE: ErrorStyle = {
  body: (error) => {
    const { awsCode } = awsErrorOf(error)
    const code = QUERY_CODES[awsCode] ?? awsCode
    return `<ErrorResponse xmlns="${STS_NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped(error.message)}</Message></Error></ErrorResponse>`
  },
  headers: () => ['content-type', 'text/xml'],
  status: (error) => awsErrorOf(error).status
}

const S3_STYLE: ErrorStyle = {
  body: (error) =>
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${awsErrorOf(error).awsCode}</Code><Message>${escaped(error.message)}</Message></Error>`,
  headers: () => ['content-type', 'application/xml'],
  status: (error) => awsErrorOf(error).status
}

/** Of services that name the operation in a header (SSM, DynamoDB, CloudWatch Logs, …). */
const TARGET_STYLE: ErrorStyle = {
  ...AWS_STYLE,
  body: (error) => JSON.stringify({ __type: awsErrorOf(error).awsCode, message: error.message }),
  // The protocol has no other for what is the client's fault.
  status: (error) => (awsErrorOf(error).status < 500 ? 400 : awsErrorOf(error).status)
}

/** True for what is signed for a service of AWS, but not for Lambda: `AWS_ENDPOINT_URL` sends a client's requests to all of them here. */
export function isForOtherService(request: Pick<ApiRequest, 'url' | 'headers'>): boolean {
  const service = allegedService(request)
  return service !== undefined && service !== 'lambda'
}

/**
 * What clients ask of other services of AWS when all their requests come here. Who one is (`sts` `GetCallerIdentity`) is answered, since tools ask that before they
 * deploy, and what functions wrote (`logs`); the rest is refused in the words of its protocol, so that the client can show them.
 */
export class OtherServices {
  readonly #parts: ApiParts
  readonly #sts: ApiParts
  readonly #logs: ApiParts
  readonly #cloudWatchLogs: CloudWatchLogs

  constructor(parts: ApiParts) {
    this.#parts = parts
    const { keys, clock } = parts.context
    this.#sts = { ...parts, verifier: new Sigv4Verifier(keys, clock, 'sts') }
    this.#logs = { ...parts, verifier: new Sigv4Verifier(keys, clock, 'logs') }
    this.#cloudWatchLogs = new CloudWatchLogs(parts.context)
  }

  handle(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const service = allegedService(request) ?? ''
    const mark = url.indexOf('?')
    const rawQuery = mark < 0 ? '' : url.slice(mark + 1)
    if (service === 'sts') {
      const operation: ApiOperation = {
        name: 'GetCallerIdentity',
        bodyBytesMax: STS_BODY_BYTES_MAX,
        run: (call) => identify(call, rawQuery, this.#parts.context.accountId)
      }
      return serveApi(this.#sts, QUERY_STYLE, ROUTE.OTHER, { request, response, operation, name: '', rawQuery })
    }
    const target = request.headers['x-amz-target']
    if (service === 'logs' && typeof target === 'string') {
      const operation = this.#cloudWatchLogs.operation(target)
      return serveApi(this.#logs, TARGET_STYLE, ROUTE.OTHER, { request, response, operation, name: '', rawQuery })
    }
    this.#refuse(request, response, service)
    return Promise.resolve()
  }

  /** The same for everybody, so nobody has to say who they are, and no body is read. */
  #refuse(request: IncomingMessage, response: ServerResponse, service: string): void {
    const { context, metrics, drain } = this.#parts
    const startedAt = context.clock.monotonic()
    metrics.started()
    const error = new ApiError(
      'NOT_FOUND',
      'UnknownOperationException',
      `'${service}' is not here: a node answers for lambda, sts GetCallerIdentity and the reading of logs; AWS_ENDPOINT_URL_LAMBDA in place of AWS_ENDPOINT_URL sends only those of lambda here`
    )
    const style = styleOf(service, request)
    const headers = ['x-amzn-requestid', context.random.uuid(), ...style.headers(error)]
    drain.refuse(request, response, style.status(error), headers, style.body(error))
    metrics.answered(ROUTE.OTHER, response.statusCode, context.clock.monotonic() - startedAt)
  }
}

/** Each key is a user of its account, under the name that policies give it. */
function identify(call: ApiCall, rawQuery: string, accountId: string): void {
  const pairs = queryPairs(call.request.method === 'GET' ? rawQuery : call.body.toString('utf8'))
  const action = queryValue(pairs, 'Action') ?? ''
  if (action !== 'GetCallerIdentity')
    throw new ApiError(
      'NOT_FOUND',
      'InvalidAction',
      `'${action.slice(0, 100)}' is not here: of sts there is GetCallerIdentity only; keys are made by 'peerless keys create'`
    )
  const { key, requestId } = call
  const arn = escaped(`arn:aws:iam::${accountId}:user/${key.account}`)
  const result = `<Arn>${arn}</Arn><UserId>${escaped(key.accessKeyId)}</UserId><Account>${accountId}</Account>`
  call.send(
    200,
    ['content-type', 'text/xml'],
    `<GetCallerIdentityResponse xmlns="${STS_NAMESPACE}"><GetCallerIdentityResult>${result}</GetCallerIdentityResult><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
  )
}

function styleOf(service: string, { headers }: ApiRequest): ErrorStyle {
  if (service === 's3') return S3_STYLE
  if (headers['x-amz-target'] !== undefined) return TARGET_STYLE
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true ? QUERY_STYLE : AWS_STYLE
}

function escaped(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
