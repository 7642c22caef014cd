import type { Catalog, Mesh } from '@peerless/interface'

/** The machine of this node: several nodes are on one where they are its fronts, and the catalog says so of each. */
export class Machine {
  readonly id: string
  readonly #mesh: Mesh
  readonly #catalog: Pick<Catalog, 'get'>

  /** @param id peer id of the machine's first front */
  constructor(id: string, mesh: Mesh, catalog: Pick<Catalog, 'get'>) {
    this.id = id
    this.#mesh = mesh
    this.#catalog = catalog
  }

  /** Which machine a node is on, as far as it is known. */
  of(peerId: string): string {
    if (peerId === this.#mesh.peerId) return this.id
    return this.#catalog.get('node', peerId)?.machine ?? peerId
  }

  /** The other fronts of this machine that are connected. */
  mates(): string[] {
    return this.#mesh.peers().filter((peerId) => this.of(peerId) === this.id)
  }

  /** Multiaddrs at which the other fronts listen. */
  mateAddresses(): string[] {
    return this.mates().flatMap((peerId) => this.#catalog.get('node', peerId)?.addresses ?? [])
  }
}
