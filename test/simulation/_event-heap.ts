/**
 * Events by time, in a 4-ary heap over typed arrays. Equal times leave in the order in which they
 * came, so that a run is the same every time.
 */
export class EventHeap<Payload> {
  #times = new Float64Array(1_024)
  #orders = new Float64Array(1_024)
  #kinds = new Uint8Array(1_024)
  #payloads: (Payload | undefined)[] = []
  #size = 0
  #next = 0
  /** Of the event that `pop` took out. */
  time = 0
  kind = 0
  order = 0
  payload: Payload | undefined

  get size(): number {
    return this.#size
  }

  /** The time of the event that is due first; there must be one. */
  get first(): number {
    return this.#times[0] as number
  }

  /** @param order who came first of equal times; without it, in the order of the calls */
  push(time: number, kind: number, payload: Payload | undefined, order: number = this.#next++): void {
    if (this.#size === this.#times.length) this.#grow()
    let hole = this.#size++
    const times = this.#times
    while (hole > 0) {
      const parent = (hole - 1) >> 2
      const before = times[parent] as number
      if (before < time || (before === time && (this.#orders[parent] as number) <= order)) break
      this.#move(parent, hole)
      hole = parent
    }
    this.#put(hole, time, order, kind, payload)
  }

  /** False when there is none. */
  pop(): boolean {
    if (this.#size === 0) return false
    this.time = this.#times[0] as number
    this.kind = this.#kinds[0] as number
    this.order = this.#orders[0] as number
    this.payload = this.#payloads[0]
    const last = --this.#size
    const [time, order] = [this.#times[last] as number, this.#orders[last] as number]
    const [kind, payload] = [this.#kinds[last] as number, this.#payloads[last]]
    this.#payloads[last] = undefined
    if (last === 0) return true
    let hole = 0
    for (;;) {
      const first = 4 * hole + 1
      if (first >= last) break
      let least = first
      const end = Math.min(first + 4, last)
      for (let child = first + 1; child < end; child++) if (this.#before(child, least)) least = child
      const leastTime = this.#times[least] as number
      if (leastTime > time || (leastTime === time && (this.#orders[least] as number) > order)) break
      this.#move(least, hole)
      hole = least
    }
    this.#put(hole, time, order, kind, payload)
    return true
  }

  #before(a: number, b: number): boolean {
    const [timeA, timeB] = [this.#times[a] as number, this.#times[b] as number]
    return timeA < timeB || (timeA === timeB && (this.#orders[a] as number) < (this.#orders[b] as number))
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number
    this.#orders[to] = this.#orders[from] as number
    this.#kinds[to] = this.#kinds[from] as number
    this.#payloads[to] = this.#payloads[from]
  }

  #put(at: number, time: number, order: number, kind: number, payload: Payload | undefined): void {
    this.#times[at] = time
    this.#orders[at] = order
    this.#kinds[at] = kind
    this.#payloads[at] = payload
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2)
    times.set(this.#times)
    this.#times = times
    const orders = new Float64Array(times.length)
    orders.set(this.#orders)
    this.#orders = orders
    const kinds = new Uint8Array(times.length)
    kinds.set(this.#kinds)
    this.#kinds = kinds
  }
}
