import type { ApiRequest } from './api-call.ts'
import { ApiError } from './api-error.ts'
import { FUNCTION_OPERATIONS } from './lambda-function-operations.ts'
import { Members } from './lambda-members.ts'
import { OTHER_OPERATIONS } from './lambda-other-operations.ts'
import type { Member, OperationRow } from './lambda-shape.ts'
import { objectOf, Validator } from './lambda-validator.ts'
import { VALUE_SHAPES } from './lambda-value-shapes.ts'
import { decodeLoosely, type QueryPair, queryPairs } from './url-query.ts'

interface LocatedMember extends Member {
  readonly in: 'path' | 'query' | 'header' | 'payload' | 'body'
  /** Its name there. */
  readonly wireName: string
}

/** One operation of the model, ready to be matched and read. */
export interface Operation {
  readonly name: string
  readonly method: string
  /** `{Name}` stands for a member. */
  readonly segments: readonly string[]
  /** What the query must hold to tell it from another of the same path. */
  readonly query: readonly [string, string] | undefined
  readonly status: number
  readonly members: readonly LocatedMember[]
  readonly hasBody: boolean
}

/** All operations of the table, by name. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({ ...FUNCTION_OPERATIONS, ...OTHER_OPERATIONS }).map(([name, row]) => [name, operationOf(name, row)])
)

const BY_SHAPE = Map.groupBy(OPERATIONS.values(), (operation) => shapeKey(operation.method, operation.segments))

/**
 * The operation of a request, with the undecoded members of its path. The path is matched as it came and decoded afterwards: an ARN
 * may be percent-encoded, and must not become two segments.
 */
export function matchOperation(
  method: string,
  path: string,
  rawQuery: string
): { operation: Operation; path: Record<string, string> } | undefined {
  const segments = path.split('/', SEGMENTS_MAX + 2).slice(1)
  // Clients of an older generation end some paths with a slash.
  if (segments.at(-1) === '') segments.pop()
  const candidates = BY_SHAPE.get(shapeKey(method, segments)) ?? []
  const fitting = candidates.filter((one) => one.segments.every((part, index) => isMember(part) || part === segments[index]))
  const operation =
    fitting.find((one) => one.query !== undefined && asks(rawQuery, one.query)) ?? fitting.find((one) => one.query === undefined)
  if (operation === undefined) return undefined
  const members: Record<string, string> = {}
  operation.segments.forEach((part, index) => {
    if (isMember(part)) members[part.slice(1, -1)] = decodeLoosely(segments[index] ?? '')
  })
  return { operation, path: members }
}

/** Longest path of the model: a statement of a layer version's policy. */
const SEGMENTS_MAX = 7

/**
 * The members of a request, checked against the model.
 * @throws ApiError ValidationException, SerializationException, InvalidRequestContentException
 */
export function readMembers(
  operation: Operation,
  request: ApiRequest,
  parts: { path: Record<string, string>; rawQuery: string; body: Buffer }
): Members {
  const alleged: Record<string, unknown> = {}
  const query = parts.rawQuery === '' ? [] : queryPairs(parts.rawQuery)
  const json = operation.hasBody ? bodyOf(parts.body) : {}
  for (const { name, shape, in: place, wireName } of operation.members) {
    if (place === 'path') alleged[name] = fromText(shape, parts.path[wireName])
    else if (place === 'query') {
      const values = query.filter(([key]) => key === wireName).map(([, value]) => value)
      alleged[name] = VALUE_SHAPES[shape]?.type === 'list' && values.length > 0 ? values : fromText(shape, values[0])
    } else if (place === 'header') {
      const value = request.headers[wireName] ?? hoisted(request, query, wireName)
      alleged[name] = typeof value === 'string' ? value : undefined
    } else if (place === 'body') alleged[name] = Object.hasOwn(json, name) ? json[name] : undefined
  }
  const validator = new Validator()
  const checked = validator.structure(
    operation.members.filter((member) => member.in !== 'payload'),
    alleged,
    ''
  )
  validator.check()
  return new Members(checked)
}

/** Who presigns a URL may move headers into it: AWS's signers do so with all that begin with `x-amz-`, whatever the case of their letters. */
function hoisted({ headers }: ApiRequest, query: readonly QueryPair[], header: string): string | undefined {
  if (headers.authorization !== undefined) return undefined
  return query.find(([name]) => name.toLowerCase() === header)?.[1]
}

function bodyOf(body: Buffer): Record<string, unknown> {
  let alleged: unknown
  try {
    alleged = body.length === 0 ? {} : JSON.parse(body.toString('utf8'))
  } catch (error) {
    const reason = (error as Error).message.slice(0, 200)
    throw new ApiError('INVALID_ARGUMENT', 'InvalidRequestContentException', `Could not parse request body into json: ${reason}`)
  }
  return objectOf(alleged, 'the request body')
}

/** Numbers and booleans of paths and queries are text; what is none stays text and is refused by its type. */
function fromText(shape: string, value: string | undefined): unknown {
  if (value === undefined) return undefined
  const { type } = VALUE_SHAPES[shape] ?? { type: 'text' }
  if (type === 'whole' && /^-?\d{1,15}$/.test(value)) return Number(value)
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

function operationOf(name: string, [method, uri, status, members]: OperationRow): Operation {
  const [path = '', query] = uri.split('?', 2)
  const segments = path.split('/').slice(1)
  const located = Object.entries(members).map(([member, spec]) => locate(member, spec, segments))
  const [key, value] = (query ?? '').split('=', 2)
  return {
    name,
    method,
    segments,
    query: key === undefined || key === '' ? undefined : [key, value ?? ''],
    status,
    members: located,
    hasBody: located.some((one) => one.in === 'body')
  }
}

function locate(name: string, spec: string, segments: readonly string[]): LocatedMember {
  const [typed = '', wire] = spec.replace(/^[?^@]/, '').split(' ', 2)
  const shape = typed.replace('!', '')
  const required = typed.endsWith('!')
  const member = { name, shape, required, wireName: wire ?? name }
  if (segments.includes(`{${name}}`)) return { ...member, in: 'path' }
  if (spec.startsWith('?')) return { ...member, in: 'query' }
  if (spec.startsWith('^')) return { ...member, in: 'header', wireName: member.wireName.toLowerCase() }
  return { ...member, in: spec.startsWith('@') ? 'payload' : 'body' }
}

/** Date, noun and number of segments leave a handful of operations to compare. */
function shapeKey(method: string, segments: readonly string[]): string {
  return `${method} ${segments[0]} ${segments[1]} ${segments.length}`
}

function isMember(segment: string): boolean {
  return segment.startsWith('{')
}

function asks(rawQuery: string, [key, value]: readonly [string, string]): boolean {
  return queryPairs(rawQuery).some(([one, given]) => one === key && given === value)
}
