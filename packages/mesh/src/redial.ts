import type { Clock, Random, Timer } from '@peerless/interface'
import { CONNECTIONS_WANTED_MAX, DIALS_PARALLEL_MAX, REDIAL_MS_MAX, REDIAL_MS_MIN, REDIAL_YIELD_MS } from './constants.ts'

export interface RedialOptions {
  self: string
  clock: Clock
  random: Random
  /** Members with an address, this node not included. */
  candidates: () => string[]
  isConnected: (peerId: string) => boolean
  connectedCount: () => number
  /** Resolves when connected; rejects when not. */
  dial: (peerId: string) => Promise<void>
}

/** Milliseconds until the next attempt after `failures` in a row: doubling, with half of it by chance. */
export function backoffMs(failures: number, random: Random): number {
  const full = Math.min(REDIAL_MS_MAX, REDIAL_MS_MIN * 2 ** Math.min(failures, 16))
  return full / 2 + (full / 2) * random.next()
}

/**
 * Keeps this node connected: every known member while the mesh is small, a random part of it when it is large. It never gives up on
 * anyone who is still known; the backoff is its only patience. Told the time and the chance, so it runs under a virtual clock.
 */
export class Redial {
  readonly #options: RedialOptions
  readonly #timers = new Map<string, Timer>()
  readonly #failures = new Map<string, number>()
  #dialling = 0
  #running = false

  constructor(options: RedialOptions) {
    this.#options = options
  }

  /** Dials whoever is known at once. */
  start(): void {
    this.#running = true
    for (const peerId of shuffled(this.#options.candidates(), this.#options.random)) this.#schedule(peerId, 0)
  }

  stop(): void {
    this.#running = false
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  /** A new member, or one with a new address. */
  noticed(peerId: string): void {
    this.#failures.delete(peerId)
    // Both ends hear of each other at about the same time; one goes first.
    const delay = this.#options.self < peerId ? 0 : REDIAL_YIELD_MS * (1 + this.#options.random.next())
    this.#schedule(peerId, delay)
  }

  connected(peerId: string): void {
    this.#failures.delete(peerId)
    this.#cancel(peerId)
  }

  disconnected(peerId: string): void {
    this.#schedule(peerId, backoffMs(0, this.#options.random))
  }

  #schedule(peerId: string, delayMs: number): void {
    if (!this.#running || peerId === this.#options.self) return
    this.#cancel(peerId)
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(peerId)
      void this.#attempt(peerId)
    })
    this.#timers.set(peerId, timer)
  }

  async #attempt(peerId: string): Promise<void> {
    const { candidates, isConnected, connectedCount, random, dial } = this.#options
    if (!this.#running || isConnected(peerId)) return
    if (!candidates().includes(peerId)) {
      // Room was made for another in the member book; whoever hears of it again says so.
      this.#failures.delete(peerId)
      return
    }
    if (connectedCount() + this.#dialling >= CONNECTIONS_WANTED_MAX || this.#dialling >= DIALS_PARALLEL_MAX) {
      this.#schedule(peerId, backoffMs(4, random))
      return
    }
    this.#dialling++
    try {
      await dial(peerId)
    } catch {
      // The dialler has logged why. What counts here is how often.
      const failures = this.#failures.get(peerId) ?? 0
      this.#failures.set(peerId, failures + 1)
      if (!isConnected(peerId)) this.#schedule(peerId, backoffMs(failures, random))
    } finally {
      this.#dialling--
    }
  }

  #cancel(peerId: string): void {
    this.#timers.get(peerId)?.cancel()
    this.#timers.delete(peerId)
  }
}

/** Fisher–Yates. */
function shuffled<T>(items: T[], random: Random): T[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(random.next() * (index + 1))
    ;[items[index], items[other]] = [items[other] as T, items[index] as T]
  }
  return items
}
