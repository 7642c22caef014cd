import {
  aliasOf,
  type CorsSettings,
  type FunctionRecord,
  functionArn,
  LATEST,
  settingsOf,
  type UrlAuth,
  type UrlSettings
} from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import type { Members } from './lambda-members.ts'
import { byQualifier, pageOf, qualifierPlace } from './lambda-paging.ts'
import { changeSettings } from './lambda-qualifiers.ts'
import { type FoundTarget, managed, resourceMissing } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { LIST_ITEMS_MAX } from './limits.ts'
import { urlRootOf } from './url-root.ts'

/** Function URLs: of a function itself, or of one of its aliases. */
export function urlConfigHandlers(context: LambdaContext): Handlers {
  const { region, accountId } = context
  const missing = () => new ApiError('NOT_FOUND', 'ResourceNotFoundException', 'Function does not exist')
  const shown = (request: LambdaRequest, record: FunctionRecord, qualifier: string | undefined, url: UrlSettings) => {
    const named = qualifier === undefined || qualifier === LATEST ? record.name : `${record.name}:${qualifier}`
    return {
      FunctionUrl: `${urlRootOf(request.call.request)}/fn/${named}/`,
      FunctionArn: functionArn(region, accountId, record.name, qualifier === LATEST ? undefined : qualifier),
      AuthType: url.auth,
      ...(url.cors === undefined ? {} : { Cors: shownCors(url.cors) }),
      CreationTime: new Date(url.createdAt).toISOString(),
      LastModifiedTime: new Date(url.modifiedAt).toISOString(),
      InvokeMode: url.invokeMode
    }
  }
  const target = (request: LambdaRequest, action: string): FoundTarget => {
    const found = managed(context, request, action, missing)
    if (found.qualifier !== undefined && aliasOf(found.record, found.qualifier) === undefined) throw missing()
    return found
  }
  const existing = (request: LambdaRequest, action: string) => {
    const found = managed(context, request, action, resourceMissing)
    const { url } = settingsOf(found.record, found.qualifier)
    if (url === undefined) throw resourceMissing()
    return { ...found, url }
  }

  return {
    async CreateFunctionUrlConfig(request) {
      const { input } = request
      const { record, qualifier, arn } = target(request, 'CreateFunctionUrlConfig')
      const now = context.clock.now()
      const cors = corsOf(input)
      const url: UrlSettings = {
        auth: input.required('AuthType') as UrlAuth,
        invokeMode: (input.text('InvokeMode') ?? 'BUFFERED') as UrlSettings['invokeMode'],
        ...(cors === undefined ? {} : { cors }),
        createdAt: now,
        modifiedAt: now
      }
      await changeSettings(context, record.name, qualifier, (settings) => {
        if (settings.url !== undefined)
          throw new ApiError(
            'CONFLICT',
            'ResourceConflictException',
            `Failed to create function url config for [functionArn = ${arn}]. Error message:  FunctionUrlConfig exists for this Lambda function`
          )
        return { ...settings, url }
      })
      const { LastModifiedTime: _unsaid, ...created } = shown(request, record, qualifier, url)
      answer(request, asAsked(input, created))
    },

    GetFunctionUrlConfig(request) {
      const { record, qualifier, url } = existing(request, 'GetFunctionUrlConfig')
      answer(request, shown(request, record, qualifier, url))
    },

    async UpdateFunctionUrlConfig(request) {
      const { input } = request
      const { record, qualifier } = existing(request, 'UpdateFunctionUrlConfig')
      const changed = await changeSettings(context, record.name, qualifier, (settings) => {
        if (settings.url === undefined) throw resourceMissing()
        const cors = input.has('Cors') ? corsOf(input) : settings.url.cors
        const { cors: _replaced, ...before } = settings.url
        const url: UrlSettings = {
          ...before,
          auth: (input.text('AuthType') ?? before.auth) as UrlAuth,
          invokeMode: (input.text('InvokeMode') ?? before.invokeMode) as UrlSettings['invokeMode'],
          ...(cors === undefined ? {} : { cors }),
          modifiedAt: context.clock.now()
        }
        return { ...settings, url }
      })
      answer(request, asAsked(input, shown(request, changed, qualifier, settingsOf(changed, qualifier).url as UrlSettings)))
    },

    async DeleteFunctionUrlConfig(request) {
      const { record, qualifier } = existing(request, 'DeleteFunctionUrlConfig')
      await changeSettings(context, record.name, qualifier, ({ url: _gone, ...rest }) => rest)
      answer(request, undefined)
    },

    ListFunctionUrlConfigs(request) {
      const { record } = managed(context, request, 'ListFunctionUrlConfigs', missing)
      const items = Object.entries(record.qualifiers ?? {}).flatMap(([qualifier, { url }]) =>
        url === undefined ? [] : [{ qualifier, url }]
      )
      const page = pageOf(request.input, byQualifier(items), ({ qualifier }) => qualifierPlace(qualifier), LIST_ITEMS_MAX)
      answer(request, {
        FunctionUrlConfigs: page.items.map(({ qualifier, url }) => shown(request, record, qualifier, url)),
        ...page.next
      })
    }
  }
}

/** Recorded: the answer to a change says the invoke mode only where the change did. */
function asAsked<Shown extends { InvokeMode: string }>(input: Members, shown: Shown): Omit<Shown, 'InvokeMode'> {
  if (input.has('InvokeMode')) return shown
  const { InvokeMode: _unsaid, ...rest } = shown
  return rest
}

/** An empty one means none. */
function corsOf(input: Members): CorsSettings | undefined {
  const given = input.inner('Cors')
  if (given === undefined) return undefined
  const cors: CorsSettings = {}
  const credentials = given.flag('AllowCredentials')
  const maxAge = given.number('MaxAge')
  if (credentials !== undefined) cors.allowCredentials = credentials
  if (maxAge !== undefined) cors.maxAge = maxAge
  for (const [name, member] of CORS_LISTS) {
    const list = given.texts(member)
    if (list !== undefined && list.length > 0) cors[name] = list
  }
  if (cors.allowMethods?.some((method) => !METHODS.has(method)))
    throw invalid(`AllowMethods must be of ${[...METHODS].join(', ')}`)
  return Object.keys(cors).length === 0 ? undefined : cors
}

const METHODS = new Set(['GET', 'PUT', 'HEAD', 'POST', 'PATCH', 'DELETE', '*'])
const CORS_LISTS = [
  ['allowHeaders', 'AllowHeaders'],
  ['allowMethods', 'AllowMethods'],
  ['allowOrigins', 'AllowOrigins'],
  ['exposeHeaders', 'ExposeHeaders']
] as const

function shownCors(cors: CorsSettings): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  if (cors.allowCredentials !== undefined) shown.AllowCredentials = cors.allowCredentials
  for (const [name, member] of CORS_LISTS) if (cors[name] !== undefined) shown[member] = cors[name]
  if (cors.maxAge !== undefined) shown.MaxAge = cors.maxAge
  return shown
}
