import { ENTER } from '../bridge-operations.ts'
import { KIND_HTTP } from '../outcome-numbers.ts'
import { chunk } from './chunks.guest.ts'
import { enter } from './handler.guest.ts'
import { jsonStringify, promiseResolve, promiseThen, reflectApply } from './intrinsics.guest.ts'

/** What the executor says of a function, of none. */
const NOBODY = {
  functionName: '',
  lineageMark: '',
  functionVersion: '',
  memoryMb: 0,
  logGroup: '',
  logStream: '',
  node: '',
  environment: { NAME: '' },
  asyncContext: false,
  payloadBytes: 1_024,
  logLines: 0,
  logBytes: 0,
  logLineBytes: 0,
  stream: { bytesMax: 1_024, chunkBytesMax: 1_024, windowBytes: 1_024, gatheredBytesMax: 1_024 }
}
const EVENT =
  '{"version":"2.0","routeKey":"$default","rawPath":"/","rawQueryString":"","headers":{"host":"localhost","user-agent":"rehearsal"},' +
  '"requestContext":{"http":{"method":"GET","path":"/"}},"isBase64Encoded":false}'
/** V8 makes machine code of a regular expression when it runs for the second time. */
const PLAYS = 2
/** More than a call needs. */
const MICROTASKS_MAX = 32
const META = '{"attempt":1,"caller":"","invokedArn":"","clientContext":null,"trace":null}'

/**
 * Runs a call of nobody through the road that calls take, while nobody waits: V8 compiles a function when it first runs, and the first caller
 * would pay for all of them. What is told meanwhile reaches no one, and being configured for a function makes the isolate forget what this leaves.
 */
export function rehearse(web: boolean): void {
  enter(ENTER.CONFIGURE, jsonStringify(NOBODY), undefined, undefined, undefined, undefined)
  enter(ENTER.ADOPT, web ? webExports() : { handler: answer }, 'handler', undefined, undefined, undefined)
  // After the handler was found, which takes a microtask.
  after(MICROTASKS_MAX, () => play(PLAYS))
}

function play(times: number): void {
  if (times === 0) return
  enter(ENTER.INVOKE, EVENT, '', KIND_HTTP as never, 1_000 as never, META as never)
  after(MICROTASKS_MAX, () => play(times - 1))
}

function after(microtasks: number, run: () => void): void {
  reflectApply(promiseThen, promiseResolve(undefined), [microtasks > 1 ? () => after(microtasks - 1, run) : run])
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
