import { type AccessKey, LAYER_NAME, type LayerVersionRecord, PeerlessError, VERSION_NUMBER } from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { checkCodeStorage } from './code-storage.ts'
import { deploying, zipOf } from './lambda-code.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import type { Members } from './lambda-members.ts'
import { descendingPlace, pageOf } from './lambda-paging.ts'
import { resourceMissing } from './lambda-target.ts'
import { invalid } from './lambda-validator.ts'
import { LIST_ITEMS_MAX } from './limits.ts'
import { mayDeploy } from './roles.ts'
import { urlRootOf } from './url-root.ts'

/** Layers: zips that functions merge under `/opt` when they are deployed. */
export function layerHandlers(context: LambdaContext): Handlers {
  const { catalog } = context
  const shown = (layer: LayerVersionRecord) => ({
    LayerVersionArn: layerArn(context, layer.name, layer.version),
    Version: layer.version,
    Description: layer.description,
    CreatedDate: new Date(layer.createdAt).toISOString().replace('Z', '+0000'),
    ...(layer.runtimes.length === 0 ? {} : { CompatibleRuntimes: layer.runtimes }),
    ...(layer.licence === undefined ? {} : { LicenseInfo: layer.licence }),
    ...(layer.architectures.length === 0 ? {} : { CompatibleArchitectures: layer.architectures })
  })
  const whole = (request: LambdaRequest, layer: LayerVersionRecord) => {
    const name = `${layer.name}-${layer.version}`
    const root = urlRootOf(request.call.request)
    return {
      Content: {
        Location: context.codeUrls.urlOf({ name, zipCid: layer.zipCid, zipBytes: layer.zipBytes }, root),
        CodeSha256: layer.zipSha256,
        CodeSize: layer.zipBytes
      },
      LayerArn: layerArn(context, layer.name),
      ...shown(layer)
    }
  }
  const fitting = (request: LambdaRequest, action: string) => {
    const { call, input } = request
    mayDeploy(call.key, `lambda:${action}`)
    const [runtime, architecture] = [input.text('CompatibleRuntime'), input.text('CompatibleArchitecture')]
    return (layer: LayerVersionRecord) =>
      mayUse(call.key, layer) &&
      (runtime === undefined || layer.runtimes.includes(runtime)) &&
      (architecture === undefined || layer.architectures.includes(architecture))
  }

  return {
    async PublishLayerVersion(request) {
      const { call, input } = request
      mayDeploy(call.key, 'lambda:PublishLayerVersion')
      const name = layerNameOf(input)
      if (!LAYER_NAME.test(name))
        throw invalid(`LayerName '${name.slice(0, 200)}' must have 1 to 100 letters, digits, '-' or '_'`)
      const owner = () => {
        const account = catalog.get('layer', name)?.account ?? call.key.account
        if (account === call.key.account || call.key.role === 'admin') return account
        throw new PeerlessError('FORBIDDEN', `layer '${name}' belongs to another account`)
      }
      const zip = await zipOf(context, input.inner('Content') as Members)
      checkCodeStorage(context, owner(), zip.length)
      const stored = await deploying(() => context.deployments.storeZip(zip))
      const given = {
        name,
        description: input.text('Description') ?? '',
        licence: input.text('LicenseInfo'),
        runtimes: input.texts('CompatibleRuntimes') ?? [],
        architectures: input.texts('CompatibleArchitectures') ?? [],
        ...stored,
        createdAt: context.clock.now(),
        policy: undefined
      }
      const layer = await catalog.inTurn('layer', name, async () => {
        const account = owner()
        const version = (catalog.get('layer', name)?.lastVersion ?? 0) + 1
        const published: LayerVersionRecord = { ...given, account, version }
        await Promise.all([
          catalog.put('layer', name, { name, account, lastVersion: version }),
          catalog.put('layerVersion', `${name}:${version}`, published)
        ])
        return published
      })
      answer(request, whole(request, layer))
    },

    GetLayerVersion(request) {
      answer(request, whole(request, layerVersionOf(context, request, 'GetLayerVersion', resourceMissing)))
    },

    GetLayerVersionByArn(request) {
      mayDeploy(request.call.key, 'lambda:GetLayerVersion')
      const [, name = '', number = ''] = /:layer:([^:]+):(\d+)$/.exec(request.input.required('Arn')) ?? []
      const layer = catalog.get('layerVersion', `${name}:${number}`)
      if (layer === undefined || !mayUse(request.call.key, layer)) throw resourceMissing()
      answer(request, whole(request, layer))
    },

    ListLayerVersions(request) {
      const fits = fitting(request, 'ListLayerVersions')
      const name = layerNameOf(request.input)
      const versions = versionsOf(context, name).filter(fits)
      const page = pageOf(request.input, versions, (layer) => descendingPlace(layer.version), LIST_ITEMS_MAX)
      answer(request, { LayerVersions: page.items.map(shown), ...page.next })
    },

    ListLayers(request) {
      const fits = fitting(request, 'ListLayers')
      const layers = catalog.list('layer').flatMap(({ name }) => {
        const latest = versionsOf(context, name).find(fits)
        return latest === undefined
          ? []
          : [{ LayerName: name, LayerArn: layerArn(context, name), LatestMatchingVersion: shown(latest) }]
      })
      const page = pageOf(request.input, layers, (layer) => layer.LayerName, LIST_ITEMS_MAX)
      answer(request, { Layers: page.items, ...page.next })
    },

    async DeleteLayerVersion(request) {
      const { input, call } = request
      mayDeploy(call.key, 'lambda:DeleteLayerVersion')
      const number = versionNumber(input)
      const key = `${layerNameOf(input)}:${number}`
      // Deleting what is not there succeeds. Functions that were built with it keep what they have.
      const layer = VERSION_NUMBER.test(String(number)) ? catalog.get('layerVersion', key) : undefined
      if (layer !== undefined) {
        mayOwn(request, layer, 'DeleteLayerVersion')
        await catalog.inTurn('layerVersion', key, () => catalog.remove('layerVersion', key))
      }
      answer(request, undefined)
    }
  }
}

