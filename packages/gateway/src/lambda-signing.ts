import { type CodeSigningRecord, functionArn } from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { answer, type Handlers, type LambdaContext, type LambdaRequest } from './lambda-context.ts'
import { pageOf } from './lambda-paging.ts'
import { tagsOf } from './lambda-tags.ts'
import { managed } from './lambda-target.ts'
import { LIST_ITEMS_MAX } from './limits.ts'
import { mayDeploy } from './roles.ts'

const ID_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'
const ID_LENGTH = 17

/** Code signing configurations. Nothing is signed on a mesh, so one that enforces signatures refuses every deployment of its functions. */
export function signingHandlers(context: LambdaContext): Handlers {
  const { catalog, deployments, region, accountId, random } = context
  const arnOf = (id: string) => `arn:aws:lambda:${region}:${accountId}:code-signing-config:${id}`
  const shown = (signing: CodeSigningRecord) => ({
    CodeSigningConfigId: signing.id,
    CodeSigningConfigArn: arnOf(signing.id),
    ...(signing.description === '' ? {} : { Description: signing.description }),
    AllowedPublishers: { SigningProfileVersionArns: signing.publishers },
    CodeSigningPolicies: { UntrustedArtifactOnDeployment: signing.untrusted },
    LastModified: new Date(signing.modifiedAt).toISOString()
  })
  const existing = ({ call, input }: LambdaRequest, action: string): CodeSigningRecord => {
    mayDeploy(call.key, `lambda:${action}`)
    const arn = input.required('CodeSigningConfigArn')
    const signing = catalog.get('signing', idOf(arn))
    if (signing === undefined || (call.key.role !== 'admin' && call.key.account !== signing.account))
      throw new ApiError(
        'NOT_FOUND',
        'ResourceNotFoundException',
        `The Lambda code signing configuration ${arn} can not be found.`,
        { typed: false }
      )
    return signing
  }
  const users = (id: string) => catalog.list('function').filter((record) => idOf(record.codeSigningArn ?? '') === id)

  return {
    async CreateCodeSigningConfig(request) {
      const { call, input } = request
      mayDeploy(call.key, 'lambda:CreateCodeSigningConfig')
      const id = `csc-${Array.from(random.bytes(ID_LENGTH), (byte) => ID_CHARACTERS[byte % ID_CHARACTERS.length]).join('')}`
      const signing: CodeSigningRecord = {
        id,
        account: call.key.account,
        description: input.text('Description') ?? '',
        publishers: input.inner('AllowedPublishers')?.texts('SigningProfileVersionArns') ?? [],
        untrusted: untrustedOf(request) ?? 'Warn',
        modifiedAt: context.clock.now(),
        tags: tagsOf(input.map('Tags') ?? {})
      }
      await catalog.put('signing', id, signing)
      answer(request, { CodeSigningConfig: shown(signing) })
    },

    GetCodeSigningConfig(request) {
      answer(request, { CodeSigningConfig: shown(existing(request, 'GetCodeSigningConfig')) })
    },

    async UpdateCodeSigningConfig(request) {
      const { input } = request
      const { id } = existing(request, 'UpdateCodeSigningConfig')
      const signing = await catalog.inTurn('signing', id, async () => {
        const before = existing(request, 'UpdateCodeSigningConfig')
        const changed: CodeSigningRecord = {
          ...before,
          description: input.text('Description') ?? before.description,
          publishers: input.inner('AllowedPublishers')?.texts('SigningProfileVersionArns') ?? before.publishers,
          untrusted: untrustedOf(request) ?? before.untrusted,
          modifiedAt: context.clock.now()
        }
        await catalog.put('signing', id, changed)
        return changed
      })
      answer(request, { CodeSigningConfig: shown(signing) })
    },

    async DeleteCodeSigningConfig(request) {
      const { id } = existing(request, 'DeleteCodeSigningConfig')
      if (users(id).length > 0)
        throw new ApiError(
          'CONFLICT',
          'ResourceConflictException',
          `The code signing configuration ${arnOf(id)} is used by ${users(id).length} functions: take it from them first`
        )
      await catalog.inTurn('signing', id, () => catalog.remove('signing', id))
      answer(request, undefined)
    },

    ListCodeSigningConfigs(request) {
      const { key } = request.call
      mayDeploy(key, 'lambda:ListCodeSigningConfigs')
      const all = catalog.list('signing').filter((one) => key.role === 'admin' || one.account === key.account)
      const page = pageOf(request.input, all, (one) => one.id, LIST_ITEMS_MAX)
      answer(request, { CodeSigningConfigs: page.items.map(shown), ...page.next })
    },

    ListFunctionsByCodeSigningConfig(request) {
      const { id } = existing(request, 'ListFunctionsByCodeSigningConfig')
      const page = pageOf(request.input, users(id), (record) => record.name, LIST_ITEMS_MAX)
      const arns = page.items.map((record) => functionArn(region, accountId, record.name))
      answer(request, { FunctionArns: arns, ...page.next })
    },

    async PutFunctionCodeSigningConfig(request) {
      const { record } = managed(context, request, 'PutFunctionCodeSigningConfig')
      const arn = request.input.required('CodeSigningConfigArn')
      if (catalog.get('signing', idOf(arn)) === undefined)
        throw new ApiError(
          'NOT_FOUND',
          'CodeSigningConfigNotFoundException',
          `The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${arn}.`
        )
      await deployments.change(record.name, (current) => ({ ...current, codeSigningArn: arn }))
      answer(request, { CodeSigningConfigArn: arn, FunctionName: record.name })
    },

    GetFunctionCodeSigningConfig(request) {
      const { record } = managed(context, request, 'GetFunctionCodeSigningConfig')
      const { codeSigningArn: arn } = record
      answer(request, { ...(arn === undefined ? {} : { CodeSigningConfigArn: arn }), FunctionName: record.name })
    },

    async DeleteFunctionCodeSigningConfig(request) {
      const { record } = managed(context, request, 'DeleteFunctionCodeSigningConfig')
      await deployments.change(record.name, ({ codeSigningArn: _gone, ...rest }) => rest)
      answer(request, undefined)
    }
  }
}

function untrustedOf({ input }: LambdaRequest): CodeSigningRecord['untrusted'] | undefined {
  return input.inner('CodeSigningPolicies')?.text('UntrustedArtifactOnDeployment') as CodeSigningRecord['untrusted'] | undefined
}

function idOf(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1)
}
