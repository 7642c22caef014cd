/** Calls that found no place, in order of arrival. Bounded in number and bytes; who waited too long is told so by the sweep. */
export class WaitingCalls<Call extends { readonly bytes: number }> {
  readonly #callsMax: number
  readonly #bytesMax: number
  #calls: Call[] = []
  #head = 0
  #bytes = 0

  constructor(callsMax: number, bytesMax: number) {
    this.#callsMax = callsMax
    this.#bytesMax = bytesMax
  }

  get length(): number {
    return this.#calls.length - this.#head
  }

  /** False when it is full; nothing was taken then. */
  push(call: Call): boolean {
    if (this.length >= this.#callsMax || this.#bytes + call.bytes > this.#bytesMax) return false
    this.#calls.push(call)
    this.#bytes += call.bytes
    return true
  }

  /** Puts a call back in front: it was its turn and there was no place after all. */
  unshift(call: Call): void {
    if (this.#head > 0) this.#calls[--this.#head] = call
    else this.#calls.unshift(call)
    this.#bytes += call.bytes
  }

  shift(): Call | undefined {
    const call = this.#calls[this.#head]
    if (call === undefined) return undefined
    this.#head++
    this.#bytes -= call.bytes
    if (this.#head > 1_024 && this.#head * 2 > this.#calls.length) {
      this.#calls = this.#calls.slice(this.#head)
      this.#head = 0
    }
    return call
  }

  /** Takes out all that `expired` says. */
  take(expired: (call: Call) => boolean): Call[] {
    const waiting = this.#calls.slice(this.#head)
    const taken = waiting.filter(expired)
    if (taken.length === 0) return taken
    this.#calls = waiting.filter((call) => !taken.includes(call))
    this.#head = 0
    for (const call of taken) this.#bytes -= call.bytes
    return taken
  }
}
