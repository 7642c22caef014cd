import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { type AccessKey, PeerlessError } from '@peerless/interface'
import { ApiError, awsErrorOf } from './api-error.ts'
import type { Drain } from './drain.ts'
import { type FlatHeaders, presentable, refusalBody, retryAfterSeconds, send } from './http-answer.ts'
import { type Body, type BodyBudget, type BodyRules, readBody } from './http-body.ts'
import { CLIENT_GONE, type GatewayMetrics, type Route } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import type { RefusalLog } from './refusal-log.ts'
import type { Claim, Sigv4Verifier } from './sigv4.ts'
import { type QueryPair, queryPairs, queryValue } from './url-query.ts'

/** What operations see of a request. */
export interface ApiRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: string[]
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** Where the answer to a request goes. */
export interface ApiAnswer {
  send(status: number, headers: FlatHeaders, body: string | Uint8Array): void
  /** The answer to a request that was refused, maybe before its body was read. */
  refuse(status: number, headers: FlatHeaders, body: string): void
  begin(status: number, headers: FlatHeaders): void
  readonly response: ServerResponse
  /** What was sent, or CLIENT_GONE. */
  readonly status: number
}

/** One request to an API, authenticated unless the operation is open, its body read and bound to its signature. */
export interface ApiCall {
  readonly request: ApiRequest
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
  body: refusalBody,
  headers: () => ['content-type', 'application/json'],
  status: (error) => error.status
}

/** One request and what is to be done with it. */
export interface ApiExchange {
  readonly request: ApiRequest
  readonly answer: ApiAnswer
  /** undefined: there is no such operation. */
  readonly operation: ApiOperation | undefined
  readonly name: string
  readonly rawQuery: string
  /** Where the head was looked at before: what the verifier found, and when (monotonic milliseconds). */
  readonly claim?: Claim | undefined
  readonly startedAt?: number | undefined
  readBody(rules: BodyRules): Promise<Body>
}

/** Serves a request that `node:http` has read. */
export function serveApi(
  parts: ApiParts,
  style: ErrorStyle,
  route: Route,
  exchange: Pick<ApiExchange, 'operation' | 'name' | 'rawQuery'> & { request: IncomingMessage; response: ServerResponse }
): Promise<void> {
  const { request, response, operation, name, rawQuery } = exchange
  const answer = new HttpAnswer(request, response, parts.drain)
  const read = (rules: BodyRules) => readBody(request, rules)
  return exchangeApi(parts, style, route, { request, answer, operation, name, rawQuery, readBody: read })
}

/**
 * Authenticates, reads the body, runs the operation, words its errors. Strangers are refused before their body is read.
 */
export async function exchangeApi(parts: ApiParts, style: ErrorStyle, route: Route, exchange: ApiExchange): Promise<void> {
  const { context, metrics } = parts
  const { request, answer, operation } = exchange
  const requestId = context.random.uuid()
  const { startedAt = context.clock.monotonic() } = exchange
  metrics.started()
  let release = () => undefined as unknown
  try {
    const claim = exchange.claim ?? (operation?.open === true ? undefined : parts.verifier.begin(request))
    if (operation === undefined)
      throw new PeerlessError('NOT_FOUND', `no operation ${request.method} ${(request.url ?? '').slice(0, 200)} in this API`)
    const { bodyBytesMax: bytesMax } = operation
    const tooLarge = () => tooLargeFor(operation)
    const body = await exchange.readBody({ bytesMax, tooLarge, budget: parts.budget })
    release = body.release
    const key = claim === undefined ? NOBODY : parts.verifier.finish(claim, body.sha256())
    let pairs: QueryPair[] | undefined
    const call: ApiCall = {
      request,
      requestId,
      key,
      name: exchange.name,
      body: body.bytes,
      query: (name) => queryValue((pairs ??= queryPairs(exchange.rawQuery)), name),
      send: (status, headers, bytes) => answer.send(status, ['x-amzn-requestid', requestId, ...headers], bytes),
      begin: (status, headers) => answer.begin(status, headers),
      get response() {
        return answer.response
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
    answer.refuse(style.status(error), headers, style.body(error))
  } finally {
    release()
    metrics.answered(route, answer.status, context.clock.monotonic() - startedAt)
  }
}

class HttpAnswer implements ApiAnswer {
  readonly response: ServerResponse
  readonly #request: IncomingMessage
  readonly #drain: Drain

  constructor(request: IncomingMessage, response: ServerResponse, drain: Drain) {
    this.#request = request
    this.response = response
    this.#drain = drain
  }

  send(status: number, headers: FlatHeaders, body: string | Uint8Array): void {
    this.#drain.mark(headers)
    send(this.response, status, headers, body)
  }

  refuse(status: number, headers: FlatHeaders, body: string): void {
    this.#drain.refuse(this.#request, this.response, status, headers, body)
  }

  begin(status: number, headers: FlatHeaders): void {
    this.#drain.mark(headers)
    this.response.writeHead(status, headers)
  }

  get status(): number {
    const { response } = this
    return response.destroyed && !response.headersSent ? CLIENT_GONE : response.statusCode
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
