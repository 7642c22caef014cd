import type { Manner } from './executor-protocol.ts'

/** Calls in a row whose every stretch was short before a version is entered on the executor's own thread. */
const SHORT_CALLS_MIN = 5
/** A stretch under this holds up nobody who would notice. */
const SHORT_STRETCH_US_MAX = 5_000
/** One above this, on the executor's own thread, and the version never comes back to it. */
const SLOW_STRETCH_US_MIN = 20_000
const REVISIONS_MAX = 4_096

interface Shown {
  manner: Manner
  shortCalls: number
}

/**
 * How each version is entered, by what it has shown. Entering synchronously costs 3 µs against 80 µs, but whoever runs on the
 * executor's own thread holds up all its neighbours. A stretch is CPU time between entering and leaving the isolate, microtasks
 * included; waiting for a processor does not count against the version.
 */
export class Manners {
  readonly #revisions = new Map<string, Shown>()

  /** @param hint what another executor found out */
  of(revisionId: string, hint: Manner = 'unknown'): Manner {
    const known = this.#revisions.get(revisionId)
    if (known !== undefined && (known.manner !== 'unknown' || hint === 'unknown')) return known.manner
    if (this.#revisions.size >= REVISIONS_MAX) {
      const oldest = this.#revisions.keys().next().value
      if (oldest !== undefined) this.#revisions.delete(oldest)
    }
    this.#revisions.set(revisionId, { manner: hint, shortCalls: known?.shortCalls ?? 0 })
    return hint
  }

  /** After each call, with its longest stretch. Returns how the next one goes in. */
  note(revisionId: string, stretchUsMax: number): Manner {
    this.of(revisionId)
    const record = this.#revisions.get(revisionId) as Shown
    if (record.manner === 'short' && stretchUsMax > SLOW_STRETCH_US_MIN) record.manner = 'slow'
    if (record.manner === 'unknown') {
      record.shortCalls = stretchUsMax < SHORT_STRETCH_US_MAX ? record.shortCalls + 1 : 0
      if (record.shortCalls >= SHORT_CALLS_MIN) record.manner = 'short'
    }
    return record.manner
  }
}
