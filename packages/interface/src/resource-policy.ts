import type { FunctionRecord, PolicyStatement, ResourcePolicy } from './function.ts'
import { settingsOf } from './resolve.ts'

/** How the ARN of a mesh's account ends: `arn:aws:iam::000000000000:user/NAME`. */
const ACCOUNT_ARN = /^arn:[a-z-]+:iam::\d{12}:(?:user|role)\/(.+)$/

/**
 * What a resource policy says of calls by keys of `account`.
 * @param viaUrl through the function URL: that takes the action InvokeFunctionUrl, everything else InvokeFunction
 * @returns undefined where no statement is about such calls
 */
export function policyEffect(policy: ResourcePolicy | undefined, account: string, viaUrl: boolean): 'Allow' | 'Deny' | undefined {
  if (policy === undefined) return undefined
  let effect: 'Allow' | undefined
  for (const statement of policy.statements) {
    if (!matches(statement, account, viaUrl)) continue
    if (statement.effect === 'Deny') return 'Deny'
    effect = 'Allow'
  }
  return effect
}

/** Whether an account may have a function invoked: its own unless a statement denies it, another's where a statement allows it. */
export function accountMayInvoke(record: FunctionRecord, account: string, qualifier: string | undefined): boolean {
  const effect = policyEffect(settingsOf(record, qualifier).policy, account, false)
  return effect === undefined ? record.account === account : effect === 'Allow'
}

function matches(statement: PolicyStatement, account: string, viaUrl: boolean): boolean {
  // The caller is no service, has no source and no organization: conditions on those do not hold.
  if (statement.sourceArn !== undefined || statement.sourceAccount !== undefined || statement.organization !== undefined)
    return false
  if (statement.urlAuth !== undefined && !(viaUrl && statement.urlAuth === 'AWS_IAM')) return false
  if (statement.viaUrl === true && !viaUrl) return false
  const { kind, value } = statement.principal
  const meant = kind === 'any' || (kind === 'aws' && (value === account || ACCOUNT_ARN.exec(value)?.[1] === account))
  return meant && actionMatches(statement.action, viaUrl ? 'lambda:InvokeFunctionUrl' : 'lambda:InvokeFunction')
}

/** `*` stands for any letters, `?` for one; actions are compared without regard to case, as in IAM. Asked for every call: nothing is kept but two places to go back to. */
function actionMatches(pattern: string, action: string): boolean {
  if (pattern === '*' || pattern === 'lambda:*' || pattern === action) return true
  const wanted = pattern.toLowerCase()
  const given = action.toLowerCase()
  let at = 0
  let read = 0
  /** After the last star, and what of `given` that star takes so far: only the last one ever has to take more. */
  let star = -1
  let taken = 0
  while (read < given.length) {
    if (at < wanted.length && wanted[at] === '*') {
      star = ++at
      taken = read
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[read])) {
      at++
      read++
    } else if (star >= 0) {
      at = star
      read = ++taken
    } else return false
  }
  while (wanted[at] === '*') at++
  return at === wanted.length
}
