import type { IncomingMessage, ServerResponse } from 'node:http'
import { LIMITS } from '@peerless/interface'
import { type ApiExchange, type ApiOperation, type ApiParts, AWS_STYLE, exchangeApi, serveApi } from './api-call.ts'
import { preflightHeaders, shareWithPages } from './api-cors.ts'
import { ApiError } from './api-error.ts'
import type { CodeUrls } from './code-url.ts'
import type { FlatHeaders } from './http-answer.ts'
import { concurrencyHandlers } from './lambda-concurrency.ts'
import type { Handler, Handlers, LambdaContext } from './lambda-context.ts'
import { eventInvokeHandlers } from './lambda-event-invoke.ts'
import { functionHandlers } from './lambda-functions.ts'
import { invokeHandlers } from './lambda-invoke.ts'
import { layerHandlers } from './lambda-layers.ts'
import { mappingHandlers } from './lambda-mappings.ts'
import { matchOperation, OPERATIONS, type Operation, readMembers } from './lambda-model.ts'
import { permissionHandlers } from './lambda-permissions.ts'
import { refusalHandlers } from './lambda-refusals.ts'
import { signingHandlers } from './lambda-signing.ts'
import { smallConfigHandlers } from './lambda-small-configs.ts'
import { streamHandlers } from './lambda-stream.ts'
import { tagHandlers } from './lambda-tags.ts'
import { urlConfigHandlers } from './lambda-url-config.ts'
import { versionHandlers } from './lambda-versions.ts'
import { ROUTE } from './metrics.ts'

/** Bodies of all operations but those with code or payloads: twice the largest environment, filter criteria and policy together. */
const BODY_BYTES_MAX = 262_144
const BODY_BYTES: Readonly<Record<string, number>> = {
  CreateFunction: LIMITS.deployBodyBytesMax,
  UpdateFunctionCode: LIMITS.deployBodyBytesMax,
  PublishLayerVersion: LIMITS.deployBodyBytesMax,
  Invoke: LIMITS.payloadBytesMax,
  InvokeWithResponseStream: LIMITS.payloadBytesMax,
  InvokeAsync: LIMITS.asyncPayloadBytesMax
}
const INVOCATIONS = new Set(['Invoke', 'InvokeWithResponseStream', 'InvokeAsync'])

/** True for `/YYYY-MM-DD/…`: all operations of the Lambda API begin with the date of their version. */
export function isLambdaPath(url: string): boolean {
  return url.charCodeAt(5) === 0x2d && url.charCodeAt(8) === 0x2d && url.charCodeAt(11) === 0x2f
}

/** The Lambda API: one table of operations and shapes drives the router and the checks, the handlers have only what it means. */
export class LambdaApi {
  readonly #parts: ApiParts
  readonly #handlers: Handlers

  constructor(parts: ApiParts, codeUrls: CodeUrls) {
    this.#parts = parts
    const context: LambdaContext = { ...parts.context, codeUrls, gatewayMetrics: parts.metrics }
    this.#handlers = {
      ...functionHandlers(context),
      ...versionHandlers(context),
      ...concurrencyHandlers(context),
      ...urlConfigHandlers(context),
      ...eventInvokeHandlers(context),
      ...mappingHandlers(context),
      ...layerHandlers(context),
      ...permissionHandlers(context),
      ...tagHandlers(context),
      ...signingHandlers(context),
      ...smallConfigHandlers(context),
      ...refusalHandlers(context),
      ...invokeHandlers(context),
      ...streamHandlers(context)
    }
    for (const name of OPERATIONS.keys())
      if (this.#handlers[name] === undefined) throw new TypeError(`operation ${name} of the model has no handler`)
  }

  handle(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    shareWithPages(request, response)
    const preflight = preflightHeaders(request)
    if (preflight !== undefined) return Promise.resolve(this.#answerPreflight(request, response, preflight))
    return serveApi(this.#parts, AWS_STYLE, ROUTE.LAMBDA, { request, response, ...this.#find(request.method ?? '', url) })
  }

  #answerPreflight(request: IncomingMessage, response: ServerResponse, headers: FlatHeaders): void {
    const { context, metrics, drain } = this.#parts
    const startedAt = context.clock.monotonic()
    metrics.started()
    drain.refuse(request, response, 200, ['x-amzn-requestid', context.random.uuid(), ...headers], '')
    metrics.answered(ROUTE.LAMBDA, response.statusCode, context.clock.monotonic() - startedAt)
  }

  /** The same for a request that was read, and is answered, by other means than `node:http`. */
  exchange(given: Pick<ApiExchange, 'request' | 'answer' | 'readBody' | 'claim' | 'startedAt'>): Promise<void> {
    const { method = '', url = '' } = given.request
    return exchangeApi(this.#parts, AWS_STYLE, ROUTE.LAMBDA, { ...given, ...this.#find(method, url) })
  }

  #find(method: string, url: string): Pick<ApiExchange, 'operation' | 'name' | 'rawQuery'> {
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const rawQuery = mark < 0 ? '' : url.slice(mark + 1)
    const match = matchOperation(method, path, rawQuery)
    const operation =
      match === undefined
        ? unknownOperation(`${method} ${path}`)
        : apiOperation(match.operation, this.#handlers[match.operation.name] as Handler, match.path, rawQuery)
    return { operation, name: '', rawQuery }
  }
}

function apiOperation(operation: Operation, handler: Handler, path: Record<string, string>, rawQuery: string): ApiOperation {
  const invokes = INVOCATIONS.has(operation.name)
  return {
    name: operation.name === 'Invoke' ? 'InvokeFunction' : operation.name,
    bodyBytesMax: BODY_BYTES[operation.name] ?? BODY_BYTES_MAX,
    ...(invokes ? { tooLargeCode: 'RequestTooLargeException' } : {}),
    async run(call) {
      const input = readMembers(operation, call.request, { path, rawQuery, body: call.body })
      await handler({ call, input, status: operation.status })
    }
  }
}

/** No operation of the service, and said so to whoever is authenticated. */
function unknownOperation(what: string): ApiOperation {
  return {
    name: 'unknown',
    bodyBytesMax: BODY_BYTES_MAX,
    run() {
      throw new ApiError(
        'NOT_FOUND',
        'UnknownOperationException',
        `${what.slice(0, 200)} is no operation of the Lambda API of 2015-03-31`
      )
    }
  }
}