export function layerArn(
  { region, accountId }: Pick<LambdaContext, 'region' | 'accountId'>,
  name: string,
  version?: number
): string {
  const base = `arn:aws:lambda:${region}:${accountId}:layer:${name}`
  return version === undefined ? base : `${base}:${version}`
}

/** The version that a request's path names, for its owner; others may read what its policy lets them. */
export function layerVersionOf(
  context: LambdaContext,
  request: LambdaRequest,
  action: string,
  missing: (arn: string) => PeerlessError
): LayerVersionRecord {
  const { input, call } = request
  mayDeploy(call.key, `lambda:${action}`)
  const [name, number] = [layerNameOf(input), versionNumber(input)]
  const layer = LAYER_NAME.test(name) ? context.catalog.get('layerVersion', `${name}:${number}`) : undefined
  if (layer === undefined) throw missing(layerArn(context, name, number))
  if (action === 'GetLayerVersion' && mayUse(call.key, layer)) return layer
  mayOwn(request, layer, action)
  return layer
}

export function layerVersionMissing(arn: string): ApiError {
  return new ApiError('NOT_FOUND', 'ResourceNotFoundException', `Layer version ${arn} does not exist.`)
}

/** LayerName is a name or an ARN of the layer. */
function layerNameOf(input: Members): string {
  const alleged = input.required('LayerName')
  return alleged.slice(alleged.lastIndexOf(':') + 1)
}

function versionNumber(input: Members): number {
  const number = input.number('VersionNumber') as number
  if (number < 1) throw invalid('Layer Version Cannot be less than 1')
  return number
}

/** All versions that are left, the newest first. */
function versionsOf(context: LambdaContext, name: string): LayerVersionRecord[] {
  const last = LAYER_NAME.test(name) ? (context.catalog.get('layer', name)?.lastVersion ?? 0) : 0
  const versions: LayerVersionRecord[] = []
  for (let number = last; number > 0; number--) {
    const version = context.catalog.get('layerVersion', `${name}:${number}`)
    if (version !== undefined) versions.push(version)
  }
  return versions
}

/** Whether a key may read a version of a layer, or have it in a function: that shows what is in it just as well. */
export function mayUse(key: AccessKey, layer: LayerVersionRecord): boolean {
  if (key.role === 'admin' || key.account === layer.account) return true
  return (
    layer.policy?.statements.some(
      ({ principal, organization }) => organization === undefined && (principal.kind === 'any' || principal.value === key.account)
    ) ?? false
  )
}

function mayOwn({ call: { key } }: LambdaRequest, layer: LayerVersionRecord, action: string): void {
  if (key.role !== 'admin' && key.account !== layer.account)
    throw new PeerlessError('FORBIDDEN', `lambda:${action} on layer '${layer.name}', which belongs to another account`)
}
