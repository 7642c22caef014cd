import { type AliasRecord, aliasOf, type FunctionRecord, functionArn, LATEST, versionOf } from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { checkCodeStorage } from './code-storage.ts'
import { configurationOf } from './lambda-configuration.ts'
import { answer, type Handlers, type LambdaContext } from './lambda-context.ts'
import { versionsOf } from './lambda-functions.ts'
import type { Members } from './lambda-members.ts'
import { pageOf, qualifierPlace } from './lambda-paging.ts'
import { functionNotFound, managed, managedWhole, staleRevision } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { LIST_ITEMS_MAX } from './limits.ts'

/** Published versions, and aliases that point to one or split between two. */
export function versionHandlers(context: LambdaContext): Handlers {
  const { deployments, region, accountId } = context
  const arnOf = (record: FunctionRecord, qualifier: string) => functionArn(region, accountId, record.name, qualifier)
  const shown = (record: FunctionRecord, alias: AliasRecord) => ({
    AliasArn: arnOf(record, alias.name),
    Name: alias.name,
    FunctionVersion: alias.version,
    Description: alias.description,
    ...(alias.second === undefined
      ? {}
      : { RoutingConfig: { AdditionalVersionWeights: { [alias.second.version]: alias.second.weight } } }),
    RevisionId: alias.revisionId
  })
  const checkVersion = (record: FunctionRecord, version: string) => {
    if (versionOf(context.catalog, record, version) === undefined) throw functionNotFound(arnOf(record, version))
  }
  const secondOf = (record: FunctionRecord, input: Members, version: string): AliasRecord['second'] => {
    const weights = Object.entries(input.inner('RoutingConfig')?.map<number>('AdditionalVersionWeights') ?? {})
    const [first] = weights
    if (first === undefined) return undefined
    if (weights.length > 1) throw invalid('Number of items in AdditionalVersionWeights cannot be greater than 1')
    const [other, weight] = first
    checkSplit(version, other)
    checkVersion(record, other)
    return { version: other, weight }
  }

  return {
    async PublishVersion(request) {
      const { input } = request
      const { record } = managedWhole(context, request, 'PublishVersion')
      if (input.has('PublishTo')) throw invalid('PublishTo is not supported by this mesh: leave it out')
      checkCodeStorage(context, record.account, record.latest.code.zipBytes)
      const published = await deployments.publish({
        name: record.name,
        zipSha256: input.text('CodeSha256') || undefined,
        description: input.text('Description'),
        revisionId: input.text('RevisionId')
      })
      answer(request, configurationOf(context, published.record, published.version, 'settled'))
    },

    ListVersionsByFunction(request) {
      const { record } = managed(context, request, 'ListVersionsByFunction')
      const page = pageOf(request.input, versionsOf(context, record), ({ version }) => qualifierPlace(version), LIST_ITEMS_MAX)
      const versions = page.items.map((version) => configurationOf(context, record, version, 'listed', version.version))
      answer(request, { Versions: versions, ...page.next })
    },

    async CreateAlias(request) {
      const { input } = request
      const [name, version] = [input.required('Name'), input.required('FunctionVersion')]
      const missing = () => functionNotFound(functionArn(region, accountId, input.required('FunctionName'), version))
      const { record } = managed(context, request, 'CreateAlias', missing)
      const changed = await deployments.change(record.name, (current) => {
        if (aliasOf(current, name) !== undefined)
          throw new ApiError('CONFLICT', 'ResourceConflictException', `Alias already exists: ${arnOf(current, name)}`)
        checkVersion(current, version)
        const alias: AliasRecord = {
          name,
          version,
          second: secondOf(current, input, version),
          description: input.text('Description') ?? '',
          revisionId: context.random.uuid()
        }
        return { ...current, aliases: { ...current.aliases, [name]: alias } }
      })
      answer(request, shown(changed, aliasOf(changed, name) as AliasRecord))
    },

    GetAlias(request) {
      const { record } = managed(context, request, 'GetAlias')
      const name = request.input.required('Name')
      const alias = aliasOf(record, name)
      if (alias === undefined)
        throw new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Cannot find alias arn: ${arnOf(record, name)}`)
      answer(request, shown(record, alias))
    },

    async UpdateAlias(request) {
      const { input } = request
      const { record } = managed(context, request, 'UpdateAlias')
      const name = input.required('Name')
      const changed = await deployments.change(record.name, (current) => {
        const before = aliasOf(current, name)
        if (before === undefined)
          throw new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Alias not found: ${arnOf(current, name)}`)
        const revision = input.text('RevisionId')
        if (revision !== undefined && revision !== before.revisionId) throw staleRevision()
        const version = input.text('FunctionVersion') ?? before.version
        checkVersion(current, version)
        // What is left as it was has to go with what is changed.
        if (!input.has('RoutingConfig') && before.second !== undefined) checkSplit(version, before.second.version)
        const second = input.has('RoutingConfig') ? secondOf(current, input, version) : before.second
        const description = input.text('Description') ?? before.description
        const alias = { ...before, version, second, description, revisionId: context.random.uuid() }
        return { ...current, aliases: { ...current.aliases, [name]: alias } }
      })
      answer(request, shown(changed, aliasOf(changed, name) as AliasRecord))
    },

    ListAliases(request) {
      const { input } = request
      const { record } = managed(context, request, 'ListAliases')
      const version = input.text('FunctionVersion')
      const aliases = Object.values(record.aliases ?? {})
        .filter((alias) => version === undefined || alias.version === version || alias.second?.version === version)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      const page = pageOf(input, aliases, (alias) => alias.name, LIST_ITEMS_MAX)
      answer(request, { Aliases: page.items.map((alias) => shown(record, alias)), ...page.next })
    },

    async DeleteAlias(request) {
      const { record } = managed(context, request, 'DeleteAlias')
      const name = request.input.required('Name')
      if (aliasOf(record, name) !== undefined)
        await deployments.change(record.name, (current) => {
          const aliases = { ...current.aliases }
          const qualifiers = { ...current.qualifiers }
          delete aliases[name]
          delete qualifiers[name]
          return { ...current, aliases, qualifiers }
        })
      answer(request, undefined)
    }
  }
}

/** @throws ApiError for an alias that would split its calls between one version, or with `$LATEST` */
function checkSplit(version: string, other: string): void {
  if (other === version)
    throw invalid(
      `Invalid function version ${version}. Function version ${version} is already included in routing configuration.`
    )
  if (version === LATEST) throw untyped('$LATEST is not supported for an alias pointing to more than 1 version')
}

/** Some texts of the service come without `Type`. */
export function untyped(message: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', 'InvalidParameterValueException', message, { typed: false })
}
