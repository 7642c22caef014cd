import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ApiOperation, type ApiParts, AWS_STYLE, serveApi } from './api-call.ts'
import { ApiError } from './api-error.ts'
import type { CodeUrls } from './code-url.ts'
import { functionOperations } from './lambda-functions.ts'
import { invokeOperation } from './lambda-invoke.ts'
import { streamOperation } from './lambda-stream.ts'
import { urlConfigOperations } from './lambda-url-config.ts'
import { ROUTE } from './metrics.ts'
import { decodeLoosely } from './url-query.ts'

/**
 * Method and path of each operation, with `*` for the function. Paths of the service model, 2015-03-31.
 * The path is matched as it came and its segments decoded afterwards: an ARN may be percent-encoded, and must not become two segments.
 */
const PATHS: Record<string, string> = {
  'POST /2015-03-31/functions': 'CreateFunction',
  'GET /2015-03-31/functions': 'ListFunctions',
  'GET /2015-03-31/functions/*': 'GetFunction',
  'DELETE /2015-03-31/functions/*': 'DeleteFunction',
  'GET /2015-03-31/functions/*/configuration': 'GetFunctionConfiguration',
  'PUT /2015-03-31/functions/*/configuration': 'UpdateFunctionConfiguration',
  'PUT /2015-03-31/functions/*/code': 'UpdateFunctionCode',
  'POST /2015-03-31/functions/*/invocations': 'Invoke',
  'POST /2021-11-15/functions/*/response-streaming-invocations': 'InvokeWithResponseStream',
  'POST /2021-10-31/functions/*/url': 'CreateFunctionUrlConfig',
  'GET /2021-10-31/functions/*/url': 'GetFunctionUrlConfig',
  'PUT /2021-10-31/functions/*/url': 'UpdateFunctionUrlConfig',
  'DELETE /2021-10-31/functions/*/url': 'DeleteFunctionUrlConfig'
}

/** True for `/YYYY-MM-DD/…`: all operations of the Lambda API begin with the date of their version. */
export function isLambdaPath(url: string): boolean {
  return url.charCodeAt(5) === 0x2d && url.charCodeAt(8) === 0x2d && url.charCodeAt(11) === 0x2f
}

export class LambdaApi {
  readonly #parts: ApiParts
  readonly #operations = new Map<string, ApiOperation>()

  constructor(parts: ApiParts, codeUrls: CodeUrls) {
    this.#parts = parts
    const { context, metrics } = parts
    const byName: Record<string, ApiOperation> = {
      ...functionOperations(context, codeUrls),
      ...urlConfigOperations(context),
      Invoke: invokeOperation(context, metrics),
      InvokeWithResponseStream: streamOperation(context, metrics)
    }
    for (const [path, name] of Object.entries(PATHS)) this.#operations.set(path, byName[name] ?? unknownOperation(name))
  }

  handle(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const segments = path.split('/', 7)
    if (segments.at(-1) === '') segments.pop()
    const name = segments[3]
    if (name !== undefined) segments[3] = '*'
    const operation =
      this.#operations.get(`${request.method} ${segments.join('/')}`) ?? unknownOperation(`${request.method} ${path}`)
    const exchange = {
      request,
      response,
      operation,
      name: name === undefined ? '' : decodeLoosely(name),
      rawQuery: mark < 0 ? '' : url.slice(mark + 1)
    }
    return serveApi(this.#parts, AWS_STYLE, ROUTE.LAMBDA, exchange)
  }
}

/** Known to Lambda or not: this mesh does not do it, and says so to whoever is authenticated. */
function unknownOperation(what: string): ApiOperation {
  return {
    name: 'unknown',
    bodyBytesMax: 1_048_576,
    run() {
      const known = [...new Set(Object.values(PATHS))].join(', ')
      throw new ApiError(
        'NOT_FOUND',
        'UnknownOperationException',
        `${what.slice(0, 200)} is no operation of this mesh. It implements: ${known}`
      )
    }
  }
}
