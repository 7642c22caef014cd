import { type AccessKey, type FunctionRecord, PeerlessError, policyEffect, settingsOf } from '@peerless/interface'

/** What a key may do; one place, so that the Lambda API, function URLs and the mesh API agree. All throw FORBIDDEN. */

export function mayInvoke(
  key: AccessKey,
  record: FunctionRecord,
  call: { qualifier?: string | undefined; viaUrl?: boolean } = {}
): void {
  if (key.role === 'admin') return
  const effect = policyEffect(settingsOf(record, call.qualifier).policy, key.account, call.viaUrl === true)
  if (effect === 'Deny') throw forbidden(key, `invoke function '${record.name}', with an explicit deny in its resource policy`)
  if (effect === 'Allow' || key.account === record.account) return
  throw forbidden(key, `invoke function '${record.name}', which belongs to another account`)
}

export function mayDeploy(key: AccessKey, action: string): void {
  if (key.role === 'invoker') throw forbidden(key, action)
}

/** To see or change a function that exists. */
export function mayManage(key: AccessKey, record: FunctionRecord, action: string): void {
  mayDeploy(key, action)
  if (key.role !== 'admin' && key.account !== record.account)
    throw forbidden(key, `${action} on function '${record.name}', which belongs to another account`)
}

export function mustBeAdmin(key: AccessKey, action: string): void {
  if (key.role !== 'admin') throw forbidden(key, action)
}

/** The account whose data is shown: the one asked for, or the key's own. undefined is all accounts, for admins only. */
export function accountShown(key: AccessKey, asked: string | undefined, action: string): string | undefined {
  mayDeploy(key, action)
  if (key.role === 'admin') return asked
  if (asked !== undefined && asked !== key.account) throw forbidden(key, `${action} of account '${asked.slice(0, 64)}'`)
  return key.account
}

function forbidden(key: AccessKey, action: string): PeerlessError {
  return new PeerlessError(
    'FORBIDDEN',
    `Access key ${key.accessKeyId} (role ${key.role}, account '${key.account}') is not authorized to perform: ${action}`
  )
}
