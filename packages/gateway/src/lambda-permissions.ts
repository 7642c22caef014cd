import {
  ACCOUNT_NAME,
  functionArn,
  LATEST,
  type LayerVersionRecord,
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
import { mustBeThere, resourceMissing, staleRevision, targetOfRequest } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { POLICY_BYTES_MAX } from './limits.ts'
import { mayManage } from './roles.ts'

/** Resource policies: what keys of other accounts may do with a function or a version of a layer. */
export function permissionHandlers(context: LambdaContext): Handlers {
  const changeable = (request: LambdaRequest, action: string) => {
    const target = targetOfRequest(context, request, action)
    if (target.qualifier === LATEST) throw invalid('We currently do not support adding policies for $LATEST.')
    const found = mustBeThere(context, target)
    mayManage(request.call.key, found.record, `lambda:${action}`)
    return found
  }
  const layerOf = (request: LambdaRequest, action: string) => layerVersionOf(context, request, action, layerVersionMissing)
  const putLayer = async (layer: LayerVersionRecord, policy: ResourcePolicy | undefined) => {
    await context.catalog.put('layerVersion', `${layer.name}:${layer.version}`, { ...layer, policy })
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
      answer(request, { Statement: JSON.stringify(printed(statement, arn, context.accountId)) })
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
      answer(request, { Policy: printedPolicy(policy, arn, context.accountId), RevisionId: policy.revisionId })
    },

    async AddLayerVersionPermission(request) {
      const { input } = request
      const layer = layerOf(request, 'AddLayerVersionPermission')
      const arn = layerArn(context, layer.name, layer.version)
      const statement = statementOf(input, context)
      checkRevision(input, layer.policy, 'GetLayerPolicy')
      const policy = added(context, layer.policy, statement, arn)
      await putLayer(layer, policy)
      answer(request, { Statement: JSON.stringify(printed(statement, arn, context.accountId)), RevisionId: policy.revisionId })
    },

    async RemoveLayerVersionPermission(request) {
      const { input } = request
      const layer = layerOf(request, 'RemoveLayerVersionPermission')
      const sid = input.required('StatementId')
      if (layer.policy === undefined) throw noStatement(sid)
      await putLayer(
        layer,
        removed(context, layer.policy, sid, () => checkRevision(input, layer.policy, 'GetLayerPolicy'))
      )
      answer(request, undefined)
    },

    GetLayerVersionPolicy(request) {
      const layer = layerOf(request, 'GetLayerVersionPolicy')
      if (layer.policy === undefined) throw noPolicy()
      const arn = layerArn(context, layer.name, layer.version)
      answer(request, { Policy: printedPolicy(layer.policy, arn, context.accountId), RevisionId: layer.policy.revisionId })
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
  const principal = principalOf(input.required('Principal'), context)
  return { sid: input.required('StatementId'), action: input.required('Action'), principal, ...given }
}

function principalOf(alleged: string, context: LambdaContext): PolicyStatement['principal'] {
  if (alleged === '*') return { kind: 'any', value: '*' }
  if (/^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(alleged)) return { kind: 'service', value: alleged }
  if (/^arn:aws[a-z-]*:iam::\d{12}:(root|user\/[\w+=,.@/-]{1,128}|role\/[\w+=,.@/-]{1,128})$/.test(alleged))
    return alleged.endsWith(':root') && alleged.includes(`::${context.accountId}:`)
      ? { kind: 'any', value: alleged }
      : { kind: 'aws', value: alleged }
  // The account of this mesh is all of its accounts; any other 12 digits, and any plain name, may be an account within.
  if (alleged === context.accountId) return { kind: 'any', value: alleged }
  if (ACCOUNT_NAME.test(alleged) && !alleged.includes('.')) return { kind: 'aws', value: alleged }
  throw invalid('The provided principal was invalid. Please check the principal and try again.')
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
  const bytes = Buffer.byteLength(printedPolicy(next, arn, context.accountId))
  if (bytes > POLICY_BYTES_MAX)
    throw new ApiError(
      'INVALID_ARGUMENT',
      'PolicyLengthExceededException',
      `The final policy size (${bytes}) is bigger than the limit (${POLICY_BYTES_MAX}).`
    )
  return next
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

/** As GetPolicy prints it: the names of IAM's policy language. */
function printed(statement: PolicyStatement, arn: string, accountId: string): Record<string, unknown> {
  const { principal, sourceArn, sourceAccount, eventSourceToken, organization, urlAuth, viaUrl } = statement
  const equals: Record<string, string> = {
    ...(sourceAccount === undefined ? {} : { 'AWS:SourceAccount': sourceAccount }),
    ...(eventSourceToken === undefined ? {} : { 'lambda:EventSourceToken': eventSourceToken }),
    ...(organization === undefined ? {} : { 'aws:PrincipalOrgID': organization }),
    ...(urlAuth === undefined ? {} : { 'lambda:FunctionUrlAuthType': urlAuth })
  }
  const condition = {
    ...(Object.keys(equals).length === 0 ? {} : { StringEquals: equals }),
    ...(sourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': sourceArn } }),
    ...(viaUrl === undefined ? {} : { Bool: { 'lambda:InvokedViaFunctionUrl': String(viaUrl) } })
  }
  return {
    Sid: statement.sid,
    Effect: 'Allow',
    Principal: printedPrincipal(principal, accountId),
    Action: statement.action,
    Resource: arn,
    ...(Object.keys(condition).length === 0 ? {} : { Condition: condition })
  }
}

function printedPrincipal({ kind, value }: PolicyStatement['principal'], accountId: string): unknown {
  if (value === '*') return '*'
  if (kind === 'service') return { Service: value }
  if (value.startsWith('arn:')) return { AWS: value }
  return { AWS: /^\d{12}$/.test(value) ? `arn:aws:iam::${value}:root` : `arn:aws:iam::${accountId}:user/${value}` }
}

function printedPolicy(policy: ResourcePolicy, arn: string, accountId: string): string {
  const statements = policy.statements.map((statement) => printed(statement, arn, accountId))
  return JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements })
}

function noPolicy(): ApiError {
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', 'No policy is associated with the given resource.')
}

function noStatement(sid: string): ApiError {
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Statement ${sid} is not found in resource policy.`)
}
