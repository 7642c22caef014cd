import { ApiError } from './api-error.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import { managed } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { mayDeploy } from './roles.ts'

/**
 * Capacity providers are fleets of EC2 instances, durable executions a service of their own: neither is on a mesh. There are none
 * to list, none is found, and none can be made.
 */
export function refusalHandlers(context: LambdaContext): Handlers {
  const missing = (what: string, member: string) => (request: LambdaRequest) => {
    mayDeploy(request.call.key, `lambda:${what}`)
    const given = request.input.required(member)
    const arn = given.startsWith('arn:')
      ? given
      : `arn:aws:lambda:${context.region}:${context.accountId}:capacity-provider:${given}`
    throw new ApiError('NOT_FOUND', 'ResourceNotFoundException', `${what} not found: ${arn}`)
  }
  const none = (member: string, action: string) => (request: LambdaRequest) => {
    mayDeploy(request.call.key, `lambda:${action}`)
    answer(request, { [member]: [] })
  }
  const provider = missing('Capacity provider', 'CapacityProviderName')
  const execution = missing('Durable execution', 'DurableExecutionArn')
  const callback = (request: LambdaRequest) => {
    mayDeploy(request.call.key, 'lambda:SendDurableExecutionCallback')
    throw new ApiError(
      'INVALID_ARGUMENT',
      'CallbackTimeoutException',
      `Callback ${request.input.required('CallbackId').slice(0, 100)} is not waited for: this mesh has no durable executions`
    )
  }
  return {
    CreateCapacityProvider: (request) => {
      mayDeploy(request.call.key, 'lambda:CreateCapacityProvider')
      throw invalid('Capacity providers are not supported by this mesh: its nodes are its capacity')
    },
    UpdateCapacityProvider: provider,
    DeleteCapacityProvider: provider,
    GetCapacityProvider: provider,
    ListCapacityProviders: none('CapacityProviders', 'ListCapacityProviders'),
    ListFunctionVersionsByCapacityProvider: provider,
    CheckpointDurableExecution: execution,
    GetDurableExecution: execution,
    GetDurableExecutionHistory: execution,
    GetDurableExecutionState: execution,
    StopDurableExecution: execution,
    ListDurableExecutionsByFunction(request) {
      managed(context, request, 'ListDurableExecutionsByFunction')
      answer(request, { DurableExecutions: [] })
    },
    SendDurableExecutionCallbackFailure: callback,
    SendDurableExecutionCallbackHeartbeat: callback,
    SendDurableExecutionCallbackSuccess: callback
  }
}
