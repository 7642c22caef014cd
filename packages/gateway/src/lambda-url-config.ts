import { type FunctionRecord, functionArn, settingsOf, type UrlAuth } from '@peerless/interface'
import type { ApiCall, ApiOperation } from './api-call.ts'
import { ApiError } from './api-error.ts'
import { LambdaInput } from './lambda-input.ts'
import { functionOf } from './lambda-names.ts'
import type { GatewayContext } from './options.ts'
import { mayManage } from './roles.ts'

const BODY_BYTES_MAX = 65_536
const AUTH_TYPES: readonly UrlAuth[] = ['NONE', 'AWS_IAM']

/** Function URLs as Lambda configures them; here they are one field of the function. */
export function urlConfigOperations(context: GatewayContext): Record<string, ApiOperation> {
  const { deployments, region, accountId } = context
  const managed = (call: ApiCall, action: string): FunctionRecord => {
    const { record } = functionOf(context, call)
    mayManage(call.key, record, `lambda:${action}`)
    return record
  }
  const arnOf = (record: FunctionRecord) => functionArn(region, accountId, record.name)
  const shown = (call: ApiCall, record: FunctionRecord) => {
    const time = new Date(record.latest.modifiedAt).toISOString()
    return {
      FunctionUrl: `http://${call.request.headers.host ?? 'localhost'}/fn/${record.name}/`,
      FunctionArn: arnOf(record),
      AuthType: settingsOf(record, undefined).url?.auth,
      CreationTime: new Date(record.createdAt).toISOString(),
      LastModifiedTime: time,
      InvokeMode: 'BUFFERED'
    }
  }
  const existing = (call: ApiCall, action: string): FunctionRecord => {
    const record = managed(call, action)
    if (settingsOf(record, undefined).url?.auth === undefined)
      throw new ApiError('NOT_FOUND', 'ResourceNotFoundException', 'The resource you requested does not exist.')
    return record
  }
  const readAuth = (call: ApiCall, required: boolean): UrlAuth | undefined => {
    const input = new LambdaInput(call.body)
    const urlAuth = input.enumeration('AuthType', AUTH_TYPES, required)
    const mode = input.enumeration('InvokeMode', ['BUFFERED', 'RESPONSE_STREAM'])
    input.check()
    input.unsupported(mode === 'RESPONSE_STREAM' ? ['Cors', 'InvokeMode'] : ['Cors'])
    return urlAuth
  }

  return {
    CreateFunctionUrlConfig: {
      name: 'CreateFunctionUrlConfig',
      bodyBytesMax: BODY_BYTES_MAX,
      async run(call) {
        const record = managed(call, 'CreateFunctionUrlConfig')
        const urlAuth = readAuth(call, true)
        if (settingsOf(record, undefined).url?.auth !== undefined)
          throw new ApiError(
            'CONFLICT',
            'ResourceConflictException',
            `Failed to create function url config for [functionArn = ${arnOf(record)}]. Error message:  FunctionUrlConfig exists for this Lambda function`
          )
        call.json(201, shown(call, await deployments.updateConfiguration({ name: record.name, settings: { urlAuth } })))
      }
    },
    GetFunctionUrlConfig: {
      name: 'GetFunctionUrlConfig',
      bodyBytesMax: 0,
      run: (call) => call.json(200, shown(call, existing(call, 'GetFunctionUrlConfig')))
    },
    UpdateFunctionUrlConfig: {
      name: 'UpdateFunctionUrlConfig',
      bodyBytesMax: BODY_BYTES_MAX,
      async run(call) {
        const record = existing(call, 'UpdateFunctionUrlConfig')
        const urlAuth = readAuth(call, false) ?? settingsOf(record, undefined).url?.auth
        call.json(200, shown(call, await deployments.updateConfiguration({ name: record.name, settings: { urlAuth } })))
      }
    },
    DeleteFunctionUrlConfig: {
      name: 'DeleteFunctionUrlConfig',
      bodyBytesMax: 0,
      async run(call) {
        const record = existing(call, 'DeleteFunctionUrlConfig')
        await deployments.updateConfiguration({ name: record.name, settings: { urlAuth: null } })
        call.json(204, undefined)
      }
    }
  }
}
