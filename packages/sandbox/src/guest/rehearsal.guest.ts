import { ENTER } from '../bridge-operations.ts'
import { KIND_HTTP } from '../outcome-numbers.ts'
import { chunk } from './chunks.guest.ts'
import { configureLogs } from './console.guest.ts'
import { configureHandler, enter } from './handler.guest.ts'
import { jsonStringify, promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'
import { configurePayload } from './payload-limit.guest.ts'

const NOBODY = { functionName: '', functionVersion: '', memoryMb: 0, logGroup: '', logStream: '', node: '' }
const LIMITS = { bytesMax: 1_024, chunkBytesMax: 1_024, windowBytes: 1_024, gatheredBytesMax: 1_024 }
const EVENT = {
  version: '2.0',
  rawPath: '/',
  rawQueryString: '',
  headers: { host: 'localhost', 'user-agent': 'rehearsal' },
  requestContext: { http: { method: 'GET', path: '/' } },
  isBase64Encoded: false
}

const META = '{"attempt":1,"caller":"","invokedArn":"","clientContext":null}'

/**
 * Runs a call of nobody through the road that calls take, while nobody waits: V8 compiles a function when it first runs, and the first caller
 * would pay for all of them. What is told meanwhile reaches no one, and `configureHandler` forgets what this leaves.
 */
export function rehearse(web: boolean): void {
  configureHandler(NOBODY, LIMITS)
  configurePayload(LIMITS.bytesMax)
  configureLogs(0, 0, 0)
  enter(ENTER.ADOPT, web ? webExports() : { handler: answer }, 'handler', undefined, undefined, undefined)
  // After the handler was found, which takes a microtask.
  reflectApply(promiseThen, promiseResolve(undefined), [
    () => enter(ENTER.INVOKE, jsonStringify(EVENT), '', KIND_HTTP as never, 1_000 as never, META as never)
  ])
}

async function answer(): Promise<object> {
  return { statusCode: 200, headers: { 'content-type': 'text/plain' }, body: '' }
}

function webExports(): object {
  const { Response } = chunk('fetch-types') as typeof import('./chunks/fetch-types.guest.ts')
  return {
    default: { fetch: async (request: Request) => new Response(request.url, { headers: { 'x-rehearsal': request.method } }) }
  }
}
