import {
  aliasOf,
  type EventInvokeSettings,
  type FunctionRecord,
  functionArn,
  LATEST,
  settingsOf,
  versionOf
} from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import { checkDestination } from './lambda-destinations.ts'
import type { Members } from './lambda-members.ts'
import { byQualifier, pageOf, qualifierPlace } from './lambda-paging.ts'
import { changeSettings } from './lambda-qualifiers.ts'
import { managed, targetOfRequest } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { LIST_ITEMS_MAX } from './limits.ts'
import { mayManage } from './roles.ts'

/** How asynchronous invocations of a function are treated: retries, age, destinations. */
export function eventInvokeHandlers(context: LambdaContext): Handlers {
  const { region, accountId } = context
  const arnOf = (name: string, qualifier: string | undefined) => functionArn(region, accountId, name, qualifier ?? LATEST)
  const noFunction = () => new ApiError('NOT_FOUND', 'ResourceNotFoundException', "The function doesn't exist.")
  const noConfig = (name: string, qualifier: string | undefined) =>
    new ApiError(
      'NOT_FOUND',
      'ResourceNotFoundException',
      `The function ${arnOf(name, qualifier)} doesn't have an EventInvokeConfig`
    )
  const shown = (name: string, qualifier: string | undefined, config: EventInvokeSettings) => ({
    LastModified: config.modifiedAt / 1_000,
    FunctionArn: arnOf(name, qualifier),
    ...(config.retriesMax === undefined ? {} : { MaximumRetryAttempts: config.retriesMax }),
    ...(config.eventAgeSecondsMax === undefined ? {} : { MaximumEventAgeInSeconds: config.eventAgeSecondsMax }),
    DestinationConfig: {
      OnSuccess: config.onSuccess === undefined ? {} : { Destination: config.onSuccess },
      OnFailure: config.onFailure === undefined ? {} : { Destination: config.onFailure }
    }
  })
  const existing = (request: LambdaRequest, action: string) => {
    const target = targetOfRequest(context, request, action)
    const { record, name, qualifier } = target
    const config = record === undefined ? undefined : settingsOf(record, qualifier).eventInvoke
    if (record === undefined || config === undefined) throw noConfig(name, qualifier)
    mayManage(request.call.key, record, `lambda:${action}`)
    return { record, name, qualifier, config }
  }
  const given = (input: Members, record: FunctionRecord): Omit<EventInvokeSettings, 'modifiedAt'> => {
    const destinations = input.inner('DestinationConfig')
    const onSuccess = destinations?.inner('OnSuccess')?.text('Destination')
    const onFailure = destinations?.inner('OnFailure')?.text('Destination')
    for (const [side, arn] of [
      ['onSuccess', onSuccess],
      ['onFailure', onFailure]
    ] as const)
      if (arn !== undefined && arn !== '') checkDestination(context, record, side, arn)
    const [retriesMax, eventAgeSecondsMax] = [input.number('MaximumRetryAttempts'), input.number('MaximumEventAgeInSeconds')]
    if (destinations === undefined && retriesMax === undefined && eventAgeSecondsMax === undefined)
      throw invalid('You must specify at least one of error handling or destination setting.')
    return { retriesMax, eventAgeSecondsMax, onSuccess, onFailure }
  }
  const put = async (request: LambdaRequest, record: FunctionRecord, qualifier: string | undefined, merge: boolean) => {
    const fresh = given(request.input, record)
    const changed = await changeSettings(context, record.name, qualifier, (settings) => {
      const before = merge ? settings.eventInvoke : undefined
      const config: Record<string, unknown> = { ...before, modifiedAt: context.clock.now() }
      for (const [key, value] of Object.entries(fresh)) if (value !== undefined) config[key] = value
      for (const key of ['onSuccess', 'onFailure']) if (config[key] === '') delete config[key]
      return { ...settings, eventInvoke: config as unknown as EventInvokeSettings }
    })
    answer(request, shown(record.name, qualifier, settingsOf(changed, qualifier).eventInvoke as EventInvokeSettings))
  }

  return {
    async PutFunctionEventInvokeConfig(request) {
      const { record, qualifier } = managed(context, request, 'PutFunctionEventInvokeConfig', noFunction)
      const known =
        qualifier === undefined ||
        aliasOf(record, qualifier) !== undefined ||
        versionOf(context.catalog, record, qualifier) !== undefined
      if (!known) throw noFunction()
      await put(request, record, qualifier, false)
    },

    async UpdateFunctionEventInvokeConfig(request) {
      const { record, qualifier } = existing(request, 'UpdateFunctionEventInvokeConfig')
      await put(request, record, qualifier, true)
    },

    GetFunctionEventInvokeConfig(request) {
      const { name, qualifier, config } = existing(request, 'GetFunctionEventInvokeConfig')
      answer(request, shown(name, qualifier, config))
    },

    async DeleteFunctionEventInvokeConfig(request) {
      const { name, qualifier } = existing(request, 'DeleteFunctionEventInvokeConfig')
      await changeSettings(context, name, qualifier, ({ eventInvoke: _gone, ...rest }) => rest)
      answer(request, undefined)
    },

    ListFunctionEventInvokeConfigs(request) {
      const { record } = managed(context, request, 'ListFunctionEventInvokeConfigs', noFunction)
      const items = Object.entries(record.qualifiers ?? {}).flatMap(([qualifier, { eventInvoke }]) =>
        eventInvoke === undefined ? [] : [{ qualifier, config: eventInvoke }]
      )
      const page = pageOf(request.input, byQualifier(items), ({ qualifier }) => qualifierPlace(qualifier), LIST_ITEMS_MAX)
      answer(request, {
        FunctionEventInvokeConfigs: page.items.map(({ qualifier, config }) => shown(record.name, qualifier, config)),
        ...page.next
      })
    }
  }
}
