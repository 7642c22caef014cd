import { EJECT_FAILURES, EJECT_FORGIVE_MS, EJECT_MS_MAX, EJECT_MS_MIN, FAILURE_HOLD_MS } from './constants.ts'

/**
 * Whether a peer is trusted with calls. Three failures in a row eject it, each ejection twice as long as the last; afterwards it gets one call
 * at a time until one succeeds. Between the first failure and the ejection its failed calls count as still running there for a while: who fails in
 * a millisecond would otherwise look the least loaded of all and draw everything to itself. Told the time, in monotonic milliseconds.
 */
export class PeerHealth {
  #failures = 0
  #ejections = 0
  #ejectedUntil = Number.NEGATIVE_INFINITY
  #toldUntil = Number.NEGATIVE_INFINITY
  #held = 0
  #heldUntil = Number.NEGATIVE_INFINITY

  /**
   * @param mayEject whether the share of ejected peers allows one more
   * @param surely it is the peer itself that failed. Not told to others is what a function might have brought about: nobody shall take a node from all by it
   */
  failed(now: number, mayEject: boolean, surely: boolean): void {
    if (now - this.#ejectedUntil > EJECT_FORGIVE_MS) this.#ejections = 0
    this.#failures++
    this.#held = now < this.#heldUntil ? this.#held + 1 : 1
    this.#heldUntil = now + FAILURE_HOLD_MS
    if (surely) this.#toldUntil = Math.max(this.#toldUntil, this.#heldUntil)
    // What was under way when it was ejected says nothing new.
    if (this.#failures < EJECT_FAILURES || !mayEject || this.ejected(now)) return
    this.#ejectedUntil = now + Math.min(EJECT_MS_MAX, EJECT_MS_MIN * 2 ** this.#ejections)
    this.#ejections++
    if (surely) this.#toldUntil = Math.max(this.#toldUntil, this.#ejectedUntil)
  }

  succeeded(): void {
    this.#failures = 0
    this.#toldUntil = Number.NEGATIVE_INFINITY
  }

  ejected(now: number): boolean {
    return now < this.#ejectedUntil
  }

  /** @param mine calls of this node that are under way there */
  open(now: number, mine: number): boolean {
    if (this.#failures < EJECT_FAILURES) return true
    return !this.ejected(now) && (this.#ejections === 0 || mine === 0)
  }

  /** Whether others should know: its last call failed, a moment ago, or it is ejected for that. */
  failing(now: number): boolean {
    return now < this.#toldUntil
  }

  /** It never failed: there is nothing to remember. */
  get spotless(): boolean {
    return this.#heldUntil === Number.NEGATIVE_INFINITY
  }

  /** Failed calls that still count as load. */
  held(now: number): number {
    return now < this.#heldUntil ? this.#held : 0
  }
}
