import type { WarmOrder } from '@peerless/instances'
import { aliasOf, type Catalog, type Clock, type FunctionRecord, type Mesh, type Timer, versionOf } from '@peerless/interface'
import type { InvocationService } from '@peerless/invocation'
import { placeWarm, type WarmNode } from '@peerless/routing'

/** How often what is missing is launched: an instance that ended is replaced within that. */
const PERIOD_MS = 5_000
/** After a node came or went: long enough for its first load report, short against the time that its instances are missed. */
const SETTLE_MS = 500

export interface ProvisioningOptions {
  readonly mesh: Mesh
  readonly catalog: Catalog
  readonly clock: Clock
  /** Slots of this node. */
  readonly slots: number
  /** Loads of peers as last heard, and what latency targets want warm over the mesh. */
  readonly invocation: Pick<InvocationService, 'loadOf' | 'onDraining'> & {
    readonly latency: Pick<InvocationService['latency'], 'wanted' | 'onChange'>
  }
  /** Whether this node takes no new work: then it keeps nothing warm. */
  readonly draining: () => boolean
  readonly keepWarm: (orders: WarmOrder[]) => void
}

/**
 * The floor of warm instances over the whole mesh, for provisioned concurrency and for latency targets: it counts once, and which nodes hold it every
 * node works out alike from the catalog and the nodes that it sees. Tells this node's instances what is theirs to keep.
 */
export class Provisioning {
  readonly #o: ProvisioningOptions
  #timer: Timer | undefined
  #settling: Timer | undefined
  #unsubscribe: (() => void) | undefined
  /** What this node keeps, by revision. */
  #own: ReadonlyMap<string, number> = new Map()
  /** Whether the last round asked for anything: a mesh in which nothing is to be warm costs nothing. */
  #asked = false
  #stopped = false

  constructor(options: ProvisioningOptions) {
    this.#o = options
  }

  start(): void {
    const { mesh, catalog, clock, invocation } = this.#o
    this.#timer = clock.every(PERIOD_MS, () => this.#round())
    this.#unsubscribe = catalog.onChange((kind, name) => {
      if (kind !== 'function') return
      const record = catalog.get('function', name)
      if (record !== undefined && Object.values(record.qualifiers ?? {}).some(({ provisioned }) => provisioned !== undefined))
        this.#round()
    })
    mesh.onPeer(() => this.#settle())
    // At once: one that is about to go waits for it.
    invocation.onDraining(() => this.changed())
    invocation.latency.onChange(() => this.changed())
    this.#round()
  }

  /** What is to be warm over the whole mesh. */
  get floor(): readonly WarmOrder[] {
    return [...this.#wanted().values()]
  }

  /** A node takes work again, or takes no more. */
  changed(): void {
    if (!this.#stopped) this.#round()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#settling?.cancel()
    this.#unsubscribe?.()
  }

  /** Instances of a version that this node is to keep. */
  here(functionName: string, version: string): number {
    const record = this.#o.catalog.get('function', functionName)
    const found = record === undefined ? undefined : versionOf(this.#o.catalog, record, version)
    return found === undefined ? 0 : (this.#own.get(found.revisionId) ?? 0)
  }

  #settle(): void {
    this.#settling?.cancel()
    if (this.#stopped) return
    this.#settling = this.#o.clock.after(SETTLE_MS, () => this.#round())
  }

  #round(): void {
    const { mesh, keepWarm } = this.#o
    const wanted = this.#wanted()
    if (wanted.size === 0 && !this.#asked) return
    this.#asked = wanted.size > 0
    const needs = [...wanted].map(([key, { count }]) => ({ key, count }))
    this.#own = placeWarm(needs, this.#nodes()).get(mesh.peerId) ?? new Map()
    // Also where none are this node's: what is idle of it is not kept for long then.
    keepWarm([...wanted].map(([key, order]) => ({ ...order, count: this.#own.get(key) ?? 0 })))
  }

  /** By revision. */
  #wanted(): Map<string, WarmOrder> {
    const wanted = new Map<string, WarmOrder>()
    const provisioned = this.#o.catalog.list('function').flatMap((record) => this.#ordersOf(record))
    for (const order of [...provisioned, ...this.#latencyOrders()]) {
      // What is wanted twice, for a target and by its number or an alias, is the same instances.
      const other = wanted.get(order.version.revisionId)
      if (other === undefined || other.count < order.count) wanted.set(order.version.revisionId, order)
    }
    return wanted
  }

  #ordersOf(record: FunctionRecord): WarmOrder[] {
    return Object.entries(record.qualifiers ?? {}).flatMap(([qualifier, { provisioned }]) => {
      if (provisioned === undefined) return []
      const version = versionOf(this.#o.catalog, record, aliasOf(record, qualifier)?.version ?? qualifier)
      if (version === undefined) return []
      return [{ functionName: record.name, account: record.account, version, count: provisioned.requested }]
    })
  }

  #latencyOrders(): WarmOrder[] {
    const { catalog, invocation } = this.#o
    return invocation.latency.wanted().flatMap(({ functionName, version, count }) => {
      const record = catalog.get('function', functionName)
      const found = record === undefined ? undefined : versionOf(catalog, record, version)
      if (record === undefined || found === undefined) return []
      return [{ functionName, account: record.account, version: found, count, lean: true }]
    })
  }

  /** Who has not said yet how many slots it has can be counted in when it has. */
  #nodes(): WarmNode[] {
    const { mesh, slots, invocation, draining } = this.#o
    const peers = mesh.peers().flatMap((node) => {
      const load = invocation.loadOf(node)
      return load === undefined || load.draining ? [] : [{ node, slots: load.slots }]
    })
    return draining() ? peers : [{ node: mesh.peerId, slots }, ...peers]
  }
}
