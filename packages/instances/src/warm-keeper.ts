import { type Launchable, launchAhead } from './launch-ahead.ts'
import type { PrewarmerOptions } from './prewarmer.ts'
import type { OnOutcome } from './types.ts'

/** Instances launched ahead in one round: a version whose start fails must not take all of the node. */
const LAUNCHES_PER_ROUND_MAX = 16

/** So many instances of a version are to be there before anyone calls. */
export interface WarmOrder extends Launchable {
  readonly count: number
  /** What is idle beyond `count` is taken away soon, not after the time that idle instances live else. */
  readonly lean?: boolean | undefined
}

/** Provisioned concurrency and latency targets: launches what is missing, and tells the reaper what to leave. */
export class WarmKeeper {
  readonly #options: Omit<PrewarmerOptions, 'instancesMax'>
  #kept: ReadonlyMap<string, WarmOrder> = new Map()

  constructor(options: Omit<PrewarmerOptions, 'instancesMax'>) {
    this.#options = options
  }

  /** By revision: so many idle instances are not taken away for their age. */
  get kept(): ReadonlyMap<string, WarmOrder> {
    return this.#kept
  }

  /** Until the next time: launches what is missing now. */
  keep(orders: readonly WarmOrder[]): void {
    this.#kept = new Map(orders.map((order) => [order.version.revisionId, order]))
    const { present, room } = this.#options
    let left = LAUNCHES_PER_ROUND_MAX
    for (const order of orders) {
      const missing = order.count - present(order.version.revisionId)
      for (let launched = 0; launched < missing && left > 0 && room(); launched++, left--) this.#launchOne(order)
    }
  }

  #launchOne(order: WarmOrder): void {
    const { functionName, version } = order
    const { random, logger, launch } = this.#options
    const done: OnOutcome = (outcome) => {
      if (outcome.status === 'refused' || outcome.status === 'ok') return
      logger.warn('an instance could not be launched ahead', {
        function: functionName,
        version: version.version,
        status: outcome.status
      })
    }
    launch(launchAhead(order, random.uuid()), done)
  }
}
