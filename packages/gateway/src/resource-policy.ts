import type { PolicyStatement, ResourcePolicy } from '@peerless/interface'

/** How the ARN of a mesh's account ends: `arn:aws:iam::000000000000:user/NAME`. */
const ACCOUNT_ARN = /^arn:[a-z-]+:iam::\d{12}:(?:user|role)\/(.+)$/

/**
 * What a resource policy says of calls by keys of `account`.
 * @param viaUrl through the function URL: that takes the action InvokeFunctionUrl, everything else InvokeFunction
 * @returns undefined where no statement is about such calls
 */
export function policyEffect(policy: ResourcePolicy | undefined, account: string, viaUrl: boolean): 'Allow' | 'Deny' | undefined {
  const matching = policy?.statements.filter((statement) => matches(statement, account, viaUrl)) ?? []
  if (matching.some(({ effect }) => effect === 'Deny')) return 'Deny'
  return matching.length > 0 ? 'Allow' : undefined
}

function matches(statement: PolicyStatement, account: string, viaUrl: boolean): boolean {
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

/** `*` stands for any letters, `?` for one; actions are compared without regard to case, as in IAM. In time of the product of both lengths. */
function actionMatches(pattern: string, action: string): boolean {
  const wanted = pattern.toLowerCase()
  const given = action.toLowerCase()
  /** At which places of `given` what was read of `wanted` can end. */
  let ends = new Set([0])
  for (const letter of wanted) {
    const next = new Set<number>()
    for (const at of ends)
      if (letter === '*') for (let end = at; end <= given.length; end += 1) next.add(end)
      else if (at < given.length && (letter === '?' || letter === given[at])) next.add(at + 1)
    ends = next
  }
  return ends.has(given.length)
}
