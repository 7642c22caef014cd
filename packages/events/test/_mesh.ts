import {
  type AsyncOrder,
  type AsyncResult,
  type Catalog,
  type CatalogKind,
  type Clock,
  type FunctionRecord,
  PeerlessError,
  type Timer
} from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, VirtualClock } from '@peerless/testing'
import { createEvents, type EventsService } from '../src/index.ts'

/** What the nodes of one mesh share here: a catalog that is everywhere at once, and a queue that knows every id. */
export class Mesh {
  readonly clock = new VirtualClock()
  readonly startedAt = this.clock.monotonic()
  readonly random = new SeededRandom(3)
  readonly network = new MemoryNetwork(this.random)
  readonly accepted: { node: string; order: AsyncOrder; at: number }[] = []
  readonly nodes = new Map<string, EventsService>()
  /** Nodes whose queue does not hear of the others'. */
  known = new Set<string>()
  readonly #entries = new Map<string, unknown>([
    ['function/f', { name: 'f', account: 'default', latest: { version: '$LATEST' } }]
  ])
  readonly #listeners = new Set<(kind: CatalogKind, name: string) => void>()

  readonly #gates = new Map<string, Gate>()
  /** Nodes that take no new work, as all know at once. */
  readonly draining = new Set<string>()
  /** Nodes whose queue takes nothing more. */
  readonly closed = new Set<string>()

  up(name: string): EventsService {
    const gate = new Gate(this.clock)
    this.#gates.set(name, gate)
    const events = createEvents({
      catalog: this.#catalog(),
      mesh: this.network.join(name),
      queue: {
        accept: async (order) => {
          if (this.closed.has(name)) throw new PeerlessError('UNAVAILABLE', 'this node is draining; call another')
          this.accepted.push({ node: name, order, at: this.clock.now() })
          this.known.add(order.requestId)
        },
        result: async (id) => (this.known.has(id) ? ({ requestId: id } as AsyncResult) : undefined)
      },
      isDraining: (peerId) => this.draining.has(peerId),
      clock: gate,
      random: this.random,
      logger: new MemoryLogger(),
      region: 'eu-west-1',
      accountId: '123456789012'
    })
    events.listen()
    events.start()
    this.nodes.set(name, events)
    return events
  }

  crash(name: string): void {
    this.nodes.get(name)?.stop()
    this.nodes.delete(name)
    this.network.leave(name)
  }

  /** The node stands still, as by SIGSTOP or without power. Its peers give it up when they have heard nothing for 5.25 s (packages/mesh: 4.5 to 6). */
  freeze(name: string): void {
    const gate = this.#gates.get(name) as Gate
    const frozenAt = this.clock.monotonic()
    gate.frozen = true
    this.network.freeze(name, () => this.clock.monotonic() - frozenAt)
    gate.givenUp = false
    gate.timer = this.clock.after(5_250, () => {
      gate.givenUp = true
      this.network.partition(
        [name],
        [...this.nodes.keys()].filter((other) => other !== name)
      )
    })
  }

  /** It goes on, and is connected again a second later where its peers gave it up. */
  thaw(name: string): void {
    const gate = this.#gates.get(name) as Gate
    gate.timer?.cancel()
    if (gate.givenUp) this.clock.after(1_000, () => this.network.heal())
    gate.frozen = false
    // Node runs timers before it reads sockets.
    for (const run of gate.held.splice(0)) run()
    this.network.thaw(name)
  }

  /** Its wall clock is wrong by so much from now on. */
  shiftClock(name: string, aheadMs: number): void {
    const gate = this.#gates.get(name) as Gate
    gate.aheadMs = aheadMs
  }

  /** A function is made, or made anew by another account. */
  async deploy(name: string, account: string): Promise<void> {
    await this.#catalog().put('function', name, { name, account, latest: { version: '$LATEST' } } as unknown as FunctionRecord)
  }

  any(): EventsService {
    return [...this.nodes.values()][0] as EventsService
  }

  #catalog(): Catalog {
    return {
      get: (kind: CatalogKind, name: string) => this.#entries.get(`${kind}/${name}`),
      list: (kind: CatalogKind) => [...this.#entries].filter(([key]) => key.startsWith(`${kind}/`)).map(([, value]) => value),
      put: async (kind: CatalogKind, name: string, value: unknown) => {
        this.#entries.set(`${kind}/${name}`, value)
        for (const listener of this.#listeners) listener(kind, name)
      },
      remove: async (kind: CatalogKind, name: string) => {
        const was = this.#entries.delete(`${kind}/${name}`)
        for (const listener of this.#listeners) listener(kind, name)
        return was
      },
      inTurn: (_kind: CatalogKind, _name: string, task: () => Promise<never>) => task(),
      onChange: (listener: (kind: CatalogKind, name: string) => void) => {
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      }
    } as Catalog
  }
}

/** The clock of a node that can stand still: what falls due meanwhile runs when it goes on, an interval once. */
class Gate implements Clock {
  readonly #clock: VirtualClock
  frozen = false
  /** By which its wall clock is wrong. */
  aheadMs = 0
  givenUp = false
  timer: Timer | undefined
  readonly held: (() => void)[] = []

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now() + this.aheadMs
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, this.#gated(run))
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#clock.every(periodMs, this.#gated(run))
  }

  #gated(run: () => void): () => void {
    return () => {
      if (!this.frozen) run()
      else if (!this.held.includes(run)) this.held.push(run)
    }
  }
}

/** Scheduled times of what was accepted, in the order in which it was. */
export const timesOf = (mesh: Mesh) =>
  mesh.accepted.map(({ order }) => JSON.parse(Buffer.from(order.payload).toString()).time as string)
