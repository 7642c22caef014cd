import { type Catalog, type CodeReference, type LayerUse, LIMITS } from '@peerless/interface'

/** A block that something in the catalog is made of. */
export interface NamedBlock {
  /** The function's or layer's. */
  readonly name: string
  readonly cid: string
  /** As it is said to be, at most what it may be. */
  readonly bytes: number
}

/** The code of every function, version and layer: what runs first, then what was uploaded, and what the next build of it takes. */
export function blocksNamedBy(catalog: Pick<Catalog, 'list'>): NamedBlock[] {
  const codes = [
    ...catalog.list('function').map(({ name, latest }) => ({ name, ...latest })),
    ...catalog.list('version').map(({ functionName, version }) => ({ ...version, name: functionName }))
  ]
  return [
    ...codes.map(({ name, code }) => ({ name, ...bundleOf(code) })),
    ...codes.map(({ name, code }) => ({ name, ...zipOf(code) })),
    ...catalog.list('layerVersion').map((layer) => ({ name: layer.name, ...zipOf(layer) })),
    // A version of a layer may be gone, and the function that has it stays.
    ...codes.flatMap(({ name, layers }) => (layers ?? []).filter(isNamed).map((layer) => ({ name, ...zipOf(layer) })))
  ]
}

function isNamed(layer: LayerUse): layer is LayerUse & { zipCid: string } {
  return layer.zipCid !== undefined
}

function bundleOf({ bundleCid, bundleBytes }: CodeReference): Omit<NamedBlock, 'name'> {
  return { cid: bundleCid, bytes: Math.min(bundleBytes, LIMITS.bundleBytesMax) }
}

function zipOf({ zipCid, zipBytes }: Pick<CodeReference, 'zipCid' | 'zipBytes'>): Omit<NamedBlock, 'name'> {
  return { cid: zipCid, bytes: Math.min(zipBytes, LIMITS.zipBytesMax) }
}
