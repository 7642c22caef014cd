import type { Recalled } from './permit-book.ts'

/** A call that waits for a permit. Called once; true with one. */
export type OnPermit = (granted: boolean) => void

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
  /** A question is under way. */
  asking = false
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
    const answers: (() => void)[] = []
    for (let turn = 0; turn < asked && this.#waiting.length > 0; turn++) {
      const call = this.#waiting.shift() as OnPermit
      const got = this.#use()
      answers.push(() => call(got))
    }
    return answers
  }

  /** A call ended. @returns permits to give back now */
  left(): number {
    this.#used--
    if (this.#owed === 0) return 0
    this.#owed--
    this.#held--
    return 1
  }

  /** Others want some. */
  recall(count: number): Recalled {
    const now = Math.min(count, this.#held - this.#used)
    this.#held -= now
    this.#owed = Math.min(this.#held, this.#owed + count - now)
    this.#idleMin = Math.min(this.#idleMin, this.#held - this.#used)
    return { back: now, owed: this.#owed, held: this.#held }
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
