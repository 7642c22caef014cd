import type { WarmOrder } from '@peerless/instances'
import { type Clock, type InstanceStatus, type Logger, messageOf } from '@peerless/interface'

const LOOK_MS = 100

export interface FloorElsewhereOptions {
  /** What is to be warm over the whole mesh. */
  readonly provisioning: { readonly floor: readonly Pick<WarmOrder, 'version' | 'count'>[] }
  readonly invocation: { allInstances(): Promise<{ instances: InstanceStatus[] }> }
  readonly clock: Clock
  readonly logger: Logger
  /** Whether a node is this one, or on this machine and goes with it. */
  readonly isMate: (peerId: string) => boolean
}

/** Whether what is to be warm would be without this machine: the others launch what it held as soon as they hear that it drains. */
export class FloorElsewhere {
  readonly #o: FloorElsewhereOptions

  constructor(options: FloorElsewhereOptions) {
    this.#o = options
  }

  /** Waits until it is, for so long at most: where the others have no room it never is. */
  async wait(timeoutMs: number): Promise<void> {
    const { clock, logger } = this.#o
    const until = clock.monotonic() + timeoutMs
    try {
      while (this.#o.provisioning.floor.length > 0 && !(await this.#isHeld())) {
        if (clock.monotonic() > until) {
          logger.warn('the other nodes do not hold all instances that are to be warm', { waitedMs: timeoutMs })
          return
        }
        await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve))
      }
    } catch (error) {
      // Nothing is lost but time: a call is cold.
      logger.warn('what is warm elsewhere is not known', { reason: messageOf(error) })
    }
  }

  async #isHeld(): Promise<boolean> {
    const { provisioning, invocation, isMate } = this.#o
    const { instances } = await invocation.allInstances()
    const there = new Map<string, number>()
    for (const { node, revisionId, state } of instances) {
      if (state !== 'starting' && node !== undefined && !isMate(node)) there.set(revisionId, (there.get(revisionId) ?? 0) + 1)
    }
    return provisioning.floor.every(({ version, count }) => (there.get(version.revisionId) ?? 0) >= count)
  }
}
