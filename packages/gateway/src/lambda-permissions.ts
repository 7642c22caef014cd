import {
  functionArn,
  LATEST,
  PeerlessError,
  type PolicyStatement,
  type ResourcePolicy,
  settingsOf,
  type UrlAuth
} from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import { layerArn, layerVersionMissing, layerVersionOf } from './lambda-layers.ts'
import type { Members } from './lambda-members.ts'
import { changeSettings } from './lambda-qualifiers.ts'
import { mustBeThere, resourceMissing, staleRevision, type Target, targetOf, targetOfRequest } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { bounded, type PolicyPlace, parsePolicy, principalOf, printedPolicy, printedStatement } from './policy-document.ts'
import { mayDeploy, mayManage } from './roles.ts'

/** Resource policies: what keys of other accounts may do with a function or a version of a layer. */
export function permissionHandlers(context: LambdaContext): Handlers {
  const changeableTarget = (request: LambdaRequest, target: Target, action: string) => {
    if (target.qualifier === LATEST) throw invalid('We currently do not support adding policies for $LATEST.')
    const found = mustBeThere(context, target)
    mayManage(request.call.key, found.record, `lambda:${action}`)
    return found
  }
  const changeable = (request: LambdaRequest, action: string) =>
    changeableTarget(request, targetOfRequest(context, request, action), action)
  /** Of the operations that name a function by its whole ARN. */
  const whole = (request: LambdaRequest, action: string) => {
    mayDeploy(request.call.key, `lambda:${action}`)
    return changeableTarget(request, targetOf(context, request.call, request.input.required('ResourceArn'), undefined), action)
  }
  const place = (arn: string): PolicyPlace => ({ arn, accountId: context.accountId })
  const layerOf = (request: LambdaRequest, action: string) => layerVersionOf(context, request, action, layerVersionMissing)
  const changeLayer = async <Policy extends ResourcePolicy | undefined>(
    request: LambdaRequest,
    action: string,
    edit: (policy: ResourcePolicy | undefined) => Policy
  ): Promise<Policy> => {
    const { name, version } = layerOf(request, action)
    return await context.catalog.inTurn('layerVersion', `${name}:${version}`, async () => {
      const layer = layerOf(request, action)
      const policy = edit(layer.policy)
      await context.catalog.put('layerVersion', `${name}:${version}`, { ...layer, policy })
      return policy
    })
  }

  return {
    async AddPermission(request) {
      const { input } = request
      const { record, qualifier, arn } = changeable(request, 'AddPermission')
      const statement = statementOf(input, context)
      await changeSettings(context, record.name, qualifier, (settings) => {
        checkRevision(input, settings.policy, 'GetPolicy')
        const policy = added(context, settings.policy, statement, arn)
        return { ...settings, policy }
      })
      answer(request, { Statement: JSON.stringify(printedStatement([statement], place(arn))) })
    },

    async RemovePermission(request) {
      const { input } = request
      const target = targetOfRequest(context, request, 'RemovePermission')
      if (target.record === undefined)
        throw new ApiError(
          'NOT_FOUND',
          'ResourceNotFoundException',
          `No policy found for: ${functionArn(context.region, context.accountId, target.name, target.qualifier)}`
        )
      const { record, qualifier } = changeable(request, 'RemovePermission')
      await changeSettings(context, record.name, qualifier, (settings) => {
        if (settings.policy === undefined) throw noPolicy()
        const policy = removed(context, settings.policy, input.required('StatementId'), () =>
          checkRevision(input, settings.policy, 'GetPolicy')
        )
        const { policy: _before, ...rest } = settings
        return policy === undefined ? rest : { ...rest, policy }
      })
      answer(request, undefined)
    },

    GetPolicy(request) {
      const target = targetOfRequest(context, request, 'GetPolicy')
      const { record, qualifier, arn } = target
      if (record === undefined) throw resourceMissing()
      mayManage(request.call.key, record, 'lambda:GetPolicy')
      const { policy } = settingsOf(record, qualifier)
      if (policy === undefined) throw resourceMissing()
      answer(request, { Policy: printedPolicy(policy, place(arn)), RevisionId: policy.revisionId })
    },

    async PutResourcePolicy(request) {
      const { input } = request
      const { record, qualifier, arn } = whole(request, 'PutResourcePolicy')
      const statements = parsePolicy(input.required('Policy'), place(arn), () => context.random.uuid())
      const policy = bounded({ revisionId: context.random.uuid(), statements }, place(arn))
      await changeSettings(context, record.name, qualifier, (settings) => {
        checkRevision(input, settings.policy, 'GetResourcePolicy')
        return { ...settings, policy }
      })
      answer(request, { Policy: printedPolicy(policy, place(arn)), RevisionId: policy.revisionId })
    },

    GetResourcePolicy(request) {
      const { record, qualifier, arn } = whole(request, 'GetResourcePolicy')
      const { policy } = settingsOf(record, qualifier)
      if (policy === undefined) throw noPolicy()
      answer(request, { Policy: printedPolicy(policy, place(arn)), RevisionId: policy.revisionId })
    },

    async DeleteResourcePolicy(request) {
      const { input } = request
      const { record, qualifier } = whole(request, 'DeleteResourcePolicy')
      await changeSettings(context, record.name, qualifier, ({ policy, ...rest }) => {
        if (policy === undefined) throw noPolicy()
        checkRevision(input, policy, 'GetResourcePolicy')
        return rest
      })
      answer(request, undefined)
    },

    async AddLayerVersionPermission(request) {
      const { input } = request
      const layer = layerOf(request, 'AddLayerVersionPermission')
      const arn = layerArn(context, layer.name, layer.version)
      const statement = statementOf(input, context)
      const policy = await changeLayer(request, 'AddLayerVersionPermission', (before) => {
        checkRevision(input, before, 'GetLayerPolicy')
        return added(context, before, statement, arn)
      })
      answer(request, { Statement: JSON.stringify(printedStatement([statement], place(arn))), RevisionId: policy.revisionId })
    },

    async RemoveLayerVersionPermission(request) {
      const { input } = request
      const sid = input.required('StatementId')
      await changeLayer(request, 'RemoveLayerVersionPermission', (policy) => {
        if (policy === undefined) throw noStatement(sid)
        return removed(context, policy, sid, () => checkRevision(input, policy, 'GetLayerPolicy'))
      })
      answer(request, undefined)
    },

    GetLayerVersionPolicy(request) {
      const layer = layerOf(request, 'GetLayerVersionPolicy')
      if (layer.policy === undefined) throw noPolicy()
      const arn = layerArn(context, layer.name, layer.version)
      answer(request, { Policy: printedPolicy(layer.policy, place(arn)), RevisionId: layer.policy.revisionId })
    }
  }
}

