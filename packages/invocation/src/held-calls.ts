import type { Clock, Timer } from '@peerless/interface'
import { HELD_MS_MAX, HELD_SLOTS_SHARE } from './constants.ts'

export interface HeldCallsOptions<Call> {
  readonly clock: Clock
  readonly instances: {
    readonly slots: number
    readonly busy: number
    /** Median of recent calls, milliseconds. */
    latencyMs(): number
  }
  /** A slot is free: the call begins now. */
  readonly begin: (call: Call) => void
  /** None became free in time. */
  readonly refuse: (call: Call) => void
}

/**
 * Calls of peers that came when every slot was taken. The reports that brought them are a quarter of a second old, so at high load every twentieth comes a moment too
 * early, and sending it back costs two messages where a node of many slots has one free in a few milliseconds. Few are held, for a moment, not begun; first come, first served.
 */
export class HeldCalls<Call> {
  readonly #options: HeldCallsOptions<Call>
  readonly #held: { readonly call: Call; readonly until: number }[] = []
  #timer: Timer | undefined

  constructor(options: HeldCallsOptions<Call>) {
    this.#options = options
  }

  get length(): number {
    return this.#held.length
  }

  /** Returns false where there is no point in it, or no room: then it is to be refused at once. */
  hold(call: Call): boolean {
    const { clock, instances } = this.#options
    const { slots } = instances
    // One comes free every latency/slots in the mean; where that is longer than a call is held, it would wait in vain.
    if (slots === 0 || instances.latencyMs() > HELD_MS_MAX * slots) return false
    if (this.#held.length >= Math.max(1, Math.floor(slots * HELD_SLOTS_SHARE))) return false
    this.#held.push({ call, until: clock.monotonic() + HELD_MS_MAX })
    this.#watch()
    return true
  }

  /** Slots may have become free. */
  freed(): void {
    const { instances, begin } = this.#options
    while (this.#held.length > 0 && instances.busy < instances.slots) begin((this.#held.shift() as { call: Call }).call)
  }

  /** The caller does not want it any more. */
  withdraw(call: Call): void {
    const place = this.#held.findIndex((held) => held.call === call)
    if (place >= 0) this.#held.splice(place, 1)
  }

  #watch(): void {
    const first = this.#held[0]
    if (this.#timer !== undefined || first === undefined) return
    const { clock, refuse } = this.#options
    this.#timer = clock.after(Math.max(0, first.until - clock.monotonic()), () => {
      this.#timer = undefined
      const now = clock.monotonic()
      for (let held = this.#held[0]; held !== undefined && held.until <= now; held = this.#held[0]) {
        this.#held.shift()
        refuse(held.call)
      }
      this.#watch()
    })
  }
}
