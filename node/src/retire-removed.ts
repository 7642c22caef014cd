import type { Instances } from '@peerless/instances'
import type { Catalog } from '@peerless/interface'

/** Instances of a function that is gone are of no use to anybody: they give their memory back at once, not when they have been idle for long. */
export function retireRemoved(catalog: Catalog, instances: Instances): () => void {
  return catalog.onChange((kind, name) => {
    if (kind !== 'function' || catalog.get('function', name) !== undefined) return
    for (const { function: running, revisionId } of instances.list()) if (running === name) instances.retire(revisionId)
  })
}
