/** The symbols of Lambda's own runtime: libraries that wrap handlers carry them over. */
const HANDLER_STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const HANDLER_HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')
const STREAMS_RESPONSE = 'response'

type Marked = { [HANDLER_STREAMING]?: unknown; [HANDLER_HIGH_WATER_MARK]?: unknown }

export function isStreaming(handler: unknown): boolean {
  return (handler as Marked)[HANDLER_STREAMING] === STREAMS_RESPONSE
}

export function highWaterMarkOf(handler: unknown): unknown {
  return (handler as Marked)[HANDLER_HIGH_WATER_MARK]
}

/** What Lambda's Node runtime offers as a global. */
export const awslambda = {
  streamifyResponse(handler: unknown, options?: { highWaterMark?: unknown }): unknown {
    if (typeof handler !== 'function') throw new TypeError('streamifyResponse takes a handler, which is a function')
    const marked = handler as Marked
    marked[HANDLER_STREAMING] = STREAMS_RESPONSE
    if (options?.highWaterMark !== undefined) marked[HANDLER_HIGH_WATER_MARK] = options.highWaterMark
    return handler
  },
  get HttpResponseStream(): unknown {
    return (require('./response-stream.guest.ts') as typeof import('./response-stream.guest.ts')).HttpResponseStream
  }
}
