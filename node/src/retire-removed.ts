import type { Instances } from '@peerless/instances'
import { type Catalog, type FunctionVersion, versionOf } from '@peerless/interface'

/** Instances of a function that is gone are of no use to anybody: they give their memory back at once, not when they have been idle for long. */
export function retireRemoved(catalog: Catalog, instances: Instances): () => void {
  return catalog.onChange((kind, name) => {
    if (kind !== 'function' || catalog.get('function', name) !== undefined) return
    for (const { function: running, revisionId } of instances.list()) if (running === name) instances.retire(revisionId)
  })
}

/** Whether a version is there as the catalog has it now, to be called: one that was replaced or removed is not, nor what another account had under the name. */
export function isDeployed(
  catalog: Catalog
): (of: { functionName: string; account: string; version: FunctionVersion }) => boolean {
  return ({ functionName, account, version }) => {
    const record = catalog.get('function', functionName)
    return record?.account === account && versionOf(catalog, record, version.version)?.revisionId === version.revisionId
  }
}
