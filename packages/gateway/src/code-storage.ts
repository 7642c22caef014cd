import type { Catalog } from '@peerless/interface'
import { ApiError } from './api-error.ts'
import type { LambdaContext } from './lambda-context.ts'

/** Bytes of the zips that an account has stored, counted as Lambda does: each function, each published version and each layer version for itself. */
export function codeBytesOf(catalog: Catalog, account: string): number {
  let bytes = 0
  for (const record of catalog.list('function')) if (record.account === account) bytes += record.latest.code.zipBytes
  for (const record of catalog.list('version')) if (record.account === account) bytes += record.version.code.zipBytes
  for (const layer of catalog.list('layerVersion')) if (layer.account === account) bytes += layer.zipBytes
  return bytes
}

/**
 * Every node keeps all code, so nobody may store without end.
 * @param more bytes that are to be stored
 * @throws ApiError where the account would have more than it may
 */
export function checkCodeStorage({ catalog, limits }: LambdaContext, account: string, more: number): void {
  const stored = codeBytesOf(catalog, account)
  if (stored + more <= limits.codeBytesMax) return
  throw new ApiError(
    'INVALID_ARGUMENT',
    'CodeStorageExceededException',
    `Code storage limit exceeded: account '${account}' has ${stored} bytes of code, ${more} more would be above ${limits.codeBytesMax}; delete versions, layers or functions`
  )
}
