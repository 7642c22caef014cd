import type { WarmOrder } from '@peerless/instances'
import { aliasOf, type Catalog, type Clock, type FunctionRecord, type Mesh, type Timer, versionOf } from '@peerless/interface'

/** How often what is missing is launched: an instance that ended is replaced within that. */
const PERIOD_MS = 5_000

/** Provisioned concurrency of all functions: tells this node's instances which share of it to keep warm. */
export class Provisioning {
  readonly #o: { mesh: Mesh; catalog: Catalog; clock: Clock; keepWarm: (orders: WarmOrder[]) => void }
  #timer: Timer | undefined
  #unsubscribe: (() => void) | undefined
  /** Whether the last round asked for anything: a mesh without provisioned concurrency costs nothing. */
  #asked = false

  constructor(options: { mesh: Mesh; catalog: Catalog; clock: Clock; keepWarm: (orders: WarmOrder[]) => void }) {
    this.#o = options
  }

  start(): void {
    this.#timer = this.#o.clock.every(PERIOD_MS, () => this.#round())
    this.#unsubscribe = this.#o.catalog.onChange((kind, name) => {
      if (kind !== 'function') return
      const record = this.#o.catalog.get('function', name)
      if (record !== undefined && Object.values(record.qualifiers ?? {}).some(({ provisioned }) => provisioned !== undefined))
        this.#round()
    })
    this.#round()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#unsubscribe?.()
  }

  #round(): void {
    const orders = this.#o.catalog.list('function').flatMap((record) => this.#ordersOf(record))
    if (orders.length > 0 || this.#asked) this.#o.keepWarm(orders)
    this.#asked = orders.length > 0
  }

  #ordersOf(record: FunctionRecord): WarmOrder[] {
    const { catalog } = this.#o
    return Object.entries(record.qualifiers ?? {}).flatMap(([qualifier, { provisioned }]) => {
      if (provisioned === undefined) return []
      const version = versionOf(catalog, record, aliasOf(record, qualifier)?.version ?? qualifier)
      const count = this.#share(provisioned.requested)
      return version === undefined || count === 0 ? [] : [{ functionName: record.name, account: record.account, version, count }]
    })
  }

  /** Equal parts in the order of peer ids; the first ones have the rest. */
  #share(requested: number): number {
    const { mesh } = this.#o
    const nodes = [mesh.peerId, ...mesh.peers()].sort()
    const rank = nodes.indexOf(mesh.peerId)
    return Math.floor(requested / nodes.length) + (rank < requested % nodes.length ? 1 : 0)
  }
}
