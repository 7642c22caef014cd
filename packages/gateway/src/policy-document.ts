import {
  ACCOUNT_NAME,
  LIMITS,
  type PolicyPrincipal,
  type PolicyStatement,
  type ResourcePolicy,
  type UrlAuth
} from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { invalid } from './lambda-validator.ts'
import { POLICY_BYTES_MAX } from './limits.ts'

/**
 * Resource policies as IAM's policy language writes them. A statement with several actions and principals is kept as one statement per pair, under
 * one Sid; printing joins what has one Sid again.
 */

/** Where a policy belongs. */
export interface PolicyPlace {
  /** Of the function, version or alias that has the policy. */
  readonly arn: string
  /** Of the mesh. */
  readonly accountId: string
}

const SID = /^[a-zA-Z0-9-_]{1,100}$/
const ACTION = /^(?:\*|lambda:[A-Za-z*?]{1,120})$/
const STATEMENT_MEMBERS = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'])

type Conditions = Omit<PolicyStatement, 'sid' | 'effect' | 'action' | 'principal'>

/** The conditions that a mesh can hold a call against, by operator and key in small letters: keys are compared so, as in IAM. */
const CONDITIONS: Readonly<Record<string, (value: string) => Conditions>> = {
  'StringEquals aws:sourceaccount': (sourceAccount) => ({
    sourceAccount: shaped(sourceAccount, /^\d{12}$/, 'AWS:SourceAccount')
  }),
  'StringEquals lambda:eventsourcetoken': (eventSourceToken) => ({
    eventSourceToken: shaped(eventSourceToken, /^[a-zA-Z0-9._-]{1,256}$/, 'lambda:EventSourceToken')
  }),
  'StringEquals aws:principalorgid': (organization) => ({
    organization: shaped(organization, /^o-[a-z0-9]{10,32}$/, 'aws:PrincipalOrgID')
  }),
  'StringEquals lambda:functionurlauthtype': (urlAuth) => ({
    urlAuth: shaped(urlAuth, /^(?:NONE|AWS_IAM)$/, 'lambda:FunctionUrlAuthType') as UrlAuth
  }),
  'ArnLike aws:sourcearn': (sourceArn) => ({ sourceArn: shaped(sourceArn, /^arn:[^\s]{1,2044}$/, 'AWS:SourceArn') }),
  'Bool lambda:invokedviafunctionurl': (viaUrl) => ({
    viaUrl: shaped(viaUrl, /^(?:true|false)$/, 'lambda:InvokedViaFunctionUrl') === 'true'
  })
}

/**
 * The statements of a policy document.
 * @param text JSON
 * @param newSid names a statement that has no Sid, so that RemovePermission can name it
 * @throws ApiError for what is no policy document, for what would be stored and never enforced (other resources, conditions and elements than a mesh
 *   knows), and for a document beyond POLICY_BYTES_MAX
 */
export function parsePolicy(text: string, place: PolicyPlace, newSid: () => string): PolicyStatement[] {
  const bytes = Buffer.byteLength(text)
  if (bytes > POLICY_BYTES_MAX) throw tooLong(bytes)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw malformed('it is no JSON')
  }
  const { Version: version, Statement: alleged, ...others } = objectOf(document, 'the document')
  if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17')
    throw malformed(`Version ${shown(version)} is neither 2012-10-17 nor 2008-10-17`)
  onlyKnown(others, new Set(['Id']), 'the document')
  const list = Array.isArray(alleged) ? alleged : [alleged]
  if (list.length === 0) throw malformed('Statement is empty')
  const statements = list.flatMap((one) => statementsOf(one, place, newSid))
  fewPairs(statements.length)
  const sids = list.map((one) => (one as { Sid?: string }).Sid).filter((sid) => sid !== undefined)
  const twice = sids.find((sid, at) => sids.indexOf(sid) !== at)
  if (twice !== undefined) throw malformed(`Sid '${twice}' stands in more than one statement`)
  return statements
}

function fewPairs(count: number): void {
  if (count > LIMITS.policyStatementsMax)
    throw malformed(`it has ${count} pairs of action and principal, at most ${LIMITS.policyStatementsMax}`)
}

