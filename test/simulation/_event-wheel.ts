import { EventHeap } from './_event-heap.ts'

/** Milliseconds that a slot of the wheel stands for: of ten thousand nodes, a thousand events or two, which a heap keeps in the cache. */
const SLOT_MS = 0.25
const SLOTS = 1 << 16
const NONE = -1

/**
 * Events by time, equal ones in the order in which they came, as `EventHeap` has them, for millions at once: those of the next 16 s lie in the slots of a wheel,
 * unsorted, and only the slot that is due is a heap. A heap of all would go through memory that is in no cache, a dozen times for each event.
 */
export class EventWheel<Payload> {
  readonly #due = new EventHeap<Payload>()
  readonly #later = new EventHeap<Payload>()
  readonly #heads = new Int32Array(SLOTS).fill(NONE)
  /** The slot that is due, counted from time 0. */
  #slot = 0
  #inWheel = 0
  #next = 0
  #times = new Float64Array(1_024)
  #orders = new Float64Array(1_024)
  #kinds = new Uint8Array(1_024)
  #links = new Int32Array(1_024)
  readonly #payloads: (Payload | undefined)[] = []
  #free = NONE
  #used = 0
  /** Of the event that `pop` took out. */
  time = 0
  kind = 0
  payload: Payload | undefined

  push(time: number, kind: number, payload: Payload | undefined): void {
    this.#put(time, this.#next++, kind, payload)
  }

  /** False when there is none. */
  pop(): boolean {
    while (this.#due.size === 0) if (!this.#turn()) return false
    const due = this.#due
    due.pop()
    this.time = due.time
    this.kind = due.kind
    this.payload = due.payload
    return true
  }

  #put(time: number, order: number, kind: number, payload: Payload | undefined): void {
    const slot = Math.floor(time / SLOT_MS)
    if (slot <= this.#slot) this.#due.push(time, kind, payload, order)
    else if (slot >= this.#slot + SLOTS) this.#later.push(time, kind, payload, order)
    else {
      const cell = this.#cell()
      this.#times[cell] = time
      this.#orders[cell] = order
      this.#kinds[cell] = kind
      this.#payloads[cell] = payload
      this.#links[cell] = this.#heads[slot % SLOTS] as number
      this.#heads[slot % SLOTS] = cell
      this.#inWheel++
    }
  }

  /** The next slot that has events becomes the one that is due. */
  #turn(): boolean {
    if (this.#inWheel === 0) {
      if (this.#later.size === 0) return false
      this.#slot = Math.floor(this.#later.first / SLOT_MS)
    } else this.#slot++
    // What lay beyond the wheel does not any more.
    while (this.#later.size > 0 && Math.floor(this.#later.first / SLOT_MS) < this.#slot + SLOTS) {
      const later = this.#later
      later.pop()
      this.#put(later.time, later.order, later.kind, later.payload)
    }
    const at = this.#slot % SLOTS
    for (let cell = this.#heads[at] as number; cell !== NONE; ) {
      this.#due.push(this.#times[cell] as number, this.#kinds[cell] as number, this.#payloads[cell], this.#orders[cell] as number)
      this.#payloads[cell] = undefined
      const link = this.#links[cell] as number
      this.#links[cell] = this.#free
      this.#free = cell
      cell = link
      this.#inWheel--
    }
    this.#heads[at] = NONE
    return true
  }

  #cell(): number {
    if (this.#free !== NONE) {
      const cell = this.#free
      this.#free = this.#links[cell] as number
      return cell
    }
    if (this.#used === this.#times.length) {
      const count = 2 * this.#used
      this.#times = grown(this.#times, new Float64Array(count))
      this.#orders = grown(this.#orders, new Float64Array(count))
      this.#kinds = grown(this.#kinds, new Uint8Array(count))
      this.#links = grown(this.#links, new Int32Array(count))
    }
    return this.#used++
  }
}

function grown<T extends Float64Array | Uint8Array | Int32Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
