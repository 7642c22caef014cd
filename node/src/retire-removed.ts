import type { Instances } from '@peerless/instances'
import { type Catalog, type FunctionVersion, versionOf } from '@peerless/interface'

/**
 * Instances of what is deployed no more (a function or a version that was removed, code or a configuration that was replaced) are of no use to anybody: they give their
 * memory back at once, not when they have been idle for long. Who changes a function every few seconds would else fill the machine with what it was before.
 */
export function retireRemoved(catalog: Catalog, instances: Pick<Instances, 'list' | 'retire'>): () => void {
  return catalog.onChange((kind, name) => {
    if (kind !== 'function' && kind !== 'version') return
    const changed = kind === 'function' ? name : name.slice(0, name.lastIndexOf(':'))
    const record = catalog.get('function', changed)
    for (const { function: running, version, revisionId } of instances.list()) {
      if (running !== changed) continue
      const now = record === undefined ? undefined : versionOf(catalog, record, version)
      if (now?.revisionId !== revisionId) instances.retire(revisionId)
    }
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
