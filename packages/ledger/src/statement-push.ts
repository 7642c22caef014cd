import { type Clock, type Logger, MESSAGE, type Mesh, messageOf, type Reply, type Timer, TOPIC } from '@peerless/interface'
import { ByteWriter } from './bytes.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { readStatements, statementBytes, writeStatement } from './statement.ts'

export interface StatementPushOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly logger: Logger
  /** Up to so many connected peers each gets what is new directly; above, gossip spreads it. */
  readonly directPeersMax: number
  /** The statements with these hashes, in this order, as many as one message holds. */
  readonly read: (hashes: Uint8Array[]) => Promise<Uint8Array>
  readonly call: (peer: string, type: number, header: unknown, payload: Uint8Array) => Promise<Reply>
}

/** Statements on their way to one peer: one message at a time, so that a slow one is not sent more than it takes. */
interface Queue {
  readonly batches: Uint8Array[]
  sending: boolean
}

/**
 * Carries what has newly come to count here to the nodes that do not have it: the statements themselves, from the one node that made them, joined over a time
 * that grows with the mesh. Were each announced and then asked for, N nodes would cost N² requests in every such time; so each node sends and takes
 * about as many messages in a mesh of sixty as in one of five. What is lost comes with anti-entropy.
 *
 *   LEDGER_PUSH  [] + statements  → []
 *   gossip       statements; or nothing, when they are too large for gossip: whoever is connected asks for them
 */
export class StatementPush {
  readonly #options: StatementPushOptions
  readonly #queues = new Map<string, Queue>()
  readonly #running = new Set<Promise<void>>()
  #fresh: Uint8Array[] = []
  #timer: Timer | undefined
  #spreading = false
  #stopped = false

  constructor(options: StatementPushOptions) {
    this.#options = options
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** A statement that this node made counts, or proves a fork. */
  made(hash: Uint8Array): void {
    if (this.#stopped) return
    this.#fresh.push(hash)
    if (this.#fresh.length > LEDGER_LIMITS.pushHashesMax) this.#fresh.shift()
    const { clock, mesh } = this.#options
    this.#timer ??= clock.after(pushPeriodMs(mesh.peers().length), () => {
      this.#timer = undefined
      this.#run(this.#spread())
    })
  }

  /** Sends at once what waits to be sent. Resolves when the peers have taken it, or did not. */
  async settled(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#run(this.#spread())
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** @param work that does not throw */
  #run(work: Promise<void>): void {
    const running = work.finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** One at a time: a statement goes after those that it follows. What comes meanwhile waits in the bounded list. */
  async #spread(): Promise<void> {
    if (this.#spreading) return
    this.#spreading = true
    try {
      while (this.#fresh.length > 0 && !this.#stopped) {
        if (this.#options.mesh.peers().length === 0) {
          // Who comes later asks for all that is here.
          this.#fresh = []
          break
        }
        const hashes = this.#fresh.splice(0, LEDGER_LIMITS.pullHashesMax)
        const batch = await this.#options.read(hashes)
        const { length } = readStatements(batch, LEDGER_LIMITS.pullHashesMax)
        if (length === 0) continue
        this.#fresh.unshift(...hashes.slice(length))
        const peers = this.#options.mesh.peers()
        if (peers.length > this.#options.directPeersMax) this.#publish(batch)
        else for (const peer of peers) this.#queue(peer, batch)
      }
    } catch (error) {
      this.#options.logger.debug('ledger: new statements were not sent, anti-entropy brings them', { reason: messageOf(error) })
    } finally {
      this.#spreading = false
    }
  }

  #queue(peer: string, batch: Uint8Array): void {
    const queue = this.#queues.get(peer) ?? { batches: [], sending: false }
    this.#queues.set(peer, queue)
    queue.batches.push(batch)
    if (queue.batches.length > LEDGER_LIMITS.pushesQueuedMax) queue.batches.shift()
    if (!queue.sending) this.#run(this.#send(peer, queue))
  }

  async #send(peer: string, queue: Queue): Promise<void> {
    queue.sending = true
    try {
      for (let batch = queue.batches.shift(); batch !== undefined && !this.#stopped; batch = queue.batches.shift()) {
        await this.#options.call(peer, MESSAGE.LEDGER_PUSH, [], batch)
      }
    } catch (error) {
      this.#options.logger.debug('ledger: a push ended early', { peer, reason: messageOf(error) })
    } finally {
      this.#queues.delete(peer)
    }
  }

  #publish(batch: Uint8Array): void {
    const { mesh } = this.#options
    let writer = new ByteWriter(LEDGER_LIMITS.gossipBytesMax)
    for (const statement of readStatements(batch, LEDGER_LIMITS.pullHashesMax)) {
      const bytes = statementBytes(statement)
      if (writer.length > 0 && writer.length + bytes > LEDGER_LIMITS.gossipBytesMax) {
        mesh.publish(TOPIC.LEDGER, writer.finish())
        writer = new ByteWriter(LEDGER_LIMITS.gossipBytesMax)
      }
      if (bytes > LEDGER_LIMITS.gossipBytesMax) mesh.publish(TOPIC.LEDGER, new Uint8Array(0))
      else writeStatement(writer, statement)
    }
    if (writer.length > 0) mesh.publish(TOPIC.LEDGER, writer.finish())
  }
}

/** So that a node sends at most a hundred pushes a second, however many peers there are. */
function pushPeriodMs(peers: number): number {
  return Math.max(LEDGER_LIMITS.pushMs, peers * LEDGER_LIMITS.pushMsPerPeer)
}
