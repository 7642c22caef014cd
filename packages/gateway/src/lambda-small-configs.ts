import { type FunctionRecord, type QualifierSettings, settingsOf } from '@peerless/interface'
import { answer, type Handlers, type LambdaContext } from './lambda-context.ts'
import { changeSettings } from './lambda-qualifiers.ts'
import { managed, versionOfTarget } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'

/** Recursion and runtime management: one value each. */
export function smallConfigHandlers(context: LambdaContext): Handlers {
  const loopOf = (record: FunctionRecord) => ({ RecursiveLoop: record.recursiveLoop ?? 'Terminate' })
  return {
    async PutFunctionRecursionConfig(request) {
      const { record } = managed(context, request, 'PutFunctionRecursionConfig')
      const recursiveLoop = request.input.required('RecursiveLoop') as 'Terminate' | 'Allow'
      answer(request, loopOf(await context.deployments.change(record.name, (current) => ({ ...current, recursiveLoop }))))
    },

    GetFunctionRecursionConfig(request) {
      answer(request, loopOf(managed(context, request, 'GetFunctionRecursionConfig').record))
    },

    async PutRuntimeManagementConfig(request) {
      const { input } = request
      const target = managed(context, request, 'PutRuntimeManagementConfig')
      versionOfTarget(context, target)
      const mode = input.required('UpdateRuntimeOn') as NonNullable<QualifierSettings['runtimeUpdate']>['mode']
      const versionArn = input.text('RuntimeVersionArn')
      if (mode === 'Manual' && versionArn === undefined)
        throw invalid('RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual.')
      if (mode !== 'Manual' && versionArn !== undefined)
        throw invalid('RuntimeVersionArn is only allowed when UpdateRuntimeOn is set to Manual.')
      await changeSettings(context, target.name, target.qualifier, (settings) => ({
        ...settings,
        runtimeUpdate: { mode, versionArn }
      }))
      answer(request, {
        UpdateRuntimeOn: mode,
        FunctionArn: target.arn,
        ...(versionArn === undefined ? {} : { RuntimeVersionArn: versionArn })
      })
    },

    GetRuntimeManagementConfig(request) {
      const target = managed(context, request, 'GetRuntimeManagementConfig')
      versionOfTarget(context, target)
      const { runtimeUpdate } = settingsOf(target.record, target.qualifier)
      answer(request, {
        UpdateRuntimeOn: runtimeUpdate?.mode ?? 'Auto',
        FunctionArn: target.arn,
        ...(runtimeUpdate?.versionArn === undefined ? {} : { RuntimeVersionArn: runtimeUpdate.versionArn })
      })
    }
  }
}
