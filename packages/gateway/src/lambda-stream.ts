import type { ServerResponse } from 'node:http'
import { type InvokeAnswer, type InvokeOrder, LIMITS } from '@peerless/interface'
import type { ApiCall } from './api-call.ts'
import { encodeHeaders, encodeMessage } from './eventstream.ts'
import { boundStall, type FlatHeaders, presentable } from './http-answer.ts'
import type { Handlers, LambdaContext } from './lambda-context.ts'
import { logResult, orderOf } from './lambda-invoke.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import { addTrailers, outcomeHeaders, streamHeaders } from './outcome-headers.ts'
import { StreamAnswer } from './stream-answer.ts'

const CHUNK = encodeHeaders({
  ':message-type': 'event',
  ':event-type': 'PayloadChunk',
  ':content-type': 'application/octet-stream'
})
const COMPLETE = encodeHeaders({
  ':message-type': 'event',
  ':event-type': 'InvokeComplete',
  ':content-type': 'application/json'
})
/** What a client may be told of an error in the last event. */
const ERROR_DETAILS_CHARS_MAX = 65_536

/**
 * InvokeWithResponseStream: the function's bytes as `PayloadChunk` events as they are written, then `InvokeComplete`. What answers at once
 * is one chunk. An error before the first byte has a status of its own where it is ours, and is in `InvokeComplete` where it is the function's.
 */
export function streamHandlers(context: LambdaContext): Handlers {
  return {
    async InvokeWithResponseStream(request) {
      const { call, input } = request
      const order = orderOf(context, request)
      if (input.text('InvocationType') === 'DryRun')
        return call.send(204, ['x-amz-executed-version', order.target.version.version], '')
      await stream(context, context.gatewayMetrics, call, order)
    }
  }
}

async function stream(
  context: GatewayContext,
  metrics: GatewayMetrics,
  call: ApiCall,
  order: Omit<InvokeOrder, 'stream'>
): Promise<void> {
  const { response } = call
  const begin = (headers: FlatHeaders, contentType: string | undefined) => {
    headers.push('x-amz-executed-version', order.target.version.version, 'content-type', 'application/vnd.amazon.eventstream')
    // The stream's own type is taken by the framing.
    if (contentType !== undefined) headers.push('x-amzn-remapped-content-type', contentType)
    call.begin(200, headers)
  }
  const sink = new StreamAnswer(response, {
    head: (head) => {
      begin(streamHeaders(call.requestId, head, response), head.http.headers[1])
      return true
    },
    chunk: (bytes) => encodeMessage(CHUNK, bytes)
  })
  let answer: InvokeAnswer
  try {
    answer = await context.invoker.invoke({ ...order, stream: sink })
  } catch (thrown) {
    metrics.invoked('refused', false)
    if (!sink.opened) throw thrown
    const error = presentable(thrown)
    await end(response, { ErrorCode: error.code, ErrorDetails: error.message })
    return
  }
  const { outcome } = answer
  metrics.invoked(outcome.status, outcome.usage.cold)
  if (sink.opened) addTrailers(response, answer)
  else begin(outcomeHeaders(call.requestId, answer), 'application/json')
  const complete: Complete = {}
  if (outcome.status !== 'ok') {
    complete.ErrorCode = 'Unhandled'
    complete.ErrorDetails = Buffer.from(outcome.payload).toString().slice(0, ERROR_DETAILS_CHARS_MAX)
  } else if (!sink.opened) writeWhole(response, outcome.payload)
  if (order.logTail) complete.LogResult = logResult(outcome.logTail ?? '')
  await end(response, complete)
}

/** Members as the service model has them. */
interface Complete {
  ErrorCode?: string
  ErrorDetails?: string
  LogResult?: string
}

/** What was answered at once. Events of AWS are bounded by their framing, ours by the size of a chunk. */
function writeWhole(response: ServerResponse, payload: Uint8Array): void {
  for (let at = 0; at < payload.length; at += WHOLE_CHUNK_BYTES) {
    response.write(encodeMessage(CHUNK, payload.subarray(at, at + WHOLE_CHUNK_BYTES)))
  }
}

/** As long as the largest payload, so that an answer of one piece is one event. */
const WHOLE_CHUNK_BYTES = LIMITS.payloadBytesMax

/** Resolves when the client has it, or is gone. */
function end(response: ServerResponse, complete: Complete): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) {
      resolve()
      return
    }
    response.once('close', resolve)
    response.end(encodeMessage(COMPLETE, Buffer.from(JSON.stringify(complete))), resolve)
    boundStall(response)
  })
}
