import { isUtf8 } from 'node:buffer'
import { functionArn, LIMITS } from '@peerless/interface'
import type { ApiCall, ApiOperation } from './api-call.ts'
import { ApiError } from './api-error.ts'
import { brokenRule, invalid, validation } from './lambda-input.ts'
import { functionOf } from './lambda-names.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { GatewayContext } from './options.ts'
import { outcomeHeaders } from './outcome-headers.ts'
import { mayInvoke } from './roles.ts'

/** Invoke: payload bytes in, payload bytes out; what the function did wrong is a header, not a status. */
export function invokeOperation(context: GatewayContext, metrics: GatewayMetrics): ApiOperation {
  return {
    name: 'InvokeFunction',
    bodyBytesMax: LIMITS.payloadBytesMax,
    tooLargeCode: 'RequestTooLargeException',
    async run(call) {
      const { record, qualifier } = functionOf(context, call)
      mayInvoke(call.key, record)
      const type = header(call, 'x-amz-invocation-type') ?? 'RequestResponse'
      if (type !== 'RequestResponse' && type !== 'DryRun' && type !== 'Event')
        throw validation(
          `1 validation error detected: ${brokenRule(type, 'invocationType', 'Member must satisfy enum value set: [Event, RequestResponse, DryRun]')}`
        )
      const logType = header(call, 'x-amz-log-type') ?? 'None'
      if (logType !== 'None' && logType !== 'Tail')
        throw validation(
          `1 validation error detected: ${brokenRule(logType, 'logType', 'Member must satisfy enum value set: [None, Tail]')}`
        )
      const clientContext = clientContextOf(header(call, 'x-amz-client-context'))
      checkPayload(call.body)
      const version = record.latest
      if (type === 'Event') {
        if (context.asyncInvoker === undefined) throw invalid('InvocationType Event is not supported by this node')
        const invokedArn = functionArn(context.region, context.accountId, record.name, qualifier)
        const order = {
          requestId: call.requestId,
          functionName: record.name,
          qualifier,
          payload: call.body,
          clientContext,
          invokedArn
        }
        await context.asyncInvoker.accept(order)
        return call.send(202, [], '')
      }
      if (type === 'DryRun') return call.send(204, ['x-amz-executed-version', version.version], '')
      const answer = await context.invoker
        .invoke({
          requestId: call.requestId,
          kind: 'event',
          target: { record, version },
          payload: call.body,
          logTail: logType === 'Tail',
          clientContext,
          invokedArn: functionArn(context.region, context.accountId, record.name, qualifier)
        })
        .catch((error) => {
          metrics.invoked('refused', false)
          throw error
        })
      const { outcome } = answer
      metrics.invoked(outcome.status, outcome.usage.cold)
      // The first pair is the request id, which `send` adds itself.
      const headers = [...outcomeHeaders(call.requestId, answer).slice(2), 'content-type', 'application/json']
      headers.push('x-amz-executed-version', version.version)
      if (outcome.status !== 'ok') headers.push('x-amz-function-error', 'Unhandled')
      if (logType === 'Tail') headers.push('x-amz-log-result', logResult(outcome.logTail ?? ''))
      call.send(200, headers, outcome.payload)
    }
  }
}

export function header(call: ApiCall, name: string): string | undefined {
  const value = call.request.headers[name]
  return typeof value === 'string' ? value : undefined
}

/** The bytes go to the function unchanged; parsing only finds out whether they are JSON. */
export function checkPayload(payload: Buffer): void {
  if (payload.length === 0) return
  const problem = (reason: string) =>
    new ApiError(
      'INVALID_ARGUMENT',
      'InvalidRequestContentException',
      `Could not parse request body into json: Could not parse payload into json: ${reason}`
    )
  if (!isUtf8(payload)) throw problem('it is not valid UTF-8')
  try {
    JSON.parse(payload.toString('utf8'))
  } catch (error) {
    throw problem((error as Error).message.slice(0, 200))
  }
}

/** @returns the JSON text, checked to be an object */
export function clientContextOf(encoded: string | undefined): string | undefined {
  if (encoded === undefined || encoded === '') return undefined
  const problem = (reason: string) =>
    new ApiError(
      'INVALID_ARGUMENT',
      'InvalidRequestContentException',
      `Client context must be a valid Base64-encoded JSON object: ${reason}`
    )
  if (encoded.length > LIMITS.clientContextBytesMax)
    throw problem(`it has ${encoded.length} bytes of base64, at most ${LIMITS.clientContextBytesMax} are taken`)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw problem('it is not base64')
  const bytes = Buffer.from(encoded, 'base64')
  if (!isUtf8(bytes)) throw problem('it is not valid UTF-8')
  const text = bytes.toString('utf8')
  let alleged: unknown
  try {
    alleged = JSON.parse(text)
  } catch (error) {
    throw problem((error as Error).message.slice(0, 200))
  }
  if (typeof alleged !== 'object' || alleged === null || Array.isArray(alleged)) throw problem('it is not an object')
  return text
}

/** base64 of the last 4 KB. */
export function logResult(tail: string): string {
  const bytes = Buffer.from(tail, 'utf8')
  return bytes.subarray(Math.max(0, bytes.length - LIMITS.logTailBytesMax)).toString('base64')
}
