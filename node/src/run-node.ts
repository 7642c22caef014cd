import { isatty } from 'node:tty'
import type { NodeOptions } from './options.ts'
import { clock, loggerOf } from './platform.ts'
import { guardProcess } from './process-guard.ts'
import { type RunningNode, startNode } from './start-node.ts'

/**
 * Runs a node until it is told to stop (SIGINT, SIGTERM, at a terminal SIGHUP): the first signal drains, the second ends it at once. Or until it has left its mesh.
 * @throws what `startNode` throws; nothing is left running then
 */
export async function runNode(options: NodeOptions): Promise<void> {
  const logger = loggerOf(options)
  guardProcess(logger)
  const signal = new FirstSignal(stoppingSignals())
  const node = await startNode(options, logger)
  announce(node, options)
  const name = await Promise.race([signal.name, node.left])
  if (!options.json)
    console.error(name === undefined ? 'this node has left its mesh' : `${name}: finishing what runs; once more ends it at once`)
  signal.letGo()
  await node.stop()
}

function announce(node: RunningNode, options: NodeOptions): void {
  if (options.json) {
    console.log(
      JSON.stringify({ ready: true, http: node.http, peerId: node.peerId, mesh: node.meshId, dataDir: options.dataDirectory })
    )
    return
  }
  console.log(`peerless is up on ${node.http}`)
  console.log(`  node ${node.peerId}`)
  console.log(`  mesh ${node.meshId}`)
  console.log(`  data ${options.dataDirectory}`)
  if (options.sample === true) console.log(`  try  curl '${node.http}/fn/hello?name=Ada'`)
}

/** One Ctrl-C can arrive twice: from the terminal, which signals the whole group, and from npm, which passes it on. */
const REPEAT_MS = 500

type StoppingSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/**
 * SIGHUP says that the terminal is gone. Who started a node without one (`nohup`, a service) wants it to outlive every terminal; that `nohup` has it ignored, Node undoes at its
 * start, so it is ignored here.
 */
function stoppingSignals(): StoppingSignal[] {
  if ([0, 1, 2].some((descriptor) => isatty(descriptor))) return ['SIGINT', 'SIGTERM', 'SIGHUP']
  process.on('SIGHUP', () => undefined)
  return ['SIGINT', 'SIGTERM']
}

/** The first signal to stop; the second exits with its number. Keeps the process alive until then. */
class FirstSignal {
  readonly name: Promise<NodeJS.Signals>
  readonly #alive = setInterval(() => undefined, 60_000)

  constructor(names: readonly StoppingSignal[]) {
    this.name = new Promise((resolve) => {
      let firstAt: number | undefined
      for (const name of names) {
        process.on(name, () => {
          const now = clock.monotonic()
          if (firstAt === undefined) {
            firstAt = now
            this.letGo()
            resolve(name)
          } else if (now - firstAt > REPEAT_MS) {
            process.exit(128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[name])
          }
        })
      }
    })
  }

  /** The process ends by itself from now on, when nothing is to be done any more. */
  letGo(): void {
    clearInterval(this.#alive)
  }
}