/** @throws ApiError for a principal that is no account, service or user */
function statementOf(input: Members, context: LambdaContext): PolicyStatement {
  const optional = {
    sourceArn: input.text('SourceArn'),
    sourceAccount: input.text('SourceAccount'),
    eventSourceToken: input.text('EventSourceToken'),
    organization: input.text('PrincipalOrgID') ?? input.text('OrganizationId'),
    urlAuth: input.text('FunctionUrlAuthType') as UrlAuth | undefined,
    viaUrl: input.flag('InvokedViaFunctionUrl')
  }
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined))
  const principal = principalOf(input.required('Principal'), context.accountId)
  if (principal === undefined) throw invalid('The provided principal was invalid. Please check the principal and try again.')
  return { sid: input.required('StatementId'), action: input.required('Action'), principal, ...given }
}

function added(
  context: LambdaContext,
  policy: ResourcePolicy | undefined,
  statement: PolicyStatement,
  arn: string
): ResourcePolicy {
  if (policy?.statements.some((one) => one.sid === statement.sid))
    throw new PeerlessError(
      'CONFLICT',
      `The statement id (${statement.sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`
    )
  const next = { revisionId: context.random.uuid(), statements: [...(policy?.statements ?? []), statement] }
  return bounded(next, { arn, accountId: context.accountId })
}

/** undefined when it was the last statement. */
function removed(context: LambdaContext, policy: ResourcePolicy, sid: string, check: () => void): ResourcePolicy | undefined {
  const statements = policy.statements.filter((one) => one.sid !== sid)
  if (statements.length === policy.statements.length) throw noStatement(sid)
  check()
  return statements.length === 0 ? undefined : { revisionId: context.random.uuid(), statements }
}

function checkRevision(input: Members, policy: ResourcePolicy | undefined, api: string): void {
  const revision = input.text('RevisionId')
  if (revision !== undefined && revision !== policy?.revisionId) throw staleRevision(api)
}

function noPolicy(): ApiError {
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', 'No policy is associated with the given resource.')
}

function noStatement(sid: string): ApiError {
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Statement ${sid} is not found in resource policy.`)
}
