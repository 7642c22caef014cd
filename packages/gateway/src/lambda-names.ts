import {
  type FunctionRecord,
  type FunctionReference,
  functionArn,
  LATEST,
  PeerlessError,
  parseFunctionReference
} from '@peerless/interface'
import type { ApiCall } from './api-call.ts'
import { ApiError } from './api-error.ts'
import { brokenRule, invalid, validation } from './lambda-input.ts'
import type { GatewayContext } from './options.ts'

/** Full ARNs have at most 140 characters, or 170 where newer operations take them. */
const REFERENCE_CHARS_MAX = 170
const PATTERN =
  '(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?'

/** A FunctionName of the path or body, in all of Lambda's forms. @throws ApiError ValidationException */
export function referenceOf(alleged: string): FunctionReference {
  if (alleged.length > REFERENCE_CHARS_MAX) {
    const rule = `Member must have length less than or equal to ${REFERENCE_CHARS_MAX}`
    throw validation(`1 validation error detected: ${brokenRule(alleged, 'functionName', rule)}`)
  }
  try {
    return parseFunctionReference(alleged)
  } catch (error) {
    if (!(error instanceof PeerlessError)) throw error
    const [bare = ''] = alleged.slice(alleged.lastIndexOf('function:') < 0 ? 0 : alleged.lastIndexOf('function:') + 9).split(':')
    const rule = /^[a-zA-Z0-9-_]{65,}$/.test(bare)
      ? 'Member must have length less than or equal to 64'
      : `Member must satisfy regular expression pattern: ${PATTERN}`
    throw validation(`1 validation error detected: ${brokenRule(alleged, 'functionName', rule)}`)
  }
}

/**
 * The function that a call is about. Only `$LATEST` exists: versions and aliases are another issue.
 * @throws NOT_FOUND, INVALID_ARGUMENT (name and Qualifier disagree)
 */
export function functionOf(context: GatewayContext, call: ApiCall): { record: FunctionRecord; qualifier: string | undefined } {
  const reference = referenceOf(call.name)
  const asked = call.query('Qualifier')
  if (asked !== undefined && reference.qualifier !== undefined && asked !== reference.qualifier)
    throw invalid('The derived qualifier from the function name does not match the specified qualifier.')
  const qualifier = asked ?? reference.qualifier
  if (qualifier !== undefined && !/^(\$LATEST|[a-zA-Z0-9-_]{1,128})$/.test(qualifier)) {
    const rule = 'Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+'
    throw validation(`1 validation error detected: ${brokenRule(qualifier, 'qualifier', rule)}`)
  }
  const record = context.catalog.get('function', reference.name)
  if (record === undefined || (qualifier !== undefined && qualifier !== LATEST))
    throw notFound(context, reference.name, qualifier)
  return { record, qualifier }
}

export function notFound(context: GatewayContext, name: string, qualifier: string | undefined): ApiError {
  const arn = functionArn(context.region, context.accountId, name, qualifier)
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Function not found: ${arn}`)
}
