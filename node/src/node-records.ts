import { type Catalog, type Logger, messageOf, type NodeRecord } from '@peerless/interface'
import type { PeerlessMesh } from '@peerless/mesh'

/** Keeps what the catalog says of this node true: name, account, addresses. Written only when it changed. */
export class NodeRecords {
  readonly #mesh: PeerlessMesh
  readonly #catalog: Catalog
  readonly #logger: Logger
  readonly #record: Pick<NodeRecord, 'account' | 'version' | 'httpAddress' | 'destinations' | 'machine'>

  constructor(options: {
    mesh: PeerlessMesh
    catalog: Catalog
    logger: Logger
    record: Pick<NodeRecord, 'account' | 'version' | 'httpAddress' | 'destinations' | 'machine'>
  }) {
    this.#mesh = options.mesh
    this.#catalog = options.catalog
    this.#logger = options.logger
    this.#record = options.record
  }

  async start(): Promise<void> {
    await this.#write()
    // Someone else's older copy of this record must not outlive a restart with another port.
    this.#catalog.onChange((kind, name) => {
      if (kind === 'node' && name === this.#mesh.peerId) {
        this.#write().catch((error) =>
          this.#logger.error("this node's record could not be written", { reason: messageOf(error) })
        )
      }
    })
  }

  async #write(): Promise<void> {
    const { peerId, name } = this.#mesh
    const record: NodeRecord = { peerId, name, addresses: this.#mesh.addresses(), ...this.#record }
    const known = this.#catalog.get('node', peerId)
    if (known !== undefined && JSON.stringify(sorted(known)) === JSON.stringify(sorted(record))) return
    await this.#catalog.put('node', peerId, record)
  }
}

function sorted(record: NodeRecord): unknown {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
}
