import { type FunctionRecord, type FunctionSettings, LIMITS, PeerlessError } from '@peerless/interface'
import type { ApiCall, ApiOperation } from './api-call.ts'
import { ApiError } from './api-error.ts'
import type { CodeUrls } from './code-url.ts'
import { configurationOf } from './lambda-configuration.ts'
import { brokenRule, invalid, LambdaInput, validation } from './lambda-input.ts'
import { functionOf, notFound, referenceOf } from './lambda-names.ts'
import { LIST_ITEMS_MAX } from './limits.ts'
import type { GatewayContext } from './options.ts'
import { mayDeploy, mayManage } from './roles.ts'

/** UpdateFunctionConfiguration and the like: environment 4 KB, description 256 characters, and JSON around it. */
const CONFIGURATION_BODY_BYTES_MAX = 65_536
const ROLE = /^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/
const HANDLER = /^[^\s]+$/
/** JavaScript, Python and WebAssembly run here, whatever version the function was written for: its handler's file tells which. */
const RUNTIME = /^(nodejs\d{2}\.x|python3\.\d{1,2}|provided(\.al2|\.al2023)?)$/

/** Members of Create- and UpdateFunctionConfiguration that ask for something that this mesh does not do. */
const UNSUPPORTED_SETTINGS = [
  'Layers',
  'VpcConfig',
  'DeadLetterConfig',
  'FileSystemConfigs',
  'ImageConfig',
  'KMSKeyArn',
  'CapacityProviderConfig',
  'DurableConfig',
  'TenancyConfig'
]
const UNSUPPORTED_CODE = ['S3Bucket', 'S3Key', 'S3ObjectVersion', 'ImageUri', 'SourceKMSKeyArn']

