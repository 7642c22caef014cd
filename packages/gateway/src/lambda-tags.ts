import { ApiError } from './api-error.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import { functionNotFound } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { TAGS_MAX } from './limits.ts'
import { mayDeploy, mayManage } from './roles.ts'

type Tags = Record<string, string>

/** What can have tags: functions, event source mappings and code signing configurations. */
interface Tagged {
  readonly tags: Tags
  /** @param edit is given the tags that are there when it is its turn: another change may be under way */
  change(edit: (tags: Tags) => Tags): Promise<unknown>
}

export function tagHandlers(context: LambdaContext): Handlers {
  return {
    async TagResource(request) {
      const tagged = taggedOf(context, request, 'TagResource')
      const given = request.input.map('Tags') ?? {}
      if (Object.keys(given).length === 0) throw invalid('An error occurred and the request cannot be processed.')
      await tagged.change((tags) => tagsOf({ ...tags, ...given }))
      answer(request, undefined)
    },

    async UntagResource(request) {
      const tagged = taggedOf(context, request, 'UntagResource')
      const gone = new Set(request.input.texts('TagKeys') ?? [])
      await tagged.change((tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))))
      answer(request, undefined)
    },

    ListTags(request) {
      answer(request, { Tags: taggedOf(context, request, 'ListTags').tags })
    }
  }
}

/** @throws ApiError above AWS's 50 tags */
export function tagsOf(tags: Tags): Tags {
  if (Object.keys(tags).length > TAGS_MAX) throw invalid('Number of tags exceeds resource tag limit.')
  return tags
}

function taggedOf(context: LambdaContext, request: LambdaRequest, action: string): Tagged {
  const { call, input } = request
  mayDeploy(call.key, `lambda:${action}`)
  const arn = input.required('Resource')
  const [, , , , account, kind, name = '', qualifier] = arn.split(':')
  const foreign = account !== context.accountId
  const { catalog } = context
  const taggedEntry = (ofKind: 'mapping' | 'signing', whatIs: string): Tagged => {
    const existing = () => {
      const entry = foreign ? undefined : catalog.get(ofKind, name)
      if (entry === undefined || !mine(request, entry.account)) throw missing(whatIs, arn)
      return entry
    }
    return {
      tags: existing().tags,
      change: (edit) =>
        catalog.inTurn(ofKind, name, async () => {
          const entry = existing()
          await catalog.put(ofKind, name, { ...entry, tags: edit(entry.tags) })
        })
    }
  }
  if (kind === 'function') {
    if (qualifier !== undefined)
      throw invalid('Tags on function aliases and versions are not supported. Please specify a function ARN.')
    const record = foreign ? undefined : catalog.get('function', name)
    if (record === undefined) throw functionNotFound(arn)
    mayManage(call.key, record, `lambda:${action}`)
    return {
      tags: record.tags ?? {},
      change: (edit) => context.deployments.change(name, (current) => ({ ...current, tags: edit(current.tags ?? {}) }))
    }
  }
  if (kind === 'event-source-mapping') {
    return taggedEntry('mapping', 'Event source mapping')
  }
  if (kind === 'code-signing-config') {
    return taggedEntry('signing', 'Code signing config')
  }
  throw missing(kind === 'layer' ? 'Layer' : 'Capacity provider', arn)
}

function mine({ call: { key } }: LambdaRequest, account: string): boolean {
  return key.role === 'admin' || key.account === account
}

function missing(what: string, arn: string): ApiError {
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', `${what} not found: ${arn}`)
}
