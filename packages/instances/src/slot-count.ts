import type { Clock } from '@peerless/interface'
import { isAhead } from './launch-ahead.ts'
import type { Running } from './records.ts'

/** The slots of a node that are taken, and the moment at which none is any more. */
export class SlotCount {
  /** Calls that run, wait for an instance or are started for. */
  busy = 0
  /** Starts that no call waits for: they hold no slot. */
  ahead = 0
  #told: (() => void) | undefined

  enter(call: Running): void {
    if (isAhead(call.invocation)) this.ahead++
    else this.busy++
  }

  leave(call: Running): void {
    if (isAhead(call.invocation)) this.ahead--
    else this.busy--
    if (this.busy === 0) this.#told?.()
  }

  /** A start lost the call that it was ordered for. */
  orphaned(): void {
    this.busy--
    this.ahead++
  }

  /** Whether no slot is taken within `timeoutMs`. */
  quietWithin(clock: Clock, timeoutMs: number): Promise<boolean> {
    if (this.busy === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = clock.after(timeoutMs, () => resolve(false))
      this.#told = () => {
        timer.cancel()
        resolve(true)
      }
    })
  }
}
