import { type IsolateKind, isSameKind } from './isolate-kind.ts'
import { type Glue, type PreparedIsolate, prepareIsolate } from './prepared-isolate.ts'

/** Isolates of one kind that wait for a bundle in one executor: each holds some 2 MB, and 4 to 8 with `node:` modules or Python. */
const SPARES_PER_KIND_MAX = 2
/** Kinds that were asked for last. */
const KINDS_MAX = 2
/** The launch that took one has the processor first. */
const REFILL_MS = 10
/** And as long as instances are being started, for so long: an isolate beside a large bundle that is evaluated costs that one half as much again. */
const REFILL_WAIT_MS_MAX = 1_000

interface Shelf {
  readonly kind: IsolateKind
  readonly spares: PreparedIsolate[]
}

/**
 * Isolates prepared ahead, so that a first call pays for its own code only. They are of the kinds that were asked for last, since what an
 * isolate may hold is fixed when it is made. What a function sees does not depend on whether one waited.
 */
export class SpareIsolates {
  readonly #glue: Glue
  /** The kind that was asked for last comes first. */
  #shelves: Shelf[]
  #refilling = false
  #starting = 0

  constructor(glue: Glue, memoryMb: number) {
    this.#glue = glue
    this.#shelves = [true, false].map((web) => ({ kind: { memoryMb, web, runtime: 'none' }, spares: [] }))
  }

  /** One that waits, or a new one. `started` must follow. */
  take(kind: IsolateKind): PreparedIsolate {
    const shelf = this.#first(kind)
    const prepared = shelf.spares.shift() ?? prepareIsolate(this.#glue, kind)
    this.#starting++
    this.refill()
    return prepared
  }

  /** Isolates of that kind will be asked for. */
  expect(kind: IsolateKind): void {
    this.#first(kind)
    this.refill()
  }

  #first(kind: IsolateKind): Shelf {
    const shelf = this.#shelves.find((one) => isSameKind(one.kind, kind)) ?? { kind, spares: [] }
    const others = this.#shelves.filter((one) => one !== shelf)
    for (const { spares } of others.splice(KINDS_MAX - 1)) for (const spare of spares) spare.isolate.dispose()
    this.#shelves = [shelf, ...others]
    return shelf
  }

  /** What took one has started, or failed to. */
  started(): void {
    this.#starting--
  }

  /** One after the other, in pauses: a launch under way is not held up by it. */
  refill(): void {
    if (this.#refilling || this.#wanted() === undefined) return
    this.#refilling = true
    this.#whenQuiet(REFILL_WAIT_MS_MAX)
  }

  #whenQuiet(leftMs: number): void {
    setTimeout(() => {
      if (this.#starting > 0 && leftMs > 0) this.#whenQuiet(leftMs - REFILL_MS)
      else void this.#prepareOne()
    }, REFILL_MS)
  }

  #wanted(): Shelf | undefined {
    return this.#shelves.find(({ spares }) => spares.length < SPARES_PER_KIND_MAX)
  }

  async #prepareOne(): Promise<void> {
    const wanted = this.#wanted()
    try {
      if (wanted === undefined) return
      const prepared = prepareIsolate(this.#glue, wanted.kind)
      try {
        await prepared.ready
        if (this.#shelves.includes(wanted)) wanted.spares.push(prepared)
        else prepared.isolate.dispose()
      } catch {
        // The next launch makes its own, and says what is wrong.
        if (!prepared.isolate.isDisposed) prepared.isolate.dispose()
        return
      }
    } finally {
      this.#refilling = false
    }
    this.refill()
  }
}
