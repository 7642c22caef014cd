import { type Clock, type Logger, messageOf, type Timer } from '@peerless/interface'
import { LEDGER_LIMITS } from './limits.ts'
import { itemisedFromAt } from './retention.ts'
import type { CoreHost } from './runner.ts'

export interface PrunerOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly host: CoreHost
  /** How long each receipt is kept, in milliseconds. */
  readonly keepMs: number
  /** How far apart two looks at the clock are. */
  readonly checkMs: number
}

/** Tells the core when receipts have become old, and has it forget them in steps, between which it does its other work. */
export class Pruner {
  readonly #options: PrunerOptions
  #timer: Timer | undefined
  /** What the last look at the clock said; a clock that jumps ahead for less than the time between two looks costs nothing. */
  #said: number | undefined
  #running = false

  constructor(options: PrunerOptions) {
    this.#options = options
  }

  start(): void {
    this.#look()
    this.#timer = this.#options.clock.every(this.#options.checkMs, () => this.#look())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #look(): void {
    const { clock, keepMs } = this.#options
    const now = itemisedFromAt(clock.now(), keepMs, LEDGER_LIMITS.prunePeriodMs)
    const agreed = this.#said === undefined ? undefined : Math.min(now, this.#said)
    this.#said = now
    if (agreed === undefined || this.#running) return
    this.#running = true
    this.#prune(agreed)
      .catch((error: unknown) => this.#options.logger.debug('ledger: pruning ended early', { reason: messageOf(error) }))
      .finally(() => {
        this.#running = false
      })
  }

  async #prune(itemisedFrom: number): Promise<void> {
    const { host, logger } = this.#options
    let statements = 0
    for (let again = true; this.#timer !== undefined; again = false) {
      const { removed, more } = await host.call({ op: 'prune', itemisedFrom, again })
      statements += removed
      if (more) continue
      if (statements > 0) {
        logger.info('ledger: receipts that are no longer kept were removed', {
          statements,
          itemisedFrom: new Date(itemisedFrom).toISOString()
        })
      }
      return
    }
  }
}
