import {
  type Carrier,
  type IncomingRequest,
  type Mesh,
  type OnPart,
  type OnReply,
  type PeerListener,
  PeerlessError,
  type Random,
  type Reply,
  type StreamedRequest,
  type Topic
} from '@peerless/interface'
import { Connection } from '@peerless/wire'
import { type MemoryChannel, memoryChannelPair } from './memory-channel.ts'

/** Faults of the gossip: per copy of a message, each from 0 to 1. Requests are never lost, only cut off by a partition. */
export interface GossipFaults {
  loss: number
  duplication: number
}

/** Meshes of many nodes in one process, joined by memory channels that a test can cut. */
export class MemoryNetwork {
  readonly meshId: string
  readonly faults: GossipFaults = { loss: 0, duplication: 0 }
  readonly #random: Random
  readonly #nodes = new Map<string, MemoryMesh>()
  readonly #cut = new Set<string>()

  constructor(random: Random, meshId = 'test-mesh') {
    this.#random = random
    this.meshId = meshId
  }

  /** Adds a node, connected with all that are there. */
  join(peerId: string): Mesh {
    const node = new MemoryMesh(this, peerId)
    this.#nodes.set(peerId, node)
    for (const other of this.#nodes.values()) if (other !== node) this.#link(node, other, true)
    return node
  }

  /** Takes a node away, as a crash does. */
  leave(peerId: string): void {
    const node = this.#nodes.get(peerId)
    if (node === undefined) return
    this.#nodes.delete(peerId)
    for (const other of this.#nodes.values()) this.#link(node, other, false)
  }

  /** Cuts every connection between the groups, not within them. */
  partition(...groups: string[][]): void {
    this.heal()
    for (const [index, group] of groups.entries()) {
      for (const other of groups.slice(index + 1).flat()) {
        for (const one of group) {
          this.#cut.add(key(one, other))
          this.#relink(one, other, false)
        }
      }
    }
  }

  /**
   * A node whose process stands still: what it is sent waits, and the others have heard nothing from it for `silentMs`. Timers and callbacks of its own are the
   * test's to stop.
   */
  freeze(peerId: string, silentMs: () => number): void {
    const node = this.#nodes.get(peerId)
    if (node === undefined) return
    node.freeze(true)
    for (const other of this.#nodes.values()) if (other !== node) other.silences.set(peerId, silentMs)
  }

  thaw(peerId: string): void {
    for (const other of this.#nodes.values()) other.silences.delete(peerId)
    this.#nodes.get(peerId)?.freeze(false)
  }

  heal(): void {
    for (const pair of [...this.#cut]) {
      this.#cut.delete(pair)
      const [one, other] = pair.split('|') as [string, string]
      this.#relink(one, other, true)
    }
  }

  /** @internal */
  gossip(from: string, topic: Topic, bytes: Uint8Array): void {
    for (const node of this.#nodes.values()) {
      if (node.peerId === from || this.#cut.has(key(from, node.peerId)) || this.#random.next() < this.faults.loss) continue
      const copies = this.#random.next() < this.faults.duplication ? 2 : 1
      for (let copy = 0; copy < copies; copy++) queueMicrotask(() => node.receive(from, topic, bytes))
    }
  }

  #relink(one: string, other: string, connected: boolean): void {
    const a = this.#nodes.get(one)
    const b = this.#nodes.get(other)
    if (a !== undefined && b !== undefined) this.#link(a, b, connected)
  }

  #link(a: MemoryMesh, b: MemoryMesh, connected: boolean): void {
    if (connected) {
      const [left, right] = memoryChannelPair()
      a.connect(b.peerId, left)
      b.connect(a.peerId, right)
    } else {
      a.disconnect(b.peerId)
      b.disconnect(a.peerId)
    }
  }
}

class MemoryMesh implements Mesh {
  readonly peerId: string
  readonly meshId: string
  readonly #network: MemoryNetwork
  readonly #connections = new Map<string, Connection>()
  readonly #channels = new Map<string, MemoryChannel>()
  /** Of frozen peers. */
  readonly silences = new Map<string, () => number>()
  readonly #handlers = new Map<number, (peerId: string, request: IncomingRequest) => void>()
  readonly #subscriptions = new Map<Topic, (from: string, bytes: Uint8Array) => void>()
  readonly #listeners: PeerListener[] = []

  constructor(network: MemoryNetwork, peerId: string) {
    this.#network = network
    this.peerId = peerId
    this.meshId = network.meshId
  }

  peers(): string[] {
    return [...this.#connections.keys()]
  }

  rttMs(peerId: string): number | undefined {
    return this.#connections.has(peerId) ? 0 : undefined
  }

  silentMs(peerId: string): number | undefined {
    return this.#connections.has(peerId) ? (this.silences.get(peerId)?.() ?? 0) : undefined
  }

  freeze(frozen: boolean): void {
    for (const channel of this.#channels.values()) channel.freeze(frozen)
  }

  request(peerId: string, type: number, header: unknown, payload: Uint8Array, done: OnReply): () => void {
    const connection = this.#connections.get(peerId)
    if (connection === undefined) {
      queueMicrotask(() => done(new PeerlessError('UNAVAILABLE', `no connection to ${peerId}`), undefined))
      return () => undefined
    }
    const id = connection.request(type, header, payload, done)
    return () => connection.cancel(id, new PeerlessError('DEADLINE_EXCEEDED', 'withdrawn'))
  }

  requestStreamed(
    peerId: string,
    type: number,
    header: unknown,
    payload: Uint8Array,
    onPart: OnPart,
    done: OnReply
  ): StreamedRequest {
    const connection = this.#connections.get(peerId)
    if (connection === undefined) {
      queueMicrotask(() => done(new PeerlessError('UNAVAILABLE', `no connection to ${peerId}`), undefined))
      return { credit: () => undefined, cancel: () => undefined }
    }
    const id = connection.requestStreamed(type, header, payload, onPart, done)
    return {
      credit: (bytes) => connection.credit(id, bytes),
      cancel: () => connection.cancel(id, new PeerlessError('DEADLINE_EXCEEDED', 'withdrawn'))
    }
  }

  async call(
    peerId: string,
    type: number,
    header: unknown,
    payload?: Uint8Array,
    options: { carrier?: Carrier; signal?: AbortSignal } = {}
  ): Promise<Reply> {
    const connection = this.#connections.get(peerId)
    if (connection === undefined) throw new PeerlessError('UNAVAILABLE', `no connection to ${peerId}`)
    return await connection.call(type, header, payload, options.signal)
  }

  tell(type: number, header: unknown): void {
    for (const connection of this.#connections.values()) connection.notify(type, header)
  }

  handle(type: number, handler: (peerId: string, request: IncomingRequest) => void): void {
    this.#handlers.set(type, handler)
  }

  publish(topic: Topic, bytes: Uint8Array): void {
    this.#network.gossip(this.peerId, topic, Uint8Array.from(bytes))
  }

  subscribe(topic: Topic, receive: (from: string, bytes: Uint8Array) => void): void {
    this.#subscriptions.set(topic, receive)
  }

  onPeer(listener: PeerListener): void {
    this.#listeners.push(listener)
  }

  receive(from: string, topic: Topic, bytes: Uint8Array): void {
    this.#subscriptions.get(topic)?.(from, bytes)
  }

  connect(peerId: string, channel: MemoryChannel): void {
    this.#channels.set(peerId, channel)
    const connection = createConnection(channel, (request) => {
      const handler = this.#handlers.get(request.type)
      if (handler === undefined) request.fail(new PeerlessError('MALFORMED', `no handler of request type ${request.type}`))
      else handler(peerId, request)
    })
    this.#connections.set(peerId, connection)
    queueMicrotask(() => {
      for (const listener of this.#listeners) listener(peerId, true)
    })
  }

  disconnect(peerId: string): void {
    const connection = this.#connections.get(peerId)
    if (connection === undefined) return
    this.#connections.delete(peerId)
    this.#channels.delete(peerId)
    connection.close(new Error('cut by the test'))
    for (const listener of this.#listeners) listener(peerId, false)
  }
}

function createConnection(
  channel: ConstructorParameters<typeof Connection>[0],
  onRequest: (request: IncomingRequest) => void
): Connection {
  return new Connection(channel, { onRequest, schedule: setImmediate })
}

function key(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}
