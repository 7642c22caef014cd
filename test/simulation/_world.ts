import { BeaconTable, PeerLoad, PlacementOrder, type Report, ReportBoard, type Told } from '@peerless/routing'
import { SeededRandom } from '@peerless/testing'
import { connectionsOf } from './_connections.ts'
import { LeastTree } from './_least-tree.ts'
import type { SimulationOptions } from './_options.ts'
import type { World } from './_policies.ts'
import { SimNode } from './_sim-node.ts'
import { normal } from './_workload.ts'

/** Orders kept over all nodes where each has its own: hundreds of MB, and working one out of a hundred peers is cheap. */
const ORDERS_KEPT_OF_ALL_MAX = 200_000

/** What is there: the nodes, what each of them knows of the others, and how far they are from each other. */
export class SimWorld implements World {
  readonly nodes: SimNode[] = []
  readonly warm = new Map<string, Set<SimNode>>()
  readonly loads: LeastTree
  /** Calls of mean length that all together could run at a time. */
  readonly capacity: number
  /** Who is connected with whom, by index. undefined: all with all. */
  readonly #connections: readonly (readonly number[])[] | undefined
  readonly #o: SimulationOptions
  readonly #chance: SeededRandom
  /** Every report there is. Where all are connected with all it is everybody's board. */
  readonly #board = new ReportBoard()
  /** What reports say of each node, as the nodes of a zone see it. */
  readonly #views: PeerLoad[][]
  /** One for each zone, or one for each node. */
  readonly #orders: PlacementOrder[]
  readonly #boards: ReportBoard[]
  readonly #tables: BeaconTable[]
  #now = 0

  constructor(options: SimulationOptions) {
    this.#o = options
    const o = options
    this.#chance = new SeededRandom(o.seed * 7_919 + 1)
    this.loads = new LeastTree(o.nodes, 0)
    const watch =
      o.policy === 'omniscient'
        ? { warm: this.warm, changed: (node: SimNode) => this.loads.set(node.index, openLoad(node)) }
        : undefined
    for (let index = 0; index < o.nodes; index++) {
      const [slots, speed] = [o.slots[index % o.slots.length] as number, o.speeds[index % o.speeds.length] as number]
      this.nodes.push(new SimNode(index, index % o.zones, slots, speed, o.keepMs, watch))
    }
    this.capacity = this.nodes.reduce((sum, { slots, speed }) => sum + slots * speed, 0)
    this.#connections = o.connections === undefined ? undefined : connectionsOf(o.nodes, o.connections, o.seed)
    this.#views = Array.from({ length: o.zones }, (_, zone) => this.nodes.map((node) => viewOf(node, zone)))
    // What is not asked needs no tables: those of ten thousand nodes are some hundred MB.
    const asked = o.policy === 'peerless'
    const connections = this.#connections
    if (!asked) this.#orders = []
    else if (connections === undefined) {
      this.#orders = Array.from({ length: o.zones }, (_, zone) => this.#orderOf(zone, this.nodes, o.functions))
    } else {
      const kept = Math.max(1, Math.floor(ORDERS_KEPT_OF_ALL_MAX / o.nodes))
      this.#orders = this.nodes.map((node) => this.#orderOf(node.zone, [node, ...this.#peersOf(node)], kept))
    }
    this.#boards = this.#orders.map(() => (connections === undefined ? this.#board : new ReportBoard(this.#board.usualIdle)))
    this.#tables = asked ? this.nodes.map((node) => this.#newTable(node)) : []
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

  /** Connections of a node, in the mean over all. */
  get degree(): number {
    if (this.#connections === undefined) return this.nodes.length - 1
    return this.#connections.reduce((sum, { length }) => sum + length, 0) / this.nodes.length
  }

  /** Who hears a node's reports: undefined is everybody. */
  audienceOf(node: SimNode): readonly SimNode[] | undefined {
    return this.#connections === undefined ? undefined : this.#peersOf(node)
  }

  /** A report arrives, at all who are connected with the node at this moment. */
  heard(told: Told, from: SimNode): void {
    const report = this.#board.put(told)
    if (report === undefined) return
    if (this.#o.policy === 'peerless') this.#tell(report, from)
    else if (this.#o.policy !== 'omniscient') this.loads.set(from.index, report.busy / report.slots)
  }

  #tell(report: Report, from: SimNode): void {
    for (const views of this.#views) (views[from.index] as PeerLoad).take(report)
    const peers = this.#connections?.[from.index]
    if (peers === undefined) {
      // A node that came back is known again from its first report on.
      for (const [zone, order] of this.#orders.entries()) this.#show(order, from, zone)
    } else for (const index of peers) (this.#boards[index] as ReportBoard).take(report)
  }

  #show(order: PlacementOrder, node: SimNode, zone: number): void {
    const place = order.get(node.id)
    if (place !== undefined) place.known = (this.#views[zone] as PeerLoad[])[node.index]
  }

  /** The others have noticed that it is down. */
  forget(node: SimNode): void {
    this.#board.remove(node.id)
    if (this.#o.policy !== 'omniscient') this.loads.set(node.index, 0)
    for (const views of this.#views) views[node.index] = viewOf(node, this.#views.indexOf(views))
    const peers = this.#connections?.[node.index]
    if (peers === undefined) for (const order of this.#orders) order.remove(node.id)
    else {
      for (const index of peers) {
        this.#orders[index]?.remove(node.id)
        this.#boards[index]?.remove(node.id)
      }
    }
  }

  /** It is there again, with nothing of what it had. */
  revive(node: SimNode): void {
    node.become('no', false)
    node.crash()
    const peers = this.#connections?.[node.index]
    if (peers === undefined) for (const order of this.#orders) order.add(node.id)
    else {
      for (const index of peers) {
        const order = this.#orders[index]
        order?.add(node.id)
        if (order !== undefined) this.#show(order, node, (this.nodes[index] as SimNode).zone)
      }
    }
  }

  #peersOf(node: SimNode): SimNode[] {
    return (this.#connections?.[node.index] ?? []).map((index) => this.nodes[index] as SimNode)
  }

  #orderOf(zone: number, members: readonly SimNode[], keptMax: number): PlacementOrder {
    const order = new PlacementOrder(keptMax)
    for (const node of members) order.add(node.id)
    const { networkMs, zoneMs, zones } = this.#o
    if (zones > 1) {
      const zoneOf = new Map(members.map((node) => [node.id, node.zone]))
      order.rezone((id) => 2 * (networkMs + (zoneOf.get(id) === zone ? 0 : zoneMs)))
    }
    // Who is connected is known from the start, as a daemon's table has it; where all are with all, by the first report.
    if (this.#connections !== undefined) for (const node of members) this.#show(order, node, zone)
    return order
  }

  #newTable(node: SimNode): BeaconTable {
    const at = this.#connections === undefined ? node.zone : node.index
    return new BeaconTable(node.id, { board: this.#boards[at] as ReportBoard, order: this.#orders[at] as PlacementOrder })
  }
}

function viewOf(node: SimNode, zone: number): PeerLoad {
  const view = new PeerLoad(node.id)
  view.far = node.zone !== zone
  return view
}

/** Share of its slots that is taken or about to be; nothing can be sent where it is Infinity. */
function openLoad({ busy, coming, slots, failing, draining }: SimNode): number {
  return busy + coming < slots && failing === 'no' && !draining ? (busy + coming) / slots : Number.POSITIVE_INFINITY
}