/** The operations on functions themselves, by their name in the service model. */
export function functionOperations(context: GatewayContext, codeUrls: CodeUrls): Record<string, ApiOperation> {
  const { deployments, catalog, region, accountId } = context
  const shown = (record: FunctionRecord) => configurationOf(record, region, accountId)
  const managed = (call: ApiCall, action: string) => {
    const found = functionOf(context, call)
    mayManage(call.key, found.record, `lambda:${action}`)
    return found
  }

  return {
    CreateFunction: {
      name: 'CreateFunction',
      bodyBytesMax: LIMITS.deployBodyBytesMax,
      async run(call) {
        mayDeploy(call.key, 'lambda:CreateFunction')
        const input = new LambdaInput(call.body)
        const alleged = input.string('FunctionName', { required: true })
        input.string('Role', { required: true, pattern: ROLE })
        const settings = readSettings(input)
        input.enumeration('PackageType', ['Zip', 'Image'])
        checkArchitectures(input)
        const code = input.object('Code')
        if (code === undefined) input.string('Code', { required: true })
        input.check()
        input.unsupported(['Publish', 'PublishTo', 'Tags', 'CodeSigningConfigArn'])
        if (input.string('PackageType') === 'Image')
          throw invalid('PackageType Image is not supported by this mesh: upload a zip')
        if (settings.handler === undefined)
          throw invalid('Runtime and Handler are mandatory parameters for functions created with deployment packages.')
        const { name, qualifier } = referenceOf(alleged as string)
        if (qualifier !== undefined) throw invalid(`FunctionName '${alleged}' must not have a qualifier`)
        const zip = zipOf(code ?? {})
        const record = await deployments.create({ name, account: call.key.account, zip, settings })
        call.json(201, shown(record))
      }
    },

    GetFunction: {
      name: 'GetFunction',
      bodyBytesMax: 0,
      run(call) {
        const { record } = managed(call, 'GetFunction')
        const location = codeUrls.urlOf({ name: record.name, ...record.latest.code }, call.request.headers.host ?? 'localhost')
        call.json(200, { Configuration: shown(record), Code: { RepositoryType: 'S3', Location: location } })
      }
    },

    GetFunctionConfiguration: {
      name: 'GetFunctionConfiguration',
      bodyBytesMax: 0,
      run: (call) => call.json(200, shown(managed(call, 'GetFunctionConfiguration').record))
    },

    UpdateFunctionCode: {
      name: 'UpdateFunctionCode',
      bodyBytesMax: LIMITS.deployBodyBytesMax,
      async run(call) {
        const { record } = managed(call, 'UpdateFunctionCode')
        const input = new LambdaInput(call.body)
        const revisionId = input.string('RevisionId')
        const dryRun = input.boolean('DryRun')
        const encoded = input.string('ZipFile')
        checkArchitectures(input)
        input.check()
        input.unsupported(['Publish', 'PublishTo', ...UNSUPPORTED_CODE])
        const zip = zipOf({ ZipFile: encoded })
        call.json(200, shown(await deployments.updateCode({ name: record.name, zip, revisionId, dryRun })))
      }
    },

    UpdateFunctionConfiguration: {
      name: 'UpdateFunctionConfiguration',
      bodyBytesMax: CONFIGURATION_BODY_BYTES_MAX,
      async run(call) {
        const { record } = managed(call, 'UpdateFunctionConfiguration')
        const input = new LambdaInput(call.body)
        input.string('Role', { pattern: ROLE })
        const settings = readSettings(input)
        const revisionId = input.string('RevisionId')
        input.check()
        call.json(200, shown(await deployments.updateConfiguration({ name: record.name, settings, revisionId })))
      }
    },

    ListFunctions: {
      name: 'ListFunctions',
      bodyBytesMax: 0,
      run(call) {
        mayDeploy(call.key, 'lambda:ListFunctions')
        const { size, after } = pageOf(call)
        const all = catalog.list('function')
        const mine = call.key.role === 'admin' ? all : all.filter((record) => record.account === call.key.account)
        const rest = after === undefined ? mine : mine.filter((record) => record.name > after)
        const page = rest.slice(0, size)
        const last = page.at(-1)
        const more = last !== undefined && rest.length > page.length
        call.json(200, {
          Functions: page.map((record) => configurationOf(record, region, accountId, true)),
          ...(more ? { NextMarker: Buffer.from(last.name).toString('base64url') } : {})
        })
      }
    },

    DeleteFunction: {
      name: 'DeleteFunction',
      bodyBytesMax: 0,
      async run(call) {
        const { record, qualifier } = managed(call, 'DeleteFunction')
        if (qualifier !== undefined) throw invalid('$LATEST version cannot be deleted without deleting the function.')
        try {
          await deployments.remove(record.name)
        } catch (error) {
          // Two deletions at once: the second finds nothing, and says so in Lambda's words.
          if (error instanceof PeerlessError && error.code === 'NOT_FOUND') throw notFound(context, record.name, undefined)
          throw error
        }
        // The model says 200; the service has always answered 204.
        call.json(204, undefined)
      }
    }
  }
}

function readSettings(input: LambdaInput): FunctionSettings {
  const settings: FunctionSettings = {
    handler: input.string('Handler', { lengthMax: 128, pattern: HANDLER }),
    runtime: input.string('Runtime'),
    role: input.string('Role'),
    description: input.string('Description', { lengthMax: 256 }),
    memoryMb: input.integer('MemorySize', LIMITS.memoryMbMin, LIMITS.memoryMbMax),
    timeoutSeconds: input.integer('Timeout', 1, LIMITS.timeoutSecondsMax),
    environment: input.environment()
  }
  if (settings.runtime !== undefined && !RUNTIME.test(settings.runtime))
    throw invalid(
      `Value ${settings.runtime.slice(0, 64)} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs18.x, nodejs20.x, nodejs22.x, nodejs24.x, nodejs26.x, python3.9, python3.10, python3.11, python3.12, python3.13, python3.14, provided, provided.al2, provided.al2023]`
    )
  input.unsupported(UNSUPPORTED_SETTINGS)
  expectOnly(input, 'SnapStart', 'ApplyOn', 'None')
  expectOnly(input, 'EphemeralStorage', 'Size', 512)
  expectOnly(input, 'TracingConfig', 'Mode', 'PassThrough')
  expectOnly(input, 'LoggingConfig', 'LogFormat', 'Text')
  return settings
}

