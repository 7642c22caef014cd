import { aliasOf, type FunctionRecord, functionArn, LATEST, PeerlessError, versionOf } from '@peerless/interface'
import type { HttpTarget } from './http-calls.ts'
import { QUOTED_CHARS_MAX } from './limits.ts'
import type { GatewayContext } from './options.ts'

/** What belongs to the way in, not to the function. */
type Rules = Pick<HttpTarget, 'auth' | 'streams' | 'cors' | 'parts'>

/**
 * The function that a URL or route leads to, as the catalog has it now.
 * @throws NOT_FOUND
 */
export function httpTarget(
  context: GatewayContext,
  name: string,
  qualifier: string | undefined,
  rules: (record: FunctionRecord) => Rules
): HttpTarget {
  const { catalog, region, accountId } = context
  const record = catalog.get('function', name)
  if (record === undefined) throw new PeerlessError('NOT_FOUND', `there is no function '${name}' in this mesh`)
  const alias = qualifier === undefined ? undefined : aliasOf(record, qualifier)
  const version = versionOf(catalog, record, alias?.version ?? qualifier ?? LATEST)
  if (version === undefined)
    throw new PeerlessError(
      'NOT_FOUND',
      `function '${name}' has no version or alias '${(qualifier ?? LATEST).slice(0, QUOTED_CHARS_MAX)}'`
    )
  const other = alias?.second === undefined ? undefined : versionOf(catalog, record, alias.second.version)
  return {
    name,
    record,
    target: { record, version },
    second: other === undefined ? undefined : { target: { record, version: other }, weight: alias?.second?.weight ?? 0 },
    whole: alias?.second === undefined || other !== undefined,
    qualifier,
    invokedArn: functionArn(region, accountId, name, qualifier),
    ...rules(record)
  }
}
