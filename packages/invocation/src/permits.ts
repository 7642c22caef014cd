/** What a call is told that asked for a permit; `unknown`: nobody could be asked. */
export type Verdict = 'granted' | 'refused' | 'unknown'
export type OnPermit = (verdict: Verdict) => void

/**
 * The permits of one function that this node holds, and the calls that wait for one. Permits that are not used are kept for a moment, so that a steady stream of
 * calls asks nobody; those that others want (`recall`) go back, at once or with the end of a call. Pure.
 */
export class Permits {
  readonly name: string
  /** The node that keeps the count. */
  home: string
  /** As the last call saw it. */
  reserved: number
  /** A question is under way: what was granted may be on its way here. */
  asking = false
  /** It is under way for too long: nobody waits for its answer any more. */
  silent = false
  #held = 0
  #used = 0
  /** To be given back as calls end. */
  #owed = 0
  /** The fewest that were idle since the last `takeIdle`. */
  #idleMin = 0
  readonly #waiting: OnPermit[] = []

  constructor(name: string, home: string, reserved: number) {
    this.name = name
    this.home = home
    this.reserved = reserved
  }

  get held(): number {
    return this.#held
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Nothing is held, wanted or asked. */
  get unused(): boolean {
    return this.#held === 0 && this.#waiting.length === 0 && !this.asking
  }

  /** Takes an idle one, where nothing is owed to others. */
  take(): boolean {
    return this.#owed === 0 && this.#use()
  }

  wait(call: OnPermit): void {
    this.#waiting.push(call)
  }

  /**
   * The answer to a question for as many as waited then.
   * @returns what to tell those who waited longest, in order: as many as were asked for, if they still wait
   */
  granted(count: number, asked: number): (() => void)[] {
    this.#held += count
    return this.#waiting.splice(0, asked).map((call) => {
      const verdict = this.#use() ? 'granted' : 'refused'
      return () => call(verdict)
    })
  }

  /** Nobody could be asked. @returns what to tell those who waited longest */
  unanswered(asked: number): (() => void)[] {
    return this.#waiting.splice(0, asked).map((call) => () => call('unknown'))
  }

  /** A call ended. @returns permits to give back now */
  left(): number {
    this.#used--
    if (this.#owed === 0) return 0
    this.#owed--
    this.#held--
    return 1
  }

  /** Others want some. @returns how many are given back now, and how many follow as calls end */
  recall(count: number): { back: number; owed: number } {
    const back = Math.min(count, this.#held - this.#used)
    this.#held -= back
    this.#owed = Math.min(this.#held, this.#owed + count - back)
    this.#idleMin = Math.min(this.#idleMin, this.#held - this.#used)
    return { back, owed: this.#owed }
  }

  /** What is owed and came while nobody here needed it. @returns permits to give back now */
  payOwed(): number {
    const now = Math.min(this.#owed, this.#held - this.#used)
    this.#owed -= now
    this.#held -= now
    this.#idleMin = Math.min(this.#idleMin, this.#held - this.#used)
    return now
  }

  /** Gives up what was idle all the time since it was asked last. @returns permits to give back now */
  takeIdle(): number {
    const idle = this.#idleMin
    this.#held -= idle
    this.#idleMin = this.#held - this.#used
    return idle
  }

  #use(): boolean {
    if (this.#used >= this.#held) return false
    this.#used++
    this.#idleMin = Math.min(this.#idleMin, this.#held - this.#used)
    return true
  }
}
