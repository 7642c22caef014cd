import { messageOf } from '@peerless/interface'
import type { FromFront, ToFront } from './front-message.ts'
import type { NodeOptions } from './options.ts'
import { loggerOf } from './platform.ts'
import { guardProcess } from './process-guard.ts'
import { type RunningNode, startNode } from './start-node.ts'

/**
 * The process of a further front: a node of its own, whose options come from the machine's first front over the channel between the two. It ends when it is told
 * to, after finishing what runs; and at once when its first front is gone: who killed that one meant them all.
 */
class FrontProcess {
  #node: Promise<RunningNode> | undefined
  #stopping = false

  listen(): void {
    process.on('message', (message: ToFront) => {
      if ('start' in message) this.#node ??= this.#start(message.start)
      else if ('draining' in message) void this.#node?.then((node) => node.setDraining(message.draining))
      else if ('giveAway' in message) void this.#giveAway(message.giveAway)
      else void this.#stop()
    })
    process.on('disconnect', () => process.exit(1))
    process.on('SIGTERM', () => void this.#stop())
  }

  async #start(options: NodeOptions): Promise<RunningNode> {
    const logger = loggerOf(options).child({ front: options.front?.number })
    guardProcess(logger)
    try {
      const node = await startNode(options, logger)
      tell({ ready: { peerId: node.peerId } })
      return node
    } catch (error) {
      tell({ failed: messageOf(error) }, () => process.exit(1))
      return await new Promise(() => undefined)
    }
  }

  async #giveAway(on: boolean): Promise<void> {
    const node = await this.#node
    if (!on) {
      node?.keep()
      return
    }
    try {
      tell({ left: (await node?.giveAway()) ?? { events: 0, ends: 0 } })
    } catch (error) {
      tell({ failed: messageOf(error).slice(0, 1_000) })
    }
  }

  async #stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    const node = await this.#node
    await node?.stop()
    process.exit(0)
  }
}

function tell(message: FromFront, done: () => void = () => undefined): void {
  process.send?.(message, done)
}

new FrontProcess().listen()
