import { aliasOf, type FunctionRecord, functionArn, LATEST, PeerlessError, versionOf } from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { checkCodeStorage } from './code-storage.ts'
import { deploying, zipOf } from './lambda-code.ts'
import { configurationOf, type Telling } from './lambda-configuration.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import type { Members } from './lambda-members.ts'
import { pageOf, qualifierPlace } from './lambda-paging.ts'
import { architectureOf, checkSigning, settingsOf } from './lambda-settings.ts'
import { tagsOf } from './lambda-tags.ts'
import { functionNotFound, managed, targetOf, targetOfRequest, versionOfTarget } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { LIST_ITEMS_MAX } from './limits.ts'
import { mayDeploy, mayManage } from './roles.ts'
import { urlRootOf } from './url-root.ts'

/** The operations on functions themselves. */
export function functionHandlers(context: LambdaContext): Handlers {
  const { deployments, catalog } = context
  const shown = (record: FunctionRecord, telling: Telling) => configurationOf(context, record, record.latest, telling)
  const managedLatest = (request: LambdaRequest, action: string) => {
    const target = managed(context, request, action)
    if (target.qualifier !== undefined && target.qualifier !== LATEST)
      throw invalid(`${action} changes $LATEST; '${target.qualifier}' cannot be changed`)
    return target
  }
  const publish = async (name: string, telling: Telling, description?: string) => {
    const latest = catalog.get('function', name)
    if (latest !== undefined) checkCodeStorage(context, latest.account, latest.latest.code.zipBytes)
    const { record, version } = await deployments.publish({ name, description })
    return configurationOf(context, record, version, telling)
  }

  return {
    async CreateFunction(request) {
      const { call, input } = request
      const { account } = call.key
      mayDeploy(call.key, 'lambda:CreateFunction')
      const { name, qualifier, record: existing } = targetOf(context, call, input.required('FunctionName'), undefined)
      if (qualifier !== undefined) throw invalid(`FunctionName '${input.text('FunctionName')}' must not have a qualifier`)
      if (input.text('PackageType') === 'Image' || input.inner('Code')?.has('ImageUri'))
        throw invalid('PackageType Image is not supported by this mesh: upload a zip')
      const settings = {
        ...settingsOf(context, input, { key: call.key, account, before: undefined }),
        architecture: architectureOf(input)
      }
      if (settings.handler === undefined || settings.runtime === undefined)
        throw invalid('Runtime and Handler are mandatory parameters for functions created with deployment packages.')
      const tags = tagsOf(input.map('Tags') ?? {})
      const codeSigningArn = input.text('CodeSigningConfigArn')
      checkSigning(context, codeSigningArn)
      if (existing !== undefined) throw new PeerlessError('CONFLICT', `Function already exist: ${name}`)
      const zip = await zipOf(context, input.inner('Code') as Members)
      checkCodeStorage(context, account, zip.length)
      const record = await deploying(() => deployments.create({ name, account, zip, settings, tags, codeSigningArn }))
      answer(request, input.flag('Publish') === true ? await publish(name, 'created') : shown(record, 'created'))
    },

    GetFunction(request) {
      const target = managed(context, request, 'GetFunction')
      const { record, qualifier } = target
      const version = versionOfTarget(context, target)
      const root = urlRootOf(request.call.request)
      const location = context.codeUrls.urlOf({ name: record.name, ...version.code }, root)
      answer(request, {
        Configuration: configurationOf(context, record, version, 'settled', qualifier),
        Code: { RepositoryType: 'S3', Location: location },
        ...(Object.keys(record.tags ?? {}).length === 0 ? {} : { Tags: record.tags }),
        ...(record.reservedConcurrency === undefined
          ? {}
          : { Concurrency: { ReservedConcurrentExecutions: record.reservedConcurrency } })
      })
    },

    GetFunctionConfiguration(request) {
      const target = managed(context, request, 'GetFunctionConfiguration')
      answer(request, configurationOf(context, target.record, versionOfTarget(context, target), 'settled', target.qualifier))
    },

    async UpdateFunctionCode(request) {
      const { input } = request
      const check = () => {
        const { record } = managedLatest(request, 'UpdateFunctionCode')
        if (input.has('PublishTo')) throw invalid('PublishTo is not supported by this mesh: leave it out')
        checkSigning(context, record.codeSigningArn)
        return record
      }
      check()
      const zip = await zipOf(context, input)
      // It may have come from far, and the name may be that of another account's function by now.
      const record = check()
      const { name } = record
      checkCodeStorage(context, record.account, zip.length - record.latest.code.zipBytes)
      const order = { name, zip, revisionId: input.text('RevisionId'), architecture: architectureOf(input) }
      const dryRun = input.flag('DryRun') === true
      const changed = await deploying(() => deployments.updateCode({ ...order, dryRun }))
      const published = input.flag('Publish') === true && !dryRun
      answer(request, published ? await publish(name, 'created') : shown(changed, 'updated'))
    },

    async UpdateFunctionConfiguration(request) {
      const { input } = request
      const { record } = managedLatest(request, 'UpdateFunctionConfiguration')
      const settings = settingsOf(context, input, { key: request.call.key, account: record.account, before: record.latest })
      const order = { name: record.name, settings, revisionId: input.text('RevisionId') }
      answer(request, shown(await deploying(() => deployments.updateConfiguration(order)), 'updated'))
    },

    ListFunctions(request) {
      const { call, input } = request
      mayDeploy(call.key, 'lambda:ListFunctions')
      const functions = catalog.list('function')
      const mine = call.key.role === 'admin' ? functions : functions.filter((record) => record.account === call.key.account)
      const everyVersion = input.text('FunctionVersion') === 'ALL'
      const versions = everyVersion ? (record: FunctionRecord) => versionsOf(context, record) : latestOnly
      const items = mine.flatMap((record) => versions(record).map((version) => ({ record, version })))
      // A space comes before all that a name may have, so the places are in the order of the names.
      const placeOf = ({ record, version }: (typeof items)[number]) => `${record.name} ${qualifierPlace(version.version)}`
      const page = pageOf(input, items, placeOf, LIST_ITEMS_MAX)
      answer(request, {
        Functions: page.items.map(({ record, version }) =>
          configurationOf(context, record, version, 'listed', everyVersion ? version.version : undefined)
        ),
        ...page.next
      })
    },

    async DeleteFunction(request) {
      const target = targetOfRequest(context, request, 'DeleteFunction')
      const { record, name, qualifier } = target
      if (qualifier === LATEST) throw invalid('$LATEST version cannot be deleted without deleting the function.')
      if (record === undefined) throw functionNotFound(functionArn(context.region, context.accountId, name))
      mayManage(request.call.key, record, 'lambda:DeleteFunction')
      if (qualifier === undefined) await deployments.remove(name)
      else {
        if (aliasOf(record, qualifier) !== undefined) throw invalid('Deletion of aliases is not currently supported.')
        // Recorded: deleting a version that is not there succeeds.
        if (versionOf(catalog, record, qualifier) !== undefined) await deleteVersion(context, record, qualifier)
      }
      answer(request, undefined)
    }
  }
}

async function deleteVersion(context: LambdaContext, record: FunctionRecord, version: string): Promise<void> {
  const aliases = Object.values(record.aliases ?? {})
    .filter((alias) => alias.version === version || alias.second?.version === version)
    .map((alias) => alias.name)
  if (aliases.length > 0)
    throw new ApiError(
      'CONFLICT',
      'ResourceConflictException',
      `Version ${version} of the function is pointed to by aliases [${aliases.join(', ')}]: point them elsewhere or delete them first`
    )
  await context.deployments.removeVersion(record.name, version)
}

function latestOnly(record: FunctionRecord) {
  return [record.latest]
}

/** `$LATEST` and all published versions that are left, in order. */
export function versionsOf(context: Pick<LambdaContext, 'catalog'>, record: FunctionRecord) {
  const versions = [record.latest]
  for (let number = 1; number <= (record.lastVersion ?? 0); number++) {
    const version = versionOf(context.catalog, record, String(number))
    if (version !== undefined) versions.push(version)
  }
  return versions
}
