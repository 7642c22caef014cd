import {
  aliasOf,
  type FunctionRecord,
  functionArn,
  LATEST,
  type ProvisionedSettings,
  settingsOf,
  versionOf
} from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { codeBytesOf } from './code-storage.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import { byQualifier, pageOf, qualifierPlace } from './lambda-paging.ts'
import { changeSettings } from './lambda-qualifiers.ts'
import { functionNotFound, managed, managedWhole, mustBeThere, onlyFunctions, targetOfRequest } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { untyped } from './lambda-versions.ts'
import { CONCURRENCY_MIN, LIST_ITEMS_MAX, UNRESERVED_MIN } from './limits.ts'
import { mayDeploy, mayManage } from './roles.ts'

/** Reserved and provisioned concurrency, scaling, and the account's share of it all. */
export function concurrencyHandlers(context: LambdaContext): Handlers {
  const { deployments, catalog, region, accountId } = context
  const whole = (request: LambdaRequest, action: string) => {
    const target = targetOfRequest(context, request, action)
    if (target.qualifier !== undefined) throw onlyFunctions()
    if (target.record === undefined) throw functionNotFound(functionArn(region, accountId, target.name, LATEST))
    mayManage(request.call.key, target.record, `lambda:${action}`)
    return target.record
  }
  const provisionedTarget = (request: LambdaRequest, action: string, latest: string) => {
    const target = targetOfRequest(context, request, action)
    if (target.qualifier === LATEST) throw invalid(latest)
    const found = mustBeThere(context, target)
    mayManage(request.call.key, found.record, `lambda:${action}`)
    return { record: found.record, qualifier: found.qualifier as string }
  }
  const shown = ({ requested, modifiedAt }: ProvisionedSettings, available: number) => ({
    RequestedProvisionedConcurrentExecutions: requested,
    AvailableProvisionedConcurrentExecutions: Math.min(requested, available),
    AllocatedProvisionedConcurrentExecutions: Math.min(requested, available),
    Status: available < requested ? 'IN_PROGRESS' : 'READY',
    // Whole seconds, as recorded.
    LastModified: `${new Date(modifiedAt).toISOString().slice(0, 19)}+0000`
  })
  /** Instances over the mesh that are ready, by revision. */
  const ready = async () => {
    const { instances } = (await context.mesh.allInstances?.()) ?? context.mesh.node()
    const counts = new Map<string, number>()
    for (const { revisionId, state } of instances)
      if (state !== 'starting') counts.set(revisionId, (counts.get(revisionId) ?? 0) + 1)
    return (record: FunctionRecord, qualifier: string) => {
      const version = versionOf(catalog, record, aliasOf(record, qualifier)?.version ?? qualifier)
      return version === undefined ? 0 : (counts.get(version.revisionId) ?? 0)
    }
  }

  return {
    async PutFunctionConcurrency(request) {
      const { name } = whole(request, 'PutFunctionConcurrency')
      const reserved = request.input.number('ReservedConcurrentExecutions') as number
      // In its turn: what fits now may not go with what another node is being asked for.
      await deployments.change(name, (record) => {
        const provisioned = provisionedTotal(record)
        if (reserved < provisioned)
          throw untyped(
            ` ReservedConcurrentExecutions  ${reserved} should not be lower than function's total provisioned concurrency [${provisioned}].`
          )
        if (unreserved(context, record.account, name) - reserved < UNRESERVED_MIN)
          throw untyped(
            `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${UNRESERVED_MIN}].`
          )
        return { ...record, reservedConcurrency: reserved }
      })
      answer(request, { ReservedConcurrentExecutions: reserved })
    },

    GetFunctionConcurrency(request) {
      const { reservedConcurrency } = whole(request, 'GetFunctionConcurrency')
      answer(request, reservedConcurrency === undefined ? {} : { ReservedConcurrentExecutions: reservedConcurrency })
    },

    async DeleteFunctionConcurrency(request) {
      const record = managedWhole(context, request, 'DeleteFunctionConcurrency').record
      await deployments.change(record.name, ({ reservedConcurrency: _gone, ...rest }) => rest)
      answer(request, undefined)
    },

    async PutProvisionedConcurrencyConfig(request) {
      const { record: found, qualifier } = provisionedTarget(
        request,
        'PutProvisionedConcurrencyConfig',
        'Provisioned Concurrency Configs cannot be applied to unpublished function versions.'
      )
      const requested = request.input.number('ProvisionedConcurrentExecutions') as number
      const provisioned = { requested, modifiedAt: context.clock.now() }
      await changeSettings(context, found.name, qualifier, (settings, record) => {
        checkProvisioned(context, record, qualifier, requested)
        return { ...settings, provisioned }
      })
      // What there may be already is not looked for: that the order was taken is all that is said here.
      answer(request, shown(provisioned, 0))
    },

    async GetProvisionedConcurrencyConfig(request) {
      const { record, qualifier } = provisionedTarget(
        request,
        'GetProvisionedConcurrencyConfig',
        'The function resource provided must be an alias or a published version.'
      )
      const { provisioned } = settingsOf(record, qualifier)
      if (provisioned === undefined)
        throw new ApiError(
          'NOT_FOUND',
          'ProvisionedConcurrencyConfigNotFoundException',
          'No Provisioned Concurrency Config found for this function'
        )
      answer(request, shown(provisioned, (await ready())(record, qualifier)))
    },

    async ListProvisionedConcurrencyConfigs(request) {
      const { record } = managed(context, request, 'ListProvisionedConcurrencyConfigs')
      const items = Object.entries(record.qualifiers ?? {}).flatMap(([qualifier, { provisioned }]) =>
        provisioned === undefined ? [] : [{ qualifier, provisioned }]
      )
      const page = pageOf(request.input, byQualifier(items), ({ qualifier }) => qualifierPlace(qualifier), LIST_ITEMS_MAX)
      const arnOf = (qualifier: string) => functionArn(region, accountId, record.name, qualifier)
      const available = await ready()
      answer(request, {
        ProvisionedConcurrencyConfigs: page.items.map(({ qualifier, provisioned }) => ({
          FunctionArn: arnOf(qualifier),
          ...shown(provisioned, available(record, qualifier))
        })),
        ...page.next
      })
    },

    async DeleteProvisionedConcurrencyConfig(request) {
      const { record, qualifier } = provisionedTarget(
        request,
        'DeleteProvisionedConcurrencyConfig',
        'The function resource provided must be an alias or a published version.'
      )
      if (settingsOf(record, qualifier).provisioned !== undefined)
        await changeSettings(context, record.name, qualifier, ({ provisioned: _gone, ...rest }) => rest)
      answer(request, undefined)
    },

    async PutFunctionScalingConfig(request) {
      const { record } = managed(context, request, 'PutFunctionScalingConfig')
      const config = request.input.inner('FunctionScalingConfig')
      const [min, max] = [config?.number('MinExecutionEnvironments'), config?.number('MaxExecutionEnvironments')]
      if (min !== undefined && max !== undefined && min > max)
        throw invalid(`MinExecutionEnvironments ${min} must not be greater than MaxExecutionEnvironments ${max}`)
      const qualifier = request.input.required('Qualifier')
      mustBeThere(context, targetOfRequest(context, request, 'PutFunctionScalingConfig'))
      await changeSettings(context, record.name, qualifier, (settings) => ({ ...settings, scaling: { min, max } }))
      answer(request, { FunctionState: 'Active' })
    },

    GetFunctionScalingConfig(request) {
      const { record, arn } = managed(context, request, 'GetFunctionScalingConfig')
      mustBeThere(context, targetOfRequest(context, request, 'GetFunctionScalingConfig'))
      const { scaling } = settingsOf(record, request.input.text('Qualifier'))
      const config = {
        ...(scaling?.min === undefined ? {} : { MinExecutionEnvironments: scaling.min }),
        ...(scaling?.max === undefined ? {} : { MaxExecutionEnvironments: scaling.max })
      }
      answer(request, {
        FunctionArn: arn,
        ...(scaling === undefined ? {} : { AppliedFunctionScalingConfig: config, RequestedFunctionScalingConfig: config })
      })
    },

    GetAccountSettings(request) {
      const { call } = request
      mayDeploy(call.key, 'lambda:GetAccountSettings')
      const functions = catalog.list('function').filter((record) => record.account === call.key.account)
      answer(request, {
        AccountLimit: {
          TotalCodeSize: context.limits.codeBytesMax,
          CodeSizeUnzipped: 262_144_000,
          CodeSizeZipped: 52_428_800,
          ConcurrentExecutions: concurrency(context),
          UnreservedConcurrentExecutions: unreserved(context, call.key.account, undefined)
        },
        AccountUsage: { TotalCodeSize: codeBytesOf(catalog, call.key.account), FunctionCount: functions.length }
      })
    }
  }
}

