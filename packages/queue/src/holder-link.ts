import { type Clock, type Logger, MESSAGE, type Mesh, PEER_SILENT_MS_MIN, PeerlessError } from '@peerless/interface'
import {
  BATCH_BYTES_MAX,
  BATCH_EVENTS_MAX,
  COMMIT_GAP_MS,
  RENEW_MS,
  STORE_MS_MAX,
  STORES_IN_FLIGHT_MAX,
  UNACKED_MAX
} from './constants.ts'
import { checkIds, encodeStore, encodeUpdate } from './messages.ts'

const NOTHING = new Uint8Array(0)
/** `known`: the holder knows better, the event is not the sender's. */
type OnStored = (error: PeerlessError | undefined, known: boolean) => void

interface Copy {
  readonly id: string
  readonly meta: Uint8Array
  readonly payload: Uint8Array
  readonly done: OnStored
}

/**
 * What one owner sends to one holder: copies as fast as the holder's disk takes them, and at least every RENEW_MS the news that it lives, with what was
 * settled since. News stay here until the holder has them on disk.
 */
export class HolderLink {
  readonly peerId: string
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #logger: Logger
  #copies: Copy[] = []
  #sentAt = Number.NEGATIVE_INFINITY
  #lingering = false
  /** Messages under way: when they were sent and how they are withdrawn. */
  readonly #flights = new Set<{ sentAt: number; cancel: () => void }>()
  readonly #settled = new Map<string, [result: Uint8Array, dead: boolean]>()
  readonly #metas = new Map<string, Uint8Array>()
  #updating: { sentAt: number; cancel: () => void } | undefined
  #updatedAt: number
  /** Monotonic milliseconds: when it last said that it has heard. */
  heardAt: number

  constructor(peerId: string, options: { mesh: Mesh; clock: Clock; logger: Logger }) {
    this.peerId = peerId
    this.#mesh = options.mesh
    this.#clock = options.clock
    this.#logger = options.logger
    this.#updatedAt = this.#clock.monotonic()
    this.heardAt = this.#updatedAt
  }

  /** News that it has not acknowledged. */
  get unacked(): number {
    return this.#settled.size + this.#metas.size
  }

  store(copy: Copy): void {
    this.#copies.push(copy)
    this.#sendCopies()
  }

