import { isUtf8 } from 'node:buffer'
import {
  extendLineage,
  type FunctionRecord,
  type InvokeOrder,
  isRecursive,
  LIMITS,
  type Lineage,
  lineageOf,
  RECURSIVE_ERROR,
  resolveFunction,
  traceOf
} from '@peerless/interface'
import { ApiError } from './api-error.ts'
import type { Handlers, LambdaContext, LambdaRequest } from './lambda-context.ts'
import { checkPayload } from './lambda-payload.ts'
import { functionNotFound, targetOf } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { outcomeHeaders } from './outcome-headers.ts'
import { mayInvoke } from './roles.ts'

/** Invoke: payload bytes in, payload bytes out; what the function did wrong is a header, not a status. */
export function invokeHandlers(context: LambdaContext): Handlers {
  return {
    async Invoke(request) {
      const { call, input } = request
      const type = input.text('InvocationType') ?? 'RequestResponse'
      if (type === 'Event') return await acceptEvent(context, request, call.body)
      const order = orderOf(context, request)
      const { version } = order.target
      if (type === 'DryRun') return call.send(204, ['x-amz-executed-version', version.version], '')
      const answer = await context.invoker.invoke(order).catch((error) => {
        context.gatewayMetrics.invoked('refused', false)
        throw error
      })
      const { outcome } = answer
      context.gatewayMetrics.invoked(outcome.status, outcome.usage.cold)
      // The first pair is the request id, which `send` adds itself.
      const headers = [...outcomeHeaders(call.requestId, answer).slice(2), 'content-type', 'application/json']
      headers.push('x-amz-executed-version', version.version)
      if (outcome.status !== 'ok') headers.push('x-amz-function-error', 'Unhandled')
      if (order.logTail) headers.push('x-amz-log-result', logResult(outcome.logTail ?? ''))
      call.send(200, headers, outcome.payload)
    },

    async InvokeAsync(request) {
      await acceptEvent(context, request, request.call.body, JSON.stringify({ Status: 202 }))
    }
  }
}

/**
 * What a synchronous invocation asks for: authorised, resolved, its payload and client context checked.
 * @throws ApiError, FORBIDDEN
 */
export function orderOf(context: LambdaContext, request: LambdaRequest): InvokeOrder {
  const { call, input } = request
  const { record, qualifier, arn } = invokable(context, request)
  const clientContext = clientContextOf(input.text('ClientContext'))
  checkPayload(call.body)
  const target = resolveFunction(context.catalog, record, qualifier, context.random)
  if (target === undefined) throw functionNotFound(arn)
  return {
    requestId: call.requestId,
    kind: 'event',
    target,
    payload: call.body,
    logTail: input.text('LogType') === 'Tail',
    clientContext,
    invokedArn: arn,
    trace: traceOfCall(request, record)
  }
}

/** What the header of the caller says of the calls before. */
function lineageBefore({ call }: LambdaRequest): Lineage | undefined {
  const { 'x-amzn-trace-id': trace } = call.request.headers
  return typeof trace === 'string' ? lineageOf(trace) : undefined
}

/**
 * The trace of a call that is part of a chain; undefined where a chain begins.
 * @throws ApiError RecursiveInvocationException for a function that calls itself again and again, unless it may (PutFunctionRecursionConfig)
 */
function traceOfCall(request: LambdaRequest, record: FunctionRecord): string | undefined {
  const before = lineageBefore(request)
  if (before === undefined) return undefined
  const lineage = extendLineage(before, record.name)
  if (isRecursive(lineage) && record.recursiveLoop !== 'Allow')
    throw new ApiError('INVALID_ARGUMENT', RECURSIVE_ERROR.errorType, RECURSIVE_ERROR.errorMessage)
  return traceOf(lineage, request.call.requestId)
}

function invokable(context: LambdaContext, { call, input }: LambdaRequest) {
  const target = targetOf(context, call, input.required('FunctionName'), input.text('Qualifier'))
  const { record, qualifier } = target
  if (record === undefined) throw functionNotFound(target.arn)
  mayInvoke(call.key, record, { qualifier })
  if (input.has('DurableExecutionName') || input.has('TenantId'))
    throw invalid('Durable executions and tenants are not supported by this mesh: leave DurableExecutionName and TenantId out')
  return { ...target, record }
}

/** Accepted is kept: 202 comes after the event is on disk. */
async function acceptEvent(context: LambdaContext, request: LambdaRequest, payload: Buffer, body = ''): Promise<void> {
  const { call, input } = request
  const { record, qualifier, arn } = invokable(context, request)
  if (payload.length > LIMITS.asyncPayloadBytesMax)
    throw new ApiError(
      'TOO_LARGE',
      'RequestTooLargeException',
      `${payload.length} byte payload is too large for the Event invocation type (limit ${LIMITS.asyncPayloadBytesMax} bytes)`
    )
  checkPayload(payload)
  const clientContext = clientContextOf(input.text('ClientContext'))
  if (resolveFunction(context.catalog, record, qualifier, context.random) === undefined) throw functionNotFound(arn)
  const { asyncInvoker } = context
  if (asyncInvoker === undefined) throw invalid('InvocationType Event is not supported by this node: it has no queue')
  // The queue stops what goes in a circle, so that it ends where failed events end.
  const lineage = lineageBefore(request)
  const order = {
    requestId: call.requestId,
    functionName: record.name,
    account: record.account,
    qualifier,
    payload,
    clientContext,
    invokedArn: arn,
    lineage
  }
  await asyncInvoker.accept(order)
  call.send(202, body === '' ? [] : ['content-type', 'application/json'], body)
}

/** @returns the JSON text, checked to be an object */
function clientContextOf(encoded: string | undefined): string | undefined {
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
