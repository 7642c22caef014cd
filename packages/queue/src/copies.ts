import { LEASE_MS, LEASE_RANK_MS } from './constants.ts'
import type { StoredEvent } from './event.ts'

export interface Copy {
  readonly id: string
  readonly owner: string
  stored: StoredEvent
  readonly bytes: number
}

interface Lease {
  /** Monotonic milliseconds of the last sign of life. */
  heardAt: number
  readonly copies: Map<string, Copy>
  /** Its holder asks what others know; nobody asks twice at a time. */
  judged: boolean
}

/** What this node keeps for other owners, and when it last heard from each. Pure: it is told the time. */
export class Copies {
  readonly #self: string
  readonly #leases = new Map<string, Lease>()
  readonly #byId = new Map<string, Copy>()
  #bytes = 0

  constructor(self: string) {
    this.#self = self
  }

  get count(): number {
    return this.#byId.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Copies of owners that are not among these: perhaps the only ones that are left. */
  ofOthersThan(there: readonly string[]): number {
    let count = 0
    for (const [owner, { copies }] of this.#leases) if (!there.includes(owner)) count += copies.size
    return count
  }

  get(id: string): Copy | undefined {
    return this.#byId.get(id)
  }

  put(copy: Copy, now: number): void {
    this.remove(copy.id)
    this.#byId.set(copy.id, copy)
    this.#bytes += copy.bytes
    this.#lease(copy.owner, now).copies.set(copy.id, copy)
  }

  remove(id: string): Copy | undefined {
    const copy = this.#byId.get(id)
    if (copy === undefined) return undefined
    this.#byId.delete(id)
    this.#bytes -= copy.bytes
    const lease = this.#leases.get(copy.owner)
    lease?.copies.delete(id)
    if (lease?.copies.size === 0) this.#leases.delete(copy.owner)
    return copy
  }

  /** The owner lives. */
  heard(owner: string, now: number): void {
    const lease = this.#leases.get(owner)
    if (lease !== undefined) lease.heardAt = now
  }

  isAlive(owner: string, now: number): boolean {
    const lease = this.#leases.get(owner)
    return lease !== undefined && now - lease.heardAt < LEASE_MS
  }

  /** This node slept: whoever did not reach it meanwhile is not to blame. */
  forgive(now: number): void {
    for (const lease of this.#leases.values()) lease.heardAt = now
  }

  /** Owners whose lease has ended, with the copies for which this node's turn has come. They are being judged until `judged`. */
  lapsed(now: number): { owner: string; copies: Copy[] }[] {
    const found: { owner: string; copies: Copy[] }[] = []
    for (const [owner, lease] of this.#leases) {
      const silentMs = now - lease.heardAt
      if (lease.judged || silentMs < LEASE_MS) continue
      const copies = [...lease.copies.values()].filter(({ stored }) => {
        const rank = Math.max(0, stored.state.holders.indexOf(this.#self))
        return silentMs >= LEASE_MS + rank * LEASE_RANK_MS
      })
      if (copies.length === 0) continue
      lease.judged = true
      found.push({ owner, copies })
    }
    return found
  }

  judged(owner: string): void {
    const lease = this.#leases.get(owner)
    if (lease !== undefined) lease.judged = false
  }

  #lease(owner: string, now: number): Lease {
    let lease = this.#leases.get(owner)
    if (lease === undefined) {
      lease = { heardAt: now, copies: new Map(), judged: false }
      this.#leases.set(owner, lease)
    }
    return lease
  }
}