/** Takes a structure only with the value that this mesh has anyway. */
function expectOnly(input: LambdaInput, structure: string, member: string, only: string | number): void {
  const value = input.object(structure)?.[member]
  if (value === undefined || value === null || value === only) return
  throw invalid(`${structure}.${member} ${JSON.stringify(value).slice(0, 64)} is not supported by this mesh: only ${only}`)
}

/** The same code runs on any processor: both names are taken, one at a time. */
function checkArchitectures(input: LambdaInput): void {
  const list = input.list('Architectures')
  if (list === undefined) return
  if (list.length > 1) {
    const rule = 'Member must have length less than or equal to 1'
    throw validation(`1 validation error detected: ${brokenRule(`[${list.join(', ')}]`, 'architectures', rule)}`)
  }
  if (list.every((one) => one === 'x86_64' || one === 'arm64')) return
  const rule = 'Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]'
  throw validation(`1 validation error detected: ${brokenRule(`[${list.join(', ')}]`, 'architectures', rule)}`)
}

/** Decodes strictly: nothing outside the alphabet, right padding, within Lambda's 50 MB. */
function zipOf(code: Record<string, unknown>): Buffer {
  const other = UNSUPPORTED_CODE.find((name) => code[name] !== undefined && code[name] !== null)
  if (other !== undefined) throw invalid(`Code.${other} is not supported by this mesh: upload the zip as ZipFile`)
  const encoded = code.ZipFile
  if (encoded === undefined || encoded === null || encoded === '')
    throw invalid('Please provide a source for function code: ZipFile')
  if (typeof encoded !== 'string')
    throw new ApiError('INVALID_ARGUMENT', 'SerializationException', `ZipFile must be a base64 string, got ${typeof encoded}`)
  const bytes = Buffer.from(encoded, 'base64')
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0
  // Node's decoder skips what is not base64 and takes the URL alphabet: then the length is short, or one of its letters is there.
  const strict = encoded.length % 4 === 0 && bytes.length === (encoded.length / 4) * 3 - padding
  if (!strict || encoded.includes('-') || encoded.includes('_'))
    throw new ApiError('INVALID_ARGUMENT', 'SerializationException', 'ZipFile is not valid base64')
  if (bytes.length >= LIMITS.zipBytesMax)
    throw new PeerlessError('TOO_LARGE', `Zipped size must be smaller than ${LIMITS.zipBytesMax} bytes, got ${bytes.length}`)
  return bytes
}

/** MaxItems and Marker of a list. */
function pageOf(call: ApiCall): { size: number; after: string | undefined } {
  const maxItems = call.query('MaxItems')
  if (maxItems !== undefined && !(/^\d{1,5}$/.test(maxItems) && Number(maxItems) >= 1 && Number(maxItems) <= 10_000))
    throw validation(
      `1 validation error detected: ${brokenRule(maxItems, 'maxItems', 'Member must have value between 1 and 10000')}`
    )
  const version = call.query('FunctionVersion')
  if (version !== undefined && version !== 'ALL')
    throw validation(
      `1 validation error detected: ${brokenRule(version, 'functionVersion', 'Member must satisfy enum value set: [ALL]')}`
    )
  const marker = call.query('Marker')
  const after = marker === undefined ? undefined : Buffer.from(marker, 'base64url').toString('utf8')
  if (after !== undefined && Buffer.from(after).toString('base64url') !== marker)
    throw invalid(`Marker '${(marker ?? '').slice(0, 64)}' is none that ListFunctions gave out`)
  return { size: maxItems === undefined ? LIST_ITEMS_MAX : Math.min(LIST_ITEMS_MAX, Number(maxItems)), after }
}
