import type { Content } from './chunks/body.guest.ts'
import { chunk } from './chunks.guest.ts'
import { TextDecoder } from './encoding.guest.ts'
import { type HttpAnswer, PREPARED } from './http-answer.guest.ts'
import { jsonStringify } from './intrinsics.guest.ts'
import type { ResponseStream } from './response-stream.guest.ts'

type FetchTypes = typeof import('./chunks/fetch-types.guest.ts')

/** Begins an answer that leaves as it is written; gives what stands for "not answered yet". */
export type LiveAnswer = (statusCode: number, headers: string, write: (stream: ResponseStream) => Promise<void>) => unknown

/** The parts of an API Gateway payload-2.0 event that a Request is made of. */
interface HttpEvent {
  rawPath?: string
  rawQueryString?: string
  headers?: Record<string, string>
  cookies?: string[]
  body?: string
  isBase64Encoded?: boolean
  requestContext?: { http?: { method?: string } }
}

/**
 * `export default { fetch(request, env, ctx) }`. An HTTP event becomes the request that it describes, any other event the JSON body of a
 * POST. What `ctx.waitUntil` was given is awaited before the answer is sent, so that it is neither cut off nor free.
 */
export async function runFetch(
  target: { fetch: (...values: unknown[]) => unknown },
  event: unknown,
  context: unknown,
  http: boolean,
  live: LiveAnswer | undefined
): Promise<unknown> {
  const { Request, Response, readContent, takeContent } = chunk('fetch-types') as FetchTypes
  const waiting: unknown[] = []
  const ctx = {
    waitUntil: (promise: unknown) => {
      waiting.push(promise)
    },
    passThroughOnException: () => undefined,
    lambda: context
  }
  const request = http ? requestOf(Request, event as HttpEvent) : new Request('http://localhost/', jsonPost(event))
  const response = await target.fetch(request, process.env, ctx)
  if (!(response instanceof Response)) throw new TypeError('fetch must return a Response')
  const content = takeContent(response)
  if (live !== undefined && (content.stream !== undefined || content.source !== undefined)) {
    if (request.method !== 'HEAD') {
      return live(response.status, flatHeaders(response), async (stream) => {
        await pump(content, stream)
        await Promise.allSettled(waiting)
      })
    }
    cancel(content)
    content.stream = undefined
    content.source = undefined
  }
  const body = await readContent(content)
  await Promise.allSettled(waiting)
  if (http) return { [PREPARED]: prepared(response, body) }
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body)
  try {
    return JSON.parse(text)
  } catch {
    // An answer that is no JSON is the event's result as a string.
    return text
  }
}

function jsonPost(event: unknown): { method: string; headers: Record<string, string>; body: string } {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: jsonStringify(event) }
}

function requestOf(Request: FetchTypes['Request'], event: HttpEvent): InstanceType<FetchTypes['Request']> {
  const headers = event.headers ?? {}
  const method = event.requestContext?.http?.method ?? 'GET'
  const query = event.rawQueryString === undefined || event.rawQueryString === '' ? '' : `?${event.rawQueryString}`
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  const url = `${scheme}://${headers.host ?? 'localhost'}${event.rawPath ?? '/'}${query}`
  const text = event.body
  const body = text === undefined ? undefined : event.isBase64Encoded === true ? Uint8Array.fromBase64(text) : text
  const bodiless = method === 'GET' || method === 'HEAD'
  const given = event.cookies === undefined ? headers : { ...headers, cookie: event.cookies.join('; ') }
  return new Request(url, { method, headers: given, body: bodiless ? undefined : body })
}

function flatHeaders(response: InstanceType<FetchTypes['Response']>): string {
  const flat: string[] = []
  for (const [name, value] of response.headers) flat.push(name, value)
  return flat.join('\0')
}

function prepared(response: InstanceType<FetchTypes['Response']>, body: string | Uint8Array): HttpAnswer {
  return { statusCode: response.status, headers: flatHeaders(response), body }
}

/** Sends what the body yields as it comes. A client that is gone is a reason for whatever makes the bytes to stop. */
async function pump(content: Content, stream: ResponseStream): Promise<void> {
  const reader = content.stream?.getReader()
  let gone = false
  stream.once('close', () => {
    gone = true
    if (reader !== undefined) reader.cancel(new Error('the client is gone')).catch(() => undefined)
    else content.source?.cancel()
  })
  const next = async (): Promise<unknown> => {
    if (reader === undefined) return await content.source?.next()
    const { done, value } = await reader.read()
    return done ? undefined : value
  }
  for (;;) {
    const piece = await next()
    if (gone || piece === undefined) break
    if (!(piece instanceof Uint8Array)) {
      cancel(content)
      throw new TypeError('Received non-Uint8Array chunk')
    }
    if (piece.length > 0 && !stream.write(piece) && !gone)
      await new Promise<void>((resolve) => stream.once('drain', () => resolve()))
  }
  if (!gone) stream.end()
}

function cancel({ stream, source }: Content): void {
  if (stream !== undefined && !stream.locked) stream.cancel().catch(() => undefined)
  source?.cancel()
}
