/** The one timer of an instance, for the earliest of the guest's. Cleared between invocations: timers are frozen then. */
export class InstanceTimer {
  readonly #mayFire: () => boolean
  readonly #fire: () => void
  #handle: NodeJS.Timeout | undefined
  /** It went off while the isolate was entered. */
  due = false

  constructor(mayFire: () => boolean, fire: () => void) {
    this.#mayFire = mayFire
    this.#fire = fire
  }

  arm(delayMs: number): void {
    this.clear()
    this.#handle = setTimeout(() => {
      this.#handle = undefined
      if (this.#mayFire()) this.#fire()
      else this.due = true
    }, delayMs)
  }

  clear(): void {
    if (this.#handle !== undefined) clearTimeout(this.#handle)
    this.#handle = undefined
    this.due = false
  }
}