function statementsOf(alleged: unknown, place: PolicyPlace, newSid: () => string): PolicyStatement[] {
  const given = objectOf(alleged, 'a statement')
  onlyKnown(given, STATEMENT_MEMBERS, 'a statement')
  const {
    Sid: sid = newSid(),
    Effect: effect,
    Principal: principal,
    Action: action,
    Resource: resource,
    Condition: condition
  } = given
  if (typeof sid !== 'string' || !SID.test(sid)) throw malformed(`Sid ${shown(sid)} is not 1 to 100 letters, digits, '-' and '_'`)
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed(`Effect ${shown(effect)} is neither Allow nor Deny`)
  for (const one of textsOf(resource ?? place.arn, 'Resource'))
    if (one !== place.arn) throw malformed(`Resource '${one.slice(0, 256)}' is not ${place.arn}`)
  const actions = textsOf(action, 'Action')
  for (const one of actions) if (!ACTION.test(one)) throw malformed(`Action ${shown(one)} is no action of lambda`)
  const principals = principalsOf(principal, place.accountId)
  // Before they are multiplied: 20 KB hold a million pairs.
  fewPairs(actions.length * principals.length)
  const shared = { sid, ...(effect === 'Deny' ? { effect: 'Deny' as const } : {}), ...conditionsOf(condition ?? {}) }
  return actions.flatMap((one) => principals.map((who) => ({ ...shared, action: one, principal: who })))
}

function principalsOf(alleged: unknown, accountId: string): PolicyPrincipal[] {
  if (alleged === '*') return [{ kind: 'any', value: '*' }]
  const kinds = Object.entries(objectOf(alleged, 'Principal'))
  if (kinds.length === 0) throw malformed('Principal is empty')
  return kinds.flatMap(([kind, values]) => {
    if (kind !== 'AWS' && kind !== 'Service') throw malformed(`Principal ${shown(kind)} is neither AWS nor Service`)
    return textsOf(values, `Principal.${kind}`).map((value) => {
      const found = principalOf(value, accountId)
      if (found === undefined || (found.kind === 'service') !== (kind === 'Service'))
        throw malformed(`Principal.${kind} ${shown(value)} is no ${kind === 'AWS' ? 'account, user or role' : 'service'}`)
      return found
    })
  })
}

/**
 * Who is meant by a principal's name.
 * @returns undefined for what is no account, service, user or role
 */
export function principalOf(alleged: string, accountId: string): PolicyPrincipal | undefined {
  if (alleged === '*') return { kind: 'any', value: '*' }
  // Alexa's are of amazon.com: alexa-appkit, alexa-connectedhome.
  if (/^[a-z0-9.-]{1,200}\.(amazonaws\.com(\.cn)?|amazon\.com)$/.test(alleged)) return { kind: 'service', value: alleged }
  if (/^arn:aws[a-z-]*:iam::\d{12}:(root|user\/[\w+=,.@/-]{1,128}|role\/[\w+=,.@/-]{1,128})$/.test(alleged))
    return alleged.endsWith(':root') && alleged.includes(`::${accountId}:`)
      ? { kind: 'any', value: alleged }
      : { kind: 'aws', value: alleged }
  // The account of this mesh is all of its accounts; any other 12 digits, and any plain name, may be an account within.
  if (alleged === accountId) return { kind: 'any', value: alleged }
  if (ACCOUNT_NAME.test(alleged) && !alleged.includes('.')) return { kind: 'aws', value: alleged }
  return undefined
}

function conditionsOf(alleged: unknown): Conditions {
  const found: Conditions = {}
  for (const [operator, keys] of Object.entries(objectOf(alleged, 'Condition')))
    for (const [key, values] of Object.entries(objectOf(keys, `Condition.${operator.slice(0, 64)}`))) {
      const read = CONDITIONS[`${operator} ${key.toLowerCase()}`]
      if (read === undefined) throw malformed(`a mesh cannot tell whether Condition ${shown(operator)} of ${shown(key)} holds`)
      const [value, ...more] = textsOf(values, `Condition.${operator}.${key}`)
      if (more.length > 0) throw malformed(`Condition ${operator} of ${key} has several values, one is taken`)
      Object.assign(found, read(value as string))
    }
  return found
}

/** As GetPolicy prints it. */
export function printedPolicy(policy: ResourcePolicy, place: PolicyPlace): string {
  const bySid = Map.groupBy(policy.statements, ({ sid }) => sid)
  const statements = [...bySid.values()].map((parts) => printedStatement(parts, place))
  return JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements })
}

