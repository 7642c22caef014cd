import type { Clock, IncomingRequest, StartGate, Timer } from '@peerless/interface'
import { START_ANSWER_MS_MAX } from './constants.ts'

/**
 * Headers of two parts that a reply to MESSAGE.INVOKE may begin with. `WAITS`: an instance is being started, nothing of the call itself will before the
 * caller has answered `STARTS` with a credit of GO. They cost a round trip beside a start of some milliseconds; a call that finds an idle instance has neither.
 */
export const WAITS = 'waits'
export const STARTS = 'starts'
/** No stream is open yet when it is sent, so it can't be taken for a credit of bytes. */
export const GO = 1

/** Executing side of a call from a peer: see StartGate. */
export class PeerStartGate implements StartGate {
  closed = false
  readonly #request: IncomingRequest
  readonly #clock: Clock
  /** What else is credited. */
  readonly #credited: (bytes: number) => void
  #told = false
  #withdrawn = false
  #answer: ((allowed: boolean) => void) | undefined
  #timer: Timer | undefined

  constructor(request: IncomingRequest, clock: Clock, credited: (bytes: number) => void) {
    this.#request = request
    this.#clock = clock
    this.#credited = credited
  }

  waits(): void {
    if (this.#told) return
    this.#told = true
    this.closed = true
    this.#request.onCredit((bytes) => {
      if (this.#answer === undefined) this.#credited(bytes)
      else this.#settle(true)
    })
    this.#request.part(WAITS)
  }

  ask(answer: (allowed: boolean) => void): void {
    this.#answer = answer
    if (this.#withdrawn) {
      queueMicrotask(() => this.#settle(false))
      return
    }
    this.#timer = this.#clock.after(START_ANSWER_MS_MAX, () => this.#settle(false))
    this.#request.part(STARTS)
  }

  /** The caller gave up or is gone. */
  withdraw(): void {
    this.#withdrawn = true
    this.#settle(false)
  }

  #settle(allowed: boolean): void {
    const answer = this.#answer
    this.#answer = undefined
    this.#timer?.cancel()
    if (answer === undefined) return
    // Refused, it stays closed: whatever comes of the call here, it does not start.
    if (allowed) this.closed = false
    answer(allowed)
  }
}
