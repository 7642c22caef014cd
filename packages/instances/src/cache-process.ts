import type { Clock, Logger, OnPart, OnReply } from '@peerless/interface'
import type { LoadOrder, SandboxCode } from '@peerless/sandbox'
import type { Supply } from './bundle-delivery.ts'
import { CODE_CACHE_BYTES_MAX } from './code-cache-store.ts'
import { ExecutorProcess } from './executor-process.ts'
import { EXECUTOR_OVERHEAD_MB, MEMORY_PERIOD_MS } from './limits.ts'
import type { Machine } from './machine.ts'
import { residentMb } from './memory-watch.ts'
import { checkDescriptors } from './spare-descriptors.ts'

/** V8 compiles 1 MB in some 50 ms; whoever takes so much longer is ended. */
const COMPILE_MS_MAX = 20_000
/** What the process may hold: an isolate that compiles (packages/sandbox, code-cache.ts), and Node itself. */
const COMPILE_MB_MAX = 1_280
/** Beside `initMsMax` of the order, which the script has: a process starts, and a cache is written. */
const EVALUATE_MS_MAX = 2_000

export interface CacheMachinery {
  readonly code: SandboxCode
  readonly machine: Machine
  readonly clock: Clock
  readonly logger: Logger
}

/** A process that makes V8's code caches: of bundles that nobody runs in it, and at its end of one that was run once. */
export class CacheProcess {
  readonly #clock: Clock
  readonly #executor: ExecutorProcess
  compiles = 0

  /** @throws the system's error where it has no room for a process */
  constructor({ code, machine, clock, logger }: CacheMachinery, number: number) {
    this.#clock = clock
    const nothing = () => undefined
    const group = machine.groups?.create(COMPILE_MB_MAX)
    try {
      checkDescriptors()
      this.#executor = new ExecutorProcess({
        code,
        logger,
        confinement: machine.confinement,
        group,
        number,
        egress: undefined,
        compiles: true,
        events: { onLog: nothing, egressOriginOf: nothing, onCatastrophe: () => this.kill(), onExit: nothing }
      })
    } catch (error) {
      void group?.remove()
      throw error
    }
  }

  get alive(): boolean {
    return this.#executor.alive
  }

  /** @throws PeerlessError where it can't be compiled, takes too long, or is larger than CODE_CACHE_BYTES_MAX */
  async compile(cid: string, bundle: Uint8Array): Promise<Uint8Array> {
    this.compiles++
    const cache = await this.#gather(COMPILE_MS_MAX, (onPart, done) => this.#executor.compile(cid, bundle, onPart, done))
    this.#executor.forgetBundle(cid)
    return cache
  }

  /** Afterwards nothing else may be made in it. @throws PeerlessError as `compile`, and where its memory is exceeded */
  async evaluate(order: LoadOrder, supply: Supply): Promise<Uint8Array> {
    const boundMb = order.memoryMb + EXECUTOR_OVERHEAD_MB
    this.#executor.allowMemory(boundMb)
    const watch = this.#clock.every(MEMORY_PERIOD_MS, () => void this.#look(boundMb))
    try {
      return await this.#gather(order.initMsMax + EVALUATE_MS_MAX, (onPart, done) =>
        this.#executor.evaluate(order, supply, onPart, done)
      )
    } finally {
      watch.cancel()
    }
  }

  kill(): void {
    this.#executor.kill()
  }

  /** Resolves when it is gone. */
  async ended(): Promise<void> {
    await this.#executor.ended()
  }

  async #look(boundMb: number): Promise<void> {
    const { pid } = this.#executor
    const used = pid === undefined ? undefined : await residentMb(pid)
    if (used !== undefined && used > boundMb) this.kill()
  }

  async #gather(msMax: number, ask: (onPart: OnPart, done: OnReply) => void): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let length = 0
    await new Promise<void>((resolve, reject) => {
      const timer = this.#clock.after(msMax, () => this.kill())
      ask(
        (_, part) => {
          length += part.length
          if (length > CODE_CACHE_BYTES_MAX) this.kill()
          else parts.push(new Uint8Array(part))
        },
        (error) => {
          timer.cancel()
          if (error === undefined) resolve()
          else reject(error)
        }
      )
    })
    return Buffer.concat(parts)
  }
}
