import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AccessKey, PeerlessError } from '@peerless/interface'
import { ApiError, awsErrorOf } from './api-error.ts'
import type { Drain } from './drain.ts'
import { type FlatHeaders, presentable, retryAfterSeconds, send } from './http-answer.ts'
import { type BodyBudget, readBody } from './http-body.ts'
import { CLIENT_GONE, type GatewayMetrics, type Route } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import type { RefusalLog } from './refusal-log.ts'
import type { Sigv4Verifier } from './sigv4.ts'
import { type QueryPair, queryPairs, queryValue } from './url-query.ts'

/** One request to an API, authenticated unless the operation is open, its body read and bound to its signature. */
export interface ApiCall {
  readonly request: IncomingMessage
  readonly requestId: string
  readonly key: AccessKey
  /** Decoded value of the placeholder of the route, '' where it has none. */
  readonly name: string
  readonly body: Buffer
  query(name: string): string | undefined
  /** Answers it. */
  send(status: number, headers: FlatHeaders, body: string | Uint8Array): void
  json(status: number, value: unknown): void
  /** Writes the head of an answer whose body comes bit by bit; whoever asks for it ends it too. */
  begin(status: number, headers: FlatHeaders): void
  readonly response: ServerResponse
}

export interface ApiOperation {
  /** As error messages name it. */
  readonly name: string
  readonly bodyBytesMax: number
  /** Anybody may ask, unsigned: what the body holds is the proof. The key of its calls is nobody's. */
  readonly open?: true
  /** What a Lambda client calls a body above that; default RequestEntityTooLargeException. */
  readonly tooLargeCode?: string
  run(call: ApiCall): Promise<void> | void
}

export interface ApiParts {
  readonly context: GatewayContext
  readonly verifier: Sigv4Verifier
  readonly metrics: GatewayMetrics
  readonly budget: BodyBudget
  readonly drain: Drain
  readonly refusals: RefusalLog
}

/** Of calls that nobody signed; may do nothing. */
const NOBODY: AccessKey = { accessKeyId: '', secretAccessKey: '', role: 'invoker', account: '', createdAt: 0 }

/** How an API words its errors. */
export interface ErrorStyle {
  body(error: PeerlessError): string
  headers(error: PeerlessError): FlatHeaders
  status(error: PeerlessError): number
}

export const AWS_STYLE: ErrorStyle = {
  body: (error) => JSON.stringify(awsErrorOf(error).body),
  headers: (error) => ['content-type', 'application/json', 'x-amzn-errortype', awsErrorOf(error).awsCode],
  status: (error) => awsErrorOf(error).status
}

export const PLAIN_STYLE: ErrorStyle = {
  body: (error) => JSON.stringify({ code: error.code, message: error.message }),
  headers: () => ['content-type', 'application/json'],
  status: (error) => error.status
}

/**
 * Authenticates, reads the body, runs the operation, words its errors. Strangers are refused before their body is read.
 */
export async function serveApi(
  parts: ApiParts,
  style: ErrorStyle,
  route: Route,
  exchange: {
    request: IncomingMessage
    response: ServerResponse
    operation: ApiOperation | undefined
    name: string
    rawQuery: string
  }
): Promise<void> {
  const { context, metrics, drain } = parts
  const { request, response, operation } = exchange
  const requestId = context.random.uuid()
  const startedAt = context.clock.monotonic()
  metrics.started()
  let release = () => undefined as unknown
  try {
    const claim = operation?.open === true ? undefined : parts.verifier.begin(request)
    if (operation === undefined)
      throw new PeerlessError('NOT_FOUND', `no operation ${request.method} ${(request.url ?? '').slice(0, 200)} in this API`)
    const { bodyBytesMax: bytesMax } = operation
    const tooLarge = () => tooLargeFor(operation)
    const body = await readBody(request, { bytesMax, tooLarge, budget: parts.budget })
    release = body.release
    const key = claim === undefined ? NOBODY : parts.verifier.finish(claim, body.sha256())
    let pairs: QueryPair[] | undefined
    const call: ApiCall = {
      request,
      response,
      requestId,
      key,
      name: exchange.name,
      body: body.bytes,
      query: (name) => queryValue((pairs ??= queryPairs(exchange.rawQuery)), name),
      send: (status, headers, bytes) => {
        drain.mark(headers)
        send(response, status, ['x-amzn-requestid', requestId, ...headers], bytes)
      },
      begin: (status, headers) => {
        drain.mark(headers)
        response.writeHead(status, headers)
      },
      json: (status, value) =>
        call.send(status, ['content-type', 'application/json'], status === 204 ? '' : JSON.stringify(value))
    }
    await operation.run(call)
  } catch (thrown) {
    const error = presentable(thrown)
    if (error.fault === 'node' && error.status === 500)
      context.logger.error('API request failed', { requestId, error: String(thrown), stack: (thrown as Error)?.stack })
    else parts.refusals.note(error, request, requestId)
    const headers: FlatHeaders = ['x-amzn-requestid', requestId, ...style.headers(error)]
    const retryAfter = retryAfterSeconds(error)
    if (retryAfter !== undefined) headers.push('retry-after', retryAfter)
    drain.refuse(request, response, style.status(error), headers, style.body(error))
  } finally {
    release()
    const status = response.destroyed && !response.headersSent ? CLIENT_GONE : response.statusCode
    metrics.answered(route, status, context.clock.monotonic() - startedAt)
  }
}

function tooLargeFor(operation: ApiOperation): ApiError {
  const message = `Request must be smaller than ${operation.bodyBytesMax} bytes for the ${operation.name} operation`
  return new ApiError('TOO_LARGE', operation.tooLargeCode ?? 'RequestEntityTooLargeException', message)
}

/** JSON of a body. @throws INVALID_ARGUMENT with the parser's reason */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new PeerlessError(
      'INVALID_ARGUMENT',
      `Could not parse request body into json: ${(error as Error).message.slice(0, 200)}`,
      {
        cause: error
      }
    )
  }
}
