/** The one timer of an instance, for the earliest of the guest's. Cleared between invocations: timers are frozen then. */
export class InstanceTimer {
  readonly #mayFire: () => boolean
  readonly #fire: () => void
  #handle: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  /** It went off while the isolate was entered. */
  due = false

  constructor(mayFire: () => boolean, fire: () => void) {
    this.#mayFire = mayFire
    this.#fire = fire
  }

  /** @param delayMs 0: in the next turn of the event loop, others' work between; Node's own timers take a millisecond at least */
  arm(delayMs: number): void {
    this.clear()
    if (delayMs > 0) this.#handle = setTimeout(this.#wentOff, delayMs)
    else this.#immediate = setImmediate(this.#wentOff)
  }

  readonly #wentOff = (): void => {
    this.#handle = undefined
    this.#immediate = undefined
    if (this.#mayFire()) this.#fire()
    else this.due = true
  }

  clear(): void {
    if (this.#handle !== undefined) clearTimeout(this.#handle)
    if (this.#immediate !== undefined) clearImmediate(this.#immediate)
    this.#handle = undefined
    this.#immediate = undefined
    this.due = false
  }
}