/** Calls at once that the mesh is said to take: its slots, and no fewer than AWS's default. */
function concurrency(context: LambdaContext): number {
  return Math.max(CONCURRENCY_MIN, sum(context.mesh.peers().map((peer) => peer.slots)))
}

/** What no function of the account has reserved, `except` left out. As at AWS each account has the whole for its own: what is reserved bounds a function, and takes no slots from others. */
function unreserved(context: LambdaContext, account: string, except: string | undefined): number {
  const reserved = context.catalog
    .list('function')
    .filter((record) => record.account === account)
    .map((record) => (record.name === except ? 0 : (record.reservedConcurrency ?? provisionedTotal(record))))
  return concurrency(context) - sum(reserved)
}

function provisionedTotal(record: FunctionRecord, except?: string): number {
  const entries = Object.entries(record.qualifiers ?? {})
  return sum(entries.map(([qualifier, { provisioned }]) => (qualifier === except ? 0 : (provisioned?.requested ?? 0))))
}

/** @throws ApiError where as much cannot be provisioned */
function checkProvisioned(context: LambdaContext, record: FunctionRecord, qualifier: string, requested: number): void {
  checkOverlap(record, qualifier)
  const others = provisionedTotal(record, qualifier)
  if (record.reservedConcurrency !== undefined) {
    if (others + requested > record.reservedConcurrency)
      throw invalid('Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function')
    return
  }
  const free = unreserved(context, record.account, record.name) - others
  if (requested > free)
    throw untyped(`Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [${free}].`)
  if (free - requested < UNRESERVED_MIN)
    throw untyped(
      `Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${UNRESERVED_MIN}].`
    )
}

/** One version has provisioned concurrency by its number or by one alias, not both. */
function checkOverlap(record: FunctionRecord, qualifier: string): void {
  const alias = aliasOf(record, qualifier)
  const conflict = (message: string) => new ApiError('CONFLICT', 'ResourceConflictException', message)
  if (alias !== undefined) {
    if (settingsOf(record, alias.version).provisioned !== undefined)
      throw conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
    return
  }
  const pointing = Object.values(record.aliases ?? {}).filter((one) => one.version === qualifier)
  if (pointing.some((one) => settingsOf(record, one.name).provisioned !== undefined))
    throw conflict('Version is pointed by a Provisioned Concurrency alias')
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