  settled(id: string, result: Uint8Array, dead: boolean): void {
    this.#metas.delete(id)
    this.#settled.set(id, [result, dead])
    if (this.#settled.size <= UNACKED_MAX) return
    // The holder will ask before it runs it again.
    for (const oldest of this.#settled.keys()) {
      this.#settled.delete(oldest)
      break
    }
  }

  changed(id: string, meta: Uint8Array): void {
    if (this.#metas.size < UNACKED_MAX) this.#metas.set(id, meta)
  }

  /** @param holds whether this node counts on copies there: only then is the lease renewed when there is no news */
  tick(now: number, holds: boolean): void {
    // A silent holder is not waited for to the end: the copies go to another, and if it lives it asks what became of its own.
    const silent = (this.#mesh.silentMs(this.peerId) ?? 0) > PEER_SILENT_MS_MIN
    for (const flight of this.#flights) if (silent || now - flight.sentAt > STORE_MS_MAX) flight.cancel()
    if (this.#updating !== undefined) {
      if (now - this.#updating.sentAt > STORE_MS_MAX) this.#updating.cancel()
      return
    }
    if (this.unacked > 0 || (holds && now - this.#updatedAt >= RENEW_MS)) this.#sendUpdate([], () => undefined)
  }

  /** Hands events over for good, as many at a time as one message may name; called with whether the holder has all of them. */
  release(ids: string[], done: (taken: boolean) => void): void {
    // What changed of them is in the same message, or in one before.
    if (this.#metas.size > BATCH_EVENTS_MAX) {
      this.#sendUpdate([], (told) => (told ? this.release(ids, done) : done(false)))
      return
    }
    const later = ids.slice(UNACKED_MAX)
    this.#sendUpdate(ids.slice(0, UNACKED_MAX), (taken) => {
      if (taken && later.length > 0) this.release(later, done)
      else done(taken)
    })
  }

  /** Tells all that was settled; called with whether the holder has it on disk. */
  tellEnds(done: (told: boolean) => void): void {
    if (this.#settled.size === 0) done(true)
    else this.#sendUpdate([], (told) => (told ? this.tellEnds(done) : done(false)))
  }

  #sendCopies(): void {
    const waitMs = this.#sentAt + COMMIT_GAP_MS - this.#clock.monotonic()
    if (waitMs > 0 && this.#copies.length < BATCH_EVENTS_MAX) {
      if (this.#lingering) return
      this.#lingering = true
      this.#clock.after(waitMs, () => {
        this.#lingering = false
        this.#sendBatches()
      })
    } else this.#sendBatches()
  }

  #sendBatches(): void {
    while (this.#copies.length > 0 && this.#flights.size < STORES_IN_FLIGHT_MAX) {
      // One that is larger by itself goes alone: with others it would not fit a frame, and none of them would arrive.
      let bytes = (this.#copies[0] as Copy).payload.length
      let count = 1
      for (const { payload } of this.#copies.slice(1, BATCH_EVENTS_MAX)) {
        bytes += payload.length
        if (bytes > BATCH_BYTES_MAX) break
        count++
      }
      const batch = this.#copies.splice(0, count)
      const message = encodeStore(batch.map(({ id, meta, payload }) => [id, meta, payload]))
      this.#sentAt = this.#clock.monotonic()
      const flight = { sentAt: this.#sentAt, cancel: () => undefined as unknown }
      this.#flights.add(flight)
      flight.cancel = this.#mesh.request(this.peerId, MESSAGE.QUEUE_STORE, undefined, message, (error, reply) => {
        this.#flights.delete(flight)
        const known = error === undefined ? this.#knownOf(reply?.header) : undefined
        if (known !== undefined) this.heardAt = this.#clock.monotonic()
        for (const { id, done } of batch) done(known === undefined ? (error ?? malformed()) : undefined, known?.has(id) === true)
        this.#sendCopies()
      })
    }
  }

  #sendUpdate(released: string[], done: (taken: boolean) => void): void {
    const now = this.#clock.monotonic()
    this.#updatedAt = now
    const settled = [...this.#settled].slice(0, BATCH_EVENTS_MAX)
    const metas = [...this.#metas].slice(0, BATCH_EVENTS_MAX)
    const empty = settled.length === 0 && metas.length === 0 && released.length === 0
    const message = empty
      ? NOTHING
      : encodeUpdate([settled.map(([id, [result, dead]]): [string, Uint8Array, boolean] => [id, result, dead]), metas, released])
    const flight = { sentAt: now, cancel: () => undefined as unknown }
    this.#updating = flight
    flight.cancel = this.#mesh.request(this.peerId, MESSAGE.QUEUE_UPDATE, undefined, message, (error) => {
      if (this.#updating === flight) this.#updating = undefined
      if (error === undefined) {
        this.heardAt = this.#clock.monotonic()
        for (const [id, news] of settled) if (this.#settled.get(id) === news) this.#settled.delete(id)
        for (const [id, meta] of metas) if (this.#metas.get(id) === meta) this.#metas.delete(id)
      }
      done(error === undefined)
    })
  }

  #knownOf(header: unknown): Set<string> | undefined {
    try {
      return new Set(checkIds(header ?? []))
    } catch (error) {
      this.#logger.warn('malformed answer to copies of events', { peerId: this.peerId, reason: String(error) })
      return undefined
    }
  }
}

function malformed(): PeerlessError {
  return new PeerlessError('MALFORMED', 'the holder gave a malformed answer')
}
