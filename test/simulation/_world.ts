import { BeaconTable, type PeerLoad, PlacementOrder, ReportBoard } from '@peerless/routing'
import { SeededRandom } from '@peerless/testing'
import type { SimulationOptions } from './_options.ts'
import type { World } from './_policies.ts'
import { SimNode } from './_sim-node.ts'
import { normal } from './_workload.ts'

/** What is there: the nodes, what each of them knows of the others, and how far they are from each other. */
export class SimWorld implements World {
  readonly nodes: SimNode[] = []
  readonly board = new ReportBoard()
  readonly warm = new Map<string, Set<SimNode>>()
  /** Calls of mean length that all together could run at a time. */
  readonly capacity: number
  readonly #o: SimulationOptions
  readonly #chance: SeededRandom
  readonly #orders: PlacementOrder[]
  readonly #views: Map<string, PeerLoad>[]
  readonly #tables: BeaconTable[] = []
  #now = 0

  constructor(options: SimulationOptions) {
    this.#o = options
    const o = options
    this.#chance = new SeededRandom(o.seed * 7_919 + 1)
    for (let index = 0; index < o.nodes; index++) {
      const [slots, speed] = [o.slots[index % o.slots.length] as number, o.speeds[index % o.speeds.length] as number]
      this.nodes.push(new SimNode(index, index % o.zones, slots, speed, o.keepMs, this.warm))
    }
    this.capacity = this.nodes.reduce((sum, { slots, speed }) => sum + slots * speed, 0)
    this.#orders = Array.from({ length: o.zones }, (_, zone) => this.#orderOf(zone))
    this.#views = this.#orders.map(() => new Map())
    for (const node of this.nodes) this.#tables.push(this.#newTable(node))
  }

  tableOf(node: SimNode): BeaconTable {
    return this.#tables[node.index] as BeaconTable
  }

  random(): number {
    return this.#chance.next()
  }

  now(): number {
    return this.#now
  }

  /** It is so late now. */
  at(now: number): void {
    this.#now = now
  }

  /** Milliseconds of one way, drawn anew each time. */
  oneWay(a: SimNode, b: SimNode): number {
    const near = this.#o.networkMs * Math.exp(0.5 * normal(() => this.random()))
    return a.zone === b.zone ? near : near + this.#o.zoneMs
  }

  /** The others have noticed that it is down. */
  forget(node: SimNode): void {
    for (const order of this.#orders) order.remove(node.id)
    this.board.remove(node.id)
  }

  /** It is there again, with nothing of what it had. */
  revive(node: SimNode): void {
    node.failing = 'no'
    node.draining = false
    node.crash()
    for (const order of this.#orders) order.add(node.id)
  }

  #orderOf(zone: number): PlacementOrder {
    const order = new PlacementOrder()
    for (const node of this.nodes) order.add(node.id)
    const { networkMs, zoneMs, zones } = this.#o
    if (zones > 1) {
      const zoneOf = new Map(this.nodes.map((node) => [node.id, node.zone]))
      order.rezone((id) => 2 * (networkMs + (zoneOf.get(id) === zone ? 0 : zoneMs)))
    }
    return order
  }

  #newTable(node: SimNode): BeaconTable {
    const order = this.#orders[node.zone] as PlacementOrder
    return new BeaconTable(node.id, { board: this.board, order, views: this.#views[node.zone] as Map<string, PeerLoad> })
  }
}
