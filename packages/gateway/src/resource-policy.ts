import type { PolicyStatement, ResourcePolicy } from '@peerless/interface'

/** How the ARN of a mesh's account ends: `arn:aws:iam::000000000000:user/NAME`. */
const ACCOUNT_ARN = /^arn:[a-z-]+:iam::\d{12}:(?:user|role)\/(.+)$/

/**
 * Whether a resource policy lets keys of `account` invoke.
 * @param viaUrl through the function URL: that takes the action InvokeFunctionUrl, everything else InvokeFunction
 */
export function policyAllows(policy: ResourcePolicy | undefined, account: string, viaUrl: boolean): boolean {
  return policy?.statements.some((statement) => allows(statement, account, viaUrl)) ?? false
}

function allows(statement: PolicyStatement, account: string, viaUrl: boolean): boolean {
  if (!actionMatches(statement.action, viaUrl ? 'lambda:InvokeFunctionUrl' : 'lambda:InvokeFunction')) return false
  // The caller is no service, has no source and no organization: conditions on those do not hold.
  if (statement.sourceArn !== undefined || statement.sourceAccount !== undefined || statement.organization !== undefined)
    return false
  if (statement.urlAuth !== undefined && !(viaUrl && statement.urlAuth === 'AWS_IAM')) return false
  if (statement.viaUrl === true && !viaUrl) return false
  const { kind, value } = statement.principal
  if (kind === 'any') return true
  return kind === 'aws' && (value === account || ACCOUNT_ARN.exec(value)?.[1] === account)
}

/** `lambda:*` and `*` are AWS's only stars here. */
function actionMatches(pattern: string, action: string): boolean {
  return pattern === action || pattern === 'lambda:*' || pattern === '*'
}
