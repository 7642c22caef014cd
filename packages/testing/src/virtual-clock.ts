import type { Clock, Timer } from '@peerless/interface'

interface Entry {
  at: number
  order: number
  run: () => void
  cancelled: boolean
}

/** A clock that stands still until it is told. Timers run in order of time, then of creation. */
export class VirtualClock implements Clock {
  #now: number
  #order = 0
  #entries: Entry[] = []

  /** @param startMs epoch milliseconds; the default is 2026-01-01T00:00:00Z */
  constructor(startMs = 1_767_225_600_000) {
    this.#now = startMs
  }

  now(): number {
    return Math.floor(this.#now)
  }

  monotonic(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#add(this.#now + Math.max(0, delayMs), run)
  }

  every(periodMs: number, run: () => void): Timer {
    let timer: Timer
    let cancelled = false
    const again = () => {
      timer = this.after(periodMs, () => {
        again()
        if (!cancelled) run()
      })
      if (cancelled) timer.cancel()
    }
    again()
    return {
      cancel: () => {
        cancelled = true
        timer.cancel()
      }
    }
  }

  /** Moves on by `ms`, running what falls due, and lets promises settle between timers. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at)
      next.run()
      await settle()
    }
    this.#now = end
    await settle()
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#entries.filter((entry) => !entry.cancelled).length
  }

  #add(at: number, run: () => void): Timer {
    const entry: Entry = { at, order: this.#order++, run, cancelled: false }
    this.#entries.push(entry)
    return {
      cancel: () => {
        entry.cancelled = true
      }
    }
  }

  #next(end: number): Entry | undefined {
    this.#entries = this.#entries.filter((entry) => !entry.cancelled)
    let first: Entry | undefined
    for (const entry of this.#entries) {
      if (first === undefined || entry.at < first.at || (entry.at === first.at && entry.order < first.order)) first = entry
    }
    if (first === undefined || first.at > end) return undefined
    this.#entries.splice(this.#entries.indexOf(first), 1)
    return first
  }
}

/** Lets everything that is already due run: promises, and callbacks put off with setImmediate. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) await new Promise((resolve) => setImmediate(resolve))
}
