import {
  aliasOf,
  type FunctionRecord,
  type FunctionVersion,
  functionArn,
  LATEST,
  PeerlessError,
  versionOf
} from '@peerless/interface'
import type { ApiCall } from './api-call.ts'
import { ApiError } from './api-error.ts'
import type { LambdaRequest } from './lambda-context.ts'
import { brokenRule, invalid } from './lambda-validator.ts'
import type { GatewayContext } from './options.ts'
import { mayDeploy, mayManage } from './roles.ts'

/** AWS's longest bare name. */
const NAME_CHARS_MAX = 64
const REFERENCE =
  /^(?:arn:[a-zA-Z-]*:lambda:)?(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_.]+)(?::(.+))?$/

/** What a FunctionName and a Qualifier name, whether it exists or not. */
export interface Target {
  readonly name: string
  readonly qualifier: string | undefined
  /** With the qualifier, where there is one. */
  readonly arn: string
  readonly record: FunctionRecord | undefined
}

/** A target whose function exists. */
export interface FoundTarget extends Target {
  readonly record: FunctionRecord
}

/**
 * Reads FunctionName in all its forms (name, partial and full ARN, each with or without a qualifier) and Qualifier.
 * @throws ApiError for names that are too long, of another region or account, and for two qualifiers that disagree
 */
export function targetOf(context: GatewayContext, call: ApiCall, alleged: string, asked: string | undefined): Target {
  const [, region, account, name = '', derived] = REFERENCE.exec(alleged) ?? []
  if (name.length > NAME_CHARS_MAX) {
    const rule = `Member must have length less than or equal to ${NAME_CHARS_MAX}`
    throw invalid(`1 validation error detected: ${brokenRule(name, 'functionName', rule)}`)
  }
  if (region !== undefined && region !== context.region && region !== regionOf(call.request))
    throw new ApiError(
      'NOT_FOUND',
      'ResourceNotFoundException',
      `Functions from '${region}' are not reachable in this region ('${context.region}')`
    )
  if (account !== undefined && account !== context.accountId)
    throw new ApiError('FORBIDDEN', 'AccessDeniedException', `function '${name}' of account ${account} is not in this mesh`)
  if (asked !== undefined && derived !== undefined && asked !== derived)
    throw invalid('The derived qualifier from the function name does not match the specified qualifier.')
  const qualifier = asked ?? derived
  return {
    name,
    qualifier,
    arn: functionArn(context.region, context.accountId, name, qualifier),
    record: context.catalog.get('function', name)
  }
}

/** The target of a request's own FunctionName and Qualifier, for one who may deploy. */
export function targetOfRequest(context: GatewayContext, { call, input }: LambdaRequest, action: string): Target {
  mayDeploy(call.key, `lambda:${action}`)
  return targetOf(context, call, input.required('FunctionName'), input.text('Qualifier'))
}

/**
 * The function of a request, for one who may manage it.
 * @param missing makes the error where there is none; default Lambda's usual one
 */
export function managed(
  context: GatewayContext,
  request: LambdaRequest,
  action: string,
  missing: (target: Target) => PeerlessError = (target) => functionNotFound(target.arn)
): FoundTarget {
  const target = targetOfRequest(context, request, action)
  const { record } = target
  if (record === undefined) throw missing(target)
  mayManage(request.call.key, record, `lambda:${action}`)
  return { ...target, record }
}

/** The same for operations that only know whole functions. */
export function managedWhole(context: GatewayContext, request: LambdaRequest, action: string): FoundTarget {
  const target = managed(context, request, action)
  if (target.qualifier !== undefined && target.qualifier !== LATEST) throw onlyFunctions()
  return target
}

/** The version that a target names: `$LATEST`, a number, or what an alias points to first. @throws ApiError 404 */
export function versionOfTarget(context: GatewayContext, target: FoundTarget): FunctionVersion {
  const { record, qualifier = LATEST } = target
  const version = versionOf(context.catalog, record, aliasOf(record, qualifier)?.version ?? qualifier)
  if (version === undefined) throw functionNotFound(target.arn)
  return version
}

/** Settings of one qualifier exist only for what it names. @throws ApiError 404: no such alias, or no such version */
export function mustBeThere(context: GatewayContext, target: Target): FoundTarget {
  const { record, qualifier, arn } = target
  if (qualifier !== undefined && qualifier !== LATEST) {
    const isAlias = record !== undefined && aliasOf(record, qualifier) !== undefined
    const isVersion = record !== undefined && versionOf(context.catalog, record, qualifier) !== undefined
    if (!isAlias && !isVersion) {
      if (/^[0-9]+$/.test(qualifier) || qualifier.includes('$')) throw functionNotFound(arn)
      throw new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Cannot find alias arn: ${arn}`)
    }
  }
  if (record === undefined) throw functionNotFound(arn)
  return { ...target, record }
}

/** The region that a request is signed for. */
function regionOf(request: ApiCall['request']): string | undefined {
  return /\/\d{8}\/([A-Za-z0-9-]{1,64})\/lambda\//.exec(request.headers.authorization ?? '')?.[1]
}

export function functionNotFound(arn: string): ApiError {
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Function not found: ${arn}`)
}

export function resourceMissing(): ApiError {
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', 'The resource you requested does not exist.')
}

export function onlyFunctions(): PeerlessError {
  return invalid(
    'This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.'
  )
}

export function staleRevision(api = 'GetFunction/GetAlias'): PeerlessError {
  return new PeerlessError(
    'PRECONDITION_FAILED',
    `The Revision Id provided does not match the latest Revision Id. Call the ${api} API to retrieve the latest Revision Id`
  )
}
