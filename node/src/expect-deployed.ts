import type { Instances } from '@peerless/instances'
import type { BlockStore, Catalog } from '@peerless/interface'

/** What was deployed here, or changed since, is made ready for its first call. Where the bundle is not on this disk that call decides whether it ever is. */
export function expectDeployed(catalog: Catalog, store: BlockStore, instances: Instances): () => void {
  return catalog.onChange((kind, name) => {
    if (kind !== 'function') return
    const record = catalog.get('function', name)
    if (record !== undefined && store.has(record.latest.code.bundleCid)) instances.expect(record.latest, record.account)
  })
}