/** @param parts what has one Sid: the same but for action and principal */
export function printedStatement(parts: readonly PolicyStatement[], { arn, accountId }: PolicyPlace): Record<string, unknown> {
  const [first] = parts as [PolicyStatement]
  const condition = printedConditions(first)
  return {
    Sid: first.sid,
    Effect: first.effect ?? 'Allow',
    Principal: printedPrincipals(
      parts.map(({ principal }) => principal),
      accountId
    ),
    Action: oneOrAll(parts.map(({ action }) => action)),
    Resource: arn,
    ...(Object.keys(condition).length === 0 ? {} : { Condition: condition })
  }
}

function printedConditions(statement: PolicyStatement): Record<string, unknown> {
  const { sourceArn, sourceAccount, eventSourceToken, organization, urlAuth, viaUrl } = statement
  const equals: Record<string, string> = {
    ...(sourceAccount === undefined ? {} : { 'AWS:SourceAccount': sourceAccount }),
    ...(eventSourceToken === undefined ? {} : { 'lambda:EventSourceToken': eventSourceToken }),
    ...(organization === undefined ? {} : { 'aws:PrincipalOrgID': organization }),
    ...(urlAuth === undefined ? {} : { 'lambda:FunctionUrlAuthType': urlAuth })
  }
  return {
    ...(Object.keys(equals).length === 0 ? {} : { StringEquals: equals }),
    ...(sourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': sourceArn } }),
    ...(viaUrl === undefined ? {} : { Bool: { 'lambda:InvokedViaFunctionUrl': String(viaUrl) } })
  }
}

function printedPrincipals(principals: readonly PolicyPrincipal[], accountId: string): unknown {
  if (principals.some(({ value }) => value === '*')) return '*'
  const services = principals.filter(({ kind }) => kind === 'service').map(({ value }) => value)
  const others = principals.filter(({ kind }) => kind !== 'service').map(({ value }) => printedAccount(value, accountId))
  return {
    ...(others.length === 0 ? {} : { AWS: oneOrAll(others) }),
    ...(services.length === 0 ? {} : { Service: oneOrAll(services) })
  }
}

function printedAccount(value: string, accountId: string): string {
  if (value.startsWith('arn:')) return value
  return /^\d{12}$/.test(value) ? `arn:aws:iam::${value}:root` : `arn:aws:iam::${accountId}:user/${value}`
}

function oneOrAll(values: readonly string[]): string | string[] {
  const different = [...new Set(values)]
  return different.length === 1 ? (different[0] as string) : different
}

/** A policy as it would be kept, the additions of AddPermission included. @throws ApiError beyond POLICY_BYTES_MAX and LIMITS.policyStatementsMax */
export function bounded(policy: ResourcePolicy, place: PolicyPlace): ResourcePolicy {
  const bytes = Buffer.byteLength(printedPolicy(policy, place))
  if (bytes > POLICY_BYTES_MAX) throw tooLong(bytes)
  fewPairs(policy.statements.length)
  return policy
}

function tooLong(bytes: number): ApiError {
  return new ApiError(
    'INVALID_ARGUMENT',
    'PolicyLengthExceededException',
    `The final policy size (${bytes}) is bigger than the limit (${POLICY_BYTES_MAX}).`
  )
}

function textsOf(alleged: unknown, name: string): string[] {
  const values = Array.isArray(alleged) ? alleged : [alleged]
  if (values.length === 0 || !values.every((value) => typeof value === 'string'))
    throw malformed(`${name.slice(0, 128)} is neither a text nor a list of texts`)
  return [...new Set(values as string[])]
}

function objectOf(alleged: unknown, name: string): Record<string, unknown> {
  if (typeof alleged !== 'object' || alleged === null || Array.isArray(alleged)) throw malformed(`${name} is no object`)
  return alleged as Record<string, unknown>
}

function onlyKnown(given: Record<string, unknown>, known: ReadonlySet<string>, name: string): void {
  const other = Object.keys(given).find((member) => !known.has(member))
  if (other !== undefined) throw malformed(`${name} has ${shown(other)}, which a mesh does not enforce`)
}

function shaped(value: string, rule: RegExp, name: string): string {
  if (!rule.test(value)) throw malformed(`${name} ${shown(value)} does not match ${rule.source}`)
  return value
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 128)
}

function malformed(why: string): Error {
  return invalid(`The provided policy document is invalid: ${why}.`)
}
