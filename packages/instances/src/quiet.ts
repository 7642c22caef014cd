import type { Clock } from '@peerless/interface'

/** The moment at which nothing runs any more, for who waits for it. */
export class Quiet {
  #told: (() => void) | undefined

  /** Nothing runs now. */
  reached(): void {
    this.#told?.()
  }

  /** Whether the moment comes within `timeoutMs`. */
  within(clock: Clock, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = clock.after(timeoutMs, () => resolve(false))
      this.#told = () => {
        timer.cancel()
        resolve(true)
      }
    })
  }
}
