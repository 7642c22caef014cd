import type { Manner } from './executor-protocol.ts'

/** Calls in a row whose every stretch was short before a version is entered on the executor's own thread. */
const SHORT_CALLS_MIN = 5
/** A stretch under this holds up nobody who would notice. */
const SHORT_STRETCH_US_MAX = 5_000
/** One above this, on the executor's own thread, and the version goes back to a thread of its own. */
const SLOW_STRETCH_US_MIN = 20_000
/** Each slow stretch makes the proof of being short this much longer: a version that is slow once in a hundred calls soon stays away. */
const PROOF_GROWTH = 8
const PROOF_CALLS_MAX = 100_000
/** So many short calls in a row on the executor's own thread take one such lengthening back. */
const FORGIVEN_AFTER_CALLS = 20_000
const REVISIONS_MAX = 4_096

interface Record {
  manner: Manner
  /** In a row, in the present manner. */
  shortCalls: number
  proofCalls: number
}

/**
 * How each version is entered, by what it has shown. Entering synchronously costs 3 µs against 80 µs, but whoever runs on the
 * executor's own thread holds up all its neighbours. A stretch is CPU time between entering and leaving the isolate, microtasks
 * included; waiting for a processor does not count against the version.
 *
 * One slow stretch is no verdict for ever: a garbage collection or a virtual machine that loses its processor for 40 ms looks the same from
 * here. It sends the version away for eight times as many short calls as before; who is slow again and again stays away.
 */
export class Manners {
  readonly #revisions = new Map<string, Record>()

  /** @param hint what another executor found out */
  of(revisionId: string, hint: Manner = 'unknown'): Manner {
    const known = this.#revisions.get(revisionId)
    if (known !== undefined && (known.manner !== 'unknown' || hint === 'unknown')) return known.manner
    if (this.#revisions.size >= REVISIONS_MAX) {
      const oldest = this.#revisions.keys().next().value
      if (oldest !== undefined) this.#revisions.delete(oldest)
    }
    const proofCalls = hint === 'slow' ? SHORT_CALLS_MIN * PROOF_GROWTH : SHORT_CALLS_MIN
    this.#revisions.set(revisionId, { manner: hint, shortCalls: known?.shortCalls ?? 0, proofCalls })
    return hint
  }

  /** After each call, with its longest stretch. Returns how the next one goes in. */
  note(revisionId: string, stretchUsMax: number): Manner {
    const record = this.#revisions.get(revisionId)
    if (record === undefined) return this.of(revisionId)
    if (record.manner === 'short') this.#noteSynchronous(record, stretchUsMax)
    else this.#noteAsynchronous(record, stretchUsMax)
    return record.manner
  }

  #noteSynchronous(record: Record, stretchUsMax: number): void {
    if (stretchUsMax > SLOW_STRETCH_US_MIN) {
      record.manner = 'slow'
      record.shortCalls = 0
      record.proofCalls = Math.min(PROOF_CALLS_MAX, record.proofCalls * PROOF_GROWTH)
    } else if (++record.shortCalls >= FORGIVEN_AFTER_CALLS) {
      record.shortCalls = 0
      record.proofCalls = Math.max(SHORT_CALLS_MIN, record.proofCalls / PROOF_GROWTH)
    }
  }

  #noteAsynchronous(record: Record, stretchUsMax: number): void {
    record.shortCalls = stretchUsMax < SHORT_STRETCH_US_MAX ? record.shortCalls + 1 : 0
    if (record.shortCalls < record.proofCalls) return
    record.manner = 'short'
    record.shortCalls = 0
  }
}
